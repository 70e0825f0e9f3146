package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/targets/containers/engine"
)

// The base of the images that are made of Debian's packages: the public one, or one that is made here.
const (
	release    = "bookworm"
	publicBase = "debian:" + release + "-slim"
	ownBase    = "capsize-standin/debian:" + release
)

// buildFromDebian makes a stand-in with the recipe's Dockerfile, in the engine.
func buildFromDebian(ctx context.Context, e *engine.Engine, r Recipe, o Options) error {
	base, err := debianBase(ctx, e, o)
	if err != nil {
		return err
	}
	tell(o.Progress, "installing %s %s into %s", r.Name, r.Version, base)
	files, err := r.buildContext()
	if err != nil {
		return err
	}
	built, err := e.ImageBuild(ctx, files, client.ImageBuildOptions{Tags: []string{r.Image},
		BuildArgs: buildArguments(base, r.Version), NoCache: o.Force, Remove: true, ForceRemove: true})
	if err != nil {
		return err
	}
	var said strings.Builder
	err = read(ctx, built.Body, func(m jsonstream.Message) {
		said.WriteString(m.Stream)
		if step, _, ok := strings.Cut(m.Stream, " : "); ok && strings.HasPrefix(step, "Step ") {
			tell(o.Progress, "installing %s %s (%s)", r.Name, r.Version, strings.ToLower(step))
		}
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, lastLines(said.String(), 8))
	}
	return nil
}

// buildArguments are those of the Dockerfiles. The proxies are those of this machine: package managers in the build
// need them as those outside do.
func buildArguments(base, version string) map[string]*string {
	arguments := map[string]*string{"BASE": &base, "VERSION": &version}
	for _, name := range []string{"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"} {
		if value := os.Getenv(name); value != "" {
			arguments[name] = &value
		}
	}
	return arguments
}

// buildContext is the recipe's folder as a tar.
func (r Recipe) buildContext() (io.Reader, error) {
	folder, err := fs.Sub(recipes, "recipes/"+r.Name)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	err = errors.Join(archive.AddFS(folder), archive.Close())
	return &content, err
}

// debianBase returns a Debian image that is on the engine, and gets or makes one where there is none.
func debianBase(ctx context.Context, e *engine.Engine, o Options) (string, error) {
	for _, base := range []string{publicBase, ownBase} {
		if _, found, err := local(ctx, e, base); found || err != nil {
			return base, err
		}
	}
	refused := pull(ctx, e, publicBase, o.Progress)
	if refused == nil {
		return publicBase, nil
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	tell(o.Progress, "no registry answers (%v): making %s", refused, ownBase)
	if err := bootstrap(ctx, e, o.Progress); err != nil {
		return "", fmt.Errorf("%s cannot be pulled (%w), nor made here: %w", publicBase, refused, err)
	}
	return ownBase, nil
}

// bootstrap makes a Debian of this machine's own mirror, for an engine of this machine's architecture.
func bootstrap(ctx context.Context, e *engine.Engine, progress func(string)) error {
	if runtime.GOOS != "linux" || runtime.GOARCH != e.Arch {
		return fmt.Errorf("debootstrap runs on Linux/%s only, and this is %s/%s\n  do     docker pull %s where there is a "+
			"network", e.Arch, runtime.GOOS, runtime.GOARCH, publicBase)
	}
	tool, err := exec.LookPath("debootstrap")
	if err != nil {
		return errors.New("debootstrap is not installed\n  do     apt-get install debootstrap")
	}
	if os.Geteuid() != 0 {
		return errors.New("debootstrap needs root\n  do     run this command with sudo")
	}
	sources, err := debianSources("/etc/apt")
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "capsize-debian-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	tell(progress, "installing a minimal Debian %s (about a minute)", release)
	cmd := exec.CommandContext(ctx, tool, "--variant=minbase", release, folder, sources.mirror)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("debootstrap: %w\n%s", err, lastLines(string(said), 5))
	}
	list := filepath.Join(folder, "etc", "apt", "sources.list")
	if err := os.WriteFile(list, []byte(sources.list()), 0o644); err != nil {
		return err
	}
	tell(progress, "importing %s", ownBase)
	labels := map[string]string{imageLabel: standInKind, recipeLabel: "debian", versionLabel: release}
	return load(ctx, e, ownBase, append(labelChanges(labels), `CMD ["bash"]`), func(to io.Writer) error {
		return writeFolder(ctx, folder, to)
	})
}

