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

	"github.com/spf13/cobra"

	"github.com/capsize-dev/capsize/checkers"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

// reading is how a history is to be read and judged.
type reading struct {
	model       string
	engine      string
	format      string
	independent bool
	budget      harness.Budget
}

func (a *app) checkCommand() *cobra.Command {
	var r reading
	var o output
	var memory int64
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
		RunE: func(c *cobra.Command, args []string) error {
			r.budget.Memory = memory << 20
			ctx, err := withEngine(c.Context(), r.engine)
			if err != nil {
				return err
			}
			return a.check(ctx, args[0], r, o)
		},
		ValidArgsFunction: a.completeRuns(&o),
	}
	o.bind(c)
	c.Flags().StringVar(&r.model, "model", "",
		"what the history is of: "+strings.Join(modelNames(), ", ")+" (default: guessed)")
	c.Flags().StringVar(&r.format, "format", "",
		"how the file is written: "+strings.Join(formatNames(), ", ")+" (default: guessed)")
	c.Flags().BoolVar(&r.independent, "independent", false,
		"values are [key value], as jepsen.independent writes them (default: guessed)")
	bindEngine(c, &r.engine)
	c.Flags().DurationVar(&r.budget.Time, "timeout", 0, "how long judging may take (default 2m)")
	c.Flags().Int64Var(&memory, "check-memory", 0, "how much memory judging may take, in MB (default 2048)")
	return c
}

// bindEngine adds the flag that has every key decided by one engine.
func bindEngine(c *cobra.Command, engine *string) {
	c.Flags().StringVar(engine, "engine", "",
		"decide linearizability by this alone: "+strings.Join(checkers.Engines(), ", ")+" (default: what is fastest)")
	_ = c.RegisterFlagCompletionFunc("engine", cobra.FixedCompletions(checkers.Engines(), cobra.ShellCompDirectiveNoFileComp))
}

func withEngine(ctx context.Context, name string) (context.Context, error) {
	if name == "" {
		return ctx, nil
	}
	ctx, err := checkers.WithEngine(ctx, name)
	if err != nil {
		return nil, usagef("--engine: %v", err)
	}
	return ctx, nil
}

func (a *app) check(ctx context.Context, ref string, r reading, o output) error {
	if r.model != "" && !slices.Contains(modelNames(), r.model) {
		return usagef("there is no model %q%s\n  do     one of %s", r.model, didYouMean(r.model, modelNames()),
			strings.Join(modelNames(), ", "))
	}
	ctx = harness.WithProgress(ctx, a.progress("keys checked"))
	info, err := os.Stat(ref)
	var res harness.Results
	if err == nil && info.Mode().IsRegular() {
		if folder, ok := runOf(ref); ok {
			res, err = a.checkRun(ctx, folder, r)
		} else {
			res, err = a.checkFile(ctx, ref, r)
		}
	} else {
		folder, resolveErr := store.Resolve(o.out, ref)
		if resolveErr != nil {
			return noHistory(ref, resolveErr)
		}
		res, err = a.checkRun(ctx, folder, r)
	}
	if err != nil {
		return err
	}
	a.exit = exitCode(res)
	return a.present(res, o)
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

func (a *app) checkRun(ctx context.Context, folder store.Folder, r reading) (harness.Results, error) {
	rec, err := harness.Open(folder)
	if err != nil {
		return harness.Results{}, usagef("%v", err)
	}
	checker, err := a.checkerOf(rec.Info.Workload, r)
	if err != nil {
		return harness.Results{}, err
	}
	res := harness.Judge(ctx, rec, checker, r.budget)
	if ctx.Err() != nil {
		res.Dir = folder.Dir
		return res, nil // what was judged before is not to be replaced by half a judgement
	}
	a.warn(errors.Join(res.Save(folder), writeReports(folder, res)))
	return res, nil
}

func (a *app) checkerOf(workload string, r reading) (harness.Checker, error) {
	if r.model != "" {
		return checkers.ForModel(r.model, r.budget)
	}
	w, err := a.workload(workload)
	return w.Checker, err
}

func (a *app) checkFile(ctx context.Context, path string, r reading) (harness.Results, error) {
	h, format, err := history.ReadFile(path, history.ReadOptions{Format: r.format, Independent: r.independent})
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return harness.Results{}, usagef("%v", err)
		}
		return harness.Results{}, usagef("%v\n  do     capsize check --help names the formats it reads", err)
	}
	if r.format == "" {
		h.Notes = append([]string{fmt.Sprintf("format: guessed %s (--format overrides)", format)}, h.Notes...)
	}
	if r.model == "" {
		model, why, err := checkers.GuessModel(h)
		if err != nil {
			return harness.Results{}, usagef("%s: %v\n  do     say which with --model: %s", path, err,
				strings.Join(modelNames(), ", "))
		}
		r.model = model
		h.Notes = append(h.Notes, fmt.Sprintf("model: guessed %s, because %s (--model overrides)", model, why))
	}
	checker, err := checkers.ForModel(r.model, r.budget)
	if err != nil {
		return harness.Results{}, usagef("%v", err)
	}
	info := harness.RunInfo{ID: path, Workload: r.model, Claim: harness.Linearizable,
		Repro: "capsize check " + quoted(path)}
	return harness.Judge(ctx, harness.Recorded{Info: info, History: h}, checker, r.budget), nil
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
