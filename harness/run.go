package harness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

// The random streams of a run. Everything that is drawn is drawn from the seed and one of these, so that more draws in
// one place change nothing in another.
const (
	streamLoad   = 1       // the calls
	streamDue    = 2       // when they are due
	streamWorker = 1 << 32 // + worker
	streamLane   = 2 << 32 // + lane
	streamStrike = 3 << 32 // + lane
)

// Limits of the phases that have no setting.
const (
	stopLimit       = 30 * time.Second
	interruptedTime = 20 * time.Second // for judging what was recorded once the user interrupted
)

// ErrRefused is wrapped by the error of a run that cannot be what was asked for: a workload the target's clients cannot
// serve, a fault its cluster cannot suffer. Nothing was run.
var ErrRefused = errors.New("refused")

// Defaults of a [Test].
const (
	DefaultNodes     = 5
	DefaultTimeLimit = 30 * time.Second
	DefaultOpTimeout = 5 * time.Second
	defaultStart     = 60 * time.Second
	// images may have to be pulled, and the sandbox's to be built; once the nodes run, a minute must do
	defaultStartContainers = 5 * time.Minute
	defaultSettle          = 30 * time.Second
	defaultCheck           = 2 * time.Minute
)

// withDefaults fills in what is zero, and refuses what makes no sense.
func (t Test) withDefaults() (Test, error) {
	switch {
	case t.Target == nil:
		return t, fmt.Errorf("%w: a test needs a target", ErrRefused)
	case t.Workload.New == nil || t.Workload.Invoke == nil:
		return t, fmt.Errorf("%w: a test needs a workload with New and Invoke", ErrRefused)
	case t.Nodes < 0 || t.Concurrency < 0 || t.Rate < 0 || t.Keys < 0 || t.TimeLimit < 0 || t.OpTimeout < 0:
		return t, fmt.Errorf("%w: nodes, concurrency, rate, keys and times cannot be negative", ErrRefused)
	}
	setDefault(&t.Nodes, DefaultNodes)
	setDefault(&t.Concurrency, 2*t.Nodes)
	setDefault(&t.TimeLimit, DefaultTimeLimit)
	setDefault(&t.OpTimeout, DefaultOpTimeout)
	if t.Runtime == ContainerRuntime {
		setDefault(&t.StartTimeout, defaultStartContainers)
	}
	setDefault(&t.StartTimeout, defaultStart)
	setDefault(&t.SettleTimeout, defaultSettle)
	setDefault(&t.Out, store.DefaultOut)
	if t.Now == nil {
		t.Now = time.Now
	}
	if t.Log == nil {
		t.Log = slog.New(slog.DiscardHandler)
	}
	return t, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Run runs a test and judges what was recorded:
//
//  1. the run's folder is made and run.json written;
//  2. the target starts a cluster; the workload's and the faults' needs are checked against it;
//  3. workers make calls and lanes strike until the time limit, and every line is on disk as it happens;
//  4. all faults are healed, always;
//  5. the cluster settles, and the final calls are made;
//  6. the cluster is stopped;
//  7. the history is read back from disk and judged, and results.json written.
//
// When ctx ends, the run goes on at 4 without 5: what was recorded is judged, and Results.Interrupted is set. Judging
// has 20 seconds left then; when it alone was interrupted and is through in time, the verdict is what it would have
// been.
//
// An error means that the run itself failed (the target did not start, the disk is full, a heal failed). Results then
// hold what is known, and the folder whatever was recorded; Results.Dir is "" where not even a folder was made.
func Run(ctx context.Context, test Test) (Results, error) {
	test, err := test.withDefaults()
	if err != nil {
		return Results{}, err
	}
	schedule, err := planLanes(test)
	if err != nil {
		return Results{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	folder, err := store.Create(test.Out, test.Now(), test.Target.Name(), test.Workload.Name)
	if err != nil {
		return Results{}, err
	}
	r := &run{test: test, folder: folder, schedule: schedule, info: newInfo(test, folder.ID())}
	r.lost, r.lose = context.WithCancelCause(context.Background())
	defer r.lose(nil)
	r.watcher = newWatcher(r)
	defer r.watcher.close()
	// latest points to the run from its beginning on, so that it can be found should this process be killed
	if err := errors.Join(folder.WriteJSON(store.RunFile, r.info), folder.Point(false)); err != nil {
		return r.judge(ctx, err)
	}
	failure := r.record(ctx)
	return r.judge(ctx, failure)
}

// run is the state of one run.
type run struct {
	test     Test
	folder   store.Folder
	schedule [][]Strike
	info     RunInfo
	cluster  Cluster
	meter    meter
	lanes    *lanes
	watcher  *watcher
	caught   bool // fail-fast saw a violation

	noticing sync.Mutex // guards origin and notices
	origin   time.Time  // of the history
	notices  []Notice

	lost context.Context // ends when the ground under the cluster is gone; its cause is why
	lose context.CancelCauseFunc
}

func newInfo(test Test, id string) RunInfo {
	info := RunInfo{
		Schema: RunSchema, ID: id, Status: "running", Started: test.Now(), Argv: test.Argv, Repro: test.Repro,
		Target: test.Target.Name(), Workload: test.Workload.Name, Nemesis: test.Plan, Concurrency: test.Concurrency,
		Runtime: test.Runtime, Rate: test.Rate, Keys: test.Keys, TimeLimit: test.TimeLimit,
		OpTimeout: test.OpTimeout, Seed: test.Seed,
		Kinds: test.Workload.Kinds, Versions: versions(),
		Host: map[string]string{"os": runtime.GOOS, "arch": runtime.GOARCH, "cpus": fmt.Sprint(runtime.NumCPU())},
	}
	info.Claim = Linearizable
	if d, ok := test.Target.(Describer); ok {
		about := d.About()
		info.Bug = about.Bug
		setDefault(&about.Claim, Linearizable)
		info.Claim = about.Claim
	}
	return info
}

// versions names the program and the modules it was built from, so that a result can be traced to its code.
func versions() map[string]string {
	found := map[string]string{"go": runtime.Version()}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return found
	}
	found[build.Main.Path] = build.Main.Version
	for _, dep := range build.Deps {
		found[dep.Path] = dep.Version
	}
	for _, s := range build.Settings {
		if s.Key == "vcs.revision" {
			found["revision"] = s.Value
		}
	}
	return found
}

// record runs the cluster, the load and the harm (steps 2 to 6). What it wrote is on disk when it returns.
func (r *run) record(ctx context.Context) (err error) {
	if err := r.start(ctx); err != nil {
		return err
	}
	defer func() {
		r.watcher.phase(PhaseStop, "", stopLimit)
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
		defer cancel()
		stopErr := r.cluster.Stop(stopping)
		switch {
		case stopErr != nil && r.lost.Err() != nil: // no wonder, and no news
			r.test.Log.Warn("stop the cluster", "error", stopErr)
		case stopErr != nil:
			err = errors.Join(err, fmt.Errorf("stop the cluster: %w", stopErr))
		}
	}()
	if err := r.refuse(ctx); err != nil {
		return err
	}
	file, err := os.Create(r.folder.Path(store.HistoryFile))
	if err != nil {
		return err
	}
	origin := time.Now()
	r.info.Origin = origin
	r.noticing.Lock()
	r.origin = origin
	r.noticing.Unlock()
	// with the nodes and the origin, which the record is judged with should this process be killed
	if err := r.folder.WriteJSON(store.RunFile, r.info); err != nil {
		return errors.Join(err, file.Close())
	}
	recorder := history.NewRecorder(file, origin)
	err = r.loadAndHarm(ctx, recorder, origin)
	return errors.Join(err, wrap("write the history", recorder.Close()), wrap("write the history", file.Close()))
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (r *run) start(ctx context.Context) error {
	r.watcher.phase(PhaseStart, fmt.Sprintf("%d nodes of %s", r.test.Nodes, r.test.Target.Name()), r.test.StartTimeout)
	starting, cancel := context.WithTimeout(ctx, r.test.StartTimeout)
	defer cancel()
	cluster, err := r.test.Target.Start(starting, r.env())
	if err != nil {
		return fmt.Errorf("the cluster did not start: %w", err)
	}
	r.cluster = cluster
	if v, ok := cluster.(Versioned); ok {
		maps.Copy(r.info.Versions, v.Versions())
	}
	for _, n := range cluster.Nodes() {
		r.info.Nodes = append(r.info.Nodes, n.Name())
	}
	return nil
}

// env is what the target starts in, with what the faults need of it.
func (r *run) env() Env {
	env := Env{
		Nodes: r.test.Nodes, Run: r.folder.ID(), NodeDir: r.folder.NodeDir, Log: r.test.Log, Seed: r.test.Seed,
		Runtime: r.test.Runtime, Image: r.test.Image, Notice: r.notice,
		Progress: r.watcher.detail, Lost: r.lose,
	}
	for _, lane := range r.schedule {
		for _, s := range lane {
			if p, ok := s.Fault.(Preparer); ok {
				p.Prepare(&env)
			}
		}
	}
	return env
}

// notice keeps what the runtime has to tell.
func (r *run) notice(text string) {
	r.test.Log.Warn("notice", "text", text)
	r.noticing.Lock()
	defer r.noticing.Unlock()
	n := Notice{Text: text}
	if !r.origin.IsZero() {
		n.At = time.Since(r.origin)
	}
	r.notices = append(r.notices, n)
}

// refuse says before the first call why the run cannot be what was asked for.
func (r *run) refuse(ctx context.Context) error {
	for _, lane := range r.schedule {
		for _, s := range lane {
			if err := s.Fault.Supports(r.cluster); err != nil {
				return fmt.Errorf("%w: %s cannot suffer %q: %w", ErrRefused, r.test.Target.Name(), s.Fault.Name(), err)
			}
		}
	}
	if len(r.cluster.Nodes()) == 0 {
		return fmt.Errorf("the cluster of %s has no nodes", r.test.Target.Name())
	}
	if r.test.Workload.Accepts == nil {
		return nil
	}
	node := r.cluster.Nodes()[0]
	dialing, cancel := context.WithTimeout(ctx, r.test.OpTimeout)
	defer cancel()
	client, err := node.Dial(dialing)
	if err != nil {
		return fmt.Errorf("dial %s: %w", node.Name(), err)
	}
	defer func() { _ = client.Close() }()
	if err := r.test.Workload.Accepts(client); err != nil {
		return fmt.Errorf("%w: %s cannot serve workload %q: %w", ErrRefused, r.test.Target.Name(), r.test.Workload.Name,
			err)
	}
	return nil
}

// loadAndHarm is steps 3 to 5.
func (r *run) loadAndHarm(ctx context.Context, recorder *history.Recorder, origin time.Time) error {
	faults, err := os.Create(r.folder.Path(store.FaultsFile))
	if err != nil {
		return err
	}
	defer func() { _ = faults.Close() }() // every line of it was written and checked by itself
	strikes := history.NewFaultRecorder(faults)
	r.lanes = newLanes(r.cluster, origin, strikes.Record, r.test.Log)

	calls, final := r.test.Workload.New(Load{Keys: r.test.Keys, Nodes: r.info.Nodes, Workers: r.test.Concurrency})
	load := newLoad(r.test, r.cluster.Nodes(), recorder, origin, &r.meter, calls)
	r.strikeDuringLoad(ctx, recorder, load)
	r.info.LoadEnd = load.ended.Sub(origin)
	if gone := context.Cause(r.lost); gone != nil { // why nothing could be healed is no news then
		return errors.Join(gone, wrap("write the faults", strikes.Err()))
	}
	// a strike that is not on record would be judged as if it had never been
	err = errors.Join(healed(r.lanes.seen()), wrap("write the faults", strikes.Err()))
	if err != nil || ctx.Err() != nil || recorder.Err() != nil {
		return err
	}
	r.settle(ctx)
	if final != nil && !r.caught {
		r.watcher.phase(PhaseFinal, "every key is read once more", 0)
		r.info.FinalStart = time.Since(origin)
		load.then(final).run(ctx)
	}
	return nil
}

// strikeDuringLoad runs the workers and the lanes side by side. When the load ends no new call begins and no new fault
// strikes; a fault that is on then is healed while the last calls wait for their answers.
func (r *run) strikeDuringLoad(ctx context.Context, recorder *history.Recorder, load *load) {
	r.watcher.phase(PhaseLoad, "", r.test.TimeLimit)
	loading, cancel := context.WithTimeout(ctx, r.test.TimeLimit)
	defer cancel()
	var group sync.WaitGroup
	group.Go(func() { r.lanes.run(loading, r.schedule) })
	group.Go(func() {
		select {
		case <-recorder.Failed(): // the disk is full: there is no point in going on
			cancel()
		case <-r.lost.Done():
			cancel()
		case <-loading.Done():
		}
	})
	if r.test.FailFast {
		group.Go(func() {
			if r.watchForViolation(loading) {
				r.caught = true
				cancel()
			}
		})
	}
	load.run(loading)
	cancel()
	r.watcher.phase(PhaseHeal, "", healLimit)
	group.Wait()
}

// healed reports the heals that failed: the cluster is then not what the final reads need.
func healed(strikes []history.Strike) error {
	var errs []error
	for _, s := range strikes {
		if s.Struck() && s.State == history.Broken {
			errs = append(errs, fmt.Errorf("fault %d (%s): %s", s.ID, s.Fault, s.Error))
		}
	}
	return errors.Join(errs...)
}

// settle waits until the cluster says that it has recovered. A cluster that cannot say so is taken at its word once a
// leader is known, or at once.
func (r *run) settle(ctx context.Context) {
	settler, ok := r.cluster.(Settler)
	if !ok {
		r.info.Settled = true
		return
	}
	r.watcher.phase(PhaseHeal, "waiting until every replica is current", r.test.SettleTimeout)
	waiting, cancel := context.WithTimeout(ctx, r.test.SettleTimeout)
	defer cancel()
	if err := settler.Settled(waiting); err != nil {
		r.test.Log.Warn("not settled", "error", err)
		return
	}
	r.info.Settled = true
}
