package levels

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// What follows are the definitions for lists, each taken at its word, by trying every order.

// listPuzzle asks for an order of appends and reads in which every read shows what was appended before it.
type listPuzzle struct {
	h        *sheet
	before   func(i, j int) bool
	optional func(i int) bool // it may be left out
	ignored  func(i int) bool
	sorted   bool // it is a set: what is appended goes where it belongs
	dead     map[string]bool
}

func (p *listPuzzle) solved() bool {
	p.dead = map[string]bool{}
	return p.from(0, nil)
}

func (p *listPuzzle) from(done uint64, state []int32) bool {
	key := fmt.Sprint(done, state)
	if p.dead[key] {
		return false
	}
	ops, finished := p.h.Object.Ops, true
	for i := range ops {
		if done&(1<<i) != 0 || p.ignored(i) {
			continue
		}
		finished = finished && p.optional(i)
		free := true
		for j := range ops {
			if p.ignored(j) || j == i {
				continue
			}
			over := done&(1<<j) != 0
			free = free && (over || p.optional(j) || !p.before(j, i)) && (!over || !p.before(i, j))
		}
		if !free {
			continue
		}
		next := state
		if ops[i].Kind == linear.Append {
			next = append(slices.Clone(state), ops[i].Value)
			if p.sorted {
				slices.Sort(next)
			}
		} else if !slices.Equal(state, p.h.Object.Seen(i)) {
			continue
		}
		if p.from(done|1<<i, next) {
			return true
		}
	}
	if !finished {
		p.dead[key] = true
	}
	return finished
}

func bruteList(h *sheet, before func(i, j int) bool) bool {
	p := listPuzzle{h: h, before: before, optional: pendingOf(h), ignored: no}
	return p.solved()
}

func bruteListLinearizable(h *sheet, delta int64) bool { return bruteList(h, lateReads(h, delta)) }

// lateReads is real time, if reads may have been called that much earlier.
func lateReads(h *sheet, delta int64) func(i, j int) bool {
	ops := h.Object.Ops
	return func(i, j int) bool {
		return ops[i].Return < ops[j].Call &&
			(delta == 0 || ops[j].Kind != linear.Read || h.Return[i] < h.Call[j]-delta)
	}
}

func bruteListPRAM(h *sheet) bool {
	for _, process := range h.Process {
		p := listPuzzle{h: h, before: processOrder(h), optional: pendingOf(h), ignored: func(i int) bool {
			return h.Process[i] != process && h.Object.Ops[i].Kind == linear.Read
		}}
		if !p.solved() {
			return false
		}
	}
	return true
}

// bruteListBehind counts what is missing in a read and was there for sure: its append had returned before the call of
// the read, or something that saw it or had to come after it had.
func bruteListBehind(h *sheet, read int, longest []int32) int {
	ops := h.Object.Ops
	seen, call := h.Object.Seen(read), ops[read].Call
	there := 0 // how much of the longest read
	lost := 0
	for i := range ops {
		if ops[i].Return >= call {
			continue
		}
		switch at := slices.Index(longest, ops[i].Value); {
		case ops[i].Kind == linear.Read:
			there = max(there, len(h.Object.Seen(i)))
		case at < 0:
			there, lost = len(longest), lost+1
		default:
			there = max(there, at+1)
		}
	}
	return max(0, there-len(seen)) + lost
}

// bruteListRegular looks at each read alone, where all agree.
func bruteListRegular(h *sheet) bool {
	ops := h.Object.Ops
	for i := range ops {
		if ops[i].Kind != linear.Read {
			continue
		}
		seen := h.Object.Seen(i)
		for j := range ops {
			if ops[j].Kind != linear.Append {
				continue
			}
			shown := slices.Contains(seen, ops[j].Value)
			if !shown && ops[j].Return < ops[i].Call || shown && ops[i].Return < ops[j].Call {
				return false
			}
		}
	}
	return true
}

