package agent

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// Limits of a request. Filling a disk is what takes longest.
const (
	minToken      = 16
	maxHeader     = 8 << 10
	headerLimit   = 5 * time.Second
	requestLimit  = 5 * time.Minute
	idleLimit     = 5 * time.Minute
	shutdownLimit = time.Second
)

// Serve runs the agent until ctx ends, and then leaves the network whole. It is a local.Service: ready is called once
// with the address it listens at. Its flags are -node and -listen; the secret comes in [TokenVariable]. A kernel that
// cannot do something is no error: Features tells.
func Serve(ctx context.Context, args []string, ready func(address string)) error {
	flags := flag.NewFlagSet(Service, flag.ContinueOnError)
	name := flags.String("node", "", "name of this node")
	listen := flags.String("listen", "127.0.0.1:7070", "address to listen at")
	if err := flags.Parse(args); err != nil {
		return err
	}
	token := os.Getenv(TokenVariable)
	switch {
	case *name == "":
		return errors.New("the flag -node is missing")
	case len(token) < minToken:
		return fmt.Errorf("the environment variable %s must hold a secret of %d bytes or more", TokenVariable, minToken)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listen for commands: %w", err)
	}
	defer func() { _ = listener.Close() }()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("node", *name)
	a, err := start(listener.Addr().(*net.TCPAddr).Port, log)
	if err != nil {
		return err
	}
	defer a.close()
	server := &http.Server{
		Handler: guard(token, a.commands()), MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerLimit,
		ReadTimeout: headerLimit, WriteTimeout: requestLimit, IdleTimeout: idleLimit,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	ready(listener.Addr().String())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	if server.Shutdown(limit) != nil {
		_ = server.Close()
	}
	return nil
}

// guard answers whoever does not know the secret before anything of the request's body is read.
func guard(token string, commands http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(given)) // of equal length, so that the comparison takes the same time
		if !bearer || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("Connection", "close")
			http.Error(w, "wrong token", http.StatusUnauthorized)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxMessage)
		commands.ServeHTTP(w, r)
	})
}

// commands are what the agent does, by path.
func (a *agent) commands() http.Handler {
	mux := http.NewServeMux()
	handle(mux, pathConfigure, func(_ context.Context, c Config) (any, error) { return nil, a.configure(c) })
	handle(mux, pathApply, func(_ context.Context, s State) (any, error) { return nil, a.apply(s) })
	handle(mux, pathCounters, func(context.Context, struct{}) (any, error) { return a.counters() })
	handle(mux, pathFeatures, func(context.Context, struct{}) (any, error) { return a.features, nil })
	handle(mux, pathProbe, func(_ context.Context, nonce uint64) (any, error) { return nil, a.pulse.probe(nonce) })
	handle(mux, pathProbed, func(_ context.Context, nonce uint64) (any, error) { return a.pulse.probed(nonce), nil })
	handle(mux, pathBeats, func(context.Context, struct{}) (any, error) { return a.pulse.beats(), nil })
	handle(mux, pathReset, func(_ context.Context, peers []string) (any, error) { return a.reset(peers) })
	handle(mux, pathFill, func(ctx context.Context, folder string) (any, error) { return nil, fillDisk(ctx, folder) })
	handle(mux, pathFree, func(_ context.Context, folder string) (any, error) { return nil, freeDisk(folder) })
	handle(mux, pathSpace, func(_ context.Context, folder string) (any, error) { return diskSpace(folder) })
	return mux
}

// handle adds a command: its body is an In, its answer what do returns.
func handle[In any](mux *http.ServeMux, path string, do func(context.Context, In) (any, error)) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var in In
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil {
			http.Error(w, "the request is malformed: "+err.Error(), http.StatusBadRequest)
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // a caller who is gone is told nothing
	})
}
