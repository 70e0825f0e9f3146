package linear

import (
	"cmp"
	"slices"
)

// Ranks finds an order of a register whose values were stored more than once, where the system told of each operation
// its place in an order of its own: a revision, an offset. It takes the system at its word, puts the operations in
// that order, and looks whether it is one that fits. What never returned told nothing: it is put where somebody saw
// what it stores and nothing else explains it. Compare-and-sets that failed go where the others leave them a place.
//
// An order that fits is a proof whoever proposed it. One that does not is none: the system may tell of an order that it
// does not keep although it keeps another. Then, and where something told nothing, the answer is [ErrUnfit].
//
// Cost: O(n log n). A Ranks keeps its memory for the next object; it is for one goroutine at a time.
type Ranks struct {
	object  *Object
	order   []int32
	sorted  []int32
	failed  int               // compare-and-sets
	pending map[int32][]int32 // by value: who would store it and never returned, in the order of the calls
}

// Model is what the orders of legal answers are replayed on.
func (*Ranks) Model() Model { return RegisterModel() }

// Decide answers legal for good, or [ErrUnfit]. The order of a legal answer is overwritten by the next call.
func (r *Ranks) Decide(o *Object) Result {
	if r.gather(o) && r.write() {
		order, fit := r.order, true
		if r.failed > 0 {
			order, fit = weave(o, order)
		}
		if fit && Replay(o, r.Model(), order) == nil {
			return Result{Answer: Legal, By: "ranks", Order: order, At: -1}
		}
	}
	return Result{By: "ranks", At: -1, Cause: ErrUnfit}
}

// gather sorts the operations by what the system told. False: of some it told nothing.
func (r *Ranks) gather(o *Object) bool {
	r.object, r.sorted, r.failed, r.pending = o, r.sorted[:0], 0, map[int32][]int32{}
	if len(o.Ranks) != len(o.Ops) {
		return false
	}
	for i := range o.Ops {
		op := &o.Ops[i]
		switch {
		case op.Kind > SwapFailed:
			return false
		case op.Kind == SwapFailed:
			r.failed++ // they find a place in the order of the others
		case !op.Pending() && o.Ranks[i] == 0 && (op.Kind != Read || op.Value != 0):
			return false // at first there is nothing to tell, but later there is
		case !op.Pending():
			r.sorted = append(r.sorted, int32(i))
		case op.stores():
			r.pending[op.Value] = append(r.pending[op.Value], int32(i))
		}
	}
	slices.SortFunc(r.sorted, func(a, b int32) int {
		return cmp.Or(cmp.Compare(o.Ranks[a], o.Ranks[b]), cmp.Compare(r.late(a), r.late(b)), cmp.Compare(a, b))
	})
	return true
}

// late is 1 for those who look and 0 for those who store: what is served at a place is what was stored there.
func (r *Ranks) late(i int32) int {
	if r.object.Ops[i].stores() {
		return 0
	}
	return 1
}

// write writes the order down. False: somebody saw what nothing explains.
func (r *Ranks) write() bool {
	ops := r.object.Ops
	r.order = r.order[:0]
	state := int32(0)
	for _, i := range r.sorted {
		op := &ops[i]
		if want, looks := op.looks(); looks && want != state {
			waiting := r.pending[want]
			at := slices.IndexFunc(waiting, func(w int32) bool { return ops[w].Kind == Write || ops[w].From == state })
			if at < 0 {
				return false
			}
			r.order = append(r.order, waiting[at])
			r.pending[want] = slices.Delete(waiting, at, at+1)
			state = want
		}
		r.order = append(r.order, i)
		if op.stores() {
			state = op.Value
		}
	}
	return true
}
