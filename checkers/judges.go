package checkers

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/capsize-dev/capsize/checkers/levels"
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness"
)

// ruling is what was decided about one key.
type ruling struct {
	answer   linear.Answer
	by       string // who decided it
	cause    error  // why it is undecided
	far, of  int    // undecided: how many of its operations were in an order at most
	findings []finding
	kept     kept
	key      *keyHistory // illegal, by a search: what part is of
	part     []op        // not shrunk yet
	end      int         // of part: the first return at which it is illegal, 0 where that is not known
	looked   bool        // for what is clear without a search
	unfit    bool        // for the special deciders
	searched bool
}

// judges decide the keys of one history, as many at once as there are processors.
type judges struct {
	check    linearizable
	engine   engine
	alone    bool // the engine decides every key
	every    bool // hard keys are searched on though a violation is known
	load     *caseload
	rulings  []ruling
	memory   *memoryWatch
	started  time.Time
	deadline time.Time // of the deciding; what is left of the budget after it is for shrinking
	decided  atomic.Int64
	benches  []*bench // one for each worker
}

func newJudges(ctx context.Context, c linearizable, load *caseload) *judges {
	alone := engineOf(ctx)
	j := &judges{
		check: c, engine: alone, alone: alone != nil, every: everyKey(ctx), load: load,
		rulings: make([]ruling, len(load.keys)), memory: newMemoryWatch(c.budget.Memory), started: time.Now(),
	}
	if !j.alone {
		j.engine = searching{}
	}
	return j
}

// judge decides every key: first each with a short slice of the time, so that a few hard keys cannot starve the many,
// then the hard ones with a fair share of what is left, until a violation is proven. It shrinks what the searches
// found, and asks those that are not linearizable what they kept all the same.
func (j *judges) judge(ctx context.Context) []ruling {
	ctx, cancel := context.WithTimeoutCause(ctx, j.check.budget.Time, errTime)
	defer cancel()
	end, _ := ctx.Deadline()
	j.deadline = j.started.Add(end.Sub(j.started) * 4 / 5)
	watching, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); j.memory.run(watching) }()
	defer func() { stop(); <-done }()

	all := make([]int, len(j.load.keys))
	for i := range all {
		all[i] = i
	}
	harness.Progress(ctx, 0, len(all))
	j.each(all, func(b *bench, _, i int) { j.decide(ctx, b, i, j.slice(len(all), 4)) })
	j.each(j.unshrunk(), func(_ *bench, _, i int) { j.explain(ctx, i) })
	j.persist(ctx)
	if judge := levelsOf(ctx, j.check.model.object); judge != nil {
		j.keep(ctx, judge)
	}
	harness.Progress(ctx, len(all), len(all))
	return j.rulings
}

// persist decides the hard keys. One violation settles what is said of the whole: unless every key was asked for, the
// others then get no more time than it took to find it.
func (j *judges) persist(ctx context.Context) {
	within, end := context.WithCancelCause(ctx)
	defer end(nil)
	var once sync.Once
	enough := func() {
		once.Do(func() {
			grace := max(time.Since(j.started), j.check.budget.Time/100)
			time.AfterFunc(grace, func() { end(errEnough) })
		})
	}
	proven := func(r ruling) bool { return r.answer == linear.Illegal && len(r.findings) > 0 && !j.every }
	if slices.ContainsFunc(j.rulings, proven) {
		enough()
	}
	hard := j.unsettled()
	j.each(hard, func(b *bench, nth, i int) {
		j.decide(within, b, i, j.slice(len(hard)-nth, 1))
		if r := &j.rulings[i]; r.answer == linear.Illegal && len(r.findings) == 0 {
			j.explain(ctx, i)
		}
		if proven(j.rulings[i]) {
			enough()
		}
	})
}

// workers is how many keys are worked on at once.
func workers() int { return runtime.GOMAXPROCS(0) }

// slice is the time for one of the keys that are still to do, so that all of them get one; a part of it where there
// will be a second round.
func (j *judges) slice(left, part int) time.Duration {
	return max(time.Until(j.deadline)/time.Duration(rounds(left)*part), time.Millisecond)
}

