package images

import (
	"context"
	"fmt"

	"github.com/capsize-dev/capsize/targets/containers/engine"
)

// Options are how stand-ins are built.
type Options struct {
	Force    bool         // also where the image is there already
	Progress func(string) // told what is being done; it may be nil
}

// Build makes the stand-ins of these recipes that the engine does not have. An unknown name is refused with an
// *[Unknown] before anything is built. A recipe that cannot be built is an error of the environment.
func Build(ctx context.Context, e *engine.Engine, names []string, o Options) error {
	var wanted []Recipe
	for _, name := range names {
		r, ok := Find(name)
		if !ok {
			return &Unknown{Name: name}
		}
		wanted = append(wanted, r)
	}
	for _, r := range wanted {
		_, found, err := local(ctx, e, r.Image)
		if err != nil {
			return err
		}
		if found && !o.Force {
			tell(o.Progress, "%s is there already", r.Image)
			continue
		}
		if err := r.build(ctx, e, o); err != nil {
			return fmt.Errorf("build a stand-in for %s: %w", r.Name, err)
		}
		tell(o.Progress, "%s is ready", r.Image)
	}
	return nil
}

func (r Recipe) build(ctx context.Context, e *engine.Engine, o Options) error {
	if r.From == fromModules {
		return buildFromModules(ctx, e, r, o.Progress)
	}
	return buildFromDebian(ctx, e, r, o)
}
