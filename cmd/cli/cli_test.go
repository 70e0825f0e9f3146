package cli_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/capsize-dev/capsize/cmd/cli"
	"github.com/capsize-dev/capsize/targets"
	"github.com/capsize-dev/capsize/targets/inmem"
	"github.com/capsize-dev/capsize/targets/local"
	"github.com/capsize-dev/capsize/workloads"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts")

func TestMain(m *testing.M) {
	local.Main(targets.Services())
	testscript.Main(m, map[string]func(){
		"capsize": func() {
			catalogue := cli.Catalogue{
				Targets: append(append(targets.All(), inmem.Targets()...),
					inmem.New(inmem.Options{Bug: inmem.FailStart}),
					inmem.New(inmem.Options{Bug: inmem.Hang})),
				Workloads: workloads.All(),
			}
			os.Exit(cli.Main(context.Background(), catalogue, os.Args[1:]))
		},
	})
}

// TestScripts runs the scripts of testdata/script: what a user could type, and what must come of it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), UpdateScripts: *update, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "waitfile": waitFile,
			"tear": tear},
		Setup: func(env *testscript.Env) error {
			env.Setenv("TERM", "dumb")
			return nil
		},
	})
}

// exits runs a command and asks for its exit code: exits 3 capsize ...
func exits(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit := new(exec.ExitError)
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, expected %d", got, want)
	}
}

// waitFile waits until a file is there that is not empty.
func waitFile(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 1 {
		ts.Fatalf("usage: waitfile PATTERN")
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		files, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		for _, file := range files {
			if info, err := os.Stat(file); err == nil && info.Size() > 0 {
				return
			}
		}
	}
	ts.Fatalf("no file %s within a minute", args[0])
}

// tear cuts the last bytes off a file, as a writer does that dies: tear FILE BYTES.
func tear(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		ts.Fatalf("usage: tear FILE BYTES")
	}
	bytes, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), info.Size()-bytes))
}
