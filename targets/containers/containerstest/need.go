// Package containerstest is what tests share that need Docker.
package containerstest

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/targets/containers/engine"
	"github.com/capsize-dev/capsize/targets/containers/images"
)

// Required is the variable that, set to "required", makes a missing Docker a failure instead of a reason to skip. CI sets
// it, so that a green night cannot be one in which nothing ran.
const Required = "CAPSIZE_TEST_DOCKER"

// openLimit is how long finding the engine may take.
const openLimit = 20 * time.Second

// Need skips a test where Docker cannot be used, or where a stand-in that it names was not built (capsize images build
// NAME): a test does not pull images. In CI it fails instead.
func Need(t testing.TB, standIns ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts containers; leave -short out to run it")
	}
	ctx, cancel := context.WithTimeout(context.Background(), openLimit)
	defer cancel()
	e, err := engine.Open(ctx)
	if err != nil {
		lacking(t, "Docker is needed (start it, then go test runs this too):\n%v", err)
		return
	}
	defer func() { _ = e.Close() }()
	if len(standIns) == 0 {
		return
	}
	list, err := images.List(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.ID == "" && slices.Contains(standIns, s.Name) {
			lacking(t, "the image of %s is needed: go run ./cmd/capsize images build %s", s.Name, s.Name)
		}
	}
}

func lacking(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv(Required) == "required" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
