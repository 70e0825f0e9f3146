package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/capsize-dev/capsize/targets/containers"
)

func (a *app) cleanCommand() *cobra.Command {
	var all, dry bool
	c := &cobra.Command{
		Use:   "clean",
		Short: "remove the containers that a killed run left behind",
		Long: `clean removes the containers, networks and volumes of runs whose harness is gone,
and nothing else: what it removes carries the label capsize.cluster. Runs that go
on are left alone; so are those whose harness ran on another machine, because
nobody can tell from here whether it still does.

It is rarely needed: each run has a warden, a small process that does the same as
soon as the harness is gone, however it ended. Runs in the runtime local leave
nothing that clean would have to remove. Folders of runs are never touched.`,
		Example: `  capsize clean
  capsize clean --dry-run
  capsize clean --all        also of runs that seem to go on`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("clean takes no arguments, only --all and --dry-run")
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return a.clean(c.Context(), all, dry) },
	}
	c.Flags().BoolVar(&all, "all", false, "also what belongs to runs that go on, or ran on another machine")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be removed, and remove nothing")
	return c
}

func (a *app) clean(ctx context.Context, all, dry bool) error {
	left, err := containers.Leftovers(ctx)
	if err != nil {
		return err
	}
	if len(left) == 0 {
		fmt.Fprintln(a.stdout, "Nothing is left behind.")
		return nil
	}
	var failed error
	for _, l := range left {
		name := fmt.Sprintf("%s (run %s)", l.ID, l.Run)
		switch {
		case l.Alive && !all:
			fmt.Fprintf(a.stdout, "- %s left alone: %s\n", name, whyAlive(l))
		case dry:
			fmt.Fprintf(a.stdout, "- %s would be removed: its harness (pid %d) is gone\n", name, l.PID)
		default:
			swept, err := containers.Clean(ctx, l.ID)
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
				continue
			}
			fmt.Fprintf(a.stdout, "✓ %s removed: %s\n", name, swept)
		}
	}
	return failed
}

// whyAlive says why a run may go on.
func whyAlive(l containers.Leftover) string {
	since := ""
	if !l.Created.IsZero() {
		since = ", since " + l.Created.Format(time.DateTime)
	}
	if l.Elsewhere {
		return fmt.Sprintf("its harness ran on %s%s (--all removes it)", l.Host, since)
	}
	return fmt.Sprintf("its harness runs as pid %d%s", l.PID, since)
}
