package nemesis_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/nemesis"
)

func TestParseReadsBackEveryName(t *testing.T) {
	for _, f := range everyFault(t) {
		again, err := nemesis.Parse(f.Name())
		if err != nil || !reflect.DeepEqual(again, f) {
			t.Errorf("%s is read back as %+v, %v", f.Name(), again, err)
		}
	}
	for name, want := range map[string]string{
		"partition": "partition:mixed", "pause": "pause:one", "kill": "kill:one", "slow": "slow:one",
		"reset":     "reset:one",
		" kill:n3 ": "kill:n3", "slow:leader:200ms": "slow:leader", "slow:n1+n2:1s": "slow:n1+n2:1s",
		"partition:n1|n2": "partition:n1|n2", "refuse": "refuse:mixed", "refuse:n1|n2": "refuse:n1|n2",
		"clients": "clients:one", "stop:all": "stop:all", "wipe": "wipe:one", "fill": "fill:one", "leave": "leave:one",
		"swizzle": "swizzle", "flap:one:0.5s": "flap:one", "flap:one:250ms": "flap:one:250ms",
		"loss:one:30%": "loss:one", "loss:all:7%": "loss:all:7%", "loss:all:0.5%": "loss:all:0.5%",
		"loss:n1+n2:33.3333333%": "loss:n1+n2:33.333%", "throttle:one:16KB/s": "throttle:one",
		"throttle:all:1000kB/s": "throttle:all:1MB/s", "throttle:all:1.5kB/s": "throttle:all:1500B/s",
		"squeeze": "squeeze:one", "squeeze:one:cpu=0.1": "squeeze:one",
		"squeeze:all:memory=64MB,cpu=0.5": "squeeze:all:cpu=0.5,memory=64MB", "squeeze:one:cpu=2": "squeeze:one:cpu=2",
		"squeeze:one:memory=1.5GB": "squeeze:one:memory=1500MB",
	} {
		if f, err := nemesis.Parse(name); err != nil || f.Name() != want {
			t.Errorf("%q is read as %v, %v, want %s", name, f, err, want)
		}
	}
	if got := nemesis.Partition(nemesis.Groups([]string{"a", "b"}, []string{"c"})).Name(); got != "partition:a,b|c" {
		t.Errorf("groups are called %q", got)
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for name, want := range map[string]string{
		"":                            "there are partition, refuse, clients, flap, swizzle, pause, kill, stop",
		"puase":                       `did you mean "pause"?`,
		"earthquake":                  "there are partition",
		"kill:":                       "nothing follows the colon",
		"kill:leder":                  `did you mean "leader"?`,
		"kill:n1++n2":                 "names of nodes",
		"kill:n1 n2":                  "names of nodes",
		"partition:leadr":             `did you mean "leader"?`,
		"partition:n1,n2":             "groups of nodes",
		"partition:n1|":               "groups",
		"partition:n1,|n2":            "groups",
		"slow:one:soon":               `"soon" is no delay`,
		"slow:one:-1s":                "no delay",
		"slow:one:2h":                 "no delay",
		"slow:n 1:1s":                 "names of nodes",
		"slow:one:":                   "nothing follows the second colon",
		"refuse:leadr":                `did you mean "leader"?`,
		"swizzle:one":                 "leaves no choice",
		"flap:one:1ms":                `"1ms" is no period`,
		"flap:one:2m":                 "no period",
		"loss:one:30":                 `"30" is no share to lose`,
		"loss:one:100%":               "no share",
		"loss:one:NaN%":               "no share",
		"loss:one:0%":                 "no share",
		"throttle:one:9":              `"9" is no rate`,
		"throttle:one:-1kB/s":         "no rate",
		"throttle:one:1B/s":           "no rate",
		"throttle:one:NaNkB/s":        "no rate",
		"throttle:one:64kB":           "no rate",
		"squeeze:one:0.1":             `"0.1" is nothing to leave a node`,
		"squeeze:one:cpu=0":           "nothing to leave",
		"squeeze:one:cpu=NaN":         "nothing to leave",
		"squeeze:one:cpu=0.1,cpu=0.2": `"cpu=0.2" is nothing to leave`,
		"squeeze:one:memory=64":       "nothing to leave",
		"squeeze:one:memory=9kB":      "nothing to leave",
		"squeeze:one:cpu=0.1,":        "nothing to leave",
	} {
		_, err := nemesis.Parse(name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", name, err, want)
		}
	}
}

func TestCatalogue(t *testing.T) {
	var names []string
	for _, k := range nemesis.All() {
		if k.Doc == "" || len(k.Examples) == 0 || k.Examples[0] != k.Name {
			t.Errorf("%s: doc %q, examples %q", k.Name, k.Doc, k.Examples)
		}
		names = append(names, k.Name)
	}
	if !slices.Equal(names, []string{
		"partition", "refuse", "clients", "flap", "swizzle", "pause", "kill", "stop", "wipe", "slow", "loss", "throttle",
		"reset", "fill", "squeeze", "leave",
	}) {
		t.Errorf("the kinds are %q", names)
	}
}

// lanes returns the names of the faults of each lane.
func lanes(plan []harness.Nemesis) string {
	var text []string
	for _, lane := range plan {
		var faults []string
		for _, f := range lane.(nemesis.Rotation).Faults {
			faults = append(faults, f.Name())
		}
		text = append(text, strings.Join(faults, " "))
	}
	return strings.Join(text, " / ")
}

func TestParsePlan(t *testing.T) {
	for spec, want := range map[string]string{
		"none":                                     "",
		"kill":                                     "kill:one",
		"partition,pause,kill":                     "partition:mixed pause:one kill:one",
		"partition, pause , kill":                  "partition:mixed pause:one kill:one",
		"partition:leader,kill:one + pause:one":    "partition:leader kill:one / pause:one",
		"partition+kill":                           "partition:mixed / kill:one",
		"kill:n1+n2":                               "kill:n1+n2",
		"kill:n1+n2,pause":                         "kill:n1+n2 pause:one",
		"kill:n1+pause:n2+n3":                      "kill:n1 / pause:n2+n3",
		"kill:n1 + pause":                          "kill:n1 / pause:one",
		"partition:n1,n2|n3,n4,n5":                 "partition:n1,n2|n3,n4,n5",
		"partition:n1,n2|n3,kill,pause:n1":         "partition:n1,n2|n3 kill:one pause:n1",
		"partition:n1|n2,n3+kill:all,slow:n1:50ms": "partition:n1|n2,n3 / kill:all slow:n1:50ms",
		"slow:n1+n2:50ms+reset:n1+n2":              "slow:n1+n2:50ms / reset:n1+n2",
		"kill,kill,pause":                          "kill:one kill:one pause:one",
		"refuse:n1,n2|n3,kill":                     "refuse:n1,n2|n3 kill:one",
		"squeeze:n1+n2:cpu=0.2,memory=64MB,kill":   "squeeze:n1+n2:cpu=0.2,memory=64MB kill:one",
		"squeeze:all:memory=64MB,cpu=0.2 + kill":   "squeeze:all:cpu=0.2,memory=64MB / kill:one",
		"loss:n1+n2:5%,throttle:n1+n2:9kB/s+leave": "loss:n1+n2:5% throttle:n1+n2:9kB/s / leave:one",
		"flap:n1+n2:1s+swizzle,wipe:n1+n2":         "flap:n1+n2:1s / swizzle wipe:n1+n2",
		"fill:n1+clients:n1+n2,stop:n2":            "fill:n1 / clients:n1+n2 stop:n2",
	} {
		plan, err := nemesis.ParsePlan(spec, 0, 0)
		if got := lanes(plan); err != nil || got != want {
			t.Errorf("%q is read as %q, %v, want %q", spec, got, err, want)
		}
	}
	plan, err := nemesis.ParsePlan("kill", 4*time.Second, time.Second)
	if r := plan[0].(nemesis.Rotation); err != nil || r.Interval != 4*time.Second || r.On != time.Second {
		t.Errorf("the times are %+v, %v", r, err)
	}
}

func TestParsePlanSaysWhatIsWrong(t *testing.T) {
	for spec, want := range map[string]string{
		"":                                   "missing",
		"kill,":                              "missing",
		"kill++pause":                        "missing",
		"partition,puase":                    `did you mean "pause"?`,
		"partition:leader,puase":             `did you mean "pause"?`,
		"kill:leader+puase":                  `did you mean "pause"?`,
		"kill:n1 + n2":                       `unknown fault "n2"`,
		"kill,none":                          "stands alone",
		strings.Repeat("kill+", 64) + "x":    "unknown",
		strings.Repeat("kill+", 64) + "kill": "too many",
	} {
		if _, err := nemesis.ParsePlan(spec, 0, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", spec, err, want)
		}
	}
	if _, err := nemesis.ParsePlan("kill", time.Second, 2*time.Second); err == nil {
		t.Error("a fault that lasts longer than the interval was accepted")
	}
}

func FuzzParsePlan(f *testing.F) {
	for _, spec := range []string{
		"none", "partition,pause,kill", "kill:n1+n2 + pause", "partition:n1,n2|n3+slow:all:1s", ":", "+", "kill:+",
		"refuse:n1|n2,squeeze:n1+n2:cpu=0.1,memory=64MB,loss:all:7%+throttle:n1+n2:9kB/s,flap:one:1s,swizzle",
		"clients,stop:all,wipe,fill,leave:n1+n2", "squeeze:a:memory=1.0000001MB,loss:b:1e1%",
	} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		plan, err := nemesis.ParsePlan(spec, 0, 0)
		if err != nil {
			return
		}
		// What was read is written out and must be read back the same.
		var written []string
		for _, lane := range plan {
			var faults []string
			for _, f := range lane.(nemesis.Rotation).Faults {
				if err := f.Supports(newCluster(5)); err == nil && f.Name() == "" {
					t.Errorf("%q: a fault without a name", spec)
				}
				faults = append(faults, f.Name())
			}
			written = append(written, strings.Join(faults, ","))
		}
		if len(plan) == 0 {
			return
		}
		again, err := nemesis.ParsePlan(strings.Join(written, " + "), 0, 0)
		if err != nil || !reflect.DeepEqual(again, plan) {
			t.Errorf("%q is written as %q and read back as %q, %v", spec, written, lanes(again), err)
		}
	})
}

