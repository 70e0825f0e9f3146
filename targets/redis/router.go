package redis

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	driver "github.com/redis/go-redis/v9"
)

// Router is the name of the hidden command that runs a node's router: capsize node redis-router.
const Router = "redis-router"

// noPrimary is the first word of the answer to whoever connects while there is no primary.
const noPrimary = "NOPRIMARY"

// The times of a router. A new primary is known within a tenth of a second of the sentinel's knowing.
const (
	askEvery  = 100 * time.Millisecond
	askLimit  = 500 * time.Millisecond // for the sentinel's answer
	dialLimit = 500 * time.Millisecond // for a connection to the primary
	idleLimit = 5 * time.Second        // for who is refused to go away
)

// Route forwards each connection to the node that the sentinel beside it takes for the primary, and ends those that
// were forwarded to another when that changes. While the sentinel does not answer, what it said last counts. Whoever
// connects while there is no primary, or none that can be reached, is answered with an error that begins with
// NOPRIMARY. It is a local.Service.
func Route(ctx context.Context, args []string, ready func(address string)) error {
	flags := flag.NewFlagSet(Router, flag.ContinueOnError)
	listen := flags.String("listen", fmt.Sprintf("0.0.0.0:%d", routerPort), "address to listen at")
	sentinel := flags.String("sentinel", fmt.Sprintf("127.0.0.1:%d", sentinelPort), "address of the sentinel")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	ready(listener.Addr().String())
	r := &router{ask: askSentinel(*sentinel), log: os.Stdout, conns: map[net.Conn]string{}}
	return r.serve(ctx, listener)
}

// router forwards connections.
type router struct {
	ask func(ctx context.Context) (address string, err error) // for the primary
	log io.Writer

	mu      sync.Mutex
	primary string              // "" where none is known
	conns   map[net.Conn]string // of clients, to the primary they are forwarded to
}

// serve serves until ctx ends.
func (r *router) serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer r.follow("") // which ends every connection
	defer cancel()
	group.Go(func() { r.watch(ctx) })
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	for {
		client, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		group.Go(func() { r.forward(ctx, client) })
	}
}

// watch asks for the primary again and again.
func (r *router) watch(ctx context.Context) {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, askLimit)
		if address, err := r.ask(asking); err == nil {
			r.follow(address)
		}
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// follow ends the connections to anybody but the primary.
func (r *router) follow(primary string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if primary == r.primary {
		return
	}
	_, _ = fmt.Fprintf(r.log, "%s the primary is %q, and was %q\n", time.Now().UTC().Format(time.RFC3339Nano), primary,
		r.primary)
	r.primary = primary
	for client, address := range r.conns {
		if address != primary {
			_ = client.Close()
		}
	}
}

// forward joins a client with the primary until one of them, or the router, ends it.
func (r *router) forward(ctx context.Context, client net.Conn) {
	defer func() { _ = client.Close() }()
	r.mu.Lock()
	primary := r.primary
	r.conns[client] = primary
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.conns, client)
		r.mu.Unlock()
	}()
	server, err := reach(ctx, primary)
	if err != nil {
		refuse(client, err)
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}

func reach(ctx context.Context, primary string) (net.Conn, error) {
	if primary == "" {
		return nil, errors.New("the sentinel of this node names none")
	}
	return (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, "tcp", primary)
}

// refuse answers whatever the client says with an error, until it goes away.
func refuse(client net.Conn, why error) {
	said := make([]byte, 4096)
	for {
		_ = client.SetDeadline(time.Now().Add(idleLimit))
		if _, err := client.Read(said); err != nil {
			return
		}
		if _, err := fmt.Fprintf(client, "-%s no primary can be reached from here: %v\r\n", noPrimary, why); err != nil {
			return
		}
	}
}

// askSentinel asks a sentinel for the primary's address, on one connection for as long as it lasts.
func askSentinel(sentinel string) func(context.Context) (string, error) {
	quiet()
	client := driver.NewClient(&driver.Options{
		Addr: sentinel, Protocol: 2, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1, PoolSize: 100,
		ContextTimeoutEnabled: true, DialTimeout: askLimit,
	})
	return func(ctx context.Context) (string, error) {
		at, err := client.Do(ctx, "sentinel", "get-master-addr-by-name", group).StringSlice()
		if errors.Is(err, driver.Nil) {
			return "", nil
		}
		if err == nil && len(at) != 2 {
			err = errors.New("the sentinel answers " + strconv.Quote(fmt.Sprint(at)))
		}
		if err != nil {
			return "", err
		}
		return net.JoinHostPort(at[0], at[1]), nil
	}
}
