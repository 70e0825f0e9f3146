package harnesstest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// TargetKit are the settings of the kit for targets. The zero value is what [TestTarget] uses.
type TargetKit struct {
	Nodes    int           // of each cluster; 3
	Patience time.Duration // how long the kit waits for what must come: a start, a recovery; 60 s
	// Answer is how long a call may take, and how long the kit listens before it believes in a silence; 2 s. It should be
	// well above what a healthy call takes.
	Answer time.Duration
	// Forgetful says that the target keeps its data in memory alone and is not to be asked for it after all nodes were
	// killed.
	Forgetful bool
	// Idle says that a node has so little to do for one call at a time that a squeeze of its CPU does not show.
	Idle bool

	diskLimit int64 // of each node, or 0
}

// The contract of a target.
const (
	targetName    rule = "a target has a name that a user can type"
	targetStart   rule = "Start returns when the cluster is ready to serve, with as many nodes as were asked for"
	targetNodes   rule = "Nodes returns the members in a fixed order, each under a name of its own"
	targetFresh   rule = "Start starts a fresh, empty cluster, also beside others of the same target"
	targetGivesUp rule = "Start gives up when its context ends, and on an error nothing is left behind"
	clientPinned  rule = "a client talks to its node; what one node has acknowledged the others come to hold"
	clientContext rule = "a call ends with its context"
	clientCAS     rule = "a compare-and-set that does not match changes nothing, and its error wraps ErrUnmet"
	killStops     rule = "Kill ends a node as a crash would and holds it down until Restart"
	killSpares    rule = "Kill ends one node: a majority that is left goes on"
	restartBack   rule = "Restart starts the node again on the data it left"
	pauseStops    rule = "a paused node does nothing"
	resumeBack    rule = "Resume lets a paused node go on, with the memory and the process it had"
	vitalsTell    rule = "Vitals says whether the process runs, is paused or dead; PID changes with each start only"
	cutParts      rule = "what is sent over a cut link does not arrive until it is mended: the two sides cannot agree"
	cutCounted    rule = "Traffic counts what a cut held back, which proves the cut"
	cutNests      rule = "cuts nest: a link is whole again when it was mended as often as it was cut"
	mendMends     rule = "Mend makes links whole: the two sides agree again"
	refuseParts   rule = "what is sent over a refused link does not arrive until it is admitted: both sides cannot agree"
	refuseCounted rule = "Traffic counts as Held what was refused, which proves it"
	refuseNests   rule = "refusals nest: a link is whole again when it was admitted as often as it was refused"
	admitMends    rule = "Admit makes refused links whole: the two sides agree again"
	probeAgrees   rule = "Probe says over which links something arrives: none that is cut or refused, all others"
	resumedEnds   rule = "Resumed returns once connections over the links carry data again"
	leadersExist  rule = "Leaders returns names of nodes"
	settledEnds   rule = "Settled returns nil once a leader is known and every replica is current, and ends with ctx"
	logsRead      rule = "Logs returns a node's log, and an error where there is no such node"
	stopTwice     rule = "Stop ends every node, also a paused or dead one, and may be called again"
	stopSilence   rule = "after Stop nothing answers"
	stopLeaves    rule = "Stop leaves no goroutine behind"
)

// TestTarget starts clusters of the target and holds each power they have against its contract. It learns what works
// through the clients, so they need the methods of at least one workload.
//
// It starts about three clusters of three nodes, at most two at once, and hurts them: a fourth, whose disks have a
// limit, where they can be filled. A power that the cluster lacks, or says it has not to the extent that the kit asks
// for, is logged and not tested. It does not ask whether the target is consistent: that is what runs are for.
func TestTarget(t testing.TB, target harness.Target) {
	t.Helper()
	TargetKit{}.Test(t, target)
}

