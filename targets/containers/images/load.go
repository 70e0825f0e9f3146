package images

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/targets/containers/engine"
)

// isNotFound reports whether the engine said that there is no such thing.
func isNotFound(err error) bool { return cerrdefs.IsNotFound(err) }

// tell tells whoever waits, if anybody does.
func tell(progress func(string), format string, args ...any) {
	if progress != nil {
		progress(fmt.Sprintf(format, args...))
	}
}

// root is a file system to be: what an image without a base holds.
type root struct {
	programs map[string]string // by path in the image: the file to take
	links    map[string]string // by path in the image: the path of another file in it that it is, too
	texts    map[string][]byte
	folders  []string
	temp     bool // a /tmp where everybody may write
}

// write writes it as a tar. The times are all the beginning, so that equal content makes an equal tar.
func (r root) write(to io.Writer) error {
	archive := tar.NewWriter(to)
	if r.temp {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}); err != nil {
			return err
		}
	}
	for _, folder := range r.folders {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755}); err != nil {
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(r.texts)) {
		if err := archive.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(r.texts[path]))}); err != nil {
			return err
		}
		if _, err := archive.Write(r.texts[path]); err != nil {
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(r.programs)) {
		if err := writeProgram(archive, path, r.programs[path]); err != nil {
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(r.links)) {
		link := tar.Header{Typeflag: tar.TypeLink, Name: path, Linkname: r.links[path], Mode: 0o755}
		if err := archive.WriteHeader(&link); err != nil {
			return err
		}
	}
	return archive.Close()
}

func writeProgram(archive *tar.Writer, path, from string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: info.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(archive, file)
	return err
}

// load makes an image of a file system. The import of a tar is what engines of every age can do.
func load(ctx context.Context, e *engine.Engine, tag string, changes []string, write func(io.Writer) error) error {
	from, to := io.Pipe()
	go func() { to.CloseWithError(write(to)) }()
	defer func() { _ = from.Close() }() // ends the writer where the engine did not want all of it
	result, err := e.ImageImport(ctx, client.ImageImportSource{Source: from, SourceName: "-"}, tag,
		client.ImageImportOptions{Changes: changes})
	if err != nil {
		return fmt.Errorf("import the image %s: %w", tag, err)
	}
	if err := read(ctx, result, nil); err != nil {
		return fmt.Errorf("import the image %s: %w", tag, err)
	}
	return nil
}

// labelChanges are labels in the words of a Dockerfile.
func labelChanges(labels map[string]string) []string {
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		changes = append(changes, fmt.Sprintf("LABEL %s=%q", name, labels[name]))
	}
	return changes
}

// tagOf splits a name into its repository and its tag.
func tagOf(name string) (repository, tag string) {
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		return name[:at], name[at+1:]
	}
	return name, ""
}
