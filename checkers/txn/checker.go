// Package txn judges histories of transactions: which isolation they kept, and which anomaly shows that they did not.
//
// [ListAppend] and [RWRegister] infer, after Elle (Kingsbury & Alvaro, VLDB 2020), which transaction must have come
// before which, from what they read; a circle is a proof that something is wrong, and its edges say what (Adya 1999).
// [Weak] decides read committed, read atomic and causal consistency after AWDIT (Møldrup & Pavlogiannis, PLDI 2025).
// [Bank] and [LongFork] look for one thing each, that shows plainly.
//
// All but [Weak] are a [harness.Streamer]: they judge while a run goes on, too, with memory for the transactions into
// which an edge may still come and for the keys that were used lately. Their streams suspect a beginning of a history if
// and only if the checker finds something in it, as long as no key is used again that was not used for 65,536 lines.
package txn

import (
	"context"
	"fmt"
	"strings"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// ListAppend returns the checker of transactions over lists: each a list of [append key element], whose elements are
// appended to a key once, and [r key list].
//
// It decides strict serializability, and of what violates it the weakest level that forbids it. What it finds is a
// proof. What it does not find may still be there where appends were never read: their order is not known.
//
// Transactions that never returned take part, whole, when one of their appends was read.
//
// Cost: O(n) for n operations and elements read where nothing is wrong. A circle is looked for with bounded patience: it
// is always found, but where very many transactions are entangled perhaps not the shortest, or under a weaker name.
func ListAppend() harness.Checker {
	return streaming{inferring("list-append", true, func(s *script, f *findings) (knowledge, *graph, error) {
		return inferLists(s, f)
	}), func() harness.Stream { return newStream(listRules{}) }}
}

// RWRegister returns the checker of transactions over registers: each a list of [w key value], whose values are written
// to a key once, and [r key value]; a key that was not written yet reads as nil.
//
// Which version follows which is known less well than of lists. It is taken that nil comes first, that a transaction
// which read a key and then wrote it replaced what it read, and, over real time, that of two transactions the one that
// had returned when the other was called wrote first. So more can go unseen.
func RWRegister() harness.Checker {
	return streaming{inferring("rw-register", false, func(s *script, f *findings) (knowledge, *graph, error) {
		return inferRegisters(s, f)
	}), func() harness.Stream { return newStream(registerRules{}) }}
}

// streaming is a checker that judges while a run goes on, too.
type streaming struct {
	harness.Checker
	stream func() harness.Stream
}

// Stream returns a judge of one history, line by line.
func (s streaming) Stream() harness.Stream { return s.stream() }

// inferring makes a checker of what infers who came before whom.
func inferring(
	name string, lists bool, infer func(*script, *findings) (knowledge, *graph, error),
) harness.Checker {
	return harness.CheckerFunc(name, func(ctx context.Context, h history.History) (harness.Verdict, error) {
		s, err := read(h, lists)
		if err != nil {
			return harness.Verdict{}, err
		}
		f := newFindings()
		k, g, err := infer(s, f)
		if err != nil {
			return harness.Verdict{}, err
		}
		f.circles(s, g.cycles(ctx), k)
		return s.conclude(ctx, f, name), nil
	})
}

// conclude makes the verdict of the findings.
func (s *script) conclude(ctx context.Context, f *findings, model string) harness.Verdict {
	v := harness.Verdict{Level: harness.StrictSerializable, Keys: len(s.keys), Anomalies: f.anomalies(s.pairs)}
	committed := 0
	for i := range s.txns {
		if s.txns[i].committed {
			committed++
		}
		if !s.txns[i].failed {
			v.Ops++
		}
	}
	v.Stats = map[string]any{"model": model, "transactions_committed": committed}
	switch {
	case len(v.Anomalies) > 0:
		convict(&v)
	case len(s.txns) == 0:
		v.Reason = "the history is empty: there is nothing to judge"
	case committed == 0:
		v.Reason = "no transaction committed: there is nothing to judge"
	case s.reads == 0:
		v.Reason = "no committed transaction read anything: nothing that was stored was ever looked at"
	case s.stores == 0:
		v.Reason = "nothing was stored that a read could have missed"
	case ctx.Err() != nil:
		v.Reason = fmt.Sprintf("%s undecided (interrupted)", words.Count(committed, "transaction"))
	default:
		v.Validity = harness.Valid
		v.Reason = fmt.Sprintf("%s on %s fit a strict serial order", words.Count(committed, "committed transaction"),
			words.Count(len(s.keys), "key"))
	}
	return v
}

// convict says what the anomalies of a verdict violate. Its level is the weakest that is violated.
func convict(v *harness.Verdict) {
	not, alsoNot := violated(v.Anomalies)
	kept := held(not, alsoNot)
	v.Validity, v.Level = harness.Invalid, not[0]
	var parts []string
	for _, a := range v.Anomalies {
		parts = append(parts, fmt.Sprintf("%s (%d)", a.Name, max(1, a.Count)))
	}
	v.Reason = fmt.Sprintf("not %s: %s", listed(not, " and not "), strings.Join(parts, ", "))
	if len(kept) > 0 {
		v.Reason += "; nothing speaks against " + listed(kept, " or ")
	}
	if v.Stats == nil {
		v.Stats = map[string]any{}
	}
	v.Stats["not"], v.Stats["also_not"], v.Stats["not_contradicted"] = not, alsoNot, kept
}

func listed(levels []harness.Level, and string) string {
	var parts []string
	for _, l := range levels {
		parts = append(parts, string(l))
	}
	return strings.Join(parts, and)
}
