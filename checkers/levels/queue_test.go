package levels

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// queueSteps is a queue in a string. A dequeue that never returned takes whatever can be taken.
func queueSteps(fifo bool) func(o *linear.Op, state string) []string {
	return func(o *linear.Op, state string) (next []string) {
		if o.Kind == linear.Enqueue {
			return []string{state + letter(o.Value)}
		}
		if !o.Pending() && o.Value == 0 {
			if state == "" {
				return []string{state}
			}
			return nil
		}
		for at := range state {
			if (o.Pending() || state[at:at+1] == letter(o.Value)) && (at == 0 || !fifo) {
				next = append(next, without(state, at))
			}
		}
		return next
	}
}

// rollQueue makes a queue's history, with a few wrong answers.
func rollQueue(rng *rand.Rand, d dice, fifo, again bool) *sheet {
	var state []int32
	fresh := int32(0)
	h := effected(rng, d, d.lies, func(i int, h *sheet) bool {
		o := &h.Object.Ops[i]
		happens := !o.Pending() || rng.IntN(2) == 0
		if rng.IntN(2) == 0 {
			if fresh == 0 || !again || rng.IntN(4) > 0 {
				fresh++
			}
			if o.Kind, o.Value = linear.Enqueue, fresh; happens {
				state = append(state, o.Value)
			}
			return true
		}
		o.Kind = linear.Dequeue
		if len(state) > 0 && happens {
			at := 0
			if !fifo || rng.IntN(200) < d.lies {
				at = rng.IntN(len(state))
			}
			o.Value = state[at]
			state = slices.Delete(state, at, at+1)
		}
		switch {
		case o.Pending():
			o.Value = 0
		case rng.IntN(400) < d.lies:
			o.Value = rng.Int32N(fresh + 2)
		}
		return true
	})
	h.Object.Values = int(fresh) + 3
	return h
}

func bruteOvertaken(h *sheet) (most, stale int) {
	ops := h.Object.Ops
	in, out := map[int32]*linear.Op{}, map[int32]*linear.Op{}
	for i := range ops {
		if o := &ops[i]; o.Kind == linear.Enqueue {
			in[o.Value] = o
		} else if !o.Pending() && out[o.Value] == nil {
			out[o.Value] = o
		}
	}
	for a, outA := range out {
		passed := 0
		for b, outB := range out {
			if in[a] != nil && in[b] != nil && in[a].Return < in[b].Call && outB.Return < outA.Call {
				passed++
			}
		}
		if passed > 0 {
			stale++
		}
		most = max(most, passed)
	}
	return most, stale
}

func putTwice(h *sheet) bool {
	times := map[int32]int{}
	for i := range h.Object.Ops {
		if o := &h.Object.Ops[i]; o.Kind == linear.Enqueue {
			times[o.Value]++
		}
	}
	return len(times) > 0 && slices.Max(slices.Collect(maps.Values(times))) > 1
}

func TestQueuesAgainstEveryOrder(t *testing.T) {
	for _, fifo := range []bool{true, false} {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("fifo %t again %t", fifo, again), func(t *testing.T) {
				t.Parallel()
				rng, seen := rand.New(rand.NewPCG(61, 62)), map[string]int{}
				for n := range 2 * *long {
					d := dice{ops: 5 + rng.IntN(7), processes: 2 + rng.IntN(2), pending: []int{0, 10, 25}[n%3],
						lies: []int{0, 30, 80}[rng.IntN(3)]}
					h := rollQueue(rng, d, fifo, again)
					r, err := JudgeQueue(t.Context(), h.history(), fifo, searched(fresh(fifo)), searched(fresh(false)))
					if err != nil {
						t.Fatal(err)
					}
					weaker := queueSteps(false)
					if !fifo {
						weaker = nil
					}
					toldOf(t, h, &r, queueSteps(fifo), weaker, dequeues, seen)
					most, stale := bruteOvertaken(h)
					twice, known := putTwice(h), fifo && !putTwice(h)
					if v := r.Versions; v.Unknown == known || known && (v.Max != most || v.Stale != stale) {
						t.Fatalf("%+v, want %d %d\n%s", v, most, stale, show(h))
					}
					if twice {
						seen["twice"]++
					} else if r.Levels[Sequential].Unknown {
						t.Fatalf("%+v\n%s", r, show(h))
					}
					if most > 0 {
						seen["overtaken"]++
					}
				}
				enough(t, seen, "linearizable", "late", "never", "sequential", "broken", "known")
				if fifo {
					enough(t, seen, "relaxed", "not relaxed", "overtaken")
				}
				if again {
					enough(t, seen, "twice")
				}
			})
		}
	}
}