// Test is [TestTarget] with these settings.
func (k TargetKit) Test(t testing.TB, target harness.Target) {
	t.Helper()
	if k.Nodes == 0 {
		k.Nodes = 3
	}
	if k.Patience == 0 {
		k.Patience = time.Minute
	}
	if k.Answer == 0 {
		k.Answer = 2 * time.Second
	}
	if target.Name() == "" || slices.ContainsFunc([]byte(target.Name()), func(c byte) bool { return c <= ' ' }) {
		targetName.broken(t, "the target's name is %q", target.Name())
	}
	before := goroutines()
	k.givesUp(t, target)
	first := k.start(t, target)
	stopped := false
	defer func() { // also when a rule ends the test
		if !stopped {
			_ = first.cluster.Stop(context.WithoutCancel(t.Context()))
		}
	}()
	first.serves()
	k.fresh(t, target, first)
	first.calls()
	first.kills(k.Forgetful)
	first.terminates(k.Forgetful)
	first.pauses()
	first.cuts()
	first.refuses()
	first.cutsClients()
	first.shapes()
	first.squeezes(k.Idle)
	k.fills(t, target, first)
	first.leaves()
	first.tells()
	first.wipes(k.Forgetful)
	first.stops()
	stopped = true
	if left := leftBehind(before, k.Answer); len(left) > 0 {
		stopLeaves.broken(t, "%d goroutines are left after Stop; the first:\n%s", len(left), left[0])
	}
}

// targetKit is a cluster under test.
type targetKit struct {
	*bench
	nodes []harness.Node
}

// start starts a cluster that keeps its logs in a folder of the test.
func (k TargetKit) start(t testing.TB, target harness.Target) *targetKit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), k.Patience)
	defer cancel()
	cluster, err := target.Start(ctx, k.env(t))
	if err != nil {
		targetStart.fatal(t, "start %s: %v", target.Name(), err)
	}
	nodes := cluster.Nodes()
	kit := &targetKit{newBench(t, cluster, k.Patience, k.Answer, "capsize-kit"), nodes}
	names := make(map[string]bool)
	for i, n := range cluster.Nodes() {
		names[n.Name()] = true
		if n.Name() == "" || len(names) != i+1 || n.Name() != nodes[i].Name() {
			targetNodes.broken(t, "node %d is called %q", i, n.Name())
		}
	}
	if len(nodes) != k.Nodes {
		_ = cluster.Stop(t.Context())
		targetStart.fatal(t, "%d nodes were asked for, and there are %d", k.Nodes, len(nodes))
	}
	return kit
}

func (k TargetKit) env(t testing.TB) harness.Env {
	dir := t.TempDir()
	return harness.Env{
		Nodes: k.Nodes, Run: "kit", DiskLimit: k.diskLimit, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Seed: 1,
		NodeDir: func(node string) (string, error) {
			path := filepath.Join(dir, node)
			return path, os.MkdirAll(path, 0o755)
		},
	}
}

func (k TargetKit) givesUp(t testing.TB, target harness.Target) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cluster, err := target.Start(ctx, k.env(t))
	if err != nil {
		return
	}
	targetGivesUp.broken(t, "Start with a context that has ended started a cluster")
	_ = cluster.Stop(context.WithoutCancel(ctx))
}

// fresh starts a second cluster beside the first, which has data, and a third after the second had some.
func (k TargetKit) fresh(t testing.TB, target harness.Target, first *targetKit) {
	t.Helper()
	for range 2 {
		second := k.start(t, target)
		for _, node := range second.nodes {
			values, err := second.get(node)
			if err != nil {
				targetStart.broken(t, "%s was just started: %v", node.Name(), err)
			} else if len(values) > 0 {
				targetFresh.broken(t, "%s of a cluster that was just started holds %v", node.Name(), values)
			}
		}
		second.last = first.last + 100
		if err := second.works(second.nodes); err != nil {
			targetFresh.broken(t, "the cluster started last: %v", err)
		}
		if err := second.act(second.cluster.Stop); err != nil {
			stopTwice.broken(t, "stop: %v", err)
		}
		if node := second.silent(second.nodes...); node != nil {
			stopSilence.broken(t, "%s still answers", node.Name())
		}
	}
	if err := first.works(first.nodes); err != nil {
		targetFresh.broken(t, "after another cluster was stopped: %v", err)
	}
}

// serves uses the cluster as it is, which must work for anything else to mean something.
func (k *targetKit) serves() {
	k.t.Helper()
	if _, err := k.put(k.nodes[0]); err != nil {
		targetStart.broken(k.t, "the first call after Start failed: %v", err)
	}
	if err := k.works(k.nodes); err != nil {
		clientPinned.fatal(k.t, "with nothing wrong: %v", err)
	}
}

