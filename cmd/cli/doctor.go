package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/store"
	"github.com/capsize-dev/capsize/targets/containers"
)

func (a *app) doctorCommand() *cobra.Command {
	var o output
	c := &cobra.Command{
		Use:   "doctor",
		Short: "check that this machine can do what capsize asks of it",
		Long: `doctor tries what a run needs: a folder to write to, loopback addresses, a child
process that can be started, stopped, resumed and killed, a whole cluster of one
node, and for targets in containers Docker, a sandbox, and each way to hurt its
network, its processes and its disk. Each line says what was tried, and of a failure what to do.

It ends with 0 when a run will work, and with 4 when it will not. Docker is not
needed for that: without it, targets run as local processes.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.doctor(c.Context(), o) },
	}
	c.Flags().StringVar(&o.out, "out", store.DefaultOut, "the folder where runs are to be kept")
	return c
}

// finding is what one examination found.
type finding struct {
	what   string
	detail string
	err    error
	advice string
	minor  bool // a run works without it
}

func (a *app) doctor(ctx context.Context, o output) error {
	sick := false
	findings := []finding{examineSystem(), examineFolder(o.out), examineLoopback(), a.examineCluster(ctx)}
	for _, f := range append(findings, a.examineContainers(ctx)...) {
		glyph, detail := "✓", f.detail
		if f.err != nil {
			glyph, detail = "✗", f.err.Error()
			if f.minor {
				glyph = "!"
			}
			sick = sick || !f.minor
		}
		fmt.Fprintf(a.stdout, "%s %-10s %s\n", glyph, f.what, strings.ReplaceAll(detail, "\n", "\n  "))
		if f.err != nil && f.advice != "" {
			fmt.Fprintf(a.stdout, "  do         %s\n", f.advice)
		}
	}
	if sick {
		a.exit = ExitEnvironment
		return nil
	}
	fmt.Fprintln(a.stdout, "\nA run will work here. Next:  capsize demo")
	return nil
}

func examineSystem() finding {
	f := finding{what: "system", minor: true,
		detail: fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())}
	if runtime.GOOS == "windows" {
		f.err = fmt.Errorf("%s: processes cannot be paused on Windows", f.detail)
		f.advice = "leave pause out of --nemesis; everything else works"
	}
	return f
}

func examineFolder(out string) finding {
	f := finding{what: "folder", advice: "choose another one with --out DIR, or make room"}
	if f.err = os.MkdirAll(out, 0o755); f.err != nil {
		return f
	}
	file, err := os.CreateTemp(out, ".doctor-*")
	if err != nil {
		f.err = err
		return f
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, f.err = file.Write(make([]byte, 1<<20))
	if err := file.Close(); f.err == nil {
		f.err = err
	}
	path, _ := filepath.Abs(out)
	f.detail = path + " can be written to"
	return f
}

func examineLoopback() finding {
	f := finding{what: "loopback", detail: "127.0.0.1 can be listened on",
		advice: "nodes talk over 127.0.0.1: bring the loopback interface up"}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.err = err
		return f
	}
	f.err = listener.Close()
	return f
}

// examineCluster starts one node of the default target, and pauses, resumes, kills and restarts it where it can.
func (a *app) examineCluster(ctx context.Context) finding {
	f := finding{what: "cluster", advice: "see the node's words above; capsize run -v says more"}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	target, err := a.target(fallback.Target)
	if err != nil {
		f.err = err
		return f
	}
	dir, err := os.MkdirTemp("", "capsize-doctor-*")
	if err != nil {
		f.err = err
		return f
	}
	defer func() { _ = os.RemoveAll(dir) }()
	began := time.Now()
	cluster, err := target.Start(ctx, harness.Env{Nodes: 1, Run: "doctor", Log: a.logger(),
		NodeDir: func(node string) (string, error) { d := filepath.Join(dir, node); return d, os.MkdirAll(d, 0o755) }})
	if err != nil {
		f.err = err
		return f
	}
	ready := time.Since(began)
	f.err = examineNode(ctx, cluster.Nodes()[0])
	if err := cluster.Stop(ctx); f.err == nil {
		f.err = err
	}
	f.detail = fmt.Sprintf("a node of %s was ready in %.1f s, and could be stopped, resumed, killed and restarted",
		target.Name(), ready.Seconds())
	return f
}

func examineNode(ctx context.Context, node harness.Node) error {
	if p, ok := node.(harness.Pauser); ok {
		if err := p.Pause(ctx); err != nil {
			return fmt.Errorf("pause: %w", err)
		}
		if err := p.Resume(ctx); err != nil {
			return fmt.Errorf("resume: %w", err)
		}
	}
	if k, ok := node.(harness.Killer); ok {
		if err := k.Kill(ctx); err != nil {
			return fmt.Errorf("kill: %w", err)
		}
		if err := k.Restart(ctx); err != nil {
			return fmt.Errorf("restart: %w", err)
		}
	}
	return nil
}

// examineContainers tries what targets in containers need. A run of a local target works without any of it.
func (a *app) examineContainers(ctx context.Context) []finding {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute) // the sandbox may have to be compiled
	defer cancel()
	found, err := containers.Examine(ctx, harness.Env{Run: "doctor", Log: a.logger()})
	docker := finding{what: "docker", minor: true}
	if found.Engine == nil {
		docker.err = err
		return []finding{docker}
	}
	e := found.Engine
	docker.detail = fmt.Sprintf("engine %s, API %s, %d cores, %.1f GB, at %s", e.Version, e.API, e.CPUs,
		float64(e.Memory)/1e9, e.Host)
	if e.Memory < leastMemory {
		docker.err = fmt.Errorf("%s: less than the %.0f GB that the heavier targets take", docker.detail, leastMemory/1e9)
		docker.advice = "give Docker more memory, or use fewer --nodes"
	}
	sandbox := finding{what: "sandbox", minor: true, err: err, detail: fmt.Sprintf("ready in %.1f s on Linux %s",
		found.Sandbox.Seconds(), e.KernelVersion)}
	if !found.BackoffLimited && err == nil {
		sandbox.detail += "; TCP's back-off has no limit there (Linux 6.15 has one), so recovery may take longer"
	}
	if err != nil {
		return []finding{docker, sandbox}
	}
	ways := append(examined("network", found.Network), examined("processes", found.Processes)...)
	return append([]finding{docker, sandbox}, ways...)
}

// leastMemory is what a cluster of the heavier targets takes.
const leastMemory = 4e9

// examined is a line for all that works, and one for each thing that does not.
func examined(what string, ways map[string]string) []finding {
	var works []string
	var not []finding
	for name, why := range ways {
		if why == "" {
			works = append(works, name)
			continue
		}
		not = append(not, finding{what: name, minor: true, err: fmt.Errorf("%s", why),
			advice: "leave the faults that need it out of --nemesis (capsize list faults)"})
	}
	slices.Sort(works)
	slices.SortFunc(not, func(a, b finding) int { return strings.Compare(a.what, b.what) })
	return append([]finding{{what: what, detail: "tried there, and works: " + strings.Join(works, ", ")}}, not...)
}
