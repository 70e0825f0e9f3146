package images

import (
	"context"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/targets/containers/engine"
)

// pullLimit is how long a pull may take, however it goes on.
const pullLimit = 20 * time.Minute

// pull has the engine get an image from its registry. The error is the registry's, or says that it does not answer.
func pull(ctx context.Context, e *engine.Engine, name string, progress func(string)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, pullLimit, fmt.Errorf("it took more than %s", pullLimit))
	defer cancel()
	tell(progress, "pulling %s", name)
	stream, err := e.ImagePull(ctx, name, client.ImagePullOptions{})
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	layers := layers{done: make(map[string]bool)}
	return read(ctx, stream, func(m jsonstream.Message) {
		if text := layers.heard(m); text != "" {
			tell(progress, "pulling %s (%s)", name, text)
		}
	})
}

// layers counts the layers of an image that is being pulled.
type layers struct {
	done  map[string]bool // by id: whether it is there
	there int
}

// heard returns what is new, "" where nothing is.
func (l *layers) heard(m jsonstream.Message) string {
	before, all := l.there, len(l.done)
	switch m.Status {
	case "Pulling fs layer", "Waiting", "Downloading", "Extracting":
		l.done[m.ID] = l.done[m.ID] || false
	case "Pull complete", "Already exists":
		if !l.done[m.ID] {
			l.done[m.ID] = true
			l.there++
		}
	}
	if l.there == before && len(l.done) == all {
		return ""
	}
	return fmt.Sprintf("%d of %d layers", l.there, len(l.done))
}