// faults returns so many different faults.
func faults(n int) []harness.Fault {
	var all []harness.Fault
	for i := range n {
		all = append(all, nemesis.Kill(nemesis.Only(fmt.Sprintf("n%d", i+1))))
	}
	return all
}

func TestRotation(t *testing.T) {
	for seed := range uint64(100) {
		for _, span := range []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 10 * time.Minute} {
			strikes := nemesis.Every(0, faults(3)...).Plan(seeded(seed), span)
			if len(strikes) < int(span/(7*time.Second)) || len(strikes) > int(span/(3*time.Second)) {
				t.Fatalf("seed %d: %d strikes in %v", seed, len(strikes), span)
			}
			if first := strikes[0].At; first < min(2500*time.Millisecond, span*3/10) || first > 5*time.Second {
				t.Fatalf("seed %d: the first strike is at %v", seed, first)
			}
			for i, s := range strikes {
				recovery := min(span/10, 2500*time.Millisecond)
				if s.For <= 0 || s.For > 3900*time.Millisecond || s.At+s.For > span-recovery {
					t.Fatalf("seed %d: strike %d of %v at %v lasts %v", seed, i, span, s.At, s.For)
				}
				if i == 0 {
					continue
				}
				if s.At <= strikes[i-1].At+strikes[i-1].For {
					t.Fatalf("seed %d: strikes %d and %d overlap", seed, i-1, i)
				}
				if gap := s.At - strikes[i-1].At; gap < 3500*time.Millisecond || gap > 6500*time.Millisecond {
					t.Fatalf("seed %d: strikes %d and %d are %v apart", seed, i-1, i, gap)
				}
			}
			fair(t, strikes, 3)
		}
	}
}

