package harness

import "testing"

// TestLevelsAreALattice: what implies what, all of it.
func TestLevelsAreALattice(t *testing.T) {
	all := []Level{Linearizable, Sequential, SequentialPerKey, Causal, CausalPerKey, PRAM, PRAMPerKey, NoLevel}
	weaker := map[Level][]Level{
		Linearizable:     all,
		Sequential:       {Sequential, SequentialPerKey, Causal, CausalPerKey, PRAM, PRAMPerKey, NoLevel},
		SequentialPerKey: {SequentialPerKey, CausalPerKey, PRAMPerKey, NoLevel},
		Causal:           {Causal, CausalPerKey, PRAM, PRAMPerKey, NoLevel},
		CausalPerKey:     {CausalPerKey, PRAMPerKey, NoLevel},
		PRAM:             {PRAM, PRAMPerKey, NoLevel},
		PRAMPerKey:       {PRAMPerKey, NoLevel},
		NoLevel:          {NoLevel},
	}
	for _, l := range all {
		implied := map[Level]bool{}
		for _, m := range weaker[l] {
			implied[m] = true
		}
		for _, m := range all {
			if l.Implies(m) != implied[m] {
				t.Errorf("%s implies %s: %t", l, m, l.Implies(m))
			}
			if l.covers(m) != implied[m] {
				t.Errorf("a claim of %s covers %s: %t", l, m, l.covers(m))
			}
		}
		if !l.Implies(l.PerKey()) || l.PerKey().PerKey() != l.PerKey() {
			t.Errorf("%s per key is %s", l, l.PerKey())
		}
	}
	for _, c := range []struct {
		claim, level Level
		want         bool
	}{
		{"", Linearizable, true}, {NoLevel, "", true}, {Linearizable, "snapshot isolation", true},
		{Sequential, "snapshot isolation", false}, {"snapshot isolation", "snapshot isolation", true},
		{"snapshot isolation", NoLevel, false},
	} {
		if c.claim.covers(c.level) != c.want {
			t.Errorf("a claim of %q covers %q: %t", c.claim, c.level, !c.want)
		}
	}
}
