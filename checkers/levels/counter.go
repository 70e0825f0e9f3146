package levels

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"sort"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// JudgeCounter is [Judge] for a counter.
//
//   - Staleness is exact, with the decider. Counts are what may be late.
//   - In versions a count is as many behind as additions are missing in it that had returned when it was asked for.
//     This is known where every addition adds one.
//   - Regular: a count is all that had been added when it was asked for, and some of what was added meanwhile. It is
//     exact where every addition adds or takes off one, and otherwise known where few are open at once.
//   - Sequential and PRAM are exact where every addition adds one. Of other counters that only go up it may be known
//     that PRAM did not hold, and of all of them Sequential is known where a search finds an order, or that there is
//     none; then it has no witness.
//   - Causal is known only by way of the others.
//   - Session guarantees of counters that only go up: a count is not below what its client had added itself, and not
//     below an earlier count of it. What contradicts the other two there is not, for additions may change places.
//
// The error is [linear.ErrUnfit] where the operations are not those of a counter, or a process did two things at once.
//
// Cost: O(n log n), that of the decisions, of counters that only go up mostly one, and otherwise up to some 40, and
// that of the search, as in [JudgeReused].
func JudgeCounter(ctx context.Context, h *History, decide Decider) (Report, error) {
	c, err := newCounter(h)
	if err != nil {
		return Report{}, err
	}
	report := unsaid(Counters)
	report.Regular = c.regular()
	if c.ones {
		report.Versions = c.versions()
		report.Levels[Sequential] = c.sequential()
	}
	if c.up {
		report.Levels[PRAM] = c.pram()
		report.Sessions = c.sessions()
	}
	if !c.ones && !c.huge && !report.Levels[PRAM].Refuted() {
		report.Levels[Sequential] = h.sequential(ctx, c.session, linear.CounterModel())
	}
	report.Staleness = c.staleness(ctx, decide)
	report.rank()
	return report, nil
}

// counter is the history of a counter, read.
type counter struct {
	*History
	ops     []linear.Op
	session []int32 // by position: processes numbered from 0
	people  int
	ones    bool    // every addition adds one
	up      bool    // none takes anything off
	units   bool    // every one adds or takes off one, or nothing
	huge    bool    // they add up to more than can be reckoned with
	looks   []int32 // who counted, by call
	adds    []int32 // by call
	ends    []int32 // of them those that returned, by return
	called  tally   // of adds
	ended   tally   // of ends
}

// tally sums up additions: at n those of the first n, what they add and what they take off.
type tally struct{ plus, minus []int64 }

func sum(ops []linear.Op, adds []int32) tally {
	t := tally{make([]int64, len(adds)+1), make([]int64, len(adds)+1)}
	for n, i := range adds {
		amount := ops[i].Amount()
		t.plus[n+1], t.minus[n+1] = t.plus[n]+max(amount, 0), t.minus[n]+min(amount, 0)
	}
	return t
}

func newCounter(h *History) (*counter, error) {
	c := &counter{History: h, ops: h.Object.Ops, ones: true, up: true, units: true}
	var err error
	if c.session, c.people, err = h.sessions(); err != nil {
		return nil, err
	}
	total := 0.0
	for i := range c.ops {
		switch o := &c.ops[i]; o.Kind {
		case linear.Count:
			c.looks = append(c.looks, int32(i))
		case linear.Add:
			amount := o.Amount()
			c.ones, c.up = c.ones && amount == 1, c.up && amount >= 0
			c.units = c.units && amount >= -1 && amount <= 1
			total += math.Abs(float64(amount))
			c.adds = append(c.adds, int32(i))
			if !o.Pending() {
				c.ends = append(c.ends, int32(i))
			}
		default:
			return nil, unfit("not a counter")
		}
	}
	c.huge = total > 1<<62
	c.up = c.up && !c.huge
	slices.SortFunc(c.ends, func(a, b int32) int { return cmp.Compare(c.ops[a].Return, c.ops[b].Return) })
	c.called, c.ended = sum(c.ops, c.adds), sum(c.ops, c.ends)
	return c, nil
}

