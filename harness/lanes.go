package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// How long the harness waits for its own acts. They are far above what a working runtime needs: a fault that takes
// longer is reported as one that failed. Each act has a limit of its own, so that none can use up another's.
const (
	injectLimit   = 15 * time.Second
	evidenceLimit = 10 * time.Second
	healLimit     = 30 * time.Second
)

// lanes strikes as planned, each lane by itself, and writes down what was seen. Injections and heals are made one at a
// time, so that a fault which asks who is up and then hurts them is not overtaken by another.
type lanes struct {
	cluster Cluster
	origin  time.Time
	record  func(history.Strike) error
	log     *slog.Logger
	// act holds a token while a fault is injected or healed. It is a channel and not a mutex, because whoever waits for
	// a mutex holds up the clock of testing/synctest.
	act chan struct{}

	mu      sync.Mutex // guards strikes
	strikes []history.Strike
}

func newLanes(cluster Cluster, origin time.Time, record func(history.Strike) error, log *slog.Logger) *lanes {
	return &lanes{cluster: cluster, origin: origin, record: record, log: log, act: make(chan struct{}, 1)}
}

// planLanes makes the schedule: the same for the same seed.
func planLanes(test Test) ([][]Strike, error) {
	schedule := test.Schedule
	if schedule == nil {
		for i, nemesis := range test.Nemesis {
			rng := rand.New(rand.NewPCG(test.Seed, streamLane+uint64(i)))
			schedule = append(schedule, nemesis.Plan(rng, test.TimeLimit))
		}
	}
	planned := make([][]Strike, len(schedule))
	for i, lane := range schedule {
		planned[i] = slices.Clone(lane)
		rng := rand.New(rand.NewPCG(test.Seed, streamStrike+uint64(i)))
		for j := range planned[i] {
			s := &planned[i][j]
			if s.Fault == nil || s.At < 0 || s.For <= 0 {
				return nil, fmt.Errorf("lane %d, strike %d: a strike needs a fault, a time and a length", i, j)
			}
			if drawn := rng.Uint64() >> 1; s.Seed == 0 {
				s.Seed = max(drawn, 1)
			}
		}
		slices.SortStableFunc(planned[i], func(a, b Strike) int { return cmp.Compare(a.At, b.At) })
	}
	return planned, nil
}

// run strikes until every lane is through or ctx ends, heals what is on, and returns when all is healed.
func (l *lanes) run(ctx context.Context, schedule [][]Strike) {
	for lane, strikes := range schedule {
		for _, s := range strikes {
			l.add(history.Strike{
				ID: len(l.strikes), Lane: lane, Fault: s.Fault.Name(), PlannedAt: s.At, PlannedFor: s.For,
				Seed: s.Seed, State: history.Planned,
			})
		}
	}
	var group sync.WaitGroup
	id := 0
	for _, strikes := range schedule {
		first := id
		id += len(strikes)
		group.Go(func() {
			for i, s := range strikes {
				if !Wait(ctx, time.Until(l.origin.Add(s.At))) {
					return
				}
				l.strike(ctx, first+i, s)
			}
		})
	}
	group.Wait()
}

func (l *lanes) add(s history.Strike) {
	l.mu.Lock()
	l.strikes = append(l.strikes, s)
	l.mu.Unlock()
	l.write(s)
}

// update changes what is known of a strike and writes it down.
func (l *lanes) update(id int, change func(*history.Strike)) {
	l.mu.Lock()
	change(&l.strikes[id])
	s := l.strikes[id]
	l.mu.Unlock()
	l.write(s)
}

func (l *lanes) write(s history.Strike) {
	if err := l.record(s); err != nil {
		l.log.Error("record fault", "id", s.ID, "error", err)
	}
}

// seen returns what is known of every strike.
func (l *lanes) seen() []history.Strike {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.strikes)
}

