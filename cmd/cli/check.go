package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capsize-dev/capsize/checkers"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

// reading is how a history is to be read and judged.
type reading struct {
	judging
	model       string
	format      string
	independent bool
	timeout     time.Duration
	megabytes   int64
}

func (r reading) budget() harness.Budget {
	return harness.Budget{Time: r.timeout, Memory: r.megabytes << 20}
}

func (a *app) checkCommand() *cobra.Command {
	var r reading
	var o output
	c := &cobra.Command{
		Use:   "check FILE|RUN",
		Short: "judge a recorded history",
		Long: `check judges a history that is on disk: that of a run (its folder, the beginning
of its name, latest), or a file of capsize (.jsonl), of Jepsen (history.edn), of
Elle (JSON), of porcupine's key-value tests or of Jepsen's and Knossos's logs,
compressed with zstd or not. What is not said is guessed, and what was guessed
is printed.

A run is judged exactly as it was when it was made, its results.json and reports
are written anew, and the exit code is the same. A file is judged alone; nothing
is written.`,
		Example: `  capsize check latest
  capsize check history.edn --model cas-register --independent
  capsize check knossos/cas-register/bad/bad-analysis.log`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("check needs one history to judge, not %d\n"+
					"  do     capsize check latest, or capsize check FILE", len(args))
			}
			return nil
		},
		RunE:              func(c *cobra.Command, args []string) error { return a.check(c.Context(), args[0], r, o) },
		ValidArgsFunction: a.completeRuns(&o),
	}
	o.bind(c)
	r.bind(c)
	return c
}