// done is how many additions had returned at an event, begun how many had been called.
func (c *counter) done(event int64) int {
	return sort.Search(len(c.ends), func(n int) bool { return c.ops[c.ends[n]].Return > event })
}

func (c *counter) begun(event int64) int {
	return sort.Search(len(c.adds), func(n int) bool { return c.ops[c.adds[n]].Call > event })
}

// versions counts the additions of one that are missing in each count.
func (c *counter) versions() Versions {
	found := Versions{Read: -1}
	for _, i := range c.looks {
		o := &c.ops[i]
		behind := c.done(o.Call) - int(o.Amount())
		found.note(i, behind)
	}
	return found
}

// regular looks at each count alone.
func (c *counter) regular() Finding {
	if c.huge {
		return Finding{Unknown: true}
	}
	unknown, ended := false, 0
	var open []int32 // additions, by call
	called := 0
	for _, i := range c.looks {
		o := &c.ops[i]
		for ; called < len(c.adds) && c.ops[c.adds[called]].Call < o.Call; called++ {
			open = append(open, c.adds[called])
		}
		for ; ended < len(c.ends) && c.ops[c.ends[ended]].Return < o.Call; ended++ {
			at, _ := slices.BinarySearch(open, c.ends[ended])
			open = slices.Delete(open, at, at+1)
		}
		begun := c.begun(o.Return)
		sure := c.ended.plus[ended] + c.ended.minus[ended]
		least := sure + c.called.minus[begun] - c.ended.minus[ended]
		most := sure + c.called.plus[begun] - c.ended.plus[ended]
		if amount := o.Amount(); amount < least || amount > most {
			return Finding{Witness: []int32{i}}
		}
		if c.units || unknown {
			continue // everything in between can be
		}
		attainable, known := c.attainable(o.Amount()-sure, open, c.adds[called:begun])
		if known && !attainable {
			return Finding{Witness: []int32{i}}
		}
		unknown = !known
	}
	return Finding{Held: !unknown, Unknown: unknown}
}

// attainable reports whether some of the additions that were open during a count add up to a number, where these are
// few.
func (c *counter) attainable(wanted int64, open, later []int32) (attainable, known bool) {
	const few, mostSums = 64, 1024
	if len(open)+len(later) > few {
		return false, false
	}
	sums := map[int64]bool{0: true}
	for _, i := range slices.Concat(open, later) {
		amount := c.ops[i].Amount()
		for _, s := range slices.Collect(maps.Keys(sums)) {
			sums[s+amount] = true
		}
		if len(sums) > mostSums {
			return false, false
		}
	}
	return sums[wanted], true
}

// sessions looks for what contradicts the session guarantees.
func (c *counter) sessions() (found [guarantees]Session) {
	for g := range found {
		found[g].Held = true
	}
	take := func(g Guarantee, i int32, asked, broken bool, earlier int32) {
		s := &found[g]
		if !asked {
			return
		}
		s.Asked++
		if !broken {
			return
		}
		if s.Broken++; s.Held {
			s.Held, s.Witness = false, sorted([]int32{earlier, i})
		}
	}
	own, last := make([]int64, c.people), unset(c.people) // what it added, and the addition it made last
	most := unset(c.people)                               // its greatest count
	for i := range c.ops {
		i := int32(i)
		o, s := &c.ops[i], c.session[i]
		switch {
		case o.Pending():
		case o.Kind == linear.Add && o.Amount() > 0:
			own[s], last[s] = own[s]+o.Amount(), i
		case o.Kind == linear.Count:
			take(ReadYourWrites, i, own[s] > 0, o.Amount() < own[s], last[s])
			take(MonotonicReads, i, most[s] >= 0, most[s] >= 0 && o.Amount() < c.ops[most[s]].Amount(), most[s])
			if most[s] < 0 || o.Amount() > c.ops[most[s]].Amount() {
				most[s] = i
			}
		}
	}
	return found
}