// rounds is how many keys each worker has to do of so many, at least one.
func rounds(keys int) int { return max((keys+workers()-1)/workers(), 1) }

// bench is what one worker judges with.
type bench struct {
	*desk
	deciders []decider
}

// timed is the key at the desk as package levels wants it, with the memory of those that have nothing to do meanwhile.
func (b *bench) timed() *levels.History {
	h := b.desk.timed()
	for _, d := range b.deciders {
		if z, ok := d.(*linear.Zones); ok {
			h.Spare = append(h.Spare, z.Spare()...)
		}
	}
	return h
}

// each calls the function for every index from a bounded pool. Every worker has the bench that it had the last time.
func (j *judges) each(indices []int, do func(b *bench, nth, index int)) {
	var next atomic.Int64
	var pool sync.WaitGroup
	for worker := range min(workers(), len(indices)) {
		if worker == len(j.benches) {
			object := j.check.model.object
			j.benches = append(j.benches, &bench{newDesk(j.load, object), object.deciders()})
		}
		b := j.benches[worker]
		pool.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= len(indices) {
					return
				}
				do(b, n, indices[n])
			}
		})
	}
	pool.Wait()
}

func (j *judges) unsettled() []int {
	var hard []int
	for i, r := range j.rulings {
		if r.answer == linear.Undecided && !errors.Is(r.cause, linear.ErrMemory) {
			hard = append(hard, i)
		}
	}
	return hard
}

func (j *judges) unshrunk() []int {
	var raw []int
	for i, r := range j.rulings {
		if r.answer == linear.Illegal && len(r.findings) == 0 {
			raw = append(raw, i)
		}
	}
	return raw
}

// decide settles one key within a slice of time, if it can: by a special decider where one fits, otherwise by a search.
func (j *judges) decide(ctx context.Context, b *bench, i int, slice time.Duration) {
	r := &j.rulings[i]
	if ctx.Err() != nil {
		r.cause = plainly(context.Cause(ctx))
		return
	}
	by := time.Now().Add(slice)
	b.read(i)
	if !r.unfit && !j.alone {
		r.unfit = !j.specially(ctx, by, b, r)
	}
	if r.unfit || j.alone {
		within, cancel := context.WithDeadlineCause(ctx, by, errTime)
		defer cancel()
		j.search(within, b.file(), r)
	}
	if r.answer != linear.Undecided {
		harness.Progress(ctx, int(j.decided.Add(1)), len(j.load.keys))
	}
}

// search settles one key by what is clear without a search, or else by one.
func (j *judges) search(ctx context.Context, k *keyHistory, r *ruling) {
	object := j.check.model.object
	ops := object.prune(k.ops)
	if !r.looked && !j.alone {
		r.findings = j.clear(ctx, k, ops)
		r.looked = ctx.Err() == nil
	}
	r.by = j.engine.name()
	if len(r.findings) > 0 {
		r.answer = linear.Illegal
		return
	}
	tight := object.tighten(ops)
	m := &meter{memory: j.check.budget.Memory}
	guarded, release := j.memory.guard(ctx, m)
	r.answer, r.cause = decide(guarded, j.engine, object, tight, m)
	release()
	r.far, r.of = int(m.far.Load()), len(tight)
	r.searched = true
	if r.answer == linear.Illegal {
		r.key, r.part, r.end = k, ops, 0
		if at := m.end.Load(); at > 0 {
			r.end = ops[at-1].ret
		}
	}
	r.cause = plainly(r.cause)
}

// decide asks an engine about operations as they stand.
func decide(ctx context.Context, e engine, object object, ops []op, m *meter) (linear.Answer, error) {
	o, model := forEngine(object, ops)
	return e.decide(ctx, o, model, m)
}

