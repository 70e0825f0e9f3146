package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	ocispec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/engine"
)

func TestEveryRecipeIsWhole(t *testing.T) {
	t.Parallel()
	for _, r := range All() {
		if r.Image != "capsize-standin/"+r.Name+":"+r.Version || r.Summary == "" || r.From == "" {
			t.Errorf("%+v", r)
		}
		if found, ok := Find(r.Name); !ok || found.Image != r.Image {
			t.Errorf("Find(%q) is %+v", r.Name, found)
		}
		if r.From == fromDebian {
			files, err := r.buildContext()
			if err != nil || !slices.Contains(names(t, files), "Dockerfile") {
				t.Errorf("%s has no Dockerfile (%v)", r.Name, err)
			}
			continue
		}
		folder := t.TempDir()
		if err := r.unpack(folder); err != nil {
			t.Error(err)
		}
		module, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		if err != nil || !strings.Contains(string(module), " v"+r.Version) {
			t.Errorf("%s: its go.mod does not name version %s (%v)", r.Name, r.Version, err)
		}
	}
}

func names(t *testing.T, archive io.Reader) []string {
	t.Helper()
	var all []string
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, header.Name)
	}
}

func TestAnUnknownRecipe(t *testing.T) {
	t.Parallel()
	err := Build(t.Context(), nil, []string{"redis", "edcd"}, Options{}) // refused before the engine is asked
	if !errors.Is(err, harness.ErrRefused) || !strings.Contains(err.Error(), "did you mean etcd?") {
		t.Errorf("%v", err)
	}
}

func TestARootIsWrittenTheSameEachTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "server")
	if err := os.WriteFile(path, []byte("a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := root{programs: map[string]string{"bin/a": path, "bin/b": path}, links: map[string]string{"c": "bin/a"},
		texts: map[string][]byte{"e": []byte("x"), "d": []byte("y")}, folders: []string{"var/lib"}, temp: true}
	var first, second bytes.Buffer
	if err := errors.Join(r.write(&first), r.write(&second)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two tars of one root differ")
	}
	if got := names(t, &first); !slices.Equal(got, []string{"tmp/", "var/lib/", "d", "e", "bin/a", "bin/b", "c"}) {
		t.Errorf("%q", got)
	}
	if err := (root{programs: map[string]string{"a": path + "none"}}).write(io.Discard); err == nil {
		t.Error("a program that is not there was written")
	}
}

func TestWhichProgramsFitTheSandbox(t *testing.T) {
	t.Parallel()
	p, err := runningProgram()
	if err != nil || !p.test || p.pkg != capsize {
		t.Errorf("this test is taken for %+v (%v)", p, err)
	}
	here := &engine.Engine{OS: "linux", Arch: runtime.GOARCH}
	if err := p.unfit(here); err == nil {
		t.Error("a test binary is taken for capsize")
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (program{path: text}).unfit(here); err == nil || !strings.Contains(err.Error(), "not one for Linux") {
		t.Errorf("an empty file: %v", err)
	}
	if err := (program{path: text + "none"}).unfit(here); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestForWhomAProgramIsBuilt(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles a program")
	}
	elsewhere := "arm64"
	if runtime.GOARCH == elsewhere {
		elsewhere = "amd64"
	}
	far, here := &engine.Engine{OS: "linux", Arch: elsewhere}, &engine.Engine{OS: "linux", Arch: runtime.GOARCH}
	p := program{path: compiled(t, far)}
	if err := p.unfit(far); err != nil {
		t.Errorf("a static program for the engine: %v", err)
	}
	if err := p.unfit(here); err == nil || !strings.Contains(err.Error(), "and the engine is "+runtime.GOARCH) {
		t.Errorf("a program for another machine: %v", err)
	}
}

func TestAProgramThatDoesNotCompile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module wrong\n\ngo 1.26.0\n",
		"main.go": "package main\n\nnonsense\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := compile(t.Context(), &engine.Engine{OS: "linux", Arch: "amd64"}, dir, ".", filepath.Join(dir, "out"))
	if err == nil || !errors.Is(err, errNoGo) && !strings.Contains(err.Error(), "main.go:3") {
		t.Errorf("%v", err)
	}
}

