package local

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Service is what a node runs. It serves until ctx ends, and calls ready once, with the address it listens at, as
// soon as it accepts connections. Its arguments are the flags of a [Membership], followed by those of its [Spec].
type Service func(ctx context.Context, args []string, ready func(address string)) error

// The first argument of a node's process, and the name in the second that makes it a warden instead.
const (
	nodeCommand = "node"
	wardenName  = "warden"
)

// tether is the environment variable that is set in a child of this runtime: its standard input is a pipe whose end
// means that the harness is gone.
const tether = "CAPSIZE_TETHER"

// hello is the first line a child writes, so that a program which forgot to call [Main] is told apart from a slow
// one.
const (
	hello       = "capsize node"
	readyPrefix = "ready "
)

// exitEnvironment is the exit code of a node that could not do its work: of the environment, never of a verdict.
const exitEnvironment = 4

// Main serves and ends the process when it was started as a node ("capsize node NAME ..."), and returns at once
// otherwise. Call it first thing in main, and in the TestMain of every package whose tests start a cluster.
func Main(services map[string]Service) {
	if len(os.Args) < 2 || os.Args[1] != nodeCommand {
		return
	}
	os.Exit(serve(os.Args[2:], services))
}

func serve(args []string, services map[string]Service) int {
	tethered := Tethered()
	if len(args) > 0 && args[0] == wardenName && tethered {
		return keepWatch(os.Stdin, services)
	}
	if len(args) == 0 || services[args[0]] == nil {
		names := make([]string, 0, len(services))
		for name := range services {
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Fprintf(os.Stderr, "node: expected the name of a service (one of: %s)\n", strings.Join(names, ", "))
		return exitEnvironment
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if tethered {
		fmt.Println(hello)
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(exitEnvironment) // the harness is gone
		}()
	}
	var once sync.Once
	ready := func(address string) { once.Do(func() { fmt.Println(readyPrefix + address) }) }
	if err := services[args[0]](ctx, args[1:], ready); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "node %s: %v\n", args[0], err)
		return exitEnvironment
	}
	return 0
}

// Membership is what a node is told about its place in a cluster. A service reads it from its flags, so the same
// service runs in any runtime that can start a command.
type Membership struct {
	Cluster string            // the cluster's id: a connection meant for another cluster is to be refused
	Node    string            // the node's own name
	Data    string            // the folder of what must survive a kill
	Listen  string            // the address to listen at
	Peers   map[string]string // by name, where this node reaches each of the others
}

// Flags makes flags fill the membership: -cluster, -node, -data, -listen and -peers n2=HOST:PORT,n3=HOST:PORT.
func (m *Membership) Flags(flags *flag.FlagSet) {
	flags.StringVar(&m.Cluster, "cluster", "", "id of the cluster")
	flags.StringVar(&m.Node, "node", "", "name of this node")
	flags.StringVar(&m.Data, "data", "", "folder of the data")
	flags.StringVar(&m.Listen, "listen", "127.0.0.1:0", "address to listen at")
	flags.Func("peers", "where to reach each other node: n2=HOST:PORT,n3=HOST:PORT", func(text string) error {
		m.Peers = map[string]string{}
		for pair := range strings.SplitSeq(text, ",") {
			name, address, found := strings.Cut(pair, "=")
			if !found || name == "" {
				return fmt.Errorf("expected NAME=HOST:PORT, not %q", pair)
			}
			if _, _, err := net.SplitHostPort(address); err != nil {
				return fmt.Errorf("peer %s: %w", name, err)
			}
			m.Peers[name] = address
		}
		return nil
	})
}

// Validate says which flag is missing.
func (m *Membership) Validate() error {
	for _, f := range []struct{ name, value string }{{"cluster", m.Cluster}, {"node", m.Node}, {"data", m.Data}} {
		if f.value == "" {
			return fmt.Errorf("the flag -%s is missing", f.name)
		}
	}
	return nil
}

// Args are the flags that Flags reads back.
func (m *Membership) Args() []string {
	pairs := make([]string, 0, len(m.Peers))
	for name, address := range m.Peers {
		pairs = append(pairs, name+"="+address)
	}
	slices.Sort(pairs)
	args := []string{"-cluster", m.Cluster, "-node", m.Node, "-data", m.Data, "-listen", m.Listen}
	if len(pairs) > 0 {
		args = append(args, "-peers", strings.Join(pairs, ","))
	}
	return args
}
