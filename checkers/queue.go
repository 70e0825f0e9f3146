package checkers

import (
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

// queue is the object of queue and unordered-queue. A dequeue returns the value that it took out, or nil where it found
// nothing.
type queue struct {
	plain
	fifo bool
}

func (queue) noun() string { return "queue" }

func (queue) check(p *history.Pair) (linear.Kind, error) {
	switch function(p.F) {
	case "enqueue":
		if p.Input == nil {
			return 0, fmt.Errorf("operation %d is an enqueue of nothing", p.Index)
		}
		return linear.Enqueue, nil
	case "dequeue":
		return linear.Dequeue, nil
	}
	return 0, unknownFunction(*p)
}

func (queue) take(t *table, p *history.Pair, o *linear.Op, elements []int32) []int32 {
	switch {
	case o.Kind == linear.Enqueue:
		o.Value = t.intern(p.Input)
	case p.Returned():
		o.Value = t.intern(p.Output)
	}
	return elements
}

func (queue) stored(p *history.Pair) any {
	if function(p.F) == "enqueue" {
		return p.Input
	}
	return nil
}

func (q queue) deciders() []decider { return []decider{linear.NewQueues(q.fifo)} }

func (q queue) sequential([]op) linear.Model { return linear.QueueModel(q.fifo) }

// prune drops what never returned where nobody can miss it: enqueues of values that nobody got, where no dequeue can
// have taken them unnoticed, and dequeues that were called when all others had returned.
//
// Sound both ways: put back, they can stand at the end of any order. In an order that holds such an enqueue its value
// is never taken out, so that in a queue that is first in first out nothing that was put in later is, and nothing
// finds the queue empty from there on.
func (queue) prune(ops []op) []op {
	got, lastReturn, takers := map[value]bool{}, -1, false
	for i := range ops {
		if o := &ops[i]; o.kind == takes && !o.pending {
			got[o.value] = true
			lastReturn = max(lastReturn, o.ret)
		}
	}
	for i := range ops {
		takers = takers || ops[i].kind == takes && ops[i].pending && ops[i].call < lastReturn
	}
	return dropped(ops, func(o *op) bool {
		return o.pending && (o.kind == puts && !got[o.value] && !takers || o.kind == takes && o.call > lastReturn)
	})
}

// without leaves out everything about some values. Sound: in a legal order what remains goes in and comes out as
// before, and the queue is empty at least as often. A dequeue that never returned and took one of the values did not
// happen.
func (queue) without(ops []op, gone map[value]bool) []op {
	return dropped(ops, func(o *op) bool { return o.value != absent && gone[o.value] })
}

// name says what a shrunk illegal part of a queue's history is.
func (q queue) name(k *keyHistory, witness []op, _ bool) (name, story string) {
	t := newTransit(witness)
	for i := range witness {
		o := &witness[i]
		if o.kind != takes || o.value == absent {
			continue
		}
		switch in := t.in[o.value]; {
		case len(in) == 0:
			return k.takenFromNowhere(o)
		case len(t.out[o.value]) > len(in):
			return DuplicateDelivery, k.deliveredTwice(t, o.value)
		case in[0].call > o.ret:
			return k.tooEarly(o, in[0])
		}
	}
	if name, story := t.nameEmpty(k); name != "" {
		return name, story
	}
	if q.fifo {
		if name, story := t.nameOrder(k); name != "" {
			return name, story
		}
	}
	return NonLinearizable, k.tale(witness)
}

// transit is how the values of a queue came and went.
type transit struct {
	ops     []op
	in, out map[value][]*op
	unknown int // dequeues that never returned
}

func newTransit(ops []op) *transit {
	t := &transit{ops: ops, in: map[value][]*op{}, out: map[value][]*op{}}
	for i := range ops {
		switch o := &ops[i]; {
		case o.kind == puts:
			t.in[o.value] = append(t.in[o.value], o)
		case o.pending:
			t.unknown++
		case o.value != absent:
			t.out[o.value] = append(t.out[o.value], o)
		}
	}
	return t
}

// once returns the two ends of a value that was put in by one operation, and taken out by at most one.
func (t *transit) once(v value) (in, out *op) {
	if len(t.in[v]) != 1 || len(t.out[v]) > 1 {
		return nil, nil
	}
	if len(t.out[v]) == 1 {
		out = t.out[v][0]
	}
	return t.in[v][0], out
}

// nameEmpty finds a dequeue that found nothing although some value, or one of several after the other, was there.
func (t *transit) nameEmpty(k *keyHistory) (name, story string) {
	n := slices.IndexFunc(t.ops, func(o op) bool { return o.empty() })
	if n < 0 {
		return "", ""
	}
	o := &t.ops[n]
	for _, v := range valuesOf(t.ops) {
		in, out := t.once(v)
		if in == nil || !in.precedes(o) || out != nil && out.call < o.ret {
			continue
		}
		p, w := k.pairOf(o), k.pairOf(in)
		story := fmt.Sprintf("%s (%s), called %s %s had returned at %s.",
			deed(p), words.Lasted(p), words.After(w, p), thing(w), words.At(w.Return))
		switch word := words.Spell(k.words[v]); {
		case out != nil:
			d := k.pairOf(out)
			return FalseEmpty, fmt.Sprintf("%s %s was still there: %s (%s). %s", story, word, deed(d), words.Lasted(d),
				k.noOrder(t.ops))
		case k.any(func(o *op) bool { return o.kind == takes && o.value == v }):
			return FalseEmpty, fmt.Sprintf("%s %s came out later. %s", story, word, k.noOrder(t.ops))
		default:
			return LostWrite, fmt.Sprintf("%s %s never came out. %s", story, word, k.noOrder(t.ops))
		}
	}
	return FalseEmpty, k.tale(t.ops)
}

// nameOrder finds two values that were put in one after the other, of which the second came out first, or alone.
func (t *transit) nameOrder(k *keyHistory) (name, story string) {
	values := valuesOf(t.ops)
	lost := ""
	for _, x := range values {
		for _, y := range values {
			a, outA := t.once(x)
			b, outB := t.once(y)
			if a == nil || b == nil || outB == nil || !a.precedes(b) {
				continue
			}
			pa, pb, d := k.pairOf(a), k.pairOf(b), k.pairOf(outB)
			begin := fmt.Sprintf("%s had returned at %s, %s %s was called, yet %s (%s)",
				words.Upper(thing(pa)), words.At(pa.Return), words.Span(pb.Call-pa.Return)+" before", thing(pb), deed(d), words.Lasted(d))
			switch {
			case outA != nil && outB.precedes(outA):
				c := k.pairOf(outA)
				return Reordered, fmt.Sprintf("%s before %s (%s). %s", begin, deed(c), words.Lasted(c), k.noOrder(t.ops))
			case outA == nil && lost == "":
				lost = begin + fmt.Sprintf(", and %s never came out.", words.Spell(k.words[x]))
				if t.unknown > 0 {
					lost += fmt.Sprintf(" There are more such values than dequeues without an answer (%d) that may "+
						"have taken them.", t.unknown)
				}
			}
		}
	}
	if lost != "" {
		return LostWrite, lost + " " + k.noOrder(t.ops)
	}
	return "", ""
}

func (k *keyHistory) takenFromNowhere(o *op) (name, story string) {
	p, word := k.pairOf(o), words.Spell(k.words[o.value])
	begin := fmt.Sprintf("%s at %s", deed(p), words.At(p.Return))
	if failed := k.failed[o.value]; len(failed) > 0 {
		f := *k.pairs[failed[0]]
		return AbortedRead, fmt.Sprintf("%s, but %s had definitely failed at %s, and nobody else tried to put it in.",
			begin, thing(f), words.At(f.Return))
	}
	return PhantomRead, fmt.Sprintf("%s, but no operation on this key ever tried to enqueue %s.", begin, word)
}

func (k *keyHistory) deliveredTwice(t *transit, v value) string {
	var taken []history.Pair
	for _, o := range t.out[v] {
		taken = append(taken, k.pairOf(o))
	}
	return fmt.Sprintf("%s came out %s, but was put in %s, by %s: %s.", words.Spell(k.words[v]), often(len(taken)),
		often(len(t.in[v])), thing(k.pairOf(t.in[v][0])), roll(taken))
}
