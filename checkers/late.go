package checkers

import (
	"context"
	"slices"
	"time"

	"github.com/capsize-dev/capsize/checkers/levels"
	"github.com/capsize-dev/capsize/checkers/linear"
)

// share is the time for one of the keys that are still to ask what they kept: a part of the whole, so that nobody waits
// for what is only more to tell much longer than for the verdict.
func (j *judges) share(ctx context.Context, left int) (context.Context, context.CancelFunc) {
	end, _ := ctx.Deadline()
	within := min(time.Until(end)/time.Duration(rounds(left)), j.check.budget.Time/4)
	return context.WithTimeoutCause(ctx, within, errTime)
}

// decider decides a key whose answers were made late as an object of some kind: specially where that fits, and
// otherwise by a search.
func (j *judges) decider(object object, deciders []decider) levels.Decider {
	return func(ctx context.Context, o *linear.Object) linear.Result {
		for _, d := range deciders {
			if r := d.Decide(o); r.Answer != linear.Undecided {
				return r
			}
		}
		ops := make([]op, len(o.Ops))
		for i := range ops {
			fill(&ops[i], o, i)
		}
		m := &meter{memory: j.check.budget.Memory}
		guarded, release := j.memory.guard(ctx, m)
		defer release()
		ops = object.tighten(object.prune(telling(ops)))
		answer, cause := decide(guarded, searching{doubts: true}, object, ops, m)
		return linear.Result{Answer: answer, At: -1, Cause: cause}
	}
}

// telling drops observers that tell nothing: who was told the same as another one, which was called after it and
// returned before it. It can stand beside the other in any order. Where answers are late that is most of them, and a
// search that looks at all that may come next would look at them again and again.
func telling(ops []op) []op {
	type what struct {
		kind        linear.Kind
		value, from value
	}
	soonest := map[what]int{} // return of those that were called later
	var gone []int
	for i := range slices.Backward(ops) {
		o := &ops[i]
		if !o.kind.Observes() || o.list != nil {
			continue
		}
		w := what{o.kind, o.value, o.from}
		if ret, some := soonest[w]; some && ret < o.ret {
			gone = append(gone, i)
		} else {
			soonest[w] = o.ret
		}
	}
	slices.Reverse(gone)
	return except(ops, gone)
}
