package cli

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/capsize-dev/capsize/targets/containers/engine"
	"github.com/capsize-dev/capsize/targets/containers/images"
)

func (a *app) imagesCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "images",
		Short: "list and build stand-ins for the images of datastores",
		Long: `images lists the stand-ins that can be made here, and whether the engine has each.

A target runs its project's public image, which Docker pulls. Where no registry
answers, a stand-in is used if it was built before: the same server, compiled
from its Go modules or installed from Debian's packages. Reports say which one
it was.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command \"images %s\"%s\n  do     capsize images, or capsize images build NAME...",
					args[0], didYouMean(args[0], []string{"build"}))
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return a.images(c.Context(), asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	c.AddCommand(a.imagesBuildCommand())
	return c
}

func (a *app) imagesBuildCommand() *cobra.Command {
	var force bool
	var names []string
	for _, r := range images.All() {
		names = append(names, r.Name)
	}
	c := &cobra.Command{
		Use:   "build NAME...",
		Short: "build stand-ins for datastores",
		Long: `build makes the stand-ins of these names that the engine does not have. It needs
the Go module proxy or a Debian mirror, by the ordinary clients of this machine.

Where debian:bookworm-slim cannot be pulled, the images made of Debian's
packages need debootstrap, and root.`,
		ValidArgs: names,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("images build needs a name\n  do     capsize images lists them")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return a.buildImages(c.Context(), args, force) },
	}
	c.Flags().BoolVar(&force, "force", false, "build anew what is there already")
	return c
}

// imageEntry is one stand-in of the list, as data.
type imageEntry struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Summary string `json:"summary"`
	From    string `json:"from"`
	Image   string `json:"image"`
	ID      string `json:"id,omitempty"` // "" where the engine does not have it
	Size    int64  `json:"size_bytes,omitempty"`
}

func (a *app) images(ctx context.Context, asJSON bool) error {
	e, err := engine.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	list, err := images.List(ctx, e)
	if err != nil {
		return err
	}
	if asJSON {
		entries := []imageEntry{}
		for _, s := range list {
			entries = append(entries, imageEntry{s.Name, s.Version, s.Summary, s.From, s.Image, s.ID, s.Size})
		}
		return a.printJSON(entries)
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, s := range list {
		there := "not built"
		if s.ID != "" {
			there = fmt.Sprintf("%d MB", s.Size/1e6)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Name, there, s.Image, s.From)
	}
	return table.Flush()
}

func (a *app) buildImages(ctx context.Context, names []string, force bool) error {
	for _, name := range names {
		if _, ok := images.Find(name); !ok {
			return &images.Unknown{Name: name}
		}
	}
	e, err := engine.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	began := time.Now()
	return images.Build(ctx, e, names, images.Options{Force: force, Progress: func(text string) {
		fmt.Fprintf(a.stderr, "%5.0f s  %s\n", time.Since(began).Seconds(), text)
	}})
}
