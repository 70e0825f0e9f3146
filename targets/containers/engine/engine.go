package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"
)

// Engine is an open connection to a Docker engine, and what it said of itself. It may be used by several goroutines.
type Engine struct {
	*client.Client
	Host          string // as DOCKER_HOST has it: unix:///var/run/docker.sock; the one to give to testcontainers
	CertPath      string // the folder of ca.pem, cert.pem and key.pem where the connection is by TLS, as DOCKER_CERT_PATH
	Version       string // of the engine: 20.10.24
	API           string // the version that both sides speak: 1.41
	OS, Arch      string // as Go names them: linux, amd64
	Memory        int64  // bytes that all its containers share
	CPUs          int
	KernelVersion string
	CgroupVersion string // "1" or "2"
	StorageDriver string

	memos sync.Map // of a name to a *memo
}

// The limits of what an engine may take to answer.
const (
	pingLimit  = 5 * time.Second
	askLimit   = 30 * time.Second // what it is; an engine under load counts its containers and images first
	oldestKind = "Docker 19.03"   // the first release that speaks client.MinAPIVersion
)

// Open connects to the engine. An error that is not ctx's is an *[Unreachable].
func Open(ctx context.Context) (*Engine, error) {
	home, _ := os.UserHomeDir() // without one there are fewer places to look in
	o := opener{getenv: os.Getenv, home: home, goos: runtime.GOOS, system: "/var/run/docker.sock", limit: pingLimit}
	return o.open(ctx)
}

// opener is Open with the surroundings that its tests change.
type opener struct {
	getenv func(string) string
	home   string
	goos   string
	system string // the socket of the machine's own engine
	limit  time.Duration
}

func (o opener) open(ctx context.Context) (*Engine, error) {
	places, tried := o.places()
	seen := make(map[string]bool)
	for _, p := range places {
		if seen[p.host] {
			continue
		}
		seen[p.host] = true
		engine, try := o.connect(ctx, p)
		if engine != nil {
			return engine, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("open the connection to Docker: %w", err)
		}
		tried = append(tried, try)
	}
	return nil, &Unreachable{Tried: tried}
}

// connect tries one place.
func (o opener) connect(ctx context.Context, p place) (*Engine, Try) {
	try := Try{Where: p.name, What: "", Kind: Absent}
	if try.Kind, try.What = p.reach(ctx, o.limit); try.Kind != fine {
		return nil, try
	}
	docker, err := client.New(p.options()...)
	if err != nil {
		try.Kind, try.What = Other, err.Error()
		return nil, try
	}
	engine := &Engine{Client: docker, Host: p.host, CertPath: p.certs}
	if try.Kind, try.What = engine.ask(ctx, o.limit); try.Kind != fine {
		_ = docker.Close() // it was of no use
		return nil, try
	}
	return engine, try
}

// ask fills in what the engine says of itself, or says why it cannot be used.
func (e *Engine) ask(ctx context.Context, limit time.Duration) (Kind, string) {
	pinging, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ping, err := e.Ping(pinging, client.PingOptions{NegotiateAPIVersion: true})
	if ping.APIVersion != "" && versions.LessThan(ping.APIVersion, client.MinAPIVersion) {
		return TooOld, fmt.Sprintf("speaks API %s; capsize needs API %s, that of %s, or later", ping.APIVersion,
			client.MinAPIVersion, oldestKind)
	}
	if err != nil {
		return outcome(err, limit)
	}
	asking, cancel := context.WithTimeout(ctx, max(limit, min(askLimit, 6*limit)))
	defer cancel()
	version, err := e.ServerVersion(asking, client.ServerVersionOptions{})
	if err != nil || version.Version == "" {
		return strange(err, limit)
	}
	info, err := e.Info(asking, client.InfoOptions{})
	if err != nil {
		return strange(err, limit)
	}
	if version.Os != "linux" {
		return Other, fmt.Sprintf("runs %s containers; switch it to Linux containers", version.Os)
	}
	e.Version, e.API, e.OS, e.Arch = version.Version, e.ClientVersion(), version.Os, version.Arch
	e.Memory, e.CPUs, e.KernelVersion = info.Info.MemTotal, info.Info.NCPU, info.Info.KernelVersion
	e.CgroupVersion, e.StorageDriver = info.Info.CgroupVersion, info.Info.Driver
	return fine, ""
}

// strange is the outcome of a place that answered the ping and then not as an engine does.
func strange(err error, limit time.Duration) (Kind, string) {
	if err == nil {
		err = errors.New("it has no version")
	}
	if kind, what := outcome(err, limit); kind != Other {
		return kind, what
	}
	return Other, "something answers, but not as a Docker engine does: " + firstLine(err)
}

// outcome tells the ways apart in which a request fails.
func outcome(err error, limit time.Duration) (Kind, string) {
	if errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err) {
		return Hung, fmt.Sprintf("accepts connections, but does not answer within %s", limit)
	}
	return Other, firstLine(err)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return line
}

// memo is what came of something that is done once.
type memo struct{ do func() (string, error) }

// Once does something the first time it is asked for under a name and returns what came of it ever after, for as long
// as this connection is open. Several that ask at once wait for the one that does it.
func (e *Engine) Once(name string, do func() (string, error)) (string, error) {
	found, _ := e.memos.LoadOrStore(name, &memo{do: sync.OnceValues(do)})
	m := found.(*memo)
	value, err := m.do()
	if err != nil {
		e.memos.CompareAndDelete(name, m) // the next one may have more luck
	}
	return value, err
}

// options are those of the client for a place.
func (p place) options() []client.Opt {
	options := []client.Opt{client.WithHost(p.host), client.WithUserAgent("capsize")}
	if p.certs != "" {
		options = append(options, client.WithTLSClientConfig(filepath.Join(p.certs, "ca.pem"),
			filepath.Join(p.certs, "cert.pem"), filepath.Join(p.certs, "key.pem")))
	}
	return options
}
