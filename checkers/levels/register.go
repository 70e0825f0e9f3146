package levels

import (
	"cmp"
	"math"
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// register is a history, read: who takes part, who stored each value, and who came before whom in each process.
type register struct {
	*History
	ops     []linear.Op
	part    []bool  // by position: takes part
	writer  []int32 // by value: the store that takes part, -1 where there is none
	session []int32 // by position: processes numbered from 0
	people  int     // how many there are
	own     []int32 // of some sessions those that take part, session by session, each as they were called
	starts  []int32 // by session: where its operations begin in own, and where the last ones end
	nowhere int32   // the first operation that saw a value which nothing stored, -1 where there is none
	failed  int
	spans   spans // by value: of its cluster
	pool    pool
}

func newRegister(h *History) (*register, error) {
	r := &register{History: h, ops: h.Object.Ops, nowhere: -1}
	r.pool.lend(h.Spare...)
	wanted, err := r.wanted()
	if err != nil {
		return nil, err
	}
	if err := r.take(wanted); err != nil {
		return nil, err
	}
	return r, r.follow()
}

// looks returns the value that the operation must have seen if it took effect.
func looks(o *linear.Op) (value int32, saw bool) {
	switch o.Kind {
	case linear.Read:
		return o.Value, true
	case linear.Swap:
		return o.From, true
	}
	return 0, false
}

// stores reports whether the operation puts a new value into the register. A swap to the value that it expects does
// not: it only looks.
func stores(o *linear.Op) bool {
	return o.Kind == linear.Write || swaps(o)
}

func swaps(o *linear.Op) bool { return o.Kind == linear.Swap && o.From != o.Value }

// wanted finds the values that somebody saw who takes part.
func (r *register) wanted() ([]bool, error) {
	wanted, writer := make([]bool, r.Object.Values), r.pool.unset(r.Object.Values)
	defer r.pool.give(writer)
	pending := len(r.ops) // where the first swap is that never returned
	for i := range r.ops {
		o := &r.ops[i]
		if o.Kind > linear.SwapFailed {
			return nil, unfit("not a register")
		}
		if stores(o) && (writer[o.Value] < 0 || !o.Pending()) {
			writer[o.Value] = int32(i)
		}
		if v, saw := looks(o); saw && !o.Pending() {
			wanted[v] = true
		} else if saw {
			pending = min(pending, i)
		}
	}
	for i := pending; i < len(r.ops); i++ { // a swap whose value was seen took effect, and saw a value itself
		for o := &r.ops[i]; swaps(o) && o.Pending() && wanted[o.Value] && !wanted[o.From]; {
			wanted[o.From] = true
			if writer[o.From] < 0 {
				break
			}
			o = &r.ops[writer[o.From]]
		}
	}
	return wanted, nil
}

// take finds out who takes part, and the one store of each value.
func (r *register) take(wanted []bool) error {
	r.part, r.writer = make([]bool, len(r.ops)), unset(r.Object.Values)
	for i := range r.ops {
		o := &r.ops[i]
		if o.Kind == linear.SwapFailed {
			r.failed++
			continue
		}
		r.part[i] = !o.Pending() || stores(o) && wanted[o.Value]
		if !r.part[i] || !stores(o) {
			continue
		}
		if o.Value == 0 || r.writer[o.Value] >= 0 {
			return unfit("a value was stored twice")
		}
		r.writer[o.Value] = int32(i)
	}
	return nil
}

// follow numbers the processes and looks whether each did one thing at a time.
func (r *register) follow() error {
	r.session = make([]int32, len(r.ops))
	var small []int32 // the numbers of processes, most of which are small, plus one
	large := map[int]int32{}
	var returned []int32   // by session: the last that did, whether it takes part or not; -1 where none did
	for i := range r.ops { // in the order of the calls
		process := r.Process(int32(i))
		s, fresh := int32(0), int32(len(returned))
		if process >= 0 && process < len(r.ops) {
			if process >= len(small) {
				small = append(small, make([]int32, process+1-len(small))...)
			}
			if s = small[process] - 1; s < 0 {
				s, small[process] = fresh, fresh+1
			}
		} else if n, known := large[process]; known {
			s = n
		} else {
			s, large[process] = fresh, fresh
		}
		if s == fresh {
			returned = append(returned, -1)
		}
		o := &r.ops[i]
		if last := returned[s]; last >= 0 && o.Call < r.ops[last].Return {
			return unfit("a process did two things at once")
		}
		if !o.Pending() {
			returned[s] = int32(i)
		}
		r.session[i] = s
	}
	r.people = len(returned)
	return nil
}

// bySession sorts those that take part and are of some sessions by session.
func (r *register) bySession(sessions []int32) {
	wanted := make([]bool, r.people)
	for _, s := range sessions {
		wanted[s] = true
	}
	r.own, r.starts = r.pool.sort(len(r.ops), r.people, func(i int32) int32 {
		if s := r.session[i]; r.part[i] && wanted[s] {
			return s
		}
		return -1
	})
}

// everybody is all sessions.
func (r *register) everybody() []int32 {
	all := make([]int32, r.people)
	for s := range all {
		all[s] = int32(s)
	}
	return all
}

// sessionOf returns the operations of a session that take part.
func (r *register) sessionOf(s int32) []int32 { return r.own[r.starts[s]:r.starts[s+1]] }

// returns are those that take part and returned, in the order in which they did.
func (r *register) returns() []int32 {
	n, low, high := len(r.ops), int64(math.MaxInt64), int64(math.MinInt64)
	for i := range r.ops {
		if o := &r.ops[i]; r.part[i] && !o.Pending() {
			low, high = min(low, o.Return), max(high, o.Return)
		}
	}
	if low > high {
		return nil
	}
	if high-low >= 4*int64(n) { // with large gaps
		all := r.pool.take(n)[:0]
		for i := range r.ops {
			if r.part[i] && !r.ops[i].Pending() {
				all = append(all, int32(i))
			}
		}
		slices.SortFunc(all, func(a, b int32) int { return cmp.Compare(r.ops[a].Return, r.ops[b].Return) })
		return all
	}
	all := r.pool.zeros(int(high - low + 1)) // by event: who returned, plus one
	for i := range r.ops {
		if o := &r.ops[i]; r.part[i] && !o.Pending() {
			all[o.Return-low] = int32(i) + 1
		}
	}
	done := 0
	for _, i := range all {
		if i > 0 {
			all[done] = i - 1
			done++
		}
	}
	return r.pool.cut(all, done)
}

// unset returns n numbers that stand for nothing.
func unset(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = -1
	}
	return s
}