func bruteListSessions(h *sheet, longest []int32) [guarantees]bool {
	held, before, ops := [guarantees]bool{true, true, true, true}, processOrder(h), h.Object.Ops
	for i := range ops {
		for j := range ops {
			if !before(i, j) {
				continue
			}
			a, b := &ops[i], &ops[j]
			at := slices.Index(longest, b.Value)
			switch {
			case a.Kind == linear.Read && b.Kind == linear.Read:
				held[MonotonicReads] = held[MonotonicReads] && beginsWith(h.Object.Seen(j), h.Object.Seen(i))
			case a.Kind == linear.Read:
				held[WritesFollowReads] = held[WritesFollowReads] && !slices.Contains(h.Object.Seen(i), b.Value)
			case b.Kind == linear.Read:
				held[ReadYourWrites] = held[ReadYourWrites] && slices.Contains(h.Object.Seen(j), a.Value)
			case at >= 0:
				earlier := slices.Index(longest, a.Value)
				held[MonotonicWrites] = held[MonotonicWrites] && earlier >= 0 && earlier < at
			}
		}
	}
	return held
}

// rollAppends makes appends of a register's stores, and returns them in an order.
func rollAppends(rng *rand.Rand, d dice) (h *sheet, ever []int32) {
	h = d.roll(rng) // the order of the register's stores, as reads saw it, is as good as any
	for i := range h.Object.Ops {
		if o := &h.Object.Ops[i]; o.Kind == linear.Write {
			ever = append(ever, o.Value)
			o.Kind = linear.Append
		}
	}
	if rng.IntN(4) == 0 {
		rng.Shuffle(len(ever), func(i, j int) { ever[i], ever[j] = ever[j], ever[i] })
	}
	return h, ever
}

// rollList makes of a register's history that of a list: every store is an append, and a read shows what was there, or
// with some luck something else.
func rollList(rng *rand.Rand, d dice) *sheet {
	h, ever := rollAppends(rng, d)
	for i := range h.Object.Ops {
		o := &h.Object.Ops[i]
		if o.Kind != linear.Read {
			continue
		}
		n := slices.Index(ever, o.Value) + 1
		o.From = int32(len(h.Object.Elements))
		h.Object.Elements = append(h.Object.Elements, ever[:n]...)
		shown := h.Object.Elements[o.From:]
		switch dare := rng.IntN(100); {
		case dare >= d.lies/2 || n == 0:
		case dare%4 == 0 && n > 1:
			shown[n-1], shown[n-2] = shown[n-2], shown[n-1]
		case dare%4 == 1:
			h.Object.Elements = append(h.Object.Elements, shown[rng.IntN(n)])
		case dare%4 == 2:
			h.Object.Elements = append(h.Object.Elements, ever[rng.IntN(len(ever))])
		case dare%16 == 3:
			shown[n-1] = int32(h.Object.Values) - 1
		}
		o.Value = int32(len(h.Object.Elements)) - o.From
	}
	return h
}

func TestListsAgainstEveryOrder(t *testing.T) {
	for nth, d := range sorts() {
		if d.swaps {
			continue
		}
		t.Run(fmt.Sprintf("%+v", d), func(t *testing.T) {
			t.Parallel()
			rng, seen := rand.New(rand.NewPCG(17, uint64(nth))), map[string]int{}
			for range *long {
				d.ops, d.processes = 3+rng.IntN(6), 2+rng.IntN(3)
				h := rollList(rng, d)
				r, err := JudgeList(h.history())
				if err != nil {
					t.Fatalf("%v\n%s", err, showList(h))
				}
				compareList(t, h, &r)
				seen[r.Strongest.String()]++
				seen[r.Staleness.Rule]++
			}
			t.Log(seen)
			wrong := min(seen["none"], seen["sequential"], seen[linear.Forked])
			if seen["linearizable"] == 0 || d.lies > 0 && wrong == 0 {
				t.Fatalf("the dice are loaded: %v", seen)
			}
		})
	}
}