func TestThisMachinesOwnMirror(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text, want string
	}{
		"lines": {"a.list", "# deb http://no/debian bookworm main\ndeb-src http://no/debian bookworm main\n" +
			"deb [arch=amd64 signed-by=/x] http://m/debian bookworm main\ndeb http://m/security bookworm-security main\n" +
			"deb http://other/apt stable-thing main\ndeb http://m/debian bookworm-backports main\n",
			"deb http://m/debian bookworm main\ndeb http://m/security bookworm-security main\n"},
		"stanzas": {"a.sources", "Types: deb\n# http://no/old\nURIs: http://m/debian\nSuites: bookworm bookworm-updates\n" +
			"Components: main\n\nTypes: deb\nURIs: http://m/sec\nSuites: bookworm-security\n\nEnabled: no\nURIs: http://no/\n" +
			"Suites: bookworm-x\n",
			"deb http://m/debian bookworm main\ndeb http://m/debian bookworm-updates main\n" +
				"deb http://m/sec bookworm-security main\n"},
		"another release": {"a.list", "deb http://m/debian trixie main\n", "deb http://m/debian bookworm main\n"},
		"another system":  {"a.list", "deb http://m/ubuntu noble main\n", ""},
		"switched off":    {"a.list.disabled", "deb http://m/debian bookworm main\n", ""},
	} {
		folder := t.TempDir()
		path := filepath.Join(folder, "sources.list.d", c.file)
		if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(c.text), 0o600)); err != nil {
			t.Fatal(err)
		}
		found, err := debianSources(folder)
		if c.want == "" {
			if err == nil || !strings.Contains(err.Error(), "no Debian mirror is configured") {
				t.Errorf("%s: %+v, %v", name, found, err)
			}
			continue
		}
		if err != nil || found.list() != c.want {
			t.Errorf("%s: %v\n%s", name, err, found.list())
		}
	}
}

func TestWhatTheEngineSaysWhileItWorks(t *testing.T) {
	t.Parallel()
	var heard []string
	err := read(t.Context(), io.NopCloser(strings.NewReader(`{"stream":"a"}{"stream":"b"}`)),
		func(m jsonstream.Message) { heard = append(heard, m.Stream) })
	if err != nil || !slices.Equal(heard, []string{"a", "b"}) {
		t.Errorf("%q, %v", heard, err)
	}
	for text, want := range map[string]string{
		`{"stream":"a"}{"errorDetail":{"message":"no space left"},"error":"no space left"}`: "no space left",
		`{"stream":`: "read what the engine says",
		"<html>":     "read what the engine says",
	} {
		err := read(t.Context(), io.NopCloser(strings.NewReader(text)), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected %q", text, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	from, _ := io.Pipe() // nobody ever writes
	cancel()
	if err := read(ctx, from, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled one: %v", err)
	}
}

func TestLayersAreCounted(t *testing.T) {
	t.Parallel()
	l, last := layers{done: make(map[string]bool)}, ""
	for _, m := range []jsonstream.Message{{Status: "Pulling from library/redis", ID: "7.4"},
		{Status: "Pulling fs layer", ID: "a"},
		{Status: "Pulling fs layer", ID: "b"}, {Status: "Already exists", ID: "c"}, {Status: "Downloading", ID: "a"},
		{Status: "Pull complete", ID: "a"}, {Status: "Pull complete", ID: "a"}} {
		if text := l.heard(m); text != "" {
			last = text
		}
	}
	if last != "2 of 3 layers" {
		t.Errorf("%q", last)
	}
}

func TestTheDigestIsTheRegistrys(t *testing.T) {
	t.Parallel()
	found := client.ImageInspectResult{InspectResponse: image.InspectResponse{ID: "sha256:1"}}
	if r := resolved("redis:7.4", found); r.Digest != "sha256:1" || r.StandIn {
		t.Errorf("%+v", r)
	}
	found.RepoDigests = []string{"mirror/redis@sha256:2", "redis@sha256:3"}
	found.Config = &ocispec.DockerOCIImageConfig{}
	if r := resolved("redis:7.4", found); r.Digest != "redis@sha256:3" {
		t.Errorf("%+v", r)
	}
	found.Config.Labels = map[string]string{imageLabel: standInKind}
	if r := resolved("elsewhere/redis:7.4", found); r.Digest != "mirror/redis@sha256:2" || !r.StandIn {
		t.Errorf("%+v", r)
	}
}

func TestAMissingImageSaysWhatToType(t *testing.T) {
	t.Parallel()
	why := fmt.Errorf("dial tcp: no such host\nmore")
	for want, m := range map[string]Missing{
		"do     capsize images build etcd": {Image: "quay/etcd:v3", Why: why, StandIn: "etcd"},
		"do     correct --image":           {Image: "quay/etcd:v3", Why: why, Asked: true},
		"here   a/etcd:1, b/etcd:2":        {Image: "quay/etcd:v3", Why: why, Similar: []string{"a/etcd:1", "b/etcd:2"}},
	} {
		text := m.Error()
		if !strings.Contains(text, want) || !strings.Contains(text, "quay/etcd:v3") ||
			!strings.Contains(text, "why    dial tcp: no such host\n") || !errors.Is(&m, why) {
			t.Errorf("%s; expected %q", text, want)
		}
	}
}

func TestTheLastPartOfAName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"redis:7.4": "redis", "gcr.io:443/a/etcd": "etcd",
		"a/nats:2@sha256:12": "nats"} {
		if got := lastPart(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
