package checkers

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// ruling is what was decided about one key.
type ruling struct {
	answer   answer
	cause    error // why it is undecided
	findings []finding
	part     []op // illegal, by a search: not shrunk yet
	looked   bool // for what is clear without a search
	searched bool
}

// judges decide the keys of one history, as many at once as there are processors.
type judges struct {
	check    linearizable
	keys     []*keyHistory
	rulings  []ruling
	memory   *memoryWatch
	started  time.Time
	deadline time.Time // of the deciding; what is left of the budget after it is for shrinking
	decided  atomic.Int64
}

func newJudges(c linearizable, keys []*keyHistory) *judges {
	return &judges{
		check: c, keys: keys, rulings: make([]ruling, len(keys)),
		memory: newMemoryWatch(c.budget.Memory), started: time.Now(),
	}
}

// judge decides every key: first each with a short slice of the time, so that a few hard keys cannot starve the many,
// then the hard ones with a fair share of what is left, then it shrinks what the searches found.
func (j *judges) judge(ctx context.Context) []ruling {
	ctx, cancel := context.WithTimeoutCause(ctx, j.check.budget.Time, errTime)
	defer cancel()
	end, _ := ctx.Deadline()
	j.deadline = j.started.Add(end.Sub(j.started) * 4 / 5)
	watching, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); j.memory.run(watching) }()
	defer func() { stop(); <-done }()

	all := make([]int, len(j.keys))
	for i := range all {
		all[i] = i
	}
	harness.Progress(ctx, 0, len(all))
	j.each(all, func(_, i int) { j.decide(ctx, i, j.slice(len(all), 4)) })
	hard := j.unsettled()
	j.each(hard, func(nth, i int) { j.decide(ctx, i, j.slice(len(hard)-nth, 1)) })
	j.each(j.unshrunk(), func(_, i int) { j.explain(ctx, i) })
	harness.Progress(ctx, len(all), len(all))
	return j.rulings
}

// workers is how many keys are worked on at once.
func workers() int { return runtime.GOMAXPROCS(0) }

// slice is the time for one of the keys that are still to do, so that all of them get one; a part of it where there
// will be a second round.
func (j *judges) slice(left, part int) time.Duration {
	rounds := (left + workers() - 1) / workers()
	return max(time.Until(j.deadline)/time.Duration(max(rounds*part, 1)), time.Millisecond)
}

// each calls the function for every index from a bounded pool.
func (j *judges) each(indices []int, do func(nth, index int)) {
	var next atomic.Int64
	var pool sync.WaitGroup
	for range min(workers(), len(indices)) {
		pool.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= len(indices) {
					return
				}
				do(n, indices[n])
			}
		})
	}
	pool.Wait()
}

func (j *judges) unsettled() []int {
	var hard []int
	for i, r := range j.rulings {
		if r.answer == undecided && !errors.Is(r.cause, errMemory) {
			hard = append(hard, i)
		}
	}
	return hard
}

func (j *judges) unshrunk() []int {
	var raw []int
	for i, r := range j.rulings {
		if r.answer == illegal && len(r.findings) == 0 {
			raw = append(raw, i)
		}
	}
	return raw
}

// decide settles one key within a slice of time, if it can.
func (j *judges) decide(ctx context.Context, i int, slice time.Duration) {
	k, r := j.keys[i], &j.rulings[i]
	ctx, cancel := context.WithTimeoutCause(ctx, slice, errTime)
	defer cancel()
	ops := j.check.model.object.prune(k.ops)
	if !r.looked {
		r.findings = j.clear(ctx, k, ops)
		r.looked = ctx.Err() == nil
	}
	if len(r.findings) > 0 {
		r.answer = illegal
	} else {
		tight := j.check.model.object.tighten(ops)
		m := &meter{}
		guarded, release := j.memory.guard(ctx, m)
		r.answer, r.cause = j.check.engine.decide(guarded, j.check.model.object.sequential(tight), tight, m)
		release()
		r.searched = true
		if r.answer == illegal {
			r.part = ops
		}
		r.cause = plainly(r.cause)
	}
	if r.answer == legal {
		k.forget()
	}
	if r.answer != undecided {
		harness.Progress(ctx, int(j.decided.Add(1)), len(j.keys))
	}
}

// plainly brings the cause of an undecided key down to the words that the verdict uses.
func plainly(cause error) error {
	switch {
	case cause == nil, errors.Is(cause, errMemory), errors.Is(cause, errTime):
		return cause
	case errors.Is(cause, context.DeadlineExceeded):
		return errTime
	}
	return errInterrupted
}

// clear returns the violations of a key that are found without a search of the whole, one of each name.
func (j *judges) clear(ctx context.Context, k *keyHistory, ops []op) []finding {
	var found []finding
	names := map[string]bool{}
	for _, part := range j.check.model.object.suspicions(k, ops) {
		s := &shrinker{engine: j.check.engine, object: j.check.model.object, left: shrinkSteps}
		if !s.illegal(ctx, part) {
			continue
		}
		if f := finish(ctx, s, k, part); !names[f.name] {
			names[f.name] = true
			found = append(found, f)
		}
	}
	return found
}

// explain shrinks what a search found.
func (j *judges) explain(ctx context.Context, i int) {
	k := j.keys[i]
	s := &shrinker{engine: j.check.engine, object: j.check.model.object, left: shrinkSteps}
	part := s.firstFailing(ctx, j.rulings[i].part)
	j.rulings[i].findings = []finding{finish(ctx, s, k, part)}
}

// finish shrinks an illegal part and names what is left.
func finish(ctx context.Context, s *shrinker, k *keyHistory, part []op) finding {
	f := finding{witness: s.shrink(ctx, part)}
	if s.refuted(ctx, f.witness) {
		f.witness = part
	}
	f.impossible = s.impossible(ctx, f.witness)
	f.name, f.story = s.object.name(k, f.witness, !s.ended)
	if s.ended {
		f.story += " There was not enough time to leave out every operation that does not matter."
	}
	return f
}

func (j *judges) stats(rulings []ruling) map[string]any {
	searched := 0
	for _, r := range rulings {
		if r.searched {
			searched++
		}
	}
	return map[string]any{"model": j.check.model.Name(), "engine": "porcupine", "keys_searched": searched}
}
