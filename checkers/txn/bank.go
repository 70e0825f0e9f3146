package txn

import (
	"context"
	"fmt"

	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// BankRules are what every state of a bank keeps.
type BankRules struct {
	Total     int64 // what the balances add up to; 0 means what they do in most reads
	Overdraft bool  // balances may be below zero
}

// Bank returns the checker of a bank: "transfer" moves money, [from to amount], and "read" returns every account,
// [[account balance] ...], at one moment. In every read the balances add up to the same.
//
// It is a sign that shows plainly, no proof of a level: snapshot isolation is enough for it.
//
// Cost: O(n).
func Bank(rules BankRules) harness.Checker {
	whole := harness.CheckerFunc("bank", func(_ context.Context, h history.History) (harness.Verdict, error) {
		b := bank{rules: rules, pairs: h.Pairs, found: newFindings()}
		if err := b.read(); err != nil {
			return harness.Verdict{}, err
		}
		return b.judge(), nil
	})
	return streaming{whole, func() harness.Stream { return newBankStream(rules) }}
}

type bank struct {
	rules     BankRules
	pairs     []history.Pair
	found     *findings
	reads     []statement
	transfers int // that succeeded
	ops       int
}

// statement is what a read returned.
type statement struct {
	pair     int32
	accounts int
	total    int64
	below    any // an account below zero, or nil
	balance  int64
}

func (b *bank) read() error {
	for i := range b.pairs {
		p := &b.pairs[i]
		switch p.F {
		case "transfer":
			if all, isList := values.Elements(p.Input); !isList || len(all) != 3 {
				return fmt.Errorf("operation %d transfers %s: expected [from to amount]", p.Index, words.Spell(p.Input))
			}
			if p.Outcome == history.OK {
				b.transfers++
			}
		case "read":
			if p.Outcome != history.OK {
				continue
			}
			s, err := balances(p.Output)
			if err != nil {
				return fmt.Errorf("operation %d: %w", p.Index, err)
			}
			s.pair = int32(i)
			b.reads = append(b.reads, s)
		default:
			return fmt.Errorf("operation %d calls %q, but a bank has transfer and read", p.Index, p.F)
		}
		if p.Outcome != history.Fail {
			b.ops++
		}
	}
	return nil
}

func balances(v any) (statement, error) {
	var s statement
	all, isList := values.Elements(v)
	for _, e := range all {
		account, _ := values.Elements(e)
		if len(account) != 2 {
			isList = false
			break
		}
		amount, whole := account[1].(int64)
		if !whole {
			isList = false
			break
		}
		s.accounts++
		s.total += amount
		if amount < 0 && s.below == nil {
			s.below, s.balance = account[0], amount
		}
	}
	if !isList {
		return s, fmt.Errorf("read %s: expected [[account balance] ...] with whole numbers as balances", words.Spell(v))
	}
	return s, nil
}

func (b *bank) judge() harness.Verdict {
	total := b.total()
	right := int32(-1) // a read that adds up, to show beside one that does not
	for _, s := range b.reads {
		if s.total == total && right < 0 {
			right = s.pair
		}
	}
	for _, s := range b.reads {
		b.look(s, total, right)
	}
	v := harness.Verdict{Level: harness.SnapshotIsolation, Keys: 1, Ops: b.ops, Anomalies: b.found.anomalies(b.pairs)}
	v.Stats = map[string]any{"model": "bank", "total": total, "reads": len(b.reads), "transfers": b.transfers}
	switch {
	case len(v.Anomalies) > 0:
		convict(&v)
	case len(b.pairs) == 0:
		v.Reason = "the history is empty: there is nothing to judge"
	case len(b.reads) == 0:
		v.Reason = "no read succeeded: nobody ever looked at the balances"
	case b.transfers == 0:
		v.Reason = "no transfer succeeded: there was nothing that could have gone wrong"
	default:
		v.Validity = harness.Valid
		v.Reason = fmt.Sprintf("%s after %s each added up to %d", words.Count(len(b.reads), "read"),
			words.Count(b.transfers, "transfer"), total)
	}
	return v
}

// total is what the balances have to add up to.
func (b *bank) total() int64 {
	if b.rules.Total != 0 {
		return b.rules.Total
	}
	times, best := map[int64]int{}, int64(0)
	for _, s := range b.reads {
		if times[s.total]++; times[s.total] > times[best] || times[s.total] == times[best] && s.total < best {
			best = s.total
		}
	}
	return best
}

func (b *bank) look(s statement, total int64, right int32) {
	p := b.pairs[s.pair]
	if s.total != total {
		size, witness := 1, []int32{s.pair}
		if right >= 0 {
			size, witness = 2, unique(sorted([]int32{s.pair, right}))
		}
		b.found.add(WrongTotal, "", size, func() (string, []int32, int32) {
			return fmt.Sprintf("%s's read (%s) showed balances that add up to %d, %d too %s; every transfer keeps the total of %d.%s",
				words.Upper(words.Who(p)), words.Lasted(p), s.total, abs(s.total-total), moreOrLess(s.total-total), total,
				b.half(p, s.total-total)), witness, s.pair
		})
	}
	if s.below != nil && !b.rules.Overdraft {
		b.found.add(Overdraft, "", 1, func() (string, []int32, int32) {
			return fmt.Sprintf("%s's read (%s) showed account %s at %d, though no transfer may take more than is there.",
				words.Upper(words.Who(p)), words.Lasted(p), words.Spell(s.below), s.balance), []int32{s.pair}, s.pair
		})
	}
}

// half names a transfer under way at the time of which the read may have seen one half.
func (b *bank) half(read history.Pair, off int64) string {
	for _, p := range b.pairs {
		if p.F != "transfer" || p.Outcome == history.Fail || p.Call > read.Return || p.Returned() && p.Return < read.Call {
			continue
		}
		all, _ := values.Elements(p.Input)
		if amount, whole := all[2].(int64); whole && amount == abs(off) {
			return fmt.Sprintf(" It is as if it had seen half of %s's transfer of %d from %s to %s (%s).", words.Who(p), amount,
				words.Spell(all[0]), words.Spell(all[1]), words.Lasted(p))
		}
	}
	return ""
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

func moreOrLess(n int64) string {
	if n < 0 {
		return "few"
	}
	return "many"
}
