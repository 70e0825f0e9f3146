package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/targets/containers/engine"
)

// sandboxRepository is the name of the sandbox images; the tag is the beginning of a hash.
const sandboxRepository = "capsize-sandbox"

// Sandbox returns the image of the nodes' agent and makes it where the engine does not have it: a static capsize at
// /capsize, for the engine's architecture, and nothing else. The image's tag is the hash of that program, so that two
// programs never share one, and whoever makes the same one at the same time makes the same image.
//
// The program is the file that CAPSIZE_SANDBOX names; else the running one, where it is a static capsize for Linux;
// else one that the Go toolchain builds of the same main package. progress may be nil.
func Sandbox(ctx context.Context, e *engine.Engine, progress func(string)) (ref string, err error) {
	return e.Once("sandbox", func() (string, error) {
		running, err := runningProgram()
		if err != nil {
			return "", fmt.Errorf("make the sandbox image: %w", err)
		}
		ref, err := sandbox(ctx, e, running, progress)
		if err != nil {
			return "", fmt.Errorf("make the sandbox image: %w", err)
		}
		return ref, nil
	})
}

func sandbox(ctx context.Context, e *engine.Engine, p program, progress func(string)) (string, error) {
	why := p.unfit(e)
	if why == nil {
		return importSandbox(ctx, e, p.path, progress)
	}
	if p.given {
		return "", fmt.Errorf("CAPSIZE_SANDBOX=%s: %w", p.path, why)
	}
	source := ""
	if !p.test {
		// a test binary holds only some packages of the program, so that it does not tell whether that changed
		hash, err := hashOf(p.path)
		if err != nil {
			return "", err
		}
		source = sandboxRepository + ":of-" + hash + "-" + e.Arch
		if image, found, err := local(ctx, e, source); err != nil || found {
			return made(image, source), err
		}
	}
	folder, err := os.MkdirTemp("", "capsize-sandbox-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	tell(progress, "compiling the nodes' agent for linux/%s", e.Arch)
	binary := filepath.Join(folder, "capsize")
	if err := compile(ctx, e, "", p.pkg, binary); err != nil {
		return "", fmt.Errorf("%w: %w\n  do     %s", why, err, p.advice(e))
	}
	ref, err := importSandbox(ctx, e, binary, progress)
	if err != nil || source == "" {
		return ref, err
	}
	_, err = e.ImageTag(ctx, client.ImageTagOptions{Source: ref, Target: source})
	return ref, err
}

// made returns the tag of the program of an image that was found by where it comes from.
func made(image client.ImageInspectResult, source string) string {
	for _, name := range image.RepoTags {
		if repository, tag := tagOf(name); repository == sandboxRepository && len(tag) == hashDigits {
			return name
		}
	}
	return source
}

// importSandbox makes the image of a program, unless it is there.
func importSandbox(ctx context.Context, e *engine.Engine, path string, progress func(string)) (string, error) {
	hash, err := hashOf(path)
	if err != nil {
		return "", err
	}
	ref := sandboxRepository + ":" + hash
	if _, found, err := local(ctx, e, ref); found || err != nil {
		return ref, err
	}
	tell(progress, "importing %s", ref)
	changes := append(labelChanges(map[string]string{imageLabel: sandboxKind}), `ENTRYPOINT ["/capsize"]`)
	content := root{programs: map[string]string{"capsize": path}}
	return ref, load(ctx, e, ref, changes, content.write)
}

// hashDigits is how much of a hash is in a tag.
const hashDigits = 12

func hashOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil))[:hashDigits], nil
}