// forEngine returns operations and their object as an engine wants them.
func forEngine(object object, ops []op) (*linear.Object, linear.Model) {
	model, o := object.sequential(ops), compact(ops)
	if _, valued := model.(linear.Valued); valued && o.Values > 4*len(ops) {
		o.Renumber() // a small part of a large key
	}
	return o, model
}

// compact returns operations as an engine wants them. A pending one that must have happened by some time is one that
// returned then.
func compact(ops []op) *linear.Object {
	o := &linear.Object{Ops: make([]linear.Op, len(ops))}
	for i := range ops {
		p := &ops[i]
		o.Ops[i] = linear.Op{Call: int64(p.call), Return: linear.Never, Value: p.value, From: p.from, Kind: p.kind}
		if p.ret != never {
			o.Ops[i].Return = int64(p.ret)
		}
		o.Values = max(o.Values, int(p.value)+1, int(p.from)+1)
	}
	return o
}

// plainly brings the cause of an undecided key down to the words that the verdict uses.
func plainly(cause error) error {
	switch {
	case cause == nil, errors.Is(cause, linear.ErrMemory), errors.Is(cause, errTime), errors.Is(cause, errProof),
		errors.Is(cause, errEnough):
		return cause
	case errors.Is(cause, context.DeadlineExceeded):
		return errTime
	}
	return errInterrupted
}

// clear returns the violations of a key that are found without a search of the whole, one of each name.
func (j *judges) clear(ctx context.Context, k *keyHistory, ops []op) []finding {
	var found []finding
	for _, part := range j.check.model.object.suspicions(k, ops) {
		if s := j.shrinker(); s.illegal(ctx, part) {
			if f, ok := finish(ctx, s, k, part); ok { // what porcupine does not find is for the search
				found = withNew(found, f)
			}
		}
	}
	return found
}

func (j *judges) shrinker() *shrinker {
	return &shrinker{engine: j.engine, object: j.check.model.object, left: shrinkSteps}
}

// withNew adds a finding whose name is not yet among them.
func withNew(found []finding, f finding) []finding {
	if slices.ContainsFunc(found, func(g finding) bool { return g.name == f.name }) {
		return found
	}
	return append(found, f)
}

// explain shrinks what a search found.
func (j *judges) explain(ctx context.Context, i int) {
	r, s := &j.rulings[i], j.shrinker()
	if r.end == 0 {
		r.end = s.firstFailing(ctx, r.part)
	}
	part := upTo(r.part, r.end)
	if f, ok := finish(ctx, s, r.key, part); ok {
		r.findings = []finding{f}
	} else {
		r.answer, r.cause = linear.Undecided, fmt.Errorf("%s: %w (operations %v)", r.by, errProof, indicesOf(part))
	}
	r.key, r.part = nil, nil
}

// finish shrinks an illegal part and names what is left; false where porcupine finds it legal.
func finish(ctx context.Context, s *shrinker, k *keyHistory, part []op) (f finding, ok bool) {
	witness := s.shrink(ctx, part)
	if s.refuted(ctx, witness) {
		if witness = part; s.refuted(ctx, part) {
			return finding{}, false
		}
	}
	f = finding{witness: k.witness(witness), impossible: -1}
	if at := s.impossible(ctx, witness); at >= 0 {
		f.impossible = witness[at].call
	}
	f.name, f.story = s.object.name(k, witness, !s.ended)
	f.story += k.blindly(witness)
	if s.ended {
		f.story += " There was not enough time to leave out every operation that does not matter."
	}
	return f, true
}

func (j *judges) stats(rulings []ruling) map[string]any {
	searched, by := 0, map[string]int{}
	for _, r := range rulings {
		if r.searched {
			searched++
		}
		if r.answer != linear.Undecided {
			by[r.by]++
		}
	}
	return map[string]any{
		"model": j.check.model.Name(), "engine": j.engine.name(), "keys_searched": searched, "keys_decided_by": by,
	}
}

// The reasons why a key stays undecided, besides those of package linear.
var (
	errTime        = errors.New("time")
	errInterrupted = errors.New("interrupted")
	errEnough      = errors.New("another key's violation was proven, and not every key was asked for")
)