// fair checks that every round of n strikes has every fault.
func fair(t *testing.T, strikes []harness.Strike, n int) {
	t.Helper()
	for i := 0; i+n <= len(strikes); i += n {
		seen := make(map[string]bool)
		for _, s := range strikes[i : i+n] {
			seen[s.Fault.Name()] = true
		}
		if len(seen) != n {
			t.Fatalf("the round from strike %d has only %d of %d faults", i, len(seen), n)
		}
	}
}

func TestRotationDependsOnTheSeedAlone(t *testing.T) {
	plan := func(seed uint64) []harness.Strike {
		return nemesis.Every(time.Second, faults(3)...).Plan(seeded(seed), time.Minute)
	}
	if !reflect.DeepEqual(plan(1), plan(1)) {
		t.Error("one seed made two plans")
	}
	if reflect.DeepEqual(plan(1), plan(2)) {
		t.Error("two seeds made one plan")
	}
}

func TestRotationOfOddTimes(t *testing.T) {
	longest := time.Duration(1<<63 - 1)
	for _, r := range []nemesis.Rotation{
		{Interval: 500 * time.Millisecond, On: 200 * time.Millisecond}, {Interval: time.Second}, {On: 20 * time.Second},
		{Interval: 1}, {Interval: 1, On: 1}, {On: 1}, {Interval: longest}, {On: longest},
		{Interval: longest, On: longest}, {Interval: -1, On: -1},
		{Interval: time.Second, On: time.Hour},
	} {
		r.Faults = faults(2)
		for _, span := range []time.Duration{1, 100, time.Millisecond, 2 * time.Second, time.Minute} {
			strikes := r.Plan(seeded(1), span)
			if len(strikes) == 0 {
				t.Errorf("%+v: no strike in %v", r, span)
			}
			end := time.Duration(-1)
			for _, s := range strikes {
				if s.For <= 0 || s.At <= end || s.At+s.For > span {
					t.Errorf("%+v in %v: a strike at %v for %v after one until %v", r, span, s.At, s.For, end)
				}
				end = s.At + s.For
			}
		}
	}
	if n := len(nemesis.Every(0).Plan(seeded(1), time.Minute)); n > 0 {
		t.Errorf("no faults made %d strikes", n)
	}
	if n := len(nemesis.Every(0, faults(1)...).Plan(seeded(1), 0)); n > 0 {
		t.Errorf("no time made %d strikes", n)
	}
}

func TestScriptAndNone(t *testing.T) {
	kill := nemesis.Kill(nemesis.One)
	late := harness.Strike{At: 9 * time.Second, For: time.Second, Fault: kill}
	early := harness.Strike{At: time.Second, For: time.Second, Fault: kill, Seed: 7}
	given := []harness.Strike{late, early, {At: time.Minute, For: time.Second, Fault: kill}}
	plan := nemesis.Script(given...)
	given[0].At = 0 // what the caller does afterwards changes nothing
	for range 2 {
		if got := plan.Plan(nil, 30*time.Second); !reflect.DeepEqual(got, []harness.Strike{early, late}) {
			t.Errorf("got %+v", got)
		}
	}
	if got := (nemesis.None{}).Plan(nil, time.Hour); len(got) > 0 {
		t.Errorf("none made %+v", got)
	}
}