func (r *reading) bind(c *cobra.Command) {
	c.Flags().StringVar(&r.model, "model", "",
		"what the history is of: "+strings.Join(modelNames(), ", ")+" (default: guessed)")
	c.Flags().StringVar(&r.format, "format", "",
		"how the file is written: "+strings.Join(formatNames(), ", ")+" (default: guessed)")
	c.Flags().BoolVar(&r.independent, "independent", false,
		"values are [key value], as jepsen.independent writes them (default: guessed)")
	r.judging.bind(c)
	c.Flags().DurationVar(&r.timeout, "timeout", 0, "how long judging may take (default 2m)")
	c.Flags().Int64Var(&r.megabytes, "check-memory", 0, "how much memory judging may take, in MB (default 2048)")
	for flag, words := range map[string][]string{"model": modelNames(), "format": formatNames()} {
		// fails only for a flag that is not there
		_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
}

// judging is how linearizability is to be decided.
type judging struct {
	engine string
	every  bool
}

func (j *judging) bind(c *cobra.Command) {
	c.Flags().StringVar(&j.engine, "engine", "",
		"decide linearizability by this alone: "+strings.Join(checkers.Engines(), ", ")+" (default: what is fastest)")
	c.Flags().BoolVar(&j.every, "every-key", false,
		"search on for an order of every key, though a violation of one is proven")
	_ = c.RegisterFlagCompletionFunc("engine", cobra.FixedCompletions(checkers.Engines(), cobra.ShellCompDirectiveNoFileComp))
}

// within returns the context to judge with.
func (j judging) within(ctx context.Context) (context.Context, error) {
	if j.every {
		ctx = checkers.WithEveryKey(ctx)
	}
	if j.engine == "" {
		return ctx, nil
	}
	ctx, err := checkers.WithEngine(ctx, j.engine)
	if err != nil {
		return nil, usagef("--engine: %v", err)
	}
	return ctx, nil
}

func (a *app) check(ctx context.Context, ref string, r reading, o output) error {
	ctx, s, err := a.read(ctx, ref, r, o.out)
	if err != nil {
		return err
	}
	res := s.judge(ctx)
	switch {
	case s.folder == nil:
	case ctx.Err() != nil: // what was judged before is not to be replaced by half a judgement
		res.Dir = s.folder.Dir
	default:
		a.warn(errors.Join(res.Save(*s.folder), writeReports(*s.folder, res)))
	}
	a.exit = exitCode(res)
	return a.present(res, o)
}

// subject is a history to be judged, and by what.
type subject struct {
	harness.Recorded
	checker harness.Checker
	budget  harness.Budget
	folder  *store.Folder // of the run; nil where it is a file alone
}

func (s subject) judge(ctx context.Context) harness.Results {
	return harness.Judge(ctx, s.Recorded, s.checker, s.budget)
}

// read finds the history that ref names, of a run or in a file, and who judges it. The context it returns is the one to
// judge it with.
func (a *app) read(ctx context.Context, ref string, r reading, out string) (context.Context, subject, error) {
	if r.model != "" && !slices.Contains(modelNames(), r.model) {
		return ctx, subject{}, usagef("there is no model %q%s\n  do     one of %s", r.model,
			didYouMean(r.model, modelNames()), strings.Join(modelNames(), ", "))
	}
	ctx, err := r.within(ctx)
	if err != nil {
		return ctx, subject{}, err
	}
	ctx = harness.WithProgress(ctx, a.progress("keys checked"))
	var s subject
	if info, statErr := os.Stat(ref); statErr == nil && info.Mode().IsRegular() {
		if folder, ok := runOf(ref); ok {
			s, err = a.readRun(folder, r)
		} else {
			s, err = readFile(ref, r)
		}
		return ctx, s, err
	}
	folder, err := store.Resolve(out, ref)
	if err != nil {
		return ctx, s, noHistory(ref, err)
	}
	s, err = a.readRun(folder, r)
	return ctx, s, err
}

// runOf returns the run a file belongs to, where it is the history of one.
func runOf(path string) (store.Folder, bool) {
	folder := store.Folder{Dir: filepath.Dir(path)}
	_, err := os.Stat(folder.Path(store.RunFile))
	return folder, err == nil && filepath.Base(path) == store.HistoryFile
}

func noHistory(ref string, err error) error {
	if errors.Is(err, store.ErrNoRun) {
		return usagef("%s is neither a file nor a run\n  why    %v\n  do     capsize ls lists the runs", ref, err)
	}
	return usagef("%s: %v", ref, err)
}

func (a *app) readRun(folder store.Folder, r reading) (subject, error) {
	rec, err := harness.Open(folder)
	if err != nil {
		return subject{}, usagef("%v", err)
	}
	checker, err := a.checkerOf(rec.Info.Workload, r)
	return subject{rec, checker, r.budget(), &folder}, err
}

func (a *app) checkerOf(workload string, r reading) (harness.Checker, error) {
	if r.model != "" {
		return checkers.ForModel(r.model, r.budget())
	}
	w, err := a.workload(workload)
	return w.Checker, err
}

func readFile(path string, r reading) (subject, error) {
	h, _, err := history.ReadFile(path, history.ReadOptions{Format: r.format, Independent: r.independent})
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return subject{}, usagef("%v", err)
		}
		return subject{}, usagef("%v\n  do     capsize check --help names the formats it reads", err)
	}
	if r.model == "" {
		model, why, err := checkers.GuessModel(h)
		if err != nil {
			return subject{}, usagef("%s: %v\n  do     say which with --model: %s", path, err,
				strings.Join(modelNames(), ", "))
		}
		r.model = model
		h.Notes = append(h.Notes, fmt.Sprintf("model: guessed %s, because %s (--model overrides)", model, why))
	}
	checker, err := checkers.ForModel(r.model, r.budget())
	if err != nil {
		return subject{}, usagef("%v", err)
	}
	info := harness.RunInfo{ID: path, Workload: r.model, Claim: harness.Linearizable,
		Repro: "capsize check " + quoted(path)}
	return subject{harness.Recorded{Info: info, History: h}, checker, r.budget(), nil}, nil
}

func modelNames() []string {
	var names []string
	for _, m := range checkers.Models() {
		names = append(names, m.Name)
	}
	return names
}

func formatNames() []string {
	var names []string
	for _, f := range history.Formats() {
		names = append(names, f.Name)
	}
	return names
}

// completeRuns offers the runs there are.
func (a *app) completeRuns(o *output) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		names := []string{store.Latest, store.LatestFailed}
		runs, _ := store.List(o.out)
		for _, f := range runs {
			names = append(names, f.ID())
		}
		return names, cobra.ShellCompDirectiveDefault
	}
}
