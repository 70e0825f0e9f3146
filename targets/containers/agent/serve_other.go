//go:build !linux

package agent

import (
	"context"
	"errors"
)

// Serve runs the agent, which works on Linux only: elsewhere it runs in a container, which is Linux again.
func Serve(context.Context, []string, func(address string)) error {
	return errors.New("the agent hurts the network with nftables, which only Linux has: run it in a container")
}
