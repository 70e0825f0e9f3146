package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/agent"
	"github.com/capsize-dev/capsize/targets/containers/engine"
	"github.com/capsize-dev/capsize/targets/local"
)

// The hidden services of this package, for local.Main.
const (
	CleanService  = "clean-containers" // removes a cluster whose harness is gone
	EraserService = "erase"            // empties a folder
	IdleService   = "idle"             // does nothing, for as long as it may
)

// Services returns what this program is inside a sandbox and for the warden, for local.Main.
func Services() map[string]local.Service {
	return map[string]local.Service{
		agent.Service: agent.Serve, CleanService: ServeClean, EraserService: ServeEraser,
		IdleService: func(ctx context.Context, _ []string, _ func(string)) error { <-ctx.Done(); return nil },
	}
}

// Swept is what was removed.
type Swept struct{ Containers, Networks, Volumes int }

// None reports whether there was nothing.
func (s Swept) None() bool { return s == Swept{} }

// String is for people: "3 containers, 1 network, 3 volumes".
func (s Swept) String() string {
	return fmt.Sprintf("%s, %s, %s", count(s.Containers, "container"), count(s.Networks, "network"),
		count(s.Volumes, "volume"))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sweep removes the containers, then the networks and volumes, of one cluster. It removes what it can, whatever fails.
func sweep(ctx context.Context, docker *client.Client, id string) (swept Swept, err error) {
	made, err := docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ofCluster(id)})
	if err != nil {
		return swept, fmt.Errorf("list the containers of %s: %w", id, err)
	}
	var errs []error
	ids := make([]string, len(made.Items))
	for i, item := range made.Items {
		ids[i] = item.ID
	}
	errs = append(errs, together(ids, func(id string) error { return removeContainer(ctx, docker, id) }))
	swept.Containers = len(ids)
	networks, err := docker.NetworkList(ctx, client.NetworkListOptions{Filters: ofCluster(id)})
	errs = append(errs, err)
	for _, n := range networks.Items {
		_, err := docker.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
		errs = append(errs, gone(err))
		swept.Networks++
	}
	volumes, err := docker.VolumeList(ctx, client.VolumeListOptions{Filters: ofCluster(id)})
	errs = append(errs, err)
	for _, v := range volumes.Items {
		_, err := docker.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true})
		errs = append(errs, gone(err))
		swept.Volumes++
	}
	return swept, errors.Join(errs...)
}

// removeContainer removes a container, whatever its state. The engine cannot kill a frozen one, so that is resumed.
func removeContainer(ctx context.Context, docker *client.Client, id string) error {
	options := client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}
	if _, err := docker.ContainerRemove(ctx, id, options); gone(err) == nil {
		return nil
	}
	_, _ = docker.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
	_, err := docker.ContainerRemove(ctx, id, options)
	if errdefs.IsConflict(err) { // somebody else is removing it
		wait := docker.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: "removed"})
		select {
		case <-wait.Result:
			return nil
		case err := <-wait.Error:
			return gone(err)
		}
	}
	return gone(err)
}

// gone takes what is not there for removed.
func gone(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// Leftover is a cluster that is in the engine.
type Leftover struct {
	ID, Run string
	Host    string // where its harness runs or ran
	PID     int    // of the harness
	Created time.Time
	Alive   bool // its harness still runs, or may
	// Elsewhere is true where the harness ran on another machine, so that nobody here knows.
	Elsewhere bool
}

// Leftovers lists every cluster that is in the engine, and says whether its harness may still run.
func Leftovers(ctx context.Context) ([]Leftover, error) {
	e, err := engine.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = e.Client.Close() }()
	return leftovers(ctx, e.Client)
}

func leftovers(ctx context.Context, docker *client.Client) ([]Leftover, error) {
	found := map[string]Leftover{}
	see := func(labels map[string]string, created time.Time) {
		id := labels[labelCluster]
		if seen, ok := found[id]; ok && (created.IsZero() || !seen.Created.IsZero()) {
			return
		}
		pid, _ := strconv.Atoi(labels[labelPID])
		l := Leftover{ID: id, Run: labels[labelRun], Host: labels[labelHost], PID: pid, Created: created}
		host, _ := os.Hostname()
		l.Elsewhere = l.Host != host
		l.Alive = l.Elsewhere || alive(pid)
		found[id] = l
	}
	made, err := docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ofCluster("")})
	if err != nil {
		return nil, fmt.Errorf("list what is left: %w", err)
	}
	for _, item := range made.Items {
		see(item.Labels, time.Unix(item.Created, 0))
	}
	networks, err := docker.NetworkList(ctx, client.NetworkListOptions{Filters: ofCluster("")})
	if err != nil {
		return nil, fmt.Errorf("list what is left: %w", err)
	}
	for _, item := range networks.Items {
		see(item.Labels, item.Created)
	}
	volumes, err := docker.VolumeList(ctx, client.VolumeListOptions{Filters: ofCluster("")})
	if err != nil {
		return nil, fmt.Errorf("list what is left: %w", err)
	}
	for _, item := range volumes.Items {
		see(item.Labels, time.Time{})
	}
	all := make([]Leftover, 0, len(found))
	for _, l := range found {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b Leftover) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Clean removes one cluster of [Leftovers].
func Clean(ctx context.Context, id string) (Swept, error) {
	e, err := engine.Open(ctx)
	if err != nil {
		return Swept{}, err
	}
	defer func() { _ = e.Client.Close() }()
	return sweep(ctx, e.Client, id)
}

// ServeClean is the service CleanService: the warden runs it when a harness has ended without stopping its cluster. It
// looks again until it finds nothing, because the engine may still have been making something when the harness ended.
func ServeClean(ctx context.Context, args []string, _ func(string)) error {
	if len(args) != 1 || args[0] == "" {
		return errors.New("expected the id of a cluster")
	}
	for {
		swept, err := Clean(ctx, args[0])
		if err == nil && swept.None() {
			return nil
		}
		if !harness.Wait(ctx, time.Second) {
			return errors.Join(err, ctx.Err())
		}
	}
}

// ServeEraser is the service EraserService: it removes everything in a folder, and not the folder.
func ServeEraser(_ context.Context, args []string, _ func(string)) error {
	if len(args) != 1 || args[0] == "" {
		return errors.New("expected a folder")
	}
	entries, err := os.ReadDir(args[0])
	if err != nil {
		return err
	}
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(args[0], e.Name())))
	}
	return err
}
