package levels

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// rollSet makes of a register's history that of a set: every store is an add, and a read shows what was there, or with
// some luck something else.
func rollSet(rng *rand.Rand, d dice) *sheet {
	h, ever := rollAppends(rng, d)
	for i := range h.Object.Ops {
		o := &h.Object.Ops[i]
		if o.Kind != linear.Read {
			continue
		}
		shown := slices.Clone(ever[:slices.Index(ever, o.Value)+1])
		for rng.IntN(100) < d.lies/2 && len(ever) > 0 {
			e := ever[rng.IntN(len(ever))]
			at := slices.Index(shown, e)
			switch dare := rng.IntN(20); {
			case dare == 0:
				shown = append(shown, int32(h.Object.Values)-1)
			case dare == 1 || at < 0:
				shown = append(shown, e)
			default:
				shown = slices.Delete(shown, at, at+1)
			}
		}
		slices.Sort(shown)
		o.From, o.Value = int32(len(h.Object.Elements)), int32(len(shown))
		h.Object.Elements = append(h.Object.Elements, shown...)
	}
	return h
}

func TestSetsAgainstEveryOrder(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for nth, d := range sorts() {
		if d.swaps {
			continue
		}
		rng := rand.New(rand.NewPCG(18, uint64(nth)))
		for range *long {
			d.ops, d.processes = 3+rng.IntN(7), 2+rng.IntN(3)
			h := rollSet(rng, d)
			r, err := JudgeSet(h.history())
			if err != nil {
				t.Fatalf("%v\n%s", err, showList(h))
			}
			compareSet(t, h, &r)
			seen[r.Strongest.String()]++
			seen[r.Staleness.Rule]++
			for g, s := range r.Sessions {
				if !s.Held {
					seen[Guarantee(g).String()]++
				}
			}
		}
	}
	t.Log(seen)
	for _, must := range []string{
		"linearizable", "sequential", "causal", "PRAM", "none", linear.Nowhere, linear.Doubled, linear.Branched,
		linear.Future, linear.Disorder, "read your writes", "monotonic reads", "monotonic writes",
		"writes follow reads",
	} {
		if seen[must] < 5 {
			t.Errorf("%s came up %d times", must, seen[must])
		}
	}
}

func compareSet(t *testing.T, h *sheet, r *Report) {
	t.Helper()
	check := func(what string, got, expected any) {
		t.Helper()
		if got != expected {
			t.Fatalf("%s: %v, expected %v\n%+v\n%s", what, got, expected, *r, showList(h))
		}
	}
	delta, bounded := bruteDelta(h, bruteSetLinearizable)
	check("bounded", r.Staleness.Bounded, bounded)
	if bounded {
		check("delta", int64(r.Staleness.Delta), delta)
	}
	check("linearizable", r.Levels[Linearizable].Held, bruteSetLinearizable(h, 0))
	check("sequential", r.Levels[Sequential].Held, bruteSet(h, processOrder(h), no))
	check("causal", r.Levels[Causal].Held, bruteSetCausal(h))
	check("PRAM", r.Levels[PRAM].Held, bruteSetPRAM(h))
	for stronger := Linearizable; stronger > None; stronger-- {
		if r.Levels[stronger].Held && !r.Levels[stronger-1].Held {
			t.Fatalf("%v held, and %v did not\n%s", stronger, stronger-1, showList(h))
		}
	}
	check("regular", r.Regular.Held, bruteSetRegular(h))
	most, stale := 0, 0
	for i := range h.Object.Ops {
		if h.Object.Ops[i].Kind == linear.Read {
			behind := bruteSetBehind(h, i)
			most, stale = max(most, behind), stale+min(behind, 1)
		}
	}
	check("versions", r.Versions.Max, most)
	check("stale reads", r.Versions.Stale, stale)
	held, broken := bruteSetSessions(h)
	for g, s := range r.Sessions {
		check(Guarantee(g).String(), s.Held, held[g])
		if g != int(MonotonicWrites) { // of which only the add before counts
			check(Guarantee(g).String()+" broken", s.Broken, broken[g])
		}
		if s.Broken > s.Asked {
			t.Fatalf("%v: %d broken of %d\n%s", Guarantee(g), s.Broken, s.Asked, showList(h))
		}
	}
}

