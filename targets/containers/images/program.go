package images

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/capsize-dev/capsize/targets/containers/engine"
)

// capsize is the main package that every sandbox can be made of.
const capsize = "github.com/capsize-dev/capsize/cmd/capsize"

// program is one that a sandbox may be made of.
type program struct {
	path  string
	pkg   string // the main package to build where the file itself will not do
	test  bool   // a test binary: it is not capsize, whatever it can do
	given bool   // by CAPSIZE_SANDBOX
}

// runningProgram is this one, or the one that the user names.
func runningProgram() (program, error) {
	if path := os.Getenv("CAPSIZE_SANDBOX"); path != "" {
		return program{path: path, given: true}, nil
	}
	path, err := os.Executable()
	if err != nil {
		return program{}, fmt.Errorf("find the running program: %w", err)
	}
	name := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		name = info.Path
	}
	p := program{path: path, pkg: name, test: strings.HasSuffix(name, ".test")}
	if p.test || !strings.Contains(name, "/") { // command-line-arguments is what a list of files is called
		p.pkg = capsize
	}
	return p, nil
}

// machines are the architectures of Go's names.
var machines = map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_386: "386",
	elf.EM_ARM: "arm", elf.EM_RISCV: "riscv64", elf.EM_S390: "s390x", elf.EM_PPC64: "ppc64le", elf.EM_LOONGARCH: "loong64"}

// unfit says why the file itself cannot be the sandbox's program, nil where it can.
func (p program) unfit(e *engine.Engine) error {
	if p.test {
		return errors.New("the running program is a test")
	}
	file, err := elf.Open(p.path)
	var unreadable *fs.PathError
	if errors.As(err, &unreadable) {
		return err
	}
	if err != nil {
		return errors.New("the program is not one for Linux")
	}
	defer func() { _ = file.Close() }()
	if arch := machines[file.Machine]; arch != e.Arch {
		return fmt.Errorf("the program is for %s, and the engine is %s", file.Machine, e.Arch)
	}
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP {
			return errors.New("the program is not static: it needs libraries that the sandbox does not have")
		}
	}
	return nil
}

// advice is what to do where a program cannot be built.
func (p program) advice(e *engine.Engine) string {
	if runtime.GOOS == e.OS && runtime.GOARCH == e.Arch {
		return "use a released capsize, or build a static one where its source is\n         CGO_ENABLED=0 go install " + p.pkg
	}
	return fmt.Sprintf("use a released capsize for Linux, or build one where its source is\n         CGO_ENABLED=0 "+
		"GOOS=linux GOARCH=%s go build -o capsize-linux %s\n         and run again with CAPSIZE_SANDBOX=capsize-linux",
		e.Arch, p.pkg)
}
