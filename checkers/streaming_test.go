package checkers

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// linesOf returns the lines that pairs were made of.
func linesOf(pairs []history.Pair) []history.Op {
	var all []history.Op
	for _, p := range pairs {
		op := history.Op{Index: p.Index, Time: p.Call, Process: p.Process, Type: history.Invoke, F: p.F, Key: p.Key, Value: p.Input}
		all = append(all, op)
		if p.End >= 0 {
			op.Index, op.Time, op.Type, op.Value, op.Unmet = p.End, p.Return, p.Outcome, p.Output, p.Unmet
			all = append(all, op)
		}
	}
	slices.SortFunc(all, func(a, b history.Op) int { return a.Index - b.Index })
	return all
}

// allLinesOf tells at last that nobody knows how what never returned ended.
func allLinesOf(pairs []history.Pair) []history.Op {
	lines := linesOf(pairs)
	for i, p := range pairs {
		if p.End < 0 {
			op := history.Op{Index: 2*len(pairs) + i, Process: p.Process, Type: history.Info, F: p.F, Key: p.Key}
			lines = append(lines, op)
		}
	}
	return lines
}

// suspects returns the keys that a stream suspects.
func suspects(t *testing.T, c harness.Checker, pairs []history.Pair) map[string]bool {
	t.Helper()
	stream := c.(harness.Streamer).Stream()
	found := map[string]bool{}
	for i, op := range allLinesOf(pairs) {
		stream.Add(op)
		if i%5 == 0 {
			note(found, stream)
		}
	}
	note(found, stream)
	return found
}

func note(found map[string]bool, stream harness.Stream) {
	wrong, unclear := stream.Suspects()
	for _, key := range append(wrong, unclear...) {
		found[key] = true
	}
}

// streamers are the checkers that have streams, by the names of their models.
func streamers() map[string]harness.Checker {
	all := map[string]harness.Checker{"set": Set()}
	for _, m := range models() {
		all[m.Name()] = Linearizable(m, harness.Budget{})
	}
	return all
}

// TestAStreamSuspectsWhatIsWrong compares what a stream suspects with every order of all keys.
func TestAStreamSuspectsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for model, c := range streamers() {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(51, 51))
			wrong, fine, unsure, refused := 0, 0, 0, 0
			for i := range 1500 {
				d := dice{
					model: model, ops: 9, processes: 3, pending: i % 3 * 10, fails: 10, lies: i % 2 * 50, key: "k",
					values: i % 4 * 2, spurious: i % 5 * 10,
				}
				pairs := d.roll(rng)
				legal, suspected := brute(model, pairs), suspects(t, c, pairs)["k"]
				// Not of every compare-and-set does a stream see that it had no reason to fail.
				elsewise := !legal && !brute(model, unanswered(slices.Clone(pairs)))
				if !suspected && elsewise {
					t.Fatalf("not suspected, but illegal\n%s", show(pairs))
				}
				switch {
				case suspected && !legal && !elsewise:
					refused++
				case !legal:
					wrong++
				case suspected && (d.values == 0 || model == "set"):
					t.Fatalf("suspected, but legal\n%s", show(pairs))
				case suspected:
					unsure++
				default:
					fine++
				}
			}
			if wrong < 100 || fine < 400 {
				t.Errorf("too few of a kind")
			}
			if model == "cas-register" && refused < 10 {
				t.Errorf("only %d were suspected for a compare-and-set that failed", refused)
			}
			t.Logf("%d wrong, %d fine, %d suspected for nothing, %d for what failed", wrong, fine, unsure, refused)
		})
	}
}

// TestAStreamLetsGoOfKeys: a key that was not used for long is suspected when it is used again, for nothing is known of
// it; and what is no operation of the model is more than a stream can tell.
func TestAStreamLetsGoOfKeys(t *testing.T) {
	t.Parallel()
	s := Linearizable(Register(), harness.Budget{}).(harness.Streamer).Stream().(*stream)
	line := 0
	use := func(key, f string) bool {
		op := history.Op{Index: line, Type: history.Invoke, F: f, Key: key, Value: int64(line)}
		s.Add(op)
		op.Index, op.Type = line+1, history.OK
		s.Add(op)
		line += 2
		found := map[string]bool{}
		note(found, s)
		return found[key]
	}
	for i := range 2 * retireAfter {
		if key := fmt.Sprint("k", i/1000); use(key, "write") {
			t.Fatalf("%s is suspected", key)
		}
	}
	if len(s.keys) > 2*retireAfter/1000 {
		t.Fatalf("%d keys are kept", len(s.keys))
	}
	if !use("k0", "write") {
		t.Fatal("the first key is still known")
	}
	if !use("other", "enqueue") || !use("other", "write") {
		t.Fatal("what a register cannot do is not suspected")
	}
}

