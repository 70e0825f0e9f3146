package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/store"
)

func (a *app) showCommand() *cobra.Command {
	var o output
	c := &cobra.Command{
		Use:   "show [RUN]",
		Short: "print the verdict of a run once more (default: latest)",
		Args:  atMostOne("RUN"),
		RunE: func(_ *cobra.Command, args []string) error {
			ref := store.Latest
			if len(args) == 1 {
				ref = args[0]
			}
			return a.show(ref, o)
		},
		ValidArgsFunction: a.completeRuns(&o),
	}
	o.bind(c)
	return c
}

// show prints what was judged; its exit code is that of the run.
func (a *app) show(ref string, o output) error {
	folder, err := store.Resolve(o.out, ref)
	if err != nil {
		return noHistory(ref, err)
	}
	var res harness.Results
	switch err := folder.ReadJSON(store.ResultsFile, &res); {
	case errors.Is(err, fs.ErrNotExist):
		return usagef("%s was not judged yet\n  do     capsize check %s", folder.ID(), folder.ID())
	case err != nil:
		return usagef("%v", err)
	case res.Schema != harness.ResultsSchema:
		return usagef("%s: schema %q, expected %q: made by another version of capsize\n"+
			"  do     capsize check %s judges it anew",
			folder.Path(store.ResultsFile), res.Schema, harness.ResultsSchema, folder.ID())
	}
	res.Dir = folder.Dir
	a.exit = exitCode(res)
	if err := a.present(res, o); err != nil {
		return fmt.Errorf("show %s: %w", folder.ID(), err)
	}
	return nil
}
