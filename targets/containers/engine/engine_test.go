package engine

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fake is an engine behind a socket of its own, of one API version.
type fake struct{ api, oldest, version string }

func (f fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", f.api)
	w.Header().Set("Ostype", "linux")
	w.Header().Set("Content-Type", "application/json")
	reply := ""
	switch {
	case r.URL.Path == "/_ping":
		reply = "OK"
	case r.URL.Path == "/v"+f.api+"/version" || f.api > "1.56" && r.URL.Path == "/v1.56/version":
		reply = `{"Version":"` + f.version + `","ApiVersion":"` + f.api + `","MinAPIVersion":"` + f.oldest +
			`","Os":"linux","Arch":"arm64"}`
	case strings.HasSuffix(r.URL.Path, "/info"):
		reply = `{"MemTotal":4294967296,"NCPU":2,"KernelVersion":"6.1.0","CgroupVersion":"2","Driver":"overlay2"}`
	default:
		w.WriteHeader(http.StatusBadRequest)
		reply = `{"message":"client version is not supported: ` + r.URL.Path + `"}`
	}
	_, _ = w.Write([]byte(reply))
}

// serve has a handler listen at a socket, in a folder of a short name: a socket's path has at most 107 bytes.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "engine")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "docker.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Skipf("needs unix sockets: %v", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends with Close
	t.Cleanup(func() {
		_ = server.Close()
		_ = os.RemoveAll(dir)
	})
	return path
}

// surroundings are those of a machine without any engine.
func surroundings(t *testing.T, environment map[string]string) opener {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs unix sockets")
	}
	return opener{getenv: func(name string) string { return environment[name] }, home: t.TempDir(), goos: "linux",
		system: filepath.Join(t.TempDir(), "docker.sock"), limit: 10 * time.Second}
}

// unreachable opens what cannot be opened and returns the error.
func unreachable(t *testing.T, o opener, want Kind, parts ...string) *Unreachable {
	t.Helper()
	e, err := o.open(t.Context())
	var u *Unreachable
	if e != nil || !errors.As(err, &u) {
		t.Fatalf("opened %v, %v", e, err)
	}
	if u.Kind() != want {
		t.Errorf("kind %d, expected %d: %v", u.Kind(), want, err)
	}
	for _, part := range append(parts, "Docker is not reachable.\n  tried  ", "\n  do     ", "capsize run raft") {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q:\n%v", part, err)
		}
	}
	for line := range strings.Lines(err.Error()) {
		if len(line) > 200 {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
	}
	return u
}

func TestEnginesOfManyVersions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fake
		spoken string
	}{
		{fake{"1.40", "1.12", "19.03.15"}, "1.40"},
		{fake{"1.41", "1.12", "20.10.24"}, "1.41"},
		{fake{"1.52", "1.44", "29.0.1"}, "1.52"},
		{fake{"1.60", "1.50", "33.0.0"}, "1.56"}, // of tomorrow: the newest that the client knows is spoken
	} {
		t.Run(c.version, func(t *testing.T) {
			t.Parallel()
			o := surroundings(t, nil)
			o.system = serve(t, c.fake)
			e, err := o.open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = e.Close() }()
			if e.API != c.spoken || e.Version != c.version || e.Host != "unix://"+o.system {
				t.Errorf("API %s, version %s, host %s", e.API, e.Version, e.Host)
			}
			if e.OS != "linux" || e.Arch != "arm64" || e.Memory != 4<<30 || e.CPUs != 2 || e.KernelVersion != "6.1.0" ||
				e.CgroupVersion != "2" || e.StorageDriver != "overlay2" {
				t.Errorf("the engine is %+v", e)
			}
		})
	}
}

func TestNoDockerAtAll(t *testing.T) {
	t.Parallel()
	o := surroundings(t, map[string]string{"XDG_RUNTIME_DIR": t.TempDir()})
	u := unreachable(t, o, Absent, "DOCKER_HOST (unset) · ", "docker.sock (no such file)", "start Docker,")
	if len(u.Tried) != 5 {
		t.Errorf("tried %v", u.Tried)
	}
}