// TestTheStreamOfASetIsExact: at the line at which a stream finds something wrong with a set the checker does too, and
// not a line before. These are longer than what every order can be tried of.
func TestTheStreamOfASetIsExact(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(52, 52))
	seen := map[harness.Validity]int{}
	for i := range 600 {
		d := dice{
			model: "set", ops: 40 + rng.IntN(80), processes: 3 + rng.IntN(10), pending: i % 3 * 4, fails: i % 2 * 10,
			values: i % 4 * 20, lies: i % 5,
		}
		pairs := d.roll(rng)
		lines := allLinesOf(pairs)
		for n := range lines {
			lines[n].Time = at1(n)
		}
		begins := func(n int) harness.Verdict {
			var b history.Builder
			for _, op := range lines[:n] {
				if err := b.Add(op); err != nil {
					t.Fatal(err)
				}
			}
			return checkWith(t, harness.WithVerdictOnly(t.Context()), Set(), b.History().Pairs)
		}
		s := Set().(harness.Streamer).Stream()
		at := -1
		for n, op := range lines {
			s.Add(op)
			wrong, unclear := s.Suspects()
			if len(unclear) > 0 {
				t.Fatalf("it cannot tell\n%s", show(pairs))
			}
			if len(wrong) > 0 {
				at = n
				break
			}
		}
		if at < 0 {
			at = len(lines)
		} else if v := begins(at + 1); v.Validity != harness.Invalid {
			t.Fatalf("wrong at line %d, where the checker says %s (%s)\n%s", at, v.Validity, v.Reason, show(pairs))
		}
		v := begins(at)
		if v.Validity == harness.Invalid {
			t.Fatalf("nothing was wrong before line %d, but %s\n%s", at, v.Reason, show(pairs))
		}
		if at < len(lines) {
			seen[harness.Invalid]++
		} else {
			seen[v.Validity]++
		}
	}
	t.Log(seen)
	if seen[harness.Valid] < 50 || seen[harness.Invalid] < 50 {
		t.Errorf("too few of a kind: %v", seen)
	}
}

// TestStreamsInTheMuseum: of the sets of the museum those are suspected that are invalid.
func TestStreamsInTheMuseum(t *testing.T) {
	files, err := filepath.Glob("testdata/set-*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("the museum has %d sets (%v)", len(files), err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range archive.Files {
			if part.Name != "history" {
				continue
			}
			h := parseHistory(t, string(part.Data))
			v, suspected := check(t, Set(), h.Pairs), suspects(t, Set(), h.Pairs)
			if (v.Validity == harness.Invalid) != (len(suspected) > 0) {
				t.Errorf("%s: the verdict is %s, suspected: %v", file, v.Validity, suspected)
			}
		}
	}
}

// BenchmarkStreaming tells a stream of key after key, each used 200 times by five processes, of which a few operations
// never return. -benchtime 20000000x shows that it takes no more memory after twenty million operations.
func BenchmarkStreaming(b *testing.B) {
	for model, c := range streamers() {
		b.Run(model, func(b *testing.B) {
			d := dice{model: model, ops: 200, processes: 5, pending: 1}
			lines := allLinesOf(d.roll(rand.New(rand.NewPCG(61, 61))))
			s := c.(harness.Streamer).Stream()
			unsure := 0
			for done := 0; done < b.N; done += d.ops {
				for i, op := range lines {
					op.Index, op.Process, op.Key = done*3+i, done+op.Process, strconv.Itoa(done)
					s.Add(op)
				}
				if done%(500*d.ops) == 0 {
					wrong, unclear := s.Suspects()
					if unsure += len(unclear); len(wrong) > 0 {
						b.Fatalf("something is wrong with %s", wrong)
					}
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			b.ReportMetric(float64(unsure)*float64(d.ops)/float64(b.N), "unsure/key")
			runtime.GC()
			var after runtime.MemStats
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc)/(1<<20), "MiB")
			runtime.KeepAlive(s)
		})
	}
}
