package images

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/engine"
)

// docker is this machine's engine.
func docker(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.Open(t.Context())
	if err != nil {
		if os.Getenv("CAPSIZE_TEST_DOCKER") == "required" {
			t.Fatal(err)
		}
		t.Skipf("needs Docker; CAPSIZE_TEST_DOCKER=required go test ./targets/containers/images insists: %v", err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// remove takes a name off an image of this test's own in the end; the image goes with its last name.
func remove(t *testing.T, e *engine.Engine, name string) {
	t.Helper()
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if _, err := e.ImageRemove(ctx, name, client.ImageRemoveOptions{}); err != nil && !isNotFound(err) {
			t.Errorf("remove %s: %v", name, err)
		}
	})
}

// compiled is a small static program for the engine; its content is this test's own.
func compiled(t *testing.T, e *engine.Engine) string {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles a program")
	}
	dir := t.TempDir()
	source := "package main\n\nfunc main() { println(`" + dir + "`) }\n"
	for name, content := range map[string]string{"go.mod": "module small\n\ngo 1.26.0\n", "main.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(dir, "small")
	if err := compile(t.Context(), e, dir, ".", binary); errors.Is(err, errNoGo) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	return binary
}

func TestASandboxHoldsOneProgramAndIsMadeOnce(t *testing.T) {
	t.Parallel()
	e := docker(t)
	p := program{path: compiled(t, e)}
	var told []string
	ref, err := sandbox(t.Context(), e, p, func(s string) { told = append(told, s) })
	if err != nil {
		t.Fatal(err)
	}
	remove(t, e, ref)
	image, found, err := local(t.Context(), e, ref)
	if err != nil || !found {
		t.Fatalf("%s: found %v, %v", ref, found, err)
	}
	info, err := os.Stat(p.path)
	if err != nil {
		t.Fatal(err)
	}
	if image.Size != info.Size() || image.Config.Labels[imageLabel] != sandboxKind || len(image.Config.Entrypoint) != 1 ||
		image.Config.Entrypoint[0] != "/capsize" {
		t.Errorf("the image is %d bytes, the program %d; %+v", image.Size, info.Size(), image.Config)
	}
	if len(told) != 1 {
		t.Errorf("told %q", told)
	}
	// a second time nothing is made, and at once nobody disturbs anybody
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			again, err := sandbox(t.Context(), e, p, func(s string) { t.Errorf("told %q", s) })
			if again != ref || err != nil {
				t.Errorf("%s, %v; expected %s", again, err, ref)
			}
		})
	}
	all.Wait()
	run, err := exec.CommandContext(t.Context(), "docker", "-H", e.Host, "run", "--rm", ref).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return // the image is right; running it needs the command
	}
	if err != nil || strings.TrimSpace(string(run)) != filepath.Dir(p.path) {
		t.Errorf("the sandbox ran: %v, %q", err, run)
	}
}

func TestTwoThatMakeTheSameSandboxAtOnce(t *testing.T) {
	t.Parallel()
	e := docker(t)
	p := program{path: compiled(t, e)}
	var all sync.WaitGroup
	refs := make([]string, 3)
	for i := range refs {
		all.Go(func() {
			var err error
			if refs[i], err = sandbox(t.Context(), e, p, nil); err != nil {
				t.Error(err)
			}
			if _, found, err := local(t.Context(), e, refs[i]); !found || err != nil {
				t.Errorf("the sandbox %s was made: %v, %v", refs[i], found, err)
			}
		})
	}
	all.Wait()
	remove(t, e, refs[0])
	if refs[0] != refs[1] || refs[1] != refs[2] {
		t.Errorf("%q", refs)
	}
}

