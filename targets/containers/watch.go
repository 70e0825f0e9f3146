package containers

import (
	"context"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
)

// watch follows the engine's events, and notices every process that ends without having been told to.
func (c *Cluster) watch() {
	ctx, cancel := context.WithCancel(context.Background())
	c.unwatch = cancel
	c.watching.Go(func() {
		stream := c.room.docker.Events(ctx, client.EventsListOptions{
			Filters: ofCluster(c.id).Add("type", string(events.ContainerEventType)).
				Add("event", string(events.ActionDie), string(events.ActionOOM)),
		})
		for {
			select {
			case event := <-stream.Messages:
				c.see(ctx, event)
			case err := <-stream.Err:
				if ctx.Err() == nil {
					c.notice(fmt.Sprintf("the connection to Docker broke: %v", err))
				}
				return
			case <-ctx.Done():
				return
			}
		}
	})
}

// inspectLimit is how long asking about a container that has ended may take.
const inspectLimit = 5 * time.Second

func (c *Cluster) see(ctx context.Context, event events.Message) {
	node, role := event.Actor.Attributes[labelNode], event.Actor.Attributes[labelRole]
	n := c.Node(node)
	switch {
	case n == nil || role == "eraser":
	case event.Action == events.ActionOOM:
		c.notice(fmt.Sprintf("%s of %s ran out of memory, and the kernel killed something of it", role, node))
	case role != roleSandbox && n.down.Load(): // as it was told to
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
}