// TestSetWitnessesStandAlone: what is shown of a set, with all adds, is as wrong as the whole.
func TestSetWitnessesStandAlone(t *testing.T) {
	t.Parallel()
	rng, shown := rand.New(rand.NewPCG(20, 20)), map[string]int{}
	for range 10 * *long {
		d := dice{ops: 4 + rng.IntN(8), processes: 2 + rng.IntN(3), pending: 10, lies: 40, local: rng.IntN(2) == 0}
		h := rollSet(rng, d)
		r, err := JudgeSet(h.history())
		if err != nil {
			t.Fatal(err)
		}
		check := func(what string, f Finding, held func(part *sheet) bool) {
			t.Helper()
			if f.Held != (len(f.Witness) == 0) {
				t.Fatalf("%s: held %t, shown %v\n%s", what, f.Held, f.Witness, showList(h))
			}
			if f.Held {
				return
			}
			shown[what]++
			part := h.without(func(i int) bool {
				return h.Object.Ops[i].Kind == linear.Read && !slices.Contains(f.Witness, int32(i))
			})
			part.Object.Elements = h.Object.Elements
			if !slices.IsSorted(f.Witness) || len(f.Witness) > 6 || held(part) {
				t.Fatalf("%s: %v\n%+v\n%s%s", what, f.Witness, r, showList(part), showList(h))
			}
		}
		if s := r.Staleness; s.Delta > 0 {
			check("staleness", Finding{Witness: s.Witness}, func(part *sheet) bool {
				delta, bounded := bruteDelta(part, bruteSetLinearizable)
				return !bounded || delta != int64(s.Delta)
			})
		}
		check("linearizable", r.Levels[Linearizable], func(part *sheet) bool { return bruteSetLinearizable(part, 0) })
		check("sequential", r.Levels[Sequential], func(part *sheet) bool {
			return bruteSet(part, processOrder(part), no)
		})
		check("causal", r.Levels[Causal], bruteSetCausal)
		check("PRAM", r.Levels[PRAM], bruteSetPRAM)
		check("regular", r.Regular, bruteSetRegular)
		for g, s := range r.Sessions {
			check(Guarantee(g).String(), s.Finding, func(part *sheet) bool {
				held, _ := bruteSetSessions(part)
				return held[g]
			})
		}
	}
	t.Log(shown)
	if len(shown) != 10 {
		t.Errorf("not everything came up: %v", shown)
	}
}

// TestSetsInAnyOrder: in what order reads show their elements does not matter.
func TestSetsInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 19))
	for n := range 4 * *long {
		h := rollSet(rng, dice{ops: 4 + rng.IntN(30), processes: 4, pending: 10, lies: n % 3 * 30})
		one, err := JudgeSet(h.history())
		if err != nil {
			t.Fatal(err)
		}
		for i := range h.Object.Ops {
			if h.Object.Ops[i].Kind == linear.Read {
				shown := h.Object.Seen(i)
				rng.Shuffle(len(shown), func(i, j int) { shown[i], shown[j] = shown[j], shown[i] })
			}
		}
		other, err := JudgeSet(h.history())
		if err != nil {
			t.Fatal(err)
		}
		if a, b := one.Sentence(), other.Sentence(); a != b || one.Versions != other.Versions {
			t.Fatalf("%s\n%s\n%s", a, b, showList(h))
		}
	}
}

