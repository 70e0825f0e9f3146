package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/report"
	"github.com/capsize-dev/capsize/harness/store"
)

// output is where a command puts what it found.
type output struct {
	out  string // the folder of runs
	json bool
	part bool // what is printed is a part of something with an exit code of its own
}

func (o *output) bind(c *cobra.Command) {
	c.Flags().StringVar(&o.out, "out", store.DefaultOut, "the folder where runs are kept, a folder each")
	c.Flags().BoolVar(&o.json, "json", false, "print results.json to stdout, and nothing else there")
}

func (a *app) runCommand() *cobra.Command {
	var p plan
	var o output
	var budget harness.Budget
	var memory int64
	var how judging
	c := &cobra.Command{
		Use:   "run [TARGET|PLAN.yaml]",
		Short: "run a workload while faults strike, and judge what was recorded",
		Long: `run starts a cluster of TARGET (default raft), lets clients make the calls of a
workload while the nemesis strikes, heals everything, reads once more, and
judges the recorded history. Without flags it uses what the target recommends
(capsize list targets); of a planted bug that is what catches it.

Everything is kept in a folder of its own under --out: history.jsonl is written
while the run goes on and can be judged again with capsize check. The seed fixes
the calls and the schedule; it cannot fix the scheduler of a real cluster.

Exit codes: 0 valid, 1 violation, 2 usage, 3 unknown, 4 environment, 130
interrupted (report still written).`,
		Example: `  capsize run
  capsize run raft --workload append --nemesis partition:leader,kill --seed 7
  capsize run raft/local-reads
  capsize run results/runs/latest/repro.yaml`,
		Args: atMostOne("TARGET or a plan"),
		RunE: func(c *cobra.Command, args []string) error {
			budget.Memory = memory << 20
			p.remember(c.Flags())
			ctx, err := how.within(c.Context())
			if err != nil {
				return err
			}
			return a.run(ctx, p, args, o, budget)
		},
		ValidArgsFunction: a.completeTargets,
	}
	p.bind(c.Flags())
	o.bind(c)
	how.bind(c)
	c.Flags().DurationVar(&budget.Time, "check-timeout", 0, "how long judging may take (default 2m)")
	c.Flags().Int64Var(&memory, "check-memory", 0, "how much memory judging may take, in MB (default 2048)")
	_ = c.RegisterFlagCompletionFunc("workload", a.completeWorkloads)
	return c
}

func atMostOne(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usagef("%s takes one %s, not %d (%s)", c.CommandPath(), what, len(args), strings.Join(args, " "))
		}
		return nil
	}
}

func (a *app) run(ctx context.Context, p plan, args []string, o output, budget harness.Budget) error {
	if len(args) == 1 && isPlanFile(args[0]) {
		file, err := readPlan(args[0])
		if err != nil {
			return err
		}
		p = p.under(file)
	} else if len(args) == 1 {
		p.Target = args[0]
	}
	test, p, err := a.resolve(p)
	if err != nil {
		return err
	}
	test.Out, test.Argv, test.Budget = o.out, os.Args, budget
	res, err := a.perform(ctx, test, p)
	if err != nil && res.Dir == "" {
		return err
	}
	a.exit = exitCode(res)
	if errors.Is(err, harness.ErrRefused) {
		return err
	}
	return a.present(res, o)
}

// resolve fills in what the user left open and makes a test of it.
func (a *app) resolve(p plan) (harness.Test, plan, error) {
	fill(&p.Target, fallback.Target)
	target, err := a.target(p.Target)
	if err != nil {
		return harness.Test{}, p, err
	}
	usual := plan{Target: p.Target}
	if d, ok := target.(harness.Describer); ok {
		usual = usual.under(recommended(d.About().Recommended))
	}
	usual = usual.under(plan{Runtime: runtimes(target)[0]}).under(fallback)
	p = p.under(usual)
	if p.Seed == nil {
		p.Seed = new(rand.Uint64N(1_000_000)) //nolint:forbidigo // the one seed nobody gave; it is printed
	}
	if p.Schedule != nil && p.file != "" { // what is run again is the file
		file, err := readPlan(p.file)
		if err != nil {
			return harness.Test{}, p, err
		}
		usual = file.under(usual)
	}
	test, err := a.test(p, usual)
	return test, p, err
}

// perform runs a test while it is watched, and writes the reports. The error says what went wrong with the run itself.
func (a *app) perform(ctx context.Context, test harness.Test, p plan) (harness.Results, error) {
	test.Log = a.logger()
	view := a.newView(test)
	test.Watch = view.Show
	stop := context.AfterFunc(ctx, view.Interrupted)
	res, err := harness.Run(ctx, test)
	stop()
	view.Close()
	if res.Dir == "" || errors.Is(err, harness.ErrRefused) {
		return res, err
	}
	folder := store.Folder{Dir: res.Dir}
	a.warn(errors.Join(writeReports(folder, res), p.pin(folder, res)))
	return res, err
}

// writeReports draws what was judged.
func writeReports(folder store.Folder, res harness.Results) error {
	in, err := report.Gather(res)
	if err != nil {
		return err
	}
	return report.WriteFiles(folder.Dir, in)
}

// warn tells what could not be written of a judgement that is made.
func (a *app) warn(err error) {
	if err != nil {
		fmt.Fprintf(a.stderr, "! the verdict stands, but could not be written down: %v\n", err)
	}
}

// present prints the results: one JSON object, or the verdict block.
func (a *app) present(res harness.Results, o output) error {
	if o.json {
		return a.printJSON(res)
	}
	in, err := report.Gather(res)
	if err != nil {
		return err
	}
	return report.Text(a.stdout, in, report.TextOptions{
		Width: width(a.stdout), Color: a.styled(a.stdout), Part: o.part,
	})
}

func (a *app) logger() *slog.Logger {
	if !a.verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.stderr, nil))
}

func (a *app) completeTargets(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, t := range a.catalogue.Targets {
		names = append(names, t.Name())
	}
	return names, cobra.ShellCompDirectiveDefault
}

func (a *app) completeWorkloads(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, w := range a.catalogue.Workloads {
		names = append(names, w.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
