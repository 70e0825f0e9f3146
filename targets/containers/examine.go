package containers

import (
	"context"
	"errors"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/engine"
)

// Examination is what was found out about this machine as a place for clusters of containers.
type Examination struct {
	Engine  *engine.Engine // closed; what it said of itself
	Sandbox time.Duration  // how long a node's sandbox took to start, with what came before
	// Network says of each way to hurt a link ("cut", "refuse", "loss", "delay", "rate", "reset", "clients") why it does
	// not work here, "" where it does. It was tried, not guessed.
	Network map[string]string
	// Processes says the same of each way to hurt a process and its disk: "pause", "kill", "squeeze", "fill", "wipe".
	Processes map[string]string
	// BackoffLimited says that TCP's back-off is kept below a second in the sandboxes. Where it is not, an established
	// connection may need as long again as an outage was to carry data.
	BackoffLimited bool
}

// Examine starts one node that does nothing, hurts it in every way there is, and removes everything again. The Engine is
// nil where Docker could not be reached; the error says why and what to do.
func Examine(ctx context.Context, env harness.Env) (found Examination, err error) {
	began := time.Now()
	env.Nodes, env.DiskLimit = 1, examinedDisk
	c := newCluster(env, Spec{
		Processes: func(Member) []Process { return []Process{Own("idle", IdleService)} }, Data: dataFolder,
	})
	defer func() {
		if stopping := c.Stop(context.WithoutCancel(ctx)); stopping != nil {
			err = errors.Join(err, stopping)
		}
	}()
	err = c.open(ctx, env)
	if c.room != nil {
		found.Engine = c.room.engine
	}
	if err != nil {
		return found, err
	}
	for _, step := range []func(context.Context, harness.Env) error{
		c.fetchImages, c.makeNetwork, c.makeNodes, c.introduce, c.startProcesses,
	} {
		if err := step(ctx, env); err != nil {
			return found, c.explain(ctx, err)
		}
	}
	found.Sandbox, found.Network, found.BackoffLimited = time.Since(began), c.features, c.slowBackoff
	found.Processes = c.nodes[0].examine(ctx)
	return found, nil
}

const (
	examinedDisk    = 8 << 20
	examinedCPUs    = 0.5
	examinedMemory  = 256 << 20
	examineEachTime = 20 * time.Second
)

// examine hurts a node that does nothing, and says of each way why it does not work.
func (n *Node) examine(ctx context.Context) map[string]string {
	found := map[string]string{}
	for _, way := range []struct {
		name  string
		steps []func(context.Context) error
	}{
		{"pause", []func(context.Context) error{n.Pause, n.Resume}},
		{"squeeze", []func(context.Context) error{func(ctx context.Context) error {
			return n.Squeeze(ctx, harness.Squeeze{CPUs: examinedCPUs, Memory: examinedMemory})
		}, n.Release}},
		{"fill", []func(context.Context) error{n.FillDisk, n.FreeDisk}},
		{"kill", []func(context.Context) error{n.Kill, n.Restart}},
		{"wipe", []func(context.Context) error{n.Kill, n.Wipe, n.Restart}},
	} {
		found[way.name] = ""
		trying, cancel := context.WithTimeout(ctx, examineEachTime)
		for _, step := range way.steps {
			if err := step(trying); err != nil {
				found[way.name] = err.Error()
				break
			}
		}
		cancel()
	}
	return found
}
