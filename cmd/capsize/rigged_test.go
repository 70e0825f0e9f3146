package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/capsize-dev/capsize/cmd/cli"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
	"github.com/capsize-dev/capsize/targets"
	"github.com/capsize-dev/capsize/targets/inmem"
	"github.com/capsize-dev/capsize/targets/local"
	"github.com/capsize-dev/capsize/workloads"
)

// rigged is the value of [asCapsize] that adds targets which have a bad day.
const rigged = "rigged"

// riggedMain is main with the rigged targets. It never returns.
func riggedMain() {
	services := maps.Clone(targets.Services())
	services["broken"] = func(context.Context, []string, func(string)) error {
		fmt.Fprintln(os.Stderr, "the engine room is under water")
		return errors.New("cannot open the log")
	}
	local.Main(services)
	all := append(targets.All(), inmem.Targets()...)
	raft := all[0]
	all = append(all, inmem.New(inmem.Options{Bug: inmem.Hang}), bad{"broken", startBroken},
		bad{"full-disk", func(ctx context.Context, env harness.Env) (harness.Cluster, error) {
			if err := fillDisk(env); err != nil {
				return nil, err
			}
			return raft.Start(ctx, env)
		}},
		bad{"wedged", func(ctx context.Context, env harness.Env) (harness.Cluster, error) {
			cluster, err := raft.Start(ctx, env)
			return wedged{cluster}, err
		}})
	catalogue := cli.Catalogue{Targets: all, Workloads: append(workloads.All(), endless())}
	os.Exit(cli.Main(context.Background(), catalogue, os.Args[1:]))
}

// endless is a workload whose checker never decides.
func endless() harness.Workload {
	return harness.Workload{Name: "endless", Checker: harness.CheckerFunc("endless",
		func(ctx context.Context, _ history.History) (harness.Verdict, error) {
			fmt.Fprintln(os.Stderr, "checking")
			<-ctx.Done()
			return harness.Verdict{Reason: "it is never decided"}, nil
		})}
}

// bad is a target by its Start alone.
type bad struct {
	name  string
	start func(context.Context, harness.Env) (harness.Cluster, error)
}

func (b bad) Name() string { return b.name }

func (b bad) Start(ctx context.Context, env harness.Env) (harness.Cluster, error) {
	return b.start(ctx, env)
}

// startBroken starts nodes that end at once, with words on their standard error.
func startBroken(ctx context.Context, env harness.Env) (harness.Cluster, error) {
	return local.Start(ctx, env, local.Spec{Service: "broken"})
}

// fillDisk puts a device that is always full where the history is to be written.
func fillDisk(env harness.Env) error {
	dir, err := env.NodeDir("n1")
	if err != nil {
		return err
	}
	return os.Symlink("/dev/full", filepath.Join(dir, "..", "..", store.HistoryFile))
}

// wedged is a cluster that does not stop while it is asked to.
type wedged struct{ harness.Cluster }

func (w wedged) Stop(ctx context.Context) error {
	<-ctx.Done()
	return w.Cluster.Stop(context.WithoutCancel(ctx))
}
