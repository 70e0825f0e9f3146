package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/capsize-dev/capsize/targets/containers/engine"
)

// errNoGo says that the Go toolchain is needed and not there.
var errNoGo = errors.New("the Go toolchain is not installed (no go in the PATH); it is free at go.dev")

// compile builds a main package, static and for the engine, in a folder; "" means the current one. The words of the
// compiler are in the error.
func compile(ctx context.Context, e *engine.Engine, folder, pkg, to string, flags ...string) error {
	tool, err := exec.LookPath("go")
	if err != nil {
		return errNoGo
	}
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", to}, flags...)
	cmd := exec.CommandContext(ctx, tool, append(args, pkg)...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+e.OS, "GOARCH="+e.Arch, "GOFLAGS=")
	if folder != "" {
		cmd.Env = append(cmd.Env, "GOWORK=off") // its go.mod says all
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, lastLines(said.String(), 8))
	}
	return nil
}

// lastLines returns the end of a text, indented.
func lastLines(text string, limit int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > limit {
		lines = lines[len(lines)-limit:]
	}
	return "         " + strings.Join(lines, "\n         ")
}

// buildFromModules makes a stand-in of a server's Go modules: an image with the server and nothing else.
func buildFromModules(ctx context.Context, e *engine.Engine, r Recipe, progress func(string)) error {
	folder, err := os.MkdirTemp("", "capsize-"+r.Name+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := r.unpack(folder); err != nil {
		return err
	}
	tell(progress, "compiling %s %s", r.Name, r.Version)
	binary := filepath.Join(folder, r.Name)
	if err := compile(ctx, e, folder, ".", binary, "-mod=readonly"); err != nil {
		return err
	}
	content := root{programs: map[string]string{r.binary: binary}, folders: r.folders, temp: true,
		texts: map[string][]byte{}, links: map[string]string{}}
	for _, alias := range r.aliases {
		content.links[alias] = r.binary
	}
	for path, name := range r.files {
		if content.texts[path], err = recipes.ReadFile("recipes/" + r.Name + "/" + name); err != nil {
			return err
		}
	}
	tell(progress, "importing %s", r.Image)
	return load(ctx, e, r.Image, append(labelChanges(r.labels()), r.changes...), content.write)
}

// unpack writes the recipe's module into a folder. In the recipe its files end in .txt: a folder with a go.mod cannot
// be embedded.
func (r Recipe) unpack(folder string) error {
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		data, err := recipes.ReadFile("recipes/" + r.Name + "/" + name + ".txt")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
