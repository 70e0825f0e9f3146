package redis

import (
	"context"
	"fmt"
	"net"
	"sync"

	driver "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
)

// line is the driver on one connection, which it cannot replace: where it breaks, the line is dead. Nothing is
// retried and nothing is sent twice.
type line struct {
	*driver.Client
	conn net.Conn
}

// open connects to a port of a node. Its error wraps harness.ErrNotApplied: nothing but a greeting was sent.
func open(ctx context.Context, n *containers.Node, port int) (*line, error) {
	conn, err := n.DialPort(ctx, port)
	if err != nil {
		return nil, err
	}
	return newLine(ctx, conn)
}

// newLine makes a line of a connection once the other end has answered a PING.
func newLine(ctx context.Context, conn net.Conn) (*line, error) {
	quiet()
	l := &line{Client: driver.NewClient(options(conn)), conn: conn}
	release := l.bind(ctx)
	err := l.Ping(ctx).Err()
	if inTime := release(); err == nil && !inTime {
		err = ctx.Err()
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("%w: connect: %w", harness.ErrNotApplied, err)
	}
	return l, nil
}

// options turn off all that the driver does by itself.
func options(conn net.Conn) *driver.Options {
	return &driver.Options{
		Dialer:                   single(conn),
		MaxRetries:               -1,
		DialerRetries:            1,
		Protocol:                 2,
		DisableIdentity:          true,
		ContextTimeoutEnabled:    true,
		ReadTimeout:              -1, // the context's deadline counts
		WriteTimeout:             -1,
		PoolSize:                 2, // with 1 the driver tries to connect in the background
		PipelinePoolSize:         -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// single is a dialer that hands out one connection, once. The driver asks it again where it finds the connection
// closed before it sends a command, so that this is a certain failure.
func single(conn net.Conn) func(context.Context, string, string) (net.Conn, error) {
	hand := make(chan net.Conn, 1)
	hand <- conn
	return func(context.Context, string, string) (net.Conn, error) {
		select {
		case conn := <-hand:
			return conn, nil
		default:
			return nil, fmt.Errorf("%w: the connection was closed by the other end", harness.ErrNotApplied)
		}
	}
}

// bind makes the connection end with the context: the driver heeds deadlines, but no cancellation. The release
// reports whether the context still went on.
func (l *line) bind(ctx context.Context) (release func() bool) {
	return context.AfterFunc(ctx, func() { _ = l.conn.Close() })
}

// Close ends the connection, also one that the driver did not take over.
func (l *line) Close() error {
	err := l.Client.Close()
	_ = l.conn.Close()
	return err
}

// quiet keeps the driver from writing to standard error. What it has to say is in its errors.
var quiet = sync.OnceFunc(func() { driver.SetLogger(silence{}) })

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}
