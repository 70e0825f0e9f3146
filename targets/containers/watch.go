package containers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/harness"
)

// watch follows the engine's events, and notices every process that ends without having been told to. Where the engine
// or a sandbox goes away it says that the cluster is lost, and ends.
func (c *Cluster) watch() {
	ctx, cancel := context.WithCancel(context.Background())
	c.unwatch = cancel
	c.watching.Go(func() {
		for ctx.Err() == nil {
			gone := c.follow(ctx)
			if ctx.Err() == nil && gone == nil {
				gone = c.returned(ctx)
			}
			if ctx.Err() == nil && gone != nil {
				c.lost(gone)
				return
			}
		}
	})
}

// follow sees events until the connection breaks (nil) or the cluster is lost.
func (c *Cluster) follow(ctx context.Context) (gone error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream := c.room.docker.Events(ctx, client.EventsListOptions{
		Filters: ofCluster(c.id).Add("type", string(events.ContainerEventType)).
			Add("event", string(events.ActionDie), string(events.ActionOOM)),
	})
	for {
		select {
		case event := <-stream.Messages:
			if gone := c.see(ctx, event); gone != nil {
				return gone
			}
		case <-stream.Err:
			return nil
		}
	}
}

const (
	inspectLimit = 5 * time.Second  // of asking about a container that has ended
	returnLimit  = 10 * time.Second // for an engine that went away to come back
	returnPace   = 200 * time.Millisecond
)

// see tells what an event means. A sandbox that ends takes its node's address with it: the cluster is lost.
func (c *Cluster) see(ctx context.Context, event events.Message) (gone error) {
	node, role := event.Actor.Attributes[labelNode], event.Actor.Attributes[labelRole]
	n := c.Node(node)
	switch {
	case n == nil || role == "eraser":
	case role == roleSandbox:
		return sandboxGone(node)
	case event.Action == events.ActionOOM:
		c.notice(fmt.Sprintf("%s of %s ran out of memory, and the kernel killed something of it", role, node))
	case n.down.Load(): // as it was told to
	default:
		ctx, cancel := context.WithTimeout(ctx, inspectLimit)
		defer cancel()
		how := "exit code " + event.Actor.Attributes["exitCode"]
		if now, err := n.state(ctx, event.Actor.ID); err == nil {
			how = howEnded(now)
		}
		c.notice(fmt.Sprintf("%s of %s ended by itself: %s; its last words:\n%s", role, node, how,
			c.lastWords(ctx, event.Actor.ID)))
	}
	return nil
}

func sandboxGone(node string) error {
	return fmt.Errorf("the sandbox of %s ended during the run\n  why    Docker was restarted, or somebody stopped the "+
		"container\n  do     run again; what was recorded until then was judged. Where Docker was away, capsize clean "+
		"removes what is left", node)
}

// returned waits for an engine that went away. It returns nil where that came back and every sandbox still runs, as
// with an engine whose containers outlive its restart.
func (c *Cluster) returned(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, returnLimit, errors.New("it did not come back"))
	defer cancel()
	for {
		_, err := c.room.docker.Ping(ctx, client.PingOptions{})
		if err == nil {
			break
		}
		if !harness.Wait(ctx, returnPace) {
			return fmt.Errorf("the engine at %s went away during the run, and has not come back within %s\n  why    %w\n"+
				"  do     see whether it runs; capsize clean removes what is left", c.room.engine.Host, returnLimit, err)
		}
	}
	for _, n := range c.nodes {
		if now, err := n.state(ctx, n.sandbox); err != nil || !now.Running {
			return sandboxGone(n.name)
		}
	}
	c.notice("the connection to Docker broke, and came back")
	harness.Wait(ctx, returnPace) // whatever breaks it is not asked without end
	return nil
}
