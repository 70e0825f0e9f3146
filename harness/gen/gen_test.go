package gen_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/gen"
)

func read(key string) harness.Call { return harness.Call{F: "read", Key: key} }

func ask(worker int, rng *rand.Rand) harness.Ask { return harness.Ask{Worker: worker, Rand: rng} }

// keys asks for at most limit calls on behalf of one worker and returns their keys.
func keys(g harness.Generator, worker, limit int) []string {
	rng := rand.New(rand.NewPCG(1, 2))
	var got []string
	for range limit {
		call, ok := g.Next(ask(worker, rng))
		if !ok {
			break
		}
		got = append(got, call.Key)
	}
	return got
}

func TestOfMakesEachCallOnceWhoeverAsks(t *testing.T) {
	g := gen.Of(read("a"), read("b"), read("c"))
	first := keys(g, 0, 2)
	rest := keys(g, 1, 9)
	if !slices.Equal(first, []string{"a", "b"}) || !slices.Equal(rest, []string{"c"}) {
		t.Errorf("worker 0 got %q and worker 1 got %q, want a b and c", first, rest)
	}
	if again := keys(g, 0, 9); len(again) != 0 {
		t.Errorf("an ended generator made %q", again)
	}
}

func TestRepeatNeverEnds(t *testing.T) {
	if got := keys(gen.Repeat(read("a")), 0, 500); len(got) != 500 {
		t.Errorf("ended after %d calls", len(got))
	}
}

func TestLimitCountsOverAllWorkers(t *testing.T) {
	g := gen.Limit(5, gen.Repeat(read("a")))
	if n, m := len(keys(g, 0, 3)), len(keys(g, 1, 9)); n != 3 || m != 2 {
		t.Errorf("workers got %d and %d calls, want 3 and 2", n, m)
	}
	if n := len(keys(gen.Limit(5, gen.Of(read("a"))), 0, 9)); n != 1 {
		t.Errorf("a generator of one call made %d under a limit of 5", n)
	}
}

func TestSeqTakesEachWorkerThroughOnItsOwn(t *testing.T) {
	own := func(names ...string) harness.Generator {
		return gen.Each(func(int) harness.Generator {
			calls := make([]harness.Call, len(names))
			for i, name := range names {
				calls[i] = read(name)
			}
			return gen.Of(calls...)
		})
	}
	g := gen.Seq(own("a", "b"), own(), own("c"))
	for worker := range 3 {
		if got := keys(g, worker, 9); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("worker %d got %q, want a b c", worker, got)
		}
	}
}

func TestSeqNeverComesBack(t *testing.T) {
	open := false
	gate := gen.Func(func(harness.Ask) (harness.Call, bool) { return read("gate"), open })
	g := gen.Seq(gate, gen.Repeat(read("after")))
	keys(g, 0, 1)
	open = true
	if got := keys(g, 0, 1); got[0] != "after" {
		t.Errorf("went back to %q", got[0])
	}
}

func TestEachGivesEveryWorkerItsOwn(t *testing.T) {
	g := gen.Each(func(worker int) harness.Generator { return gen.Of(read(fmt.Sprint(worker))) })
	for worker := range 4 {
		if got := keys(g, worker, 9); !slices.Equal(got, []string{fmt.Sprint(worker)}) {
			t.Errorf("worker %d got %q", worker, got)
		}
	}
}

func TestMixFollowsTheWeights(t *testing.T) {
	g := gen.Mix(gen.Weight(3, gen.Repeat(read("often"))), gen.Repeat(read("seldom")),
		gen.Weight(0, gen.Repeat(read("never"))))
	count := make(map[string]int)
	for _, key := range keys(g, 0, 4000) {
		count[key]++
	}
	if n := count["often"]; n < 2800 || n > 3200 {
		t.Errorf("a weight of 3 in 4 gave %d of 4000", n)
	}
	if count["never"] > 0 {
		t.Errorf("a weight of 0 was picked %d times", count["never"])
	}
}

func TestMixGoesOnWithWhatIsLeft(t *testing.T) {
	g := gen.Mix(gen.Of(read("a")), gen.Of(read("b"), read("b")), gen.Weight(0, gen.Of(read("c"))))
	got := keys(g, 0, 9)
	slices.Sort(got)
	if !slices.Equal(got, []string{"a", "b", "b", "c"}) {
		t.Errorf("got %q, want every call of every generator once", got)
	}
	if got := keys(gen.Mix(), 0, 1); len(got) != 0 {
		t.Errorf("a mix of nothing made %q", got)
	}
}

func TestTheSeedFixesTheMix(t *testing.T) {
	calls := func(seed uint64) []string {
		rng := rand.New(rand.NewPCG(seed, 0))
		g := gen.Mix(gen.Repeat(read("a")), gen.Repeat(read("b")))
		got := make([]string, 0, 64)
		for range 64 {
			call, _ := g.Next(ask(0, rng))
			got = append(got, call.Key)
		}
		return got
	}
	if !slices.Equal(calls(7), calls(7)) {
		t.Error("one seed gave two series of calls")
	}
	if slices.Equal(calls(7), calls(8)) {
		t.Error("two seeds gave the same series of calls")
	}
}