// TestSetsByHand: one after the other, but for what never returned.
func TestSetsByHand(t *testing.T) {
	const apart = "not linearizable: clients saw sets neither of which holds the other"
	add := func(process int, v int32) []int32 { return []int32{int32(process), -1, v} }
	lost := func(process int, v int32) []int32 { return []int32{int32(process), -2, v} }
	read := func(process int, elements ...int32) []int32 {
		return append([]int32{int32(process), int32(len(elements))}, elements...)
	}
	for name, c := range map[string]struct {
		deeds     [][]int32
		strongest Level
		regular   bool
		versions  int
		says      string
	}{
		"well":          {[][]int32{add(1, 1), read(2, 1)}, Linearizable, true, 0, "linearizable"},
		"seen too late": {[][]int32{lost(1, 1), read(2), read(3, 1)}, Linearizable, true, 0, "linearizable"},
		"seen, and then not": {[][]int32{lost(1, 1), read(2, 1), read(3)}, Sequential, true, 1,
			"not linearizable: reads were up to 1 ms and 1 element behind, but it was sequential and regular"},
		"what nobody added is not missing": {[][]int32{add(1, 1), read(2, 1, 7), read(3, 7)}, None, false, 1,
			"not linearizable: an element was seen that nobody added and reads were up to 1 element behind"},
		"who saw one adds another, which others see alone": {
			[][]int32{lost(1, 1), read(2, 1), add(2, 2), read(3, 2)}, PRAM, true, 1, apart +
				", reads were up to 1 element behind and what a client added was seen without what it had seen " +
				"before, but it was PRAM and regular"},
		"two see each other's elements last": {
			[][]int32{add(1, 1), add(2, 2), read(1, 1), read(2, 2), read(1, 1, 2), read(2, 1, 2)}, Causal, false, 1,
			apart + " and reads were up to 1 element behind, but it was causal"},
	} {
		h := &sheet{Object: &linear.Object{Elements: []int32{}, Values: 8}}
		for n, deed := range c.deeds {
			op := linear.Op{Kind: linear.Append, Call: int64(2 * n), Return: int64(2*n + 1)}
			switch {
			case deed[1] >= 0:
				op.Kind, op.From, op.Value = linear.Read, int32(len(h.Object.Elements)), deed[1]
				h.Object.Elements = append(h.Object.Elements, deed[2:]...)
			case deed[1] == -2:
				op.Value, op.Return = deed[2], linear.Never
			default:
				op.Value = deed[2]
			}
			h.Object.Ops, h.Process = append(h.Object.Ops, op), append(h.Process, int(deed[0]))
			h.Call, h.Return = append(h.Call, op.Call*1e6), append(h.Return, int64(2*n+1)*1e6)
		}
		r, err := JudgeSet(h.history())
		if err != nil {
			t.Fatal(err)
		}
		if r.Strongest != c.strongest || r.Regular.Held != c.regular || r.Versions.Max != c.versions ||
			r.Sentence() != c.says {
			t.Errorf("%s: %v, regular %t, %d behind: %s", name, r.Strongest, r.Regular.Held, r.Versions.Max,
				r.Sentence())
		}
	}
}

func TestSetsThatCannotBeJudged(t *testing.T) {
	add := func(v int32, call int64) linear.Op {
		return linear.Op{Kind: linear.Append, Value: v, Call: call, Return: call + 1}
	}
	twice := []linear.Op{add(1, 1), add(1, 3), {Kind: linear.Read, Value: 1, Call: 5, Return: 6}}
	for name, c := range map[string]struct {
		ops []linear.Op
		err error
	}{
		"an element that was added twice is seen": {twice, linear.ErrUnfit},
		"it is not seen":  {twice[:2], nil},
		"a write":         {[]linear.Op{{Kind: linear.Write, Value: 1, Call: 1, Return: 2}}, linear.ErrUnfit},
		"nothing":         {nil, nil},
		"two at once":     {[]linear.Op{{Call: 1, Return: 3}, {Call: 2, Return: 4}}, linear.ErrUnfit},
		"a read for ever": {[]linear.Op{{Kind: linear.Read, Call: 1, Return: linear.Never}}, nil},
	} {
		n := len(c.ops)
		h := &sheet{
			Object:  &linear.Object{Ops: c.ops, Values: 2, Elements: []int32{1}},
			Process: make([]int, n), Call: make([]int64, n), Return: make([]int64, n),
		}
		if _, err := JudgeSet(h.history()); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, expected %v", name, err, c.err)
		}
	}
}
