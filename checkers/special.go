package checkers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// errProof says that a special decider gave an answer and a proof that does not hold. It is a mistake of ours: the key
// stays undecided, and nobody is told that it is well, or that it is not.
var errProof = errors.New("a proof that does not hold, which is a mistake in capsize: please report it")

// specially asks the special deciders about the key at the desk, and reports whether the ruling is done: because one of
// them fits and its proof holds, or because it does not hold. A proof is looked into until a time; only then there is
// need of a context, which costs more than to decide a small key.
//
// No answer is believed without its proof. The order of a legal one is run through the sequential object; the few
// operations that an illegal one rests on must be illegal for the engine, and not legal for porcupine.
func (j *judges) specially(ctx context.Context, by time.Time, b *bench, r *ruling) bool {
	for _, d := range b.deciders {
		result := d.Decide(&b.object)
		r.by = result.By
		switch result.Answer {
		case linear.Legal:
			if err := linear.Replay(&b.object, d.Model(), result.Order); err != nil {
				r.cause = fmt.Errorf("%s: %w (%w)", result.By, errProof, err)
				return true
			}
			r.answer = linear.Legal
			return true
		case linear.Illegal:
			within, cancel := context.WithDeadlineCause(ctx, by, errTime)
			confirmed := j.confirm(within, b, r, &result)
			cancel()
			if confirmed {
				return true
			}
		}
	}
	return false
}

// confirm brings the witnesses of an illegal answer before the engine, and shrinks, names and tells those it confirms.
// False where the engine had not the time for any.
func (j *judges) confirm(ctx context.Context, b *bench, r *ruling, result *linear.Result) bool {
	for _, proof := range append([]linear.Result{*result}, result.More...) {
		k, part := b.extract(&proof)
		s := j.shrinker()
		switch {
		case s.refuted(ctx, part):
			r.cause = fmt.Errorf("%s: %w (%s: operations %v)", proof.By, errProof, proof.Rule, indicesOf(part))
			return true
		case s.illegal(ctx, part):
			if f, ok := finish(ctx, s, k, part); ok {
				r.findings = withNew(r.findings, f)
			}
		}
	}
	if len(r.findings) > 0 {
		r.answer = linear.Illegal
		return true
	}
	return false
}

func indicesOf(ops []op) []int {
	at := make([]int, len(ops))
	for i := range ops {
		at[i] = ops[i].call
	}
	return at
}