// fresh is a model for each decision.
func fresh(fifo bool) linear.Model { return linear.QueueModel(fifo) }

// queued makes of a script that of a queue: writes put in, and reads take out.
func queued(lines ...string) *sheet {
	h := script(lines...)
	for i := range h.Object.Ops {
		o := &h.Object.Ops[i]
		o.Kind = map[linear.Kind]linear.Kind{linear.Write: linear.Enqueue, linear.Read: linear.Dequeue}[o.Kind]
	}
	return h
}

// queuesOf decides queues.
func queuesOf(fifo bool) Decider {
	return func(_ context.Context, o *linear.Object) linear.Result { return linear.NewQueues(fifo).Decide(o) }
}

func TestQueueExamples(t *testing.T) {
	const whole = "nothing was lost or delivered twice: as a queue without order it was linearizable"
	for _, e := range []struct {
		name    string
		history []string
		says    string
	}{
		{"all is well", []string{"1 write 1", "1 write 2", "2 read 1", "2 read 2"}, "linearizable"},
		{"overtaken", []string{"1 write 1", "1 write 2", "1 write 3", "2 read 2", "2 read 3", "3 read 1"},
			"not linearizable: values were handed out up to 3 ms late and past 2 others, but it was sequential and " +
				whole},
		{"found empty", []string{"1 write 1", "2 read 0", "3 read 1"},
			"not linearizable: values were handed out up to 1 ms late, but it was sequential"},
		{"delivered twice", []string{"1 write 1", "2 read 1", "3 read 1"},
			"not linearizable: a value was handed out twice"},
		{"from nowhere", []string{"1 write 1", "2 read 2"},
			"not linearizable: a value was handed out that nobody put in"},
		{"lost", []string{"1 write 1", "1 write 2", "2 read 2"},
			"not linearizable: a value never came out although later ones did, but " + whole},
	} {
		r, err := JudgeQueue(t.Context(), queued(e.history...).history(), true, queuesOf(true), queuesOf(false))
		if says := r.Sentence(); err != nil || says != e.says {
			t.Errorf("%s: %v\n%s, want\n%s", e.name, err, says, e.says)
		}
	}
}

// TestQueuesThatAreNotKnown: what nobody decides is not known, and what is no queue is refused.
func TestQueuesThatAreNotKnown(t *testing.T) {
	nobody := func(context.Context, *linear.Object) linear.Result { return linear.Result{} }
	over, cancel := context.WithCancel(t.Context())
	cancel()
	h := queued("1 write 1", "1 write 2", "2 read 2", "2 read 1")
	for _, ctx := range []context.Context{t.Context(), over} {
		r, err := JudgeQueue(ctx, h.history(), true, nobody, nobody)
		if err != nil || !r.Staleness.Unknown || !r.Relaxed.Unknown || r.Versions.Max != 1 ||
			r.Levels[Sequential].Held {
			t.Errorf("%v %+v", err, r)
		}
		r.Refute()
		if says := r.Sentence(); says != "not linearizable: values were handed out past 1 other" {
			t.Error(says)
		}
	}
	for _, h := range []*sheet{script("1 write 1"), queued("1 write 1 …", "1 write 2")} {
		if _, err := JudgeQueue(t.Context(), h.history(), true, nobody, nobody); !errors.Is(err, linear.ErrUnfit) {
			t.Error(err)
		}
	}
}

// TestQueuesAddUp: what all of some queues kept is told per key.
func TestQueuesAddUp(t *testing.T) {
	sum := new(Report)
	for n, history := range [][]string{
		{"1 write 1", "1 write 2", "2 read 2", "3 read 1"},
		{"1 write 1", "1 write 2", "2 read 2", "2 read 0", "3 read 1"},
	} {
		r, err := JudgeQueue(t.Context(), queued(history...).history(), true, queuesOf(true), queuesOf(false))
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			sum = &r
			continue
		}
		sum.Add(&r)
	}
	const says = "not linearizable: values were handed out up to 3 ms late and past 1 other"
	if got := sum.SentencePerKey(); !strings.HasPrefix(got, says) || sum.Relaxed.Held || !sum.Relaxed.Asked {
		t.Errorf("%s %+v", got, sum)
	}
}