// strike injects one fault, waits, asks for the proof, and heals.
func (l *lanes) strike(ctx context.Context, id int, s Strike) {
	injury, began, err := l.inject(ctx, s)
	now := time.Since(l.origin)
	switch {
	case errors.Is(err, ErrNobody):
		l.update(id, func(seen *history.Strike) {
			seen.State, seen.Began, seen.Detail = history.Skipped, began,
				err.Error()
		})
		return
	case err != nil && ctx.Err() != nil:
		return // the load ended while it was being injected; Inject has undone what it began
	case err != nil:
		l.log.Error("inject", "fault", s.Fault.Name(), "error", err)
		l.update(id, func(seen *history.Strike) {
			seen.State, seen.Began, seen.Error = history.Broken, began, fmt.Sprintf("inject: %v", err)
		})
		return
	}
	l.log.Info("fault", "name", s.Fault.Name(), "detail", injury.Detail)
	l.update(id, func(seen *history.Strike) {
		seen.State, seen.Began, seen.Start = history.Injected, began, now
		seen.Nodes, seen.Sides, seen.Detail = injury.Nodes, injury.Sides, injury.Detail
	})
	Wait(ctx, s.For)
	l.heal(ctx, id, injury)
}

// inject waits until no other lane acts, and hurts the cluster unless the load has ended by then. It returns when the
// harm may have begun.
func (l *lanes) inject(ctx context.Context, s Strike) (injury Injury, began time.Duration, err error) {
	defer l.turn()()
	if ctx.Err() != nil {
		return Injury{}, 0, ctx.Err()
	}
	began = time.Since(l.origin)
	ctx, cancel := context.WithTimeout(ctx, injectLimit)
	defer cancel()
	injury, err = s.Fault.Inject(ctx, l.cluster, rand.New(rand.NewPCG(s.Seed, 0)))
	if err == nil && injury.Heal == nil {
		err = errors.New("the fault brought no cure (Injury.Heal is nil)")
	}
	return injury, began, err
}

// heal always happens, also after the run was interrupted.
func (l *lanes) heal(ctx context.Context, id int, injury Injury) {
	ctx = context.WithoutCancel(ctx)
	proof := prove(ctx, injury.Evidence, Evidence{Text: "this fault cannot tell whether it took effect"})
	err := l.cure(ctx, injury)
	end := time.Since(l.origin)
	if injury.Aftermath != nil && err == nil {
		proof = proof.and(prove(ctx, injury.Aftermath, Evidence{}))
	}
	l.log.Info("healed", "evidence", proof.Text, "took_effect", proof.TookEffect, "error", err)
	l.update(id, func(seen *history.Strike) {
		seen.State, seen.End, seen.TookEffect, seen.Evidence = history.Healed, end, proof.TookEffect, proof.Text
		if err != nil {
			seen.State, seen.Error = history.Broken, fmt.Sprintf("heal: %v", err)
		}
	})
}

// turn waits until no other lane acts, and returns what ends the turn.
func (l *lanes) turn() (done func()) {
	l.act <- struct{}{}
	return func() { <-l.act }
}

func (l *lanes) cure(ctx context.Context, injury Injury) error {
	defer l.turn()()
	ctx, cancel := context.WithTimeout(ctx, healLimit)
	defer cancel()
	return injury.Heal(ctx)
}

// prove asks for evidence; what cannot be asked proves nothing.
func prove(ctx context.Context, ask func(context.Context) (Evidence, error), otherwise Evidence) Evidence {
	if ask == nil {
		return otherwise
	}
	ctx, cancel := context.WithTimeout(ctx, evidenceLimit)
	defer cancel()
	proof, err := ask(ctx)
	if err != nil {
		return Evidence{Text: fmt.Sprintf("asked whether it took effect: %v", err)}
	}
	return proof
}

// and joins two pieces of evidence: both must hold.
func (e Evidence) and(f Evidence) Evidence {
	return Evidence{TookEffect: e.TookEffect && f.TookEffect, Text: e.Text + "; " + f.Text}
}
