package levels

import (
	"math"

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
	prev    []int32 // by position: the last before it of its process that takes part and returned, -1 where none did
	nowhere int32   // the first operation that saw a value which nothing stored, -1 where there is none
	failed  int
}

func newRegister(h *History) (*register, error) {
	r := &register{History: h, ops: h.Object.Ops, nowhere: -1}
	if n := len(r.ops); len(h.Process) != n || len(h.Call) != n || len(h.Return) != n {
		return nil, errSlices
	}
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
	wanted, writer := make([]bool, r.Object.Values), unset(r.Object.Values)
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
		}
	}
	for i := range r.ops { // a swap whose value was seen took effect, and saw a value itself
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
	for i := range r.ops {
		if v, saw := looks(&r.ops[i]); saw && r.part[i] && v != 0 && r.writer[v] < 0 {
			r.nowhere = int32(i)
			break
		}
	}
	return nil
}

// follow numbers the processes and finds what came before each operation in its own.
func (r *register) follow() error {
	r.session, r.prev = make([]int32, len(r.ops)), unset(len(r.ops))
	numbers := map[int]int32{}
	var last []int32       // by session, that takes part
	var returned []int64   // by session, whether it takes part or not
	for i := range r.ops { // in the order of the calls
		s, known := numbers[r.Process[i]]
		if !known {
			s = int32(len(last))
			numbers[r.Process[i]] = s
			last, returned = append(last, -1), append(returned, math.MinInt64)
		}
		o := &r.ops[i]
		if o.Call < returned[s] {
			return unfit("a process did two things at once")
		}
		r.session[i], r.prev[i] = s, last[s]
		if o.Pending() {
			continue
		}
		returned[s] = o.Return
		if r.part[i] {
			last[s] = int32(i)
		}
	}
	r.people = len(last)
	return nil
}

// unset returns n numbers that stand for nothing.
func unset(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = -1
	}
	return s
}