// TestTheSandboxOfATest is what every test of the runtime uses: the capsize of this source, compiled.
func TestTheSandboxOfATest(t *testing.T) {
	t.Parallel()
	e := docker(t)
	if testing.Short() {
		t.Skip("compiles capsize")
	}
	ref, err := Sandbox(t.Context(), e, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Sandbox(t.Context(), e, func(s string) { t.Errorf("told %q", s) })
	if again != ref || err != nil || !strings.HasPrefix(ref, sandboxRepository+":") {
		t.Errorf("%s, then %s, %v", ref, again, err)
	}
}

func TestAProgramThatWasCompiledIsNotCompiledAgain(t *testing.T) {
	t.Parallel()
	e := docker(t)
	if testing.Short() {
		t.Skip("compiles capsize")
	}
	// not static, or of another system: here a text
	path := filepath.Join(t.TempDir(), "capsize")
	if err := os.WriteFile(path, []byte(t.TempDir()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := program{path: path, pkg: capsize}
	ref, err := sandbox(t.Context(), e, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := hashOf(path)
	if err != nil {
		t.Fatal(err)
	}
	remove(t, e, sandboxRepository+":of-"+hash+"-"+e.Arch)
	again, err := sandbox(t.Context(), e, p, func(s string) { t.Errorf("told %q", s) })
	if again != ref || err != nil {
		t.Errorf("%s, %v; expected %s", again, err, ref)
	}
}

func TestASandboxThatCannotBeMade(t *testing.T) {
	t.Parallel()
	e := docker(t)
	path := filepath.Join(t.TempDir(), "capsize")
	if err := os.WriteFile(path, []byte("#!/bin/sh"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, p := range map[string]program{
		"CAPSIZE_SANDBOX=" + path + ": the program is not one for Linux": {path: path, given: true},
		"CGO_ENABLED=0 go": {path: path, pkg: "nowhere.com/x", test: true},
	} {
		if _, err := sandbox(t.Context(), e, p, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; expected %q", err, says)
		}
	}
}

// tiny makes an image of a test's own.
func tiny(t *testing.T, e *engine.Engine, name, kind string) {
	t.Helper()
	content := root{texts: map[string][]byte{"name": []byte(name)}, temp: true}
	if err := load(t.Context(), e, name, labelChanges(map[string]string{imageLabel: kind}), content.write); err != nil {
		t.Fatal(err)
	}
	remove(t, e, name)
}

func TestWhatIsResolved(t *testing.T) {
	t.Parallel()
	e := docker(t)
	const public, override = "capsize-test-resolve/etcd:v1", "capsize-test-resolve/mine:v1"
	// neither is here: no registry of this name exists, so that this takes no network
	const nowhere = "127.0.0.1:1/capsize-test-resolve/etcd:v2"
	_, err := Resolve(t.Context(), e, nowhere, "", "", nil)
	var missing *Missing
	if !errors.As(err, &missing) || missing.Image != nowhere || errors.Is(err, harness.ErrRefused) {
		t.Fatalf("%v", err)
	}
	tiny(t, e, public, "")
	tiny(t, e, override, "")
	if _, err = Resolve(t.Context(), e, nowhere, "", "", nil); err == nil || !strings.Contains(err.Error(), public) {
		t.Errorf("the similar image is not told: %v", err)
	}
	for _, c := range []struct{ image, override, want string }{{public, "", public}, {public, override, override}} {
		r, err := Resolve(t.Context(), e, c.image, "etcd", c.override, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Ref != c.want || r.StandIn || !strings.HasPrefix(r.ID, "sha256:") || r.Digest != r.ID {
			t.Errorf("%+v", r)
		}
	}
	if _, err := Resolve(t.Context(), e, public, "", nowhere, nil); !errors.As(err, &missing) || !missing.Asked {
		t.Errorf("an override that is not there: %v", err)
	}
	var unknown *Unknown
	if _, err := Resolve(t.Context(), e, nowhere, "nonesuch", "", nil); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
}

func TestAStandInIsToldToBeOne(t *testing.T) {
	t.Parallel()
	e := docker(t)
	if testing.Short() {
		t.Skip("compiles nats-server")
	}
	if err := Build(t.Context(), e, []string{"nats"}, Options{}); err != nil {
		t.Fatal(err)
	}
	const nowhere = "127.0.0.1:1/capsize-test/nats:2"
	r, err := Resolve(t.Context(), e, nowhere, "nats", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	recipe, _ := Find("nats")
	if r.Ref != recipe.Image || !r.StandIn {
		t.Errorf("%+v", r)
	}
	if err := Build(t.Context(), e, []string{"nats"}, Options{Progress: func(s string) {
		if !strings.Contains(s, "is there already") {
			t.Errorf("told %q", s)
		}
	}}); err != nil {
		t.Error(err)
	}
	list, err := List(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.Name == "nats" && (s.ID != r.ID || s.Size < 1<<20) {
			t.Errorf("%+v", s)
		}
	}
}

// TestARecipeOfGoModules builds a stand-in under a name of its own and asks the server for its version.
func TestARecipeOfGoModules(t *testing.T) {
	t.Parallel()
	e := docker(t)
	if testing.Short() {
		t.Skip("compiles nats-server")
	}
	recipe, _ := Find("nats")
	recipe.Image = "capsize-test-recipe/nats:" + recipe.Version
	remove(t, e, recipe.Image)
	if err := recipe.build(t.Context(), e, Options{}); err != nil {
		t.Fatal(err)
	}
	image, found, err := local(t.Context(), e, recipe.Image)
	if err != nil || !found {
		t.Fatalf("found %v, %v", found, err)
	}
	if l := image.Config.Labels; l[imageLabel] != standInKind || l[recipeLabel] != "nats" ||
		l[versionLabel] != recipe.Version {
		t.Errorf("labels %v", l)
	}
	for _, server := range []string{"/nats-server", "/usr/local/bin/nats-server"} {
		said, err := exec.CommandContext(t.Context(), "docker", "-H", e.Host, "run", "--rm", "--entrypoint", server,
			recipe.Image, "--version").CombinedOutput()
		if errors.Is(err, exec.ErrNotFound) {
			return
		}
		if err != nil || !strings.Contains(string(said), recipe.Version) {
			t.Errorf("%s: %v, %q", server, err, said)
		}
	}
}

func TestACanceledBuild(t *testing.T) {
	t.Parallel()
	e := docker(t)
	recipe, _ := Find("zookeeper")
	recipe.Image, recipe.Version = "capsize-test-recipe/zookeeper:0", "0.0.0"
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := recipe.build(ctx, e, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled build: %v", err)
	}
}
