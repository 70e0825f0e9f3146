package linear

import (
	"math/rand/v2"
	"testing"
)

// TestLostOperationsStayFit: where some operations never return, values are few and clients many, something is known of
// all that follows.
func TestLostOperationsStayFit(t *testing.T) {
	t.Parallel()
	for _, m := range markets() {
		if m.name != "cas-register, 10 values, crowded" && m.name != "register, 10 values" {
			continue
		}
		bounds, n := false, 0
		m.watch(t, 12_000, 1, func(s Stream) bool {
			again := s.(*either).again
			if n++; s.Unfit() || again != nil && again.why != "" {
				t.Fatalf("%s, after %d operations: unfit %t, %q", m.name, n, s.Unfit(), s.Illegal())
			}
			bounds = bounds || again != nil && again.front.high != nil
			return false
		})
		if !bounds && m.crowd == 20 {
			t.Errorf("%s: it never went on with bounds", m.name)
		}
	}
}

// lateReuser is a register whose values are new for long, and then such as were stored a little before.
type lateReuser struct {
	goodRegister
	after int64 // values
}

func (g *lateReuser) call(rng *rand.Rand, process int) Deed {
	d := g.goodRegister.call(rng, process)
	if g.fresh > g.after && d.Kind != Read {
		d.Value = g.after - rng.Int64N(10)
	}
	return d
}

// TestValuesReusedLate: a register goes on exactly, and a lie is noticed.
func TestValuesReusedLate(t *testing.T) {
	t.Parallel()
	for _, swaps := range []bool{false, true} {
		lied := 0
		open := func() good { return &lateReuser{goodRegister{swaps: swaps}, 2000} }
		m := market{"late", StreamRegisters, open, 0, 20}
		again := false
		m.watch(t, 12_000, 0, func(s Stream) bool {
			if s.Unfit() || s.Illegal() != "" {
				t.Fatalf("swaps %t: unfit %t, %q", swaps, s.Unfit(), s.Illegal())
			}
			again = s.(*either).again != nil
			return false
		})
		m.open = func() good { return &liar{good: open(), after: 10_000, lied: &lied} }
		noticed := m.watch(t, 12_000, 0, func(s Stream) bool { return s.Illegal() != "" })
		if !again || !noticed || lied == 0 {
			t.Errorf("swaps %t: again %t, noticed %t, lied %d", swaps, again, noticed, lied)
		}
	}
}

// TestIdleSwaps: a compare-and-set that never returned can happen once what it replaces is stored again, though that had
// been forgotten in between.
func TestIdleSwaps(t *testing.T) {
	t.Parallel()
	for _, swapped := range []bool{true, false} {
		s, at := streamRetold(), int64(0)
		done := func(d Deed) {
			at += 2
			s.Call(1, at, d)
			s.Return(1, at+1, d)
		}
		done(Deed{Kind: Write, Value: "a"})
		if swapped {
			at += 2
			s.Call(2, at, Deed{Kind: Swap, Value: "b", From: "a"})
			s.GiveUp(2)
		}
		for _, v := range []string{"c", "d", "a"} {
			done(Deed{Kind: Write, Value: v})
			done(Deed{Kind: Read, Value: v})
		}
		done(Deed{Kind: Read, Value: "b"})
		if legal := s.Illegal() == ""; legal != swapped || s.Unfit() {
			t.Errorf("swapped %t: %q, unfit %t", swapped, s.Illegal(), s.Unfit())
		}
	}
}
