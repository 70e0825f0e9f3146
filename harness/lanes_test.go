package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

// actingFault says what it does, and does what the fields say.
type actingFault struct {
	name      string
	log       *[]string
	inject    time.Duration // how long Inject takes
	injectErr error
	heal      func(context.Context) error
	evidence  func(context.Context) (Evidence, error)
	aftermath func(context.Context) (Evidence, error)
	deaf      bool // Inject does not look at its context
}

func (f actingFault) Name() string           { return f.name }
func (f actingFault) Supports(Cluster) error { return nil }
func (f actingFault) say(what string) {
	if f.log != nil {
		*f.log = append(*f.log, what+" "+f.name)
	}
}

func (f actingFault) Inject(ctx context.Context, _ Cluster, rng *rand.Rand) (Injury, error) {
	f.say("inject")
	if f.injectErr != nil {
		return Injury{}, f.injectErr
	}
	if f.deaf {
		time.Sleep(f.inject)
	} else if !Wait(ctx, f.inject) {
		return Injury{}, ctx.Err()
	}
	f.say("injected")
	injury := Injury{Nodes: []string{"n1"}, Detail: fmt.Sprint(rng.Uint64()), Evidence: f.evidence,
		Aftermath: f.aftermath}
	if f.evidence == nil {
		injury.Evidence = func(context.Context) (Evidence, error) { return Evidence{true, "seen"}, nil }
	}
	injury.Heal = func(ctx context.Context) error {
		f.say("heal")
		if f.heal != nil {
			return f.heal(ctx)
		}
		return ctx.Err()
	}
	return injury, nil
}

// struck runs lanes for a while on a fake clock and returns what was seen.
func struck(t *testing.T, span time.Duration, lanes ...[]Strike) (seen []history.Strike, records []history.Strike) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		seen, records = strikeFor(t, span, lanes)
	})
	return seen, records
}

func strikeFor(t *testing.T, span time.Duration, schedule [][]Strike) (seen, records []history.Strike) {
	test, err := Test{
		Target: fakeTarget{}, Workload: fakeWorkload(alwaysValid), Schedule: schedule, Seed: 1,
	}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	planned, err := planLanes(test)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // lanes record side by side
	l := newLanes(nil, time.Now(), func(s history.Strike) error {
		mu.Lock()
		defer mu.Unlock()
		records = append(records, s)
		return nil
	}, test.Log)
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	l.run(ctx, planned)
	return l.seen(), records
}

const sec = time.Second

func TestAStrikeIsHealedAndProven(t *testing.T) {
	var log []string
	f := actingFault{name: "f", log: &log, inject: sec / 2, aftermath: func(context.Context) (Evidence, error) {
		return Evidence{true, "new pid"}, nil
	}}
	seen, records := struck(t, 10*sec, []Strike{{At: 2 * sec, For: 3 * sec, Fault: f}})
	s := seen[0]
	if s.State != history.Healed || s.Began != 2*sec || s.Start != 2500*ms || s.End != 5500*ms ||
		s.PlannedAt != 2*sec ||
		s.PlannedFor != 3*sec || !s.TookEffect || s.Evidence != "seen; new pid" || s.Seed == 0 {
		t.Errorf("%+v", s)
	}
	if got := strings.Join(log, ", "); got != "inject f, injected f, heal f" {
		t.Error(got)
	}
	var states []string
	for _, r := range records {
		states = append(states, string(r.State))
	}
	if got := strings.Join(states, " "); got != "planned injected healed" {
		t.Errorf("on record: %s", got)
	}
}

