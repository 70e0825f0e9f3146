package raft

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
	"github.com/capsize-dev/capsize/targets/local"
)

// What a node has inside its container.
const (
	containerPort = 7000
	containerData = "/var/lib/capsize"
)

// containerSpec runs the same service in containers, in the image that the sandboxes are made of.
func containerSpec(args []string) containers.Spec {
	return containers.Spec{
		Ports: []int{containerPort},
		Data:  containerData,
		Nodes: local.DefaultNodes,
		Processes: func(m containers.Member) []containers.Process {
			return []containers.Process{{Name: Service, Command: containerCommand(m, args)}}
		},
		Ready: func(ctx context.Context, n *containers.Node) error {
			_, err := ask(ctx, n)
			return err
		},
		Leader: func(ctx context.Context, n *containers.Node) (string, error) {
			s, err := ask(ctx, n)
			return s.Leader, err
		},
		Current: current,
		Remove:  reconfigure(opExclude),
		Add:     reconfigure(opInclude),
		Listed:  listed,
		Dial: func(ctx context.Context, n *containers.Node) (harness.Client, error) {
			client := containerClient(n)
			if _, err := client.line.open(ctx); err != nil {
				return nil, err
			}
			return client, nil
		},
	}
}

func containerCommand(m containers.Member, args []string) []string {
	member := local.Membership{
		Cluster: m.Cluster, Node: m.Name, Data: containerData, Listen: "0.0.0.0:" + strconv.Itoa(containerPort),
		Peers: map[string]string{},
	}
	for _, name := range m.Names {
		if name != m.Name {
			member.Peers[name] = net.JoinHostPort(name, strconv.Itoa(containerPort))
		}
	}
	command := append([]string{containers.Program, "node", Service}, member.Args()...)
	if m.Joining {
		command = append(command, "-join")
	}
	return append(command, args...)
}

// containerClient makes a client of a node in a container, which connects at its first call.
func containerClient(n *containers.Node) *Client {
	cluster := n.Cluster().ID()
	return &Client{line: newLine(n.Name(), func(timeout time.Duration) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		conn, err := n.DialPort(ctx, containerPort)
		if err != nil {
			return nil, err
		}
		return introduce(conn, kindAPI, cluster, timeout)
	})}
}

// ask asks a node what it knows, on a connection that is kept for such questions.
func ask(ctx context.Context, n *containers.Node) (status, error) {
	kept, err := watcher(n)
	if err != nil {
		return status{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	return kept.status(ctx)
}

func watcher(n *containers.Node) (*Client, error) {
	kept, err := n.Keep("status", func() (io.Closer, error) { return containerClient(n), nil })
	if err != nil {
		return nil, err
	}
	return kept.(*Client), nil
}

// reconfigure asks the nodes in turn to change the membership until one has: until a leader is known they cannot.
func reconfigure(op string) func(context.Context, *containers.Cluster, string) error {
	return func(ctx context.Context, c *containers.Cluster, node string) error {
		for {
			failed := reconfigureOnce(ctx, c, op, node)
			if failed == nil {
				return nil
			}
			if !harness.Wait(ctx, settlePace) {
				return fmt.Errorf("%w (%w)", failed, ctx.Err())
			}
		}
	}
}

func reconfigureOnce(ctx context.Context, c *containers.Cluster, op, node string) (failed error) {
	for _, n := range c.Members() {
		if n.Name() == node {
			continue
		}
		kept, err := watcher(n)
		if err == nil {
			_, err = kept.call(ctx, request{Op: op, Key: node})
		}
		if err == nil {
			return nil
		}
		failed = err
	}
	return failed
}

// listed returns the members in the words of the node that leads.
func listed(ctx context.Context, c *containers.Cluster) ([]string, error) {
	failed := errors.New("no node leads")
	for _, n := range c.Members() {
		s, err := ask(ctx, n)
		if err == nil && s.Leader == n.Name() {
			return s.Voters, nil
		}
		if err != nil {
			failed = err
		}
	}
	return nil, failed
}

// current says what is missing until every replica has all that the leader has.
func current(ctx context.Context, c *containers.Cluster) error {
	var mu sync.Mutex
	var all []status
	var names, silent []string
	var asking sync.WaitGroup
	for _, n := range c.Members() {
		names = append(names, n.Name())
		asking.Go(func() {
			s, err := ask(ctx, n)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				silent = append(silent, err.Error())
				return
			}
			all = append(all, s)
		})
	}
	asking.Wait()
	if err := unsettled(all, names); err != nil {
		return fmt.Errorf("%w%s", err, strings.Join(append([]string{""}, silent...), "; "))
	}
	return nil
}
