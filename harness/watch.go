package harness

import (
	"context"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// watcher tells Test.Watch what the run does, from one goroutine. Without Watch it does nothing.
type watcher struct {
	run    *run
	events chan func(*Status)
	over   chan struct{}
	done   sync.WaitGroup
}

const (
	watchEvery  = 100 * time.Millisecond
	leaderEvery = 500 * time.Millisecond
)

func newWatcher(r *run) *watcher {
	w := &watcher{run: r, events: make(chan func(*Status)), over: make(chan struct{})}
	if r.test.Watch != nil {
		w.done.Go(w.loop)
	}
	return w
}

// tell changes the status and shows it.
func (w *watcher) tell(change func(*Status)) {
	if w.run.test.Watch == nil {
		return
	}
	select {
	case w.events <- change:
	case <-w.over:
	}
}

// phase says that a phase begins.
func (w *watcher) phase(phase Phase, detail string, limit time.Duration) {
	w.run.test.Log.Info("phase", "phase", phase, "detail", detail)
	began, cluster, lanes := time.Now(), w.run.cluster, w.run.lanes
	w.tell(func(s *Status) {
		if s.Phase != phase {
			s.Elapsed = 0
		}
		s.Phase, s.PhaseDetail, s.Limit = phase, detail, limit
		s.began, s.cluster, s.lanes = began, cluster, lanes
	})
}

// detail says what a phase is at; its time goes on.
func (w *watcher) detail(text string) {
	w.run.test.Log.Info("progress", "detail", text)
	w.tell(func(s *Status) { s.PhaseDetail = text })
}

// progress says how far a check is.
func (w *watcher) progress(done, total int) {
	if w.run.test.Watch == nil {
		return
	}
	select {
	case w.events <- func(s *Status) { s.Checked, s.ToCheck = done, total }:
	default: // never hold up a checker: the next one tells more
	}
}

func (w *watcher) close() {
	close(w.over)
	w.done.Wait()
}

func (w *watcher) loop() {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	status := Status{Run: w.run.folder.ID(), began: time.Now()}
	leaders := make(chan []string, 1)
	asking, lastAsked, leading := false, time.Time{}, map[string]bool{}
	var asked sync.WaitGroup
	stopAsking := func() {}
	defer func() { stopAsking(); asked.Wait() }()
	for {
		select {
		case <-w.over:
			return
		case change := <-w.events:
			change(&status)
		case names := <-leaders:
			asking, leading = false, setOf(names)
		case <-ticker.C:
		}
		if !status.watchesLoad() {
			stopAsking() // the cluster may be gone soon
		}
		if !asking && status.watchesLoad() && time.Since(lastAsked) >= leaderEvery {
			asking, lastAsked = true, time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			stopAsking = cancel
			cluster := status.cluster
			asked.Go(func() { defer cancel(); askLeaders(ctx, cluster, leaders) })
		}
		w.fill(&status, leading)
		w.run.test.Watch(status)
	}
}

// watchesLoad reports whether there is a cluster to ask.
func (s *Status) watchesLoad() bool {
	return s.cluster != nil && (s.Phase == PhaseLoad || s.Phase == PhaseHeal || s.Phase == PhaseFinal)
}

func askLeaders(ctx context.Context, cluster Cluster, answer chan<- []string) {
	var names []string
	if l, ok := cluster.(Leaders); ok {
		names, _ = l.Leaders(ctx) // no answer is no leader
	}
	answer <- names
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

func (w *watcher) fill(s *Status, leading map[string]bool) {
	s.Elapsed = time.Since(s.began)
	s.Ops, s.Rate, s.Latency = w.run.meter.look()
	s.Faults, s.Nodes = nil, nil
	if !s.watchesLoad() {
		return
	}
	hurt := make(map[string][]string)
	if s.lanes != nil {
		for _, strike := range s.lanes.seen() {
			if strike.State == history.Injected {
				s.Faults = append(s.Faults, strike)
				for _, n := range strike.Nodes {
					hurt[n] = append(hurt[n], strike.Fault)
				}
			}
		}
	}
	for _, n := range s.cluster.Nodes() {
		status := NodeStatus{Name: n.Name(), Leader: leading[n.Name()], Faults: hurt[n.Name()]}
		if v, ok := n.(Vitals); ok {
			ctx, cancel := context.WithTimeout(context.Background(), watchEvery)
			if vital, err := v.Vitals(ctx); err == nil {
				status.State = vital.State
			}
			cancel()
		}
		s.Nodes = append(s.Nodes, status)
	}
}
