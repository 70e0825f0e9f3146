package levels

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

func lockSteps(fenced bool) func(o *linear.Op, state string) []string {
	return func(o *linear.Op, state string) []string {
		holder, token := int32(0), int32(0)
		if state != "" {
			if _, err := fmt.Sscan(state, &holder, &token); err != nil {
				panic(err)
			}
		}
		fits := holder == 0
		switch o.Kind {
		case linear.Busy:
			fits = holder != 0
		case linear.Release:
			fits = holder == o.From
			holder = 0
		default:
			holder = o.From
			if fenced && !o.Pending() {
				fits = fits && o.Value > token
				token = o.Value
			}
		}
		if !fits {
			return nil
		}
		return []string{fmt.Sprint(holder, " ", token)}
	}
}

// rollLock makes a lock's history, in which some get in too early, and some tokens are wrong.
func rollLock(rng *rand.Rand, d dice, fenced, tries bool) *sheet {
	holder, token, most := int32(0), int32(0), int32(0)
	has := map[int32]bool{} // who believes that it has it
	h := effected(rng, d, d.lies, func(i int, h *sheet) bool {
		o := &h.Object.Ops[i]
		o.From = int32(h.Process[i]) + 1
		most = max(most, o.From)
		happens, lies := !o.Pending() || rng.IntN(2) == 0, rng.IntN(300) < d.lies
		if has[o.From] != (lies && rng.IntN(8) == 0) {
			o.Kind, has[o.From] = linear.Release, false
			if happens && holder == o.From {
				holder = 0
			}
			return true
		}
		o.Kind = linear.Acquire
		if holder != 0 && !lies && !o.Pending() {
			o.Kind = linear.Busy
			return tries
		}
		if happens && (holder == 0 || lies) {
			holder = o.From
		}
		if !o.Pending() {
			has[o.From] = true
			if token++; fenced {
				o.Value = token
				if lies {
					o.Value = max(1, token-rng.Int32N(3))
				}
			}
		}
		return true
	})
	h.Object.Values = max(len(h.Call)+2, int(most)+1)
	return h
}

func TestLocksAgainstEveryOrder(t *testing.T) {
	for _, fenced := range []bool{true, false} {
		for _, tries := range []bool{false, true} {
			t.Run(fmt.Sprintf("fenced %t tries %t", fenced, tries), func(t *testing.T) {
				t.Parallel()
				rng, seen := rand.New(rand.NewPCG(63, 64)), map[string]int{}
				for n := range 3 * *long {
					d := dice{ops: 4 + rng.IntN(8), processes: 2 + rng.IntN(3), pending: []int{0, 10, 25}[n%3],
						lies: []int{0, 20, 50}[rng.IntN(3)]}
					h := rollLock(rng, d, fenced, tries)
					r, err := JudgeLock(t.Context(), h.history(), fenced, searched(linear.LockModel(fenced)),
						searched(linear.LockModel(false)))
					if err != nil {
						t.Fatal(err)
					}
					weaker := lockSteps(false)
					if !fenced {
						weaker = nil
					}
					toldOf(t, h, &r, lockSteps(fenced), weaker, givesOrTells, seen)
					if r.Levels[Sequential].Unknown {
						t.Fatalf("%+v\n%s", r, show(h))
					}
					if l := newLock(h.history(), fenced); l.simple {
						seen["in closed form"]++
					} else {
						seen["decided"]++
					}
				}
				enough(t, seen, "linearizable", "late", "never", "sequential", "broken", "decided")
				if !tries {
					enough(t, seen, "in closed form")
				}
				if fenced {
					enough(t, seen, "relaxed", "not relaxed")
				}
			})
		}
	}
}

// locked makes of a script that of a lock: "1 write 5" takes it with token 5, "1 read 0" gives it back, and "1 failed 0
// 0" is told that it is taken.
func locked(lines ...string) *sheet {
	h := script(lines...)
	for i := range h.Object.Ops {
		o := &h.Object.Ops[i]
		o.Kind = map[linear.Kind]linear.Kind{
			linear.Write: linear.Acquire, linear.Read: linear.Release, linear.SwapFailed: linear.Busy,
		}[o.Kind]
		o.From = int32(h.Process[i])
	}
	h.Object.Values = 10
	return h
}

func TestLockExamples(t *testing.T) {
	const apart = "mutual exclusion held: only the tokens did not go up"
	for _, e := range []struct {
		name    string
		fenced  bool
		history []string
		says    string
	}{
		{"all is well", true, []string{"1 write 1", "1 read 0", "2 write 2", "2 read 0"}, "linearizable"},
		{"handed on too early", false,
			[]string{"1 write 1", "2 write 2", "2 read 0", "3 write 3", "3 read 0", "1 read 0"},
			"not linearizable: the lock was handed on up to 7 ms before it was released, but it was sequential"},
		{"with tokens", true, []string{"1 write 1", "2 write 2", "1 read 0", "2 read 0"},
			"not linearizable: the lock was handed on up to 1 ms before it was released, but it was sequential"},
		{"told too late", false, []string{"1 write 1", "1 read 0", "2 failed 0 0", "3 write 1", "3 read 0"},
			"not linearizable: the lock was handed on up to 1 ms before it was released, but it was sequential"},
		{"tokens that go down", true, []string{"1 write 5", "1 read 0", "2 write 4", "2 read 0"},
			"not linearizable: a token was not above one that was given before, but it was sequential and " + apart},
		{"tokens given twice", true, []string{"1 write 5", "1 read 0", "2 write 5", "2 read 0"},
			"not linearizable: a token was given twice, but " + apart},
		{"not its own", false, []string{"1 write 1", "2 read 0", "1 read 0"},
			"not linearizable: the lock was given back by who did not have it"},
		{"never given back", false, []string{"1 write 1", "2 write 2", "2 read 0"},
			"not linearizable: the lock was taken although who had it never gave it back, but it was sequential"},
	} {
		exact := func(fenced bool) Decider {
			return func(ctx context.Context, o *linear.Object) linear.Result {
				if r := linear.NewLocks(fenced).Decide(o); r.Answer != linear.Undecided {
					return r
				}
				return searched(linear.LockModel(fenced))(ctx, o)
			}
		}
		r, err := JudgeLock(t.Context(), locked(e.history...).history(), e.fenced, exact(e.fenced), exact(false))
		if says := r.Sentence(); err != nil || says != e.says {
			t.Errorf("%s: %v\n%s, want\n%s", e.name, err, says, e.says)
		}
	}
	nobody := func(context.Context, *linear.Object) linear.Result { return linear.Result{} }
	for _, h := range []*sheet{script("1 write 1"), locked("1 write 1 …", "1 write 2")} {
		if _, err := JudgeLock(t.Context(), h.history(), true, nobody, nobody); !errors.Is(err, linear.ErrUnfit) {
			t.Error(err)
		}
	}
}