// calls holds single calls against the contract.
func (k *targetKit) calls() {
	k.t.Helper()
	for _, node := range k.nodes {
		k.ends("a call whose context has ended", node, 0)
	}
	k.last++
	value := k.last
	err := k.with(k.nodes[0], func(ctx context.Context, c harness.Client) error { return k.mismatch(ctx, c, value) })
	if err != nil {
		clientPinned.broken(k.t, "with nothing wrong: %v", err)
	}
}

// mismatch tries a compare-and-set to the value that cannot match, where the client has one.
func (k *targetKit) mismatch(ctx context.Context, c harness.Client, value int64) error {
	client, ok := c.(casClient)
	if _, register := c.(registerClient); !ok || !register {
		return nil
	}
	_, err := client.CompareAndSet(ctx, k.key, -1, value)
	values, readErr := get(ctx, c, k.key)
	if readErr == nil && (!errors.Is(err, harness.ErrUnmet) || slices.Contains(values, value)) {
		clientCAS.broken(k.t, "a compare-and-set from a value that is not there: %v, and the values are %v", err, values)
	}
	return readErr
}

// ends makes a call with little time, which must end soon after it has passed.
func (k *targetKit) ends(what string, node harness.Node, limit time.Duration) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), limit)
	defer cancel()
	k.last++
	value := k.last
	done := make(chan error, 1)
	go func() {
		client, err := node.Dial(ctx)
		if err == nil {
			err = put(ctx, client, k.key, value)
			_ = client.Close()
		}
		done <- err
	}()
	timer := time.NewTimer(limit + k.answer)
	defer timer.Stop()
	select {
	case err := <-done:
		if limit == 0 && err == nil {
			clientContext.broken(k.t, "%s on %s succeeded", what, node.Name())
		}
		k.judge(value, err)
	case <-timer.C:
		clientContext.broken(k.t, "%s on %s has not returned %s after its end", what, node.Name(), k.answer)
	}
}

// tells asks the powers that only tell.
func (k *targetKit) tells() {
	k.t.Helper()
	if settler, ok := k.cluster.(harness.Settler); ok {
		if err := k.act(settler.Settled); err != nil {
			settledEnds.broken(k.t, "nothing is wrong, and Settled returns %v", err)
		}
	}
	if leaders, ok := k.cluster.(harness.Leaders); ok {
		err := k.act(func(ctx context.Context) error {
			names, err := leaders.Leaders(ctx)
			for _, name := range names {
				if !slices.ContainsFunc(k.nodes, func(n harness.Node) bool { return n.Name() == name }) {
					leadersExist.broken(k.t, "%q leads, which is no node", name)
				}
			}
			return err
		})
		if err != nil {
			leadersExist.broken(k.t, "nothing is wrong, and Leaders returns %v", err)
		}
	}
	logs, ok := k.cluster.(harness.Logs)
	if !ok {
		return
	}
	for _, node := range k.nodes {
		text, err := logs.Logs(k.t.Context(), node.Name())
		if err == nil {
			_, err = io.ReadAll(text)
			err = errors.Join(err, text.Close())
		}
		if err != nil {
			logsRead.broken(k.t, "the log of %s: %v", node.Name(), err)
		}
	}
	if _, err := logs.Logs(k.t.Context(), "no such node"); err == nil {
		logsRead.broken(k.t, "a node that does not exist has a log")
	}
}

// stops stops the cluster with one node dead and one paused, where the target can do that.
func (k *targetKit) stops() {
	k.t.Helper()
	if killer, ok := k.nodes[0].(harness.Killer); ok {
		if err := k.act(killer.Kill); err != nil {
			killStops.broken(k.t, "kill %s: %v", k.nodes[0].Name(), err)
		}
	}
	if pauser, ok := k.nodes[len(k.nodes)-1].(harness.Pauser); ok && len(k.nodes) > 1 {
		if err := k.act(pauser.Pause); err != nil {
			pauseStops.broken(k.t, "pause %s: %v", k.nodes[len(k.nodes)-1].Name(), err)
		}
	}
	for i := range 2 {
		if err := k.act(k.cluster.Stop); err != nil {
			stopTwice.broken(k.t, "Stop number %d: %v", i+1, err)
		}
	}
}

// lacks logs a power that was not tested because it is not there.
func (k *targetKit) lacks(power string) {
	k.t.Helper()
	k.t.Logf("not tested: the target has no %s", power)
}
