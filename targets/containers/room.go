package containers

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"

	"github.com/capsize-dev/capsize/targets/containers/engine"
)

// room is where the containers of one cluster are made: an engine, and testcontainers on top of it.
type room struct {
	engine   *engine.Engine
	docker   *client.Client
	provider *testcontainers.DockerProvider
}

// openRoom connects to the engine. testcontainers is handed the connection that was found to work: left to itself it
// looks in other places, and falls back without a word.
func openRoom(ctx context.Context) (*room, error) {
	e, err := engine.Open(ctx)
	if err != nil {
		return nil, err
	}
	r := &room{engine: e, docker: e.Client}
	if r.provider, err = newProvider(e); err != nil {
		return nil, fmt.Errorf("set up testcontainers on %s: %w", e.Host, err)
	}
	r.provider.SetClient(r.docker)
	return r, nil
}

var providers sync.Mutex

// newProvider makes testcontainers' provider. It takes its settings from the environment alone: its own reaper is off,
// because the run's label, the warden and `capsize clean` do that work without an image from a registry.
func newProvider(e *engine.Engine) (*testcontainers.DockerProvider, error) {
	providers.Lock()
	defer providers.Unlock()
	for name, value := range map[string]string{"DOCKER_HOST": e.Host, "TESTCONTAINERS_RYUK_DISABLED": "true"} {
		if before, set := os.LookupEnv(name); set {
			defer func() { _ = os.Setenv(name, before) }()
		} else {
			defer func() { _ = os.Unsetenv(name) }()
		}
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	quiet := silence{}
	log.SetDefault(quiet)
	return testcontainers.NewDockerProvider(testcontainers.WithLogger(quiet))
}

// silence is a log of testcontainers: what it has to say is in its errors.
type silence struct{}

// Printf says nothing.
func (silence) Printf(string, ...any) {}

func (r *room) close() { _ = r.docker.Close() }
