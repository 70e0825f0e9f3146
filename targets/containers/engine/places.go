package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// place is where an engine may be.
type place struct {
	name  string // as it is told to a person
	host  string // as DOCKER_HOST has it
	certs string // the folder of the TLS files, "" where there is none
}

// places returns where to look, in order, and what can be said without looking.
func (o opener) places() ([]place, []Try) {
	if host := o.getenv("DOCKER_HOST"); host != "" {
		certs := ""
		if o.getenv("DOCKER_TLS_VERIFY") != "" {
			if certs = o.getenv("DOCKER_CERT_PATH"); certs == "" {
				certs = filepath.Join(o.home, ".docker")
			}
		}
		return []place{{name: "DOCKER_HOST=" + host, host: host, certs: certs}}, nil
	}
	tried := []Try{{Where: "DOCKER_HOST", What: "unset"}}
	var places []place
	name, chosen := o.contextName()
	if name != "" && name != "default" {
		p, err := o.context(name)
		if err != nil {
			tried = append(tried, Try{Where: "context " + name, What: firstLine(err), Kind: Other})
		} else {
			places = append(places, p)
		}
		if chosen {
			return places, tried
		}
	}
	return append(places, o.sockets()...), tried
}

// sockets are the places where engines listen that nobody configured.
func (o opener) sockets() []place {
	if o.goos == "windows" {
		return []place{{name: "//./pipe/docker_engine", host: "npipe:////./pipe/docker_engine"}}
	}
	paths := []place{{name: o.system, host: "unix://" + o.system}}
	add := func(shown, dir string, rest ...string) {
		if dir != "" {
			path := filepath.Join(append([]string{dir}, rest...)...)
			paths = append(paths, place{name: filepath.Join(append([]string{shown}, rest...)...), host: "unix://" + path})
		}
	}
	add("$XDG_RUNTIME_DIR", o.getenv("XDG_RUNTIME_DIR"), "docker.sock")
	add("~", o.home, ".docker", "run", "docker.sock")
	add("~", o.home, ".colima", "default", "docker.sock")
	return paths
}

// configFolder is Docker's own.
func (o opener) configFolder() string {
	if dir := o.getenv("DOCKER_CONFIG"); dir != "" {
		return dir
	}
	return filepath.Join(o.home, ".docker")
}

// contextName is the context in use, "" where there is none, and whether the environment asks for it.
func (o opener) contextName() (name string, chosen bool) {
	if name := o.getenv("DOCKER_CONTEXT"); name != "" {
		return name, name != "default"
	}
	var config struct{ CurrentContext string }
	data, err := os.ReadFile(filepath.Join(o.configFolder(), "config.json"))
	if err != nil || json.Unmarshal(data, &config) != nil {
		return "", false // Docker works without one, and complains itself of one that is broken
	}
	return config.CurrentContext, false
}

// context reads where a context of Docker's points.
func (o opener) context(name string) (place, error) {
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	data, err := os.ReadFile(filepath.Join(o.configFolder(), "contexts", "meta", id, "meta.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return place{}, errors.New("there is no such context; docker context ls lists them")
	}
	if err != nil {
		return place{}, err
	}
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	if err := json.Unmarshal(data, &meta); err != nil {
		return place{}, fmt.Errorf("its meta.json: %w", err)
	}
	host := meta.Endpoints["docker"].Host
	if host == "" {
		return place{}, errors.New("it names no engine")
	}
	p := place{name: "context " + name + " (" + host + ")", host: host}
	if certs := filepath.Join(o.configFolder(), "contexts", "tls", id, "docker"); exists(filepath.Join(certs, "ca.pem")) {
		p.certs = certs
	}
	return p, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// reach finds out whether anybody listens at a place. It says of a socket more than the client's errors do.
func (p place) reach(ctx context.Context, limit time.Duration) (Kind, string) {
	scheme, address, ok := strings.Cut(p.host, "://")
	if !ok {
		return Other, "not a host as unix:///var/run/docker.sock or tcp://10.0.0.1:2375 is one"
	}
	switch scheme {
	case "npipe":
		return fine, "" // the client knows how
	case "unix", "tcp", "http", "https":
	case "ssh":
		return Other, "engines over ssh cannot be used: capsize talks to the ports its containers publish on 127.0.0.1"
	default:
		return Other, "nobody knows the scheme " + scheme + "://"
	}
	network := "tcp"
	if scheme == "unix" {
		network = scheme
	}
	dialer := net.Dialer{Timeout: limit}
	conn, err := dialer.DialContext(ctx, network, address)
	if err == nil {
		_ = conn.Close() // it was only to see
		return fine, ""
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Absent, "no such file"
	case errors.Is(err, fs.ErrPermission):
		return Denied, "permission denied" + owner(address)
	case errors.Is(err, syscall.ECONNREFUSED) && network == "unix":
		return Dead, "the socket is there, but nobody listens"
	case errors.Is(err, syscall.ECONNREFUSED):
		return Dead, "connection refused"
	}
	var operation *net.OpError
	if errors.As(err, &operation) && !operation.Timeout() {
		return Other, operation.Err.Error()
	}
	return outcome(err, limit)
}