func TestHowAStrikeEnds(t *testing.T) {
	proof := func(e Evidence, err error) func(context.Context) (Evidence, error) {
		return func(context.Context) (Evidence, error) { return e, err }
	}
	hang := func(ctx context.Context) (Evidence, error) {
		<-ctx.Done()
		return Evidence{}, ctx.Err()
	}
	for name, c := range map[string]struct {
		fault  actingFault
		state  history.StrikeState
		effect bool
		text   string // part of evidence, error or detail
	}{
		"sound": {actingFault{}, history.Healed, true, "seen"},
		"nobody": {actingFault{injectErr: fmt.Errorf("%w: all are dead", ErrNobody)}, history.Skipped,
			false, "all are dead"},
		"inject fails": {actingFault{injectErr: errors.New("no hands")}, history.Broken, false,
			"inject: no hands"},
		"inject is too slow": {actingFault{inject: time.Minute}, history.Broken, false, "inject: context deadline"},
		"heal fails": {actingFault{heal: func(context.Context) error { return errors.New("stuck") }},
			history.Broken, true, "heal: stuck"},
		"no effect": {actingFault{evidence: proof(Evidence{false, "0 bytes"}, nil)}, history.Healed, false,
			"0 bytes"},
		"evidence fails": {actingFault{evidence: proof(Evidence{true, "all"}, errors.New("no eyes"))},
			history.Healed, false, "no eyes"},
		"evidence hangs": {actingFault{evidence: hang}, history.Healed, false, "deadline exceeded"},
		"aftermath denies": {actingFault{aftermath: proof(Evidence{false, "same pid"}, nil)}, history.Healed, false,
			"seen; same pid"},
		"aftermath alone": {actingFault{evidence: proof(Evidence{false, "?"}, nil), aftermath: proof(Evidence{true,
			"!"}, nil)}, history.Healed, false, "?; !"},
		"no aftermath after a heal that failed": {actingFault{
			heal:      func(context.Context) error { return errors.New("stuck") },
			aftermath: proof(Evidence{false, "never asked"}, nil)}, history.Broken, true, "heal: stuck"},
	} {
		c.fault.name = "f"
		seen, _ := struck(t, 100*sec, []Strike{{At: sec, For: sec, Fault: c.fault}})
		s := seen[0]
		if text := s.Evidence + s.Error + s.Detail; s.State != c.state || s.TookEffect != c.effect ||
			!strings.Contains(text, c.text) || strings.Contains(text, "never asked") {
			t.Errorf("%s: %+v", name, s)
		}
		if s.Struck() != (c.state == history.Healed || strings.HasPrefix(s.Error, "heal")) {
			t.Errorf("%s: struck %t in state %s", name, s.Struck(), s.State)
		}
	}
}

func TestAFaultWithoutACureIsRefused(t *testing.T) {
	seen, _ := struck(t, 10*sec, []Strike{{At: sec, For: sec, Fault: cureless{}}})
	if s := seen[0]; s.State != history.Broken || !strings.Contains(s.Error, "no cure") || s.Struck() {
		t.Errorf("%+v", s)
	}
}

type cureless struct{ actingFault }

func (cureless) Inject(context.Context, Cluster, *rand.Rand) (Injury, error) { return Injury{}, nil }

func TestLanesOverlapButActOneAtATime(t *testing.T) {
	var log []string
	slow, quick := actingFault{name: "slow", log: &log, inject: 3 * sec}, actingFault{name: "quick", log: &log}
	seen, _ := struck(t, 20*sec, []Strike{{At: sec, For: 5 * sec, Fault: slow}}, []Strike{{At: 2 * sec, For: sec,
		Fault: quick},
		{At: 10 * sec, For: sec, Fault: quick}})
	if got := strings.Join(log,
		", "); got != "inject slow, injected slow, inject quick, injected quick, heal quick, heal slow, "+
		"inject quick, injected quick, heal quick" {
		t.Error(got)
	}
	if s := seen[1]; s.Began != 4*sec || s.End != 5*sec || s.Lane != 1 {
		t.Errorf("the second lane had to wait, and its harm began only then: %+v", s)
	}
	if !seen[0].Overlaps(seen[1].Began, seen[1].End) || seen[0].Overlaps(seen[2].Began, seen[2].End) {
		t.Errorf("%+v", seen)
	}
}

