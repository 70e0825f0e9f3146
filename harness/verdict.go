package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// Validity is a judgement. The zero value is Unknown: a verdict nobody filled in is no verdict.
type Validity uint8

// The three judgements. Where several are combined the worst wins: Invalid, then Unknown, then Valid.
const (
	Unknown Validity = iota
	Valid
	Invalid
)

var validityNames = [...]string{Unknown: "unknown", Valid: "valid", Invalid: "invalid"}

// String returns valid, invalid or unknown.
func (v Validity) String() string {
	if int(v) < len(validityNames) {
		return validityNames[v]
	}
	return fmt.Sprintf("validity(%d)", uint8(v))
}

// MarshalText writes the word of [Validity.String].
func (v Validity) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a word of [Validity.String] and refuses any other.
func (v *Validity) UnmarshalText(text []byte) error {
	for i, name := range validityNames {
		if name == string(text) {
			*v = Validity(i)
			return nil
		}
	}
	return fmt.Errorf("unknown verdict %q (expected valid, invalid or unknown)", text)
}

// Worse returns the worse of two judgements.
func (v Validity) Worse(w Validity) Validity {
	rank := [...]int{Valid: 0, Unknown: 1, Invalid: 2}
	if rank[w] > rank[v] {
		return w
	}
	return v
}

// Verdict is what a checker decided. Valid and Invalid are final; Unknown says why in Reason.
type Verdict struct {
	Validity  Validity
	Reason    string    // one sentence without a final stop
	Level     Level     // what was decided: a valid verdict means that the history has this level
	Ops       int       // operations judged
	Keys      int       // keys judged
	Undecided []string  // keys without a decision, at most a handful of thousands
	Strongest Level     // the strongest level that is known to have held; "" where it is not known
	Kept      *Kept     // what an invalid history kept all the same; nil where nobody looked
	Anomalies []Anomaly // of an invalid verdict: at least one
	// Stats are further figures by name, in the units their names end in. They go into results.json as they are.
	Stats map[string]any
}

// Anomaly is a proven violation. Witness holds the operations that prove it: no operation can be taken away without
// the rest being legal.
type Anomaly struct {
	Name        string // from the fixed vocabulary: stale read, lost write, duplicate, ...
	Key         string
	Explanation string // sentences a person can follow, with times
	Witness     []history.Pair
	// Impossible is the Index of the operation of Witness at which no order is left; -1 where no single one can be
	// named.
	Impossible int
	// Count is how many violations of this name there were on all keys; the one shown stands for them. 0 means 1.
	Count int
	Kept  string // what its key kept all the same, in a sentence; "" where that is not known
}

// Checker judges a history. It sees nothing but the history, never changes it, and may be used by several goroutines.
type Checker interface {
	Name() string
	// Check decides. When ctx ends first it returns what it has, with Unknown for what it had not decided. An error
	// means that the checker could not do its work (the history is not one of its workload), never that the system
	// misbehaved.
	Check(ctx context.Context, h history.History) (Verdict, error)
}

// CheckerFunc makes a [Checker] of a name and a function.
func CheckerFunc(name string, check func(context.Context, history.History) (Verdict, error)) Checker {
	return checkerFunc{name, check}
}

type checkerFunc struct {
	name  string
	check func(context.Context, history.History) (Verdict, error)
}

func (c checkerFunc) Name() string { return c.name }

func (c checkerFunc) Check(ctx context.Context, h history.History) (Verdict, error) {
	return c.check(ctx, h)
}

type progressKey struct{}

// WithProgress returns a context through which a checker tells how far it is. The function may be called by several
// goroutines at once and must not block.
func WithProgress(ctx context.Context, progress func(done, total int)) context.Context {
	return context.WithValue(ctx, progressKey{}, progress)
}

// Progress tells whoever waits how far a check is. It costs little, so a checker may call it after every key.
func Progress(ctx context.Context, done, total int) {
	if progress, ok := ctx.Value(progressKey{}).(func(done, total int)); ok {
		progress(done, total)
	}
}

// Budget bounds a check. A field left at zero means the checker's own limit or, where it has none, the default.
type Budget struct {
	Time   time.Duration // of one check; default, and the most without saying more here, 2 minutes
	Memory int64         // in bytes, beyond what was in use before; default 2 GiB
}

type budgetKey struct{}

// WithBudget returns a context that carries the budget of a check to the checker. A field left at zero leaves the
// choice to the checker.
func WithBudget(ctx context.Context, budget Budget) context.Context {
	return context.WithValue(ctx, budgetKey{}, budget)
}

// BudgetOf returns the budget whoever asked for a check gave it: what is set there goes before a checker's own.
func BudgetOf(ctx context.Context) Budget {
	budget, _ := ctx.Value(budgetKey{}).(Budget)
	return budget
}

type verdictOnlyKey struct{}

// WithVerdictOnly returns a context that asks a checker for its verdict and the anomalies that prove it, and not for what
// was kept all the same.
func WithVerdictOnly(ctx context.Context) context.Context {
	return context.WithValue(ctx, verdictOnlyKey{}, true)
}

// VerdictOnly reports whether whoever asked for a check wants no more than that.
func VerdictOnly(ctx context.Context) bool {
	only, _ := ctx.Value(verdictOnlyKey{}).(bool)
	return only
}
