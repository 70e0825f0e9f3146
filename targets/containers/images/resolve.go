package images

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/targets/containers/engine"
)

// Resolved is an image that is on the engine.
type Resolved struct {
	Ref     string // the name to start containers with
	ID      string // of the image: sha256:...
	Digest  string // NAME@sha256:... as its registry knows it; where no registry does, the ID
	StandIn bool   // made here of the same server's packages, not the project's own image
}

// Resolve finds the image to run and says exactly which one it is: the override where there is one; else the public
// image where it is local; else the stand-in of that recipe where it is local; else the public image, pulled. The
// override is pulled too where it is not local. An image that cannot be had is a *[Missing]. standIn may be "".
func Resolve(ctx context.Context, e *engine.Engine, image, standIn, override string, progress func(string)) (Resolved,
	error) {
	if override != "" {
		image, standIn = override, ""
	}
	recipe, known := Find(standIn)
	if standIn != "" && !known {
		return Resolved{}, &Unknown{Name: standIn}
	}
	for _, name := range []string{image, recipe.Image} {
		if name == "" {
			continue
		}
		found, ok, err := local(ctx, e, name)
		if err != nil {
			return Resolved{}, err
		}
		if ok {
			return resolved(name, found), nil
		}
	}
	why := pull(ctx, e, image, progress)
	if err := ctx.Err(); err != nil {
		return Resolved{}, fmt.Errorf("pull %s: %w", image, err)
	}
	if why != nil {
		similar, _ := similarTo(ctx, e, image) // only to help
		return Resolved{}, &Missing{Image: image, Why: why, Similar: similar, StandIn: standIn, Asked: override != ""}
	}
	found, ok, err := local(ctx, e, image)
	if err != nil {
		return Resolved{}, err
	}
	if !ok {
		return Resolved{}, fmt.Errorf("the engine pulled %s and does not have it\n  do     docker pull %s", image, image)
	}
	return resolved(image, found), nil
}

func resolved(name string, found client.ImageInspectResult) Resolved {
	r := Resolved{Ref: name, ID: found.ID, Digest: found.ID}
	repository, _ := tagOf(name)
	for _, digest := range found.RepoDigests {
		if digested, _, _ := strings.Cut(digest, "@"); digested == repository || r.Digest == r.ID {
			r.Digest = digest
		}
	}
	if found.Config != nil {
		r.StandIn = found.Config.Labels[imageLabel] == standInKind
	}
	return r
}

// similarTo returns the local names whose last part is that of the image: other versions, other publishers.
func similarTo(ctx context.Context, e *engine.Engine, image string) ([]string, error) {
	all, err := e.ImageList(ctx, client.ImageListOptions{})
	if err != nil {
		return nil, err
	}
	wanted := lastPart(image)
	var similar []string
	for _, one := range all.Items {
		for _, name := range one.RepoTags {
			if part := lastPart(name); part != "<none>" && (strings.Contains(part, wanted) || strings.Contains(wanted, part)) {
				similar = append(similar, name)
			}
		}
	}
	slices.Sort(similar)
	return similar, nil
}

// lastPart is the etcd of gcr.io/etcd-development/etcd:v3.6.14.
func lastPart(name string) string {
	name, _, _ = strings.Cut(name, "@")
	repository, _ := tagOf(name)
	return path.Base(repository)
}

// Missing says that an image is not on the engine and cannot be pulled. It is an error of the environment, and its text
// is for a person.
type Missing struct {
	Image   string
	Why     error    // what the pull came to
	Similar []string // the names of local images like it
	StandIn string   // the recipe that makes one without a registry, "" where there is none
	Asked   bool     // by --image
}

// Error is a message of several lines.
func (m *Missing) Error() string {
	text := fmt.Sprintf("there is no image %s here, and it cannot be pulled\n  why    %s", m.Image, firstLine(m.Why))
	if len(m.Similar) > 0 {
		text += "\n  here   " + strings.Join(m.Similar, ", ")
	}
	switch {
	case m.StandIn != "":
		text += "\n  do     capsize images build " + m.StandIn + "  makes the same server without a registry; or --image NAME"
	case m.Asked:
		text += "\n  do     correct --image, or leave it out"
	default:
		text += "\n  do     --image NAME, with one that is here; or docker pull " + m.Image + "  where there is a network"
	}
	return text
}

// Unwrap returns why the pull failed.
func (m *Missing) Unwrap() error { return m.Why }

func firstLine(err error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return line
}