// writeFolder writes an installed system as a tar, without what a container has of its own and what was downloaded.
func writeFolder(ctx context.Context, folder string, to io.Writer) error {
	cmd := exec.CommandContext(ctx, "tar", "-C", folder, "--numeric-owner", "--exclude=./proc/*", "--exclude=./sys/*",
		"--exclude=./dev/*", "--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*", "-c", ".")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = to, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("tar: %w\n%s", err, lastLines(said.String(), 3))
	}
	return nil
}

// sources are where this machine gets Debian's packages from.
type sources struct {
	mirror string   // of the release itself
	more   []source // its updates
}

type source struct{ address, suite string }

// list is for the sources.list of the base.
func (s sources) list() string {
	lines := fmt.Sprintf("deb %s %s main\n", s.mirror, release)
	for _, m := range s.more {
		lines += fmt.Sprintf("deb %s %s main\n", m.address, m.suite)
	}
	return lines
}

// suites are those of the main archive: a mirror that has one of them has the release too.
var suites = regexp.MustCompile(`^(bullseye|bookworm|trixie|forky|sid|oldstable|stable|testing|unstable)/?$`)

// debianSources reads the configuration of apt: no mirror is named here, the machine's owner chose one.
func debianSources(folder string) (sources, error) {
	files, _ := filepath.Glob(filepath.Join(folder, "sources.list.d", "*")) // the pattern is well-formed
	var found sources
	for _, file := range append([]string{filepath.Join(folder, "sources.list")}, files...) {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // as apt does with what it cannot use; what is missing in the end is told below
		}
		switch filepath.Ext(file) {
		case ".list":
			found.add(oneLineSources(string(data)))
		case ".sources":
			found.add(stanzaSources(string(data)))
		}
	}
	if found.mirror == "" {
		return sources{}, fmt.Errorf("no Debian mirror is configured in %s\n  do     docker pull %s where there is a network",
			folder, publicBase)
	}
	return found, nil
}

func (s *sources) add(all []source) {
	for _, one := range all {
		if s.mirror == "" && suites.MatchString(one.suite) {
			s.mirror = one.address
		}
		if strings.HasPrefix(one.suite, release+"-") && !strings.Contains(one.suite, "backports") {
			s.more = append(s.more, one)
		}
	}
}

// oneLineSources reads lines as: deb [options] ADDRESS SUITE COMPONENT...
func oneLineSources(text string) []source {
	var all []source
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if _, rest, ok := strings.Cut(line, "]"); ok && strings.Contains(line, "[") {
			line = "deb " + rest
		}
		if words := strings.Fields(line); len(words) >= 4 && words[0] == "deb" && strings.HasPrefix(words[1], "http") {
			all = append(all, source{words[1], words[2]})
		}
	}
	return all
}

// stanzaSources reads stanzas of "Field: values", an empty line between them.
func stanzaSources(text string) []source {
	var all []source
	for stanza := range strings.SplitSeq(text+"\n", "\n\n") {
		fields := make(map[string][]string)
		for line := range strings.Lines(stanza) {
			if name, values, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
				fields[strings.ToLower(name)] = strings.Fields(values)
			}
		}
		if enabled := fields["enabled"]; len(enabled) > 0 && enabled[0] == "no" {
			continue
		}
		for _, address := range fields["uris"] {
			for _, suite := range fields["suites"] {
				if strings.HasPrefix(address, "http") {
					all = append(all, source{address, suite})
				}
			}
		}
	}
	return all
}