func TestADeadSocket(t *testing.T) {
	t.Parallel()
	o := surroundings(t, nil)
	path := serve(t, http.NotFoundHandler())
	dead := filepath.Join(filepath.Dir(path), "dead.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	o.system = dead
	unreachable(t, o, Dead, "the socket is there, but nobody listens", "start Docker, it ended and left its socket")
}

func TestAPortNobodyListensAt(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	host := "tcp://" + listener.Addr().String()
	unreachable(t, surroundings(t, map[string]string{"DOCKER_HOST": host}), Dead, "DOCKER_HOST="+host, "refused")
}

func TestASocketForOthers(t *testing.T) {
	t.Parallel()
	o := surroundings(t, nil)
	o.system = serve(t, fake{"1.41", "1.12", "20.10.24"})
	if os.Geteuid() == 0 {
		t.Skip("root may use every socket: run the tests as another user; TestWhatADeniedSocketSays tells the rest")
	}
	if err := os.Chmod(o.system, 0); err != nil {
		t.Fatal(err)
	}
	unreachable(t, o, Denied, "permission denied")
}

func TestWhatADeniedSocketSays(t *testing.T) {
	t.Parallel()
	u := &Unreachable{Tried: []Try{{Where: "DOCKER_HOST", What: "unset"},
		{Where: "/var/run/docker.sock", What: "permission denied", Kind: Denied}, {Where: "~/x", Kind: Dead}}}
	if text := u.Error(); u.Kind() != Denied || !strings.Contains(text, "sudo usermod -aG docker $USER") {
		t.Errorf("%v", text)
	}
	path := serve(t, http.NotFoundHandler())
	if err := os.Chmod(path, 0o660); err != nil {
		t.Fatal(err)
	}
	if text := owner(path); runtime.GOOS != "windows" && !strings.Contains(text, "the group ") {
		t.Errorf("the owner of a socket: %q", text)
	}
}

func TestAnEngineThatIsTooOld(t *testing.T) {
	t.Parallel()
	o := surroundings(t, nil)
	o.system = serve(t, fake{"1.39", "1.12", "18.09"})
	unreachable(t, o, TooOld, "speaks API 1.39; capsize needs API 1.40, that of Docker 19.03, or later", "update Docker")
}

func TestAnEngineThatHangs(t *testing.T) {
	t.Parallel()
	for name, hangs := range map[string]string{"ping": "/_ping", "version": "/version", "info": "/info"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := surroundings(t, nil)
			release := make(chan struct{})
			o.system = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, hangs) {
					<-release
				}
				fake{"1.41", "1.12", "20.10.24"}.ServeHTTP(w, r)
			}))
			t.Cleanup(func() { close(release) })
			o.limit = 200 * time.Millisecond
			unreachable(t, o, Hung, "does not answer within", "restart Docker")
		})
	}
}

func TestSomethingElseAnswers(t *testing.T) {
	t.Parallel()
	o := surroundings(t, nil)
	o.system = serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>"))
	}))
	unreachable(t, o, Other, "not as a Docker engine does")
}

func TestWhoeverAsksForAnEngineGetsThatOne(t *testing.T) {
	t.Parallel()
	o := surroundings(t, map[string]string{"DOCKER_HOST": "unix:///nowhere/docker.sock"})
	o.system = serve(t, fake{"1.41", "1.12", "20.10.24"})
	if u := unreachable(t, o, Absent, "DOCKER_HOST=unix:///nowhere/docker.sock (no such file)"); len(u.Tried) != 1 {
		t.Errorf("tried %v", u.Tried)
	}
	for host, says := range map[string]string{"ssh://me@there": "over ssh", "nonsense": "not a host as",
		"fd://": "nobody knows the scheme"} {
		o.getenv = func(name string) string { return map[string]string{"DOCKER_HOST": host}[name] }
		unreachable(t, o, Other, says)
	}
}

func TestTheContextInUse(t *testing.T) {
	t.Parallel()
	o := surroundings(t, nil)
	elsewhere := serve(t, fake{"1.52", "1.44", "29.0.1"})
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(o.home, ".docker", name)
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600))
		if err != nil {
			t.Fatal(err)
		}
	}
	write("config.json", `{"currentContext":"colima"}`)
	unreachable(t, o, Other, "context colima (there is no such context")
	// the folder of a context is named by the SHA-256 of its name
	const colima = "f24fd3749c1368328e2b149bec149cb6795619f244c5b584e844961215dadd16"
	write("contexts/meta/"+colima+"/meta.json", `{"Name":"colima","Endpoints":{"docker":{"Host":"unix://`+elsewhere+`"}}}`)
	e, err := o.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e.Host != "unix://"+elsewhere {
		t.Errorf("opened %s", e.Host)
	}
	_ = e.Close()
	// one that the environment names is the only place
	o.system = elsewhere
	o.getenv = func(name string) string { return map[string]string{"DOCKER_CONTEXT": "other"}[name] }
	unreachable(t, o, Other, "context other")
}

func TestACanceledOpen(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := surroundings(t, nil).open(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestOnceIsOnceUnlessItFails(t *testing.T) {
	t.Parallel()
	var e Engine
	var calls atomic.Int32
	fail := func() (string, error) { calls.Add(1); return "", errors.New("no luck") }
	if _, err := e.Once("a", fail); err == nil {
		t.Error("no error")
	}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			value, err := e.Once("a", func() (string, error) { calls.Add(1); return "made", nil })
			if value != "made" || err != nil {
				t.Errorf("%q, %v", value, err)
			}
		})
	}
	all.Wait()
	if n := calls.Load(); n != 2 {
		t.Errorf("%d calls, expected one that failed and one that did not", n)
	}
}

// TestTheEngineOfThisMachine opens the real one.
func TestTheEngineOfThisMachine(t *testing.T) {
	e, err := Open(t.Context())
	if err != nil {
		if os.Getenv("CAPSIZE_TEST_DOCKER") == "required" {
			t.Fatal(err)
		}
		t.Skipf("needs Docker; CAPSIZE_TEST_DOCKER=required go test ./targets/containers/engine insists: %v", err)
	}
	defer func() { _ = e.Close() }()
	if e.Version == "" || e.API < "1.40" || e.Arch == "" || e.Memory < 1<<28 || e.CPUs < 1 || e.KernelVersion == "" ||
		e.StorageDriver == "" {
		t.Errorf("the engine is %+v", e)
	}
}