func compareList(t *testing.T, h *sheet, r *Report) {
	t.Helper()
	check := func(what string, got, expected any) {
		t.Helper()
		if got != expected {
			t.Fatalf("%s: %v, expected %v\n%+v\n%s", what, got, expected, *r, showList(h))
		}
	}
	delta, bounded := bruteDelta(h, bruteListLinearizable)
	check("bounded", r.Staleness.Bounded, bounded)
	if bounded {
		check("delta", int64(r.Staleness.Delta), delta)
	}
	check("linearizable", r.Levels[Linearizable].Held, bruteListLinearizable(h, 0))
	check("sequential", r.Levels[Sequential].Held, bruteList(h, processOrder(h)))
	check("causal", r.Levels[Causal].Held, r.Levels[Sequential].Held)
	check("PRAM", r.Levels[PRAM].Held, bruteListPRAM(h))
	for stronger := Linearizable; stronger > None; stronger-- {
		if r.Levels[stronger].Held && !r.Levels[stronger-1].Held {
			t.Fatalf("%v held, and %v did not\n%s", stronger, stronger-1, showList(h))
		}
	}
	var longest []int32
	for i := range h.Object.Ops {
		if h.Object.Ops[i].Kind == linear.Read && len(h.Object.Seen(i)) > len(longest) {
			longest = h.Object.Seen(i)
		}
	}
	if r.Staleness.Rule == linear.Nowhere || r.Staleness.Rule == linear.Repeated || r.Staleness.Rule == linear.Forked {
		check("regular", r.Regular.Held && r.Staleness.Rule == linear.Forked, false)
		return
	}
	check("regular", r.Regular.Held, bruteListRegular(h))
	most, stale := 0, 0
	for i := range h.Object.Ops {
		if h.Object.Ops[i].Kind == linear.Read {
			behind := bruteListBehind(h, i, longest)
			most, stale = max(most, behind), stale+min(behind, 1)
		}
	}
	check("versions", r.Versions.Max, most)
	check("stale reads", r.Versions.Stale, stale)
	for g, held := range bruteListSessions(h, longest) {
		check(Guarantee(g).String(), r.Sessions[g].Held, held)
	}
}

func showList(h *sheet) string {
	var b strings.Builder
	for i := range h.Object.Ops {
		o := &h.Object.Ops[i]
		fmt.Fprintf(&b, "%d: process %d, %d to %d (%d to %d ns): ", i, h.Process[i], o.Call, o.Return, h.Call[i],
			h.Return[i])
		if o.Kind == linear.Append {
			fmt.Fprintf(&b, "append %d\n", o.Value)
		} else {
			fmt.Fprintf(&b, "read %v\n", h.Object.Seen(i))
		}
	}
	return b.String()
}

func TestListsThatCannotBeJudged(t *testing.T) {
	twice := []linear.Op{
		{Kind: linear.Append, Value: 1, Call: 1, Return: 2}, {Kind: linear.Append, Value: 1, Call: 3, Return: 4},
		{Kind: linear.Read, Value: 1, Call: 5, Return: 6},
	}
	together := []linear.Op{{Kind: linear.Read, Call: 1, Return: 3}, {Kind: linear.Read, Call: 2, Return: 4}}
	for name, c := range map[string]struct {
		ops []linear.Op
		err error
	}{
		"an element that was appended twice is seen": {twice, linear.ErrUnfit},
		"it is not seen":            {twice[:2], nil},
		"a write":                   {[]linear.Op{{Kind: linear.Write, Value: 1, Call: 1, Return: 2}}, linear.ErrUnfit},
		"nothing":                   {nil, nil},
		"two things at once":        {together, linear.ErrUnfit},
		"a read that never returns": {[]linear.Op{{Kind: linear.Read, Call: 1, Return: linear.Never}}, nil},
	} {
		n := len(c.ops)
		h := &sheet{
			Object:  &linear.Object{Ops: c.ops, Values: 2, Elements: []int32{1}},
			Process: make([]int, n), Call: make([]int64, n), Return: make([]int64, n),
		}
		if _, err := JudgeList(h.history()); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, expected %v", name, err, c.err)
		}
	}
}
