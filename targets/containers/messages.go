package containers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/moby/client"
)

// advice says what to do about an error of the engine, by what its text has in it: the engine has no codes for these.
var advice = []struct{ symptom, why, do string }{
	{"no space left on device", "the engine's disk is full",
		"make room where Docker keeps its data (docker system df), then run again"},
	{"non-overlapping IPv4 address pool", "Docker has given all its subnets to networks that exist already",
		"capsize clean removes what killed runs left; docker network ls shows the others"},
	{"Pool overlaps with other one", "another network has the same subnet", "docker network ls shows who has it"},
	{"is already in use by container", "another container has the name", "capsize clean, then run again"},
	{"port is already allocated", "another program took the port that Docker had chosen", "run again"},
	{"operation not permitted", "the engine does not allow what a sandbox needs (NET_ADMIN in its own network)",
		"use an engine that allows it: rootless or remote ones may not"},
	{"cannot allocate memory", "the machine is out of memory", "close something, or use fewer --nodes"},
}

// explain adds to an error of starting what it comes from and what to do, where that is known.
func (c *Cluster) explain(ctx context.Context, err error) error {
	for _, a := range advice {
		if strings.Contains(err.Error(), a.symptom) {
			return fmt.Errorf("%w\n  why    %s\n  do     %s", err, a.why, a.do)
		}
	}
	if c.room == nil || errors.Is(err, context.Canceled) {
		return err
	}
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit)
	defer cancel()
	if _, ping := c.room.docker.Ping(asking, client.PingOptions{}); ping != nil {
		return fmt.Errorf("%w\n  why    Docker at %s does not answer any more: %w\n  do     see whether it was "+
			"restarted; capsize clean removes what is left", err, c.room.engine.Host, ping)
	}
	return err
}
