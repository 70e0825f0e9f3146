package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/store"
)

// demoLimit is how long each of the demo's two runs makes calls.
const demoLimit = 9 * time.Second

// demoBug is the planted bug the demo finds. Only a cut shows it, and then within seconds.
const demoBug = "raft/leader-reads"

func (a *app) demoCommand() *cobra.Command {
	var o output
	var seed uint64
	c := &cobra.Command{
		Use:   "demo",
		Short: "a valid run, then a planted bug found and explained, in about 20 s",
		Long: `demo runs a five-node Raft cluster as processes on this machine twice, cutting
its network both times: once as it should be, and once with a bug planted in it.
It ends with 0 when the first run is valid and the bug is found.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.demo(c.Context(), o, seed) },
	}
	c.Flags().StringVar(&o.out, "out", store.DefaultOut, "the folder where runs are kept, a folder each")
	c.Flags().Uint64Var(&seed, "seed", 1, "fixes the calls and the schedule")
	return c
}

func (a *app) demo(ctx context.Context, o output, seed uint64) error {
	fmt.Fprintf(a.stdout,
		"1 of 2  A Raft cluster as it should be. Its leader is cut off while %d clients read and write.\n\n",
		2*harness.DefaultNodes)
	clean, err := a.demoRun(ctx, "raft", o, seed)
	if err != nil || clean.Interrupted {
		a.exit = exitCode(clean)
		return err
	}
	fmt.Fprintf(a.stdout, "\n2 of 2  The same cluster and the same cuts, with a planted bug: %s.\n\n", demoBug)
	buggy, err := a.demoRun(ctx, demoBug, o, seed)
	if err != nil || buggy.Interrupted {
		a.exit = exitCode(buggy)
		return err
	}
	a.exit = demoExit(clean, buggy)
	fmt.Fprintln(a.stdout)
	switch a.exit {
	case ExitValid:
		fmt.Fprintln(a.stdout, "The sound cluster passed and the planted bug was found. Next:  capsize list targets")
	default:
		fmt.Fprintf(a.stdout, "That is not what the demo should show: the sound cluster was %s, the planted bug %s.\n",
			clean.Verdict, buggy.Verdict)
	}
	return nil
}

func demoExit(clean, buggy harness.Results) int {
	if clean.Verdict == harness.Valid && buggy.Verdict == harness.Invalid {
		return ExitValid
	}
	if clean.Verdict == harness.Invalid {
		return ExitViolation
	}
	return ExitUnknown
}

func (a *app) demoRun(ctx context.Context, target string, o output, seed uint64) (harness.Results, error) {
	test, p, err := a.resolve(plan{
		Target: target, Workload: "register", Nemesis: "partition:leader", TimeLimit: demoLimit,
		Interval: 4 * time.Second,
		Duration: 3 * time.Second, Seed: &seed, FailFast: target == demoBug,
	})
	if err != nil {
		return harness.Results{}, err
	}
	test.Out, test.Argv = o.out, os.Args
	res, err := a.perform(ctx, test, p)
	if err != nil {
		return res, err
	}
	return res, a.present(res, output{out: o.out, part: true})
}
