package containers

import (
	"context"

	"github.com/moby/moby/client"
)

// KillBehindItsBack kills the server of a node as the kernel might.
func KillBehindItsBack(ctx context.Context, n *Node) error {
	_, err := n.cluster.room.docker.ContainerKill(ctx, n.containers()[0].id, client.ContainerKillOptions{})
	return err
}

// KillSandbox ends the sandbox of a node, as a restart of the engine would.
func KillSandbox(ctx context.Context, n *Node) error {
	_, err := n.cluster.room.docker.ContainerKill(ctx, n.sandbox, client.ContainerKillOptions{})
	return err
}