func TestTheEndOfTheLoad(t *testing.T) {
	var log []string
	quick := actingFault{name: "quick", log: &log}
	seen, _ := struck(t, 10*sec, []Strike{{At: 8 * sec, For: 5 * sec, Fault: quick}, {At: 9 * sec, For: sec,
		Fault: quick},
		{At: 30 * sec, For: sec, Fault: quick}})
	if s := seen[0]; s.State != history.Healed || s.End != 10*sec || !s.TookEffect {
		t.Errorf("on at the end: %+v", s)
	}
	if seen[1].State != history.Planned || seen[2].State != history.Planned || len(log) != 3 {
		t.Errorf("not reached: %+v, did %q", seen[1:], log)
	}

	late := actingFault{name: "late", inject: 5 * sec}
	seen, _ = struck(t, 10*sec, []Strike{{At: 8 * sec, For: sec, Fault: late}})
	if seen[0].State != history.Planned || seen[0].Error != "" {
		t.Errorf("the load ended while it was injected, and it undid what it began: %+v", seen[0])
	}
	late.deaf = true
	seen, _ = struck(t, 10*sec, []Strike{{At: 8 * sec, For: sec, Fault: late}})
	if s := seen[0]; s.State != history.Healed || s.Start != 13*sec || s.End != 13*sec {
		t.Errorf("injected after the end, healed at once: %+v", s)
	}

	log = nil
	slow := actingFault{name: "slow", inject: 7 * sec, deaf: true}
	seen, _ = struck(t, 10*sec, []Strike{{At: 5 * sec, For: sec, Fault: slow}}, []Strike{{At: 6 * sec, For: sec,
		Fault: quick}})
	if seen[1].State != history.Planned || len(log) != 0 {
		t.Errorf("whose turn comes after the end does not strike: %+v, did %q", seen[1], log)
	}
}

func TestAHealHasItsWholeTime(t *testing.T) {
	var left time.Duration
	f := actingFault{name: "f", heal: func(ctx context.Context) error {
		end, _ := ctx.Deadline()
		left = time.Until(end)
		return ctx.Err()
	}, evidence: func(ctx context.Context) (Evidence, error) {
		<-ctx.Done()
		return Evidence{}, ctx.Err()
	}}
	busy := actingFault{name: "busy", inject: 14 * sec, deaf: true}
	seen, _ := struck(t, 60*sec, []Strike{{At: sec, For: sec, Fault: f}}, []Strike{{At: 11 * sec, For: sec,
		Fault: busy}})
	if left != healLimit || seen[0].State != history.Healed {
		t.Errorf("the heal had %s left of %s: %+v", left, healLimit, seen[0])
	}
}

func TestPlans(t *testing.T) {
	f := actingFault{name: "f"}
	for name, lane := range map[string][]Strike{
		"no fault": {{At: sec, For: sec}}, "no length": {{At: sec, Fault: f}}, "before the start": {{At: -sec, For: sec,
			Fault: f}},
	} {
		if _, err := planLanes(Test{Schedule: [][]Strike{lane}}); err == nil {
			t.Errorf("%s was planned", name)
		}
	}
	given := []Strike{{At: 2 * sec, For: sec, Fault: f}, {At: sec, For: sec, Fault: f, Seed: 77}}
	test := Test{Schedule: [][]Strike{given, given}, Seed: 3}
	first, err := planLanes(test)
	if err != nil || first[0][0].Seed != 77 || first[0][0].At != sec || given[0].At != 2*sec {
		t.Fatalf("%+v, %v; the user's schedule %+v", first, err, given)
	}
	again, _ := planLanes(test)
	if again[0][1].Seed != first[0][1].Seed || first[0][1].Seed == first[1][1].Seed || first[0][1].Seed == 0 {
		t.Errorf("%+v, %+v", first, again)
	}
	// a strike taken out does not change what is drawn for the ones before it
	test.Schedule = [][]Strike{{given[0]}}
	if one, _ := planLanes(test); one[0][0].Seed != first[0][1].Seed {
		t.Errorf("seed %d, expected %d", one[0][0].Seed, first[0][1].Seed)
	}
	detail := func(seed uint64) string {
		seen, _ := struck(t, 10*sec, []Strike{{At: sec, For: sec, Fault: f, Seed: seed}})
		return seen[0].Detail
	}
	if detail(5) != detail(5) || detail(5) == detail(6) {
		t.Error("the seed of a strike does not fix its choices")
	}
}

func TestAFaultThatCannotBeRecordedFailsTheRun(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("needs /dev/full, which every Linux has")
	}
	test := fakeTest(t)
	test.Target = diskFiller{fakeTarget{}, store.FaultsFile}
	res, err := inBubble(t, test)
	if err == nil || !strings.Contains(err.Error(), "write the faults") || res.Verdict != Unknown || res.Error == "" {
		t.Errorf("%s (%s), error %v: a fault that is not on record would be judged as if it had never been",
			res.Verdict,
			res.Reason, err)
	}
	if slices.ContainsFunc(res.Faults, func(f FaultResult) bool { return f.TookEffect }) {
		t.Errorf("faults %+v", res.Faults)
	}
}
