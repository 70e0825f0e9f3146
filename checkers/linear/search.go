package linear

import (
	"context"
	"errors"
	"slices"
)

// Search decides any object by looking for an order that fits: depth first over what was done so far, with memory of
// what led nowhere (Wing & Gong 1993, Lowe 2017), in a form that is linear in the length of the object where few
// operations are open at once, legal or not:
//
//   - what was done so far is one number of 128 bits, brought up to date in O(1) (Zobrist 1970), and what was used up
//     of those that never returned: where nothing came of a state, nothing will where more of them were used up;
//   - an operation that changes nothing is placed as soon as it fits, without an alternative: whatever order there is,
//     it may as well stand here;
//   - among several that could come next, the one that returned first is tried first;
//   - of several that do the same only that one is: in an order that prefers another, the two can change places;
//   - one that never returned is tried last, and where the model is [Valued] only while somebody waits for its effect;
//   - where the model is [Valued], a state that somebody still has to see is not left when nobody can bring it back.
//
// It keeps its memory from one object to the next, and serves one goroutine.
type Search struct {
	object *Object
	model  Model
	valued Valued // the model, or nil
	budget *Budget

	byCall, byReturn chain // the operations that returned and are not placed
	class            []int32
	classes          map[does]int32
	pending          []waiting // by class: those that never returned
	extra            []int32   // the classes of those of them that are placed
	uses             []use
	demand           demand  // of what is not placed; of a Valued model
	awaited, next    []int32 // by state and on from class to class: which of pending bring it about; -1 ends

	state     int32
	hash      [2]uint64 // of what is placed: of those that returned, and of the pending ones
	extraHash [2]uint64
	trail     []int32 // what was placed, in order
	path      []choice
	dead      deadEnds
	options   []int32
	stamp     []int32 // by class: the look that met it last
	look      int32
	wanted    []int32 // states somebody waits for, in the present look, and until when
	urgent    []int64
	far       int32 // how many were ever placed at once
}

// Valued is a model whose states are values of operations: to fit, an operation may need one state, and some bring one
// about whatever was before, or where they fit at all.
type Valued interface {
	Model
	// Needs returns the state that the operation has to find, if it is one.
	Needs(op *Op) (state int32, one bool)
	// Makes returns the state that the operation leaves where it takes effect, if it changes anything.
	Makes(op *Op) (state int32, one bool)
}

// Budget bounds a search.
type Budget struct {
	Steps  int64 // operations tried; 0 means no limit
	Memory int64 // in bytes, of everything that grows with the search; 0 means no limit
	// Watch, where set, is called every so often and at the end with what was used so far.
	Watch func(steps, bytes int64)
}

// The reasons for which a search ends without an answer, besides the end of its context.
var (
	ErrSteps  = errors.New("steps")
	ErrMemory = errors.New("memory")
)

// patience is how many steps pass between two looks at the context and the memory.
const patience = 1024

// does is what an operation does, to whom it does it apart.
type does struct {
	kind        Kind
	value, from int32
}

// waiting are the operations of one class that never returned, by call: the first of them are placed.
type waiting struct {
	ops    []int32
	placed int
}

// choice is one step of the path: what was tried in a state.
type choice struct {
	placed int   // how many operations were, before this step
	state  int32 // before this step
	tried  int32 // how many of the options
}

// Decide looks for an order within the budget and until ctx ends. What ended it early is in the cause, which is
// [context.Cause], [ErrSteps] or [ErrMemory]; At is then the first that could not be placed in the longest attempt.
//
// An illegal answer rests on 128 bits being different for different sets of operations, and has no witness: let those
// who ask find one and decide it again.
//
// Cost: O(n) where the first attempt always works. In general O(c 2^c n) for c operations open at once, and less where
// some of them do the same; memory 60 bytes for each operation and 20 to 40 for each dead end.
func (s *Search) Decide(ctx context.Context, o *Object, m Model, budget Budget) Result {
	s.prepare(o, m, &budget)
	answer, steps, cause := s.run(ctx)
	if budget.Watch != nil {
		budget.Watch(steps, s.bytes())
	}
	r := Result{Answer: answer, By: "search", At: -1, Cause: cause}
	switch answer {
	case Legal:
		r.Order = slices.Clone(s.trail)
	case Undecided:
		r.Far = max(0, s.far)
	}
	return r
}

func (s *Search) run(ctx context.Context) (answer Answer, steps int64, cause error) {
	s.path = append(s.path[:0], choice{state: s.state})
	s.settle()
	for {
		if s.byCall.empty() {
			return Legal, steps, nil
		}
		here := &s.path[len(s.path)-1]
		next := s.option(int(here.tried))
		if next < 0 {
			s.remember()
			s.back(here)
			s.path = s.path[:len(s.path)-1]
			if len(s.path) == 0 {
				return Illegal, steps, nil
			}
			continue
		}
		if steps++; steps%patience == 1 {
			if err := s.spent(ctx, steps); err != nil {
				return Undecided, steps, err
			}
		}
		here.tried++
		s.path = append(s.path, choice{placed: len(s.trail), state: s.state})
		s.place(next)
		s.settle()
		if s.hopeless() {
			s.back(&s.path[len(s.path)-1])
			s.path = s.path[:len(s.path)-1]
		}
	}
}

func (s *Search) spent(ctx context.Context, steps int64) error {
	bytes := s.bytes()
	if s.budget.Watch != nil {
		s.budget.Watch(steps, bytes)
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case s.budget.Steps > 0 && steps >= s.budget.Steps:
		return ErrSteps
	case s.budget.Memory > 0 && bytes+s.dead.growth() > s.budget.Memory:
		return ErrMemory
	}
	return nil
}

func (s *Search) bytes() int64 {
	return s.dead.bytes() + int64(cap(s.path))*16 + int64(len(s.object.Ops))*60
}

// place puts an operation next in the order.
func (s *Search) place(i int32) {
	op := &s.object.Ops[i]
	if op.Pending() {
		s.pending[s.class[i]].placed++
		s.extra = append(s.extra, s.class[i])
		toggle(&s.extraHash, i)
	} else {
		s.byCall.remove(i)
		s.byReturn.remove(i)
		toggle(&s.hash, i)
	}
	s.count(op, -1)
	s.state, _ = s.model.Step(s.state, op)
	s.trail = append(s.trail, i)
	if len(s.trail) > int(s.far) {
		s.far = int32(len(s.trail))
	}
}

// back takes away what was placed in a step and after it.
func (s *Search) back(c *choice) {
	for len(s.trail) > c.placed {
		i := s.trail[len(s.trail)-1]
		s.trail = s.trail[:len(s.trail)-1]
		op := &s.object.Ops[i]
		if op.Pending() {
			s.pending[s.class[i]].placed--
			s.extra = s.extra[:len(s.extra)-1]
			toggle(&s.extraHash, i)
		} else {
			s.byCall.restore(i)
			s.byReturn.restore(i)
			toggle(&s.hash, i)
		}
		s.count(op, 1)
	}
	s.state = c.state
}

func (s *Search) count(op *Op, by int32) {
	if s.valued != nil {
		s.demand.count(op, by)
	}
}

func toggle(hash *[2]uint64, i int32) {
	hash[0] ^= mix(uint64(i)*2 + 1)
	hash[1] ^= mix(uint64(i)*2 + 0x5851f42d4c957f2d)
}

// identity stands for the state and the operations placed, except the pending ones.
func (s *Search) identity() [2]uint64 {
	return [2]uint64{s.hash[0] ^ mix(^uint64(uint32(s.state))), s.hash[1] + mix(uint64(uint32(s.state))<<32|7)}
}

// whole stands for the pending ones too. Where many are placed it costs less to remember which exactly.
func (s *Search) whole() [2]uint64 {
	id := s.identity()
	return [2]uint64{id[0] ^ mix(s.extraHash[0]), id[1] + mix(s.extraHash[1])}
}

const manyExtra = 24

func (s *Search) remember() {
	if len(s.extra) > manyExtra {
		s.dead.add(s.whole(), nil)
		return
	}
	s.uses = s.uses[:0]
	s.look++
	for _, class := range s.extra {
		if s.stamp[class] != s.look {
			s.stamp[class] = s.look
			s.uses = append(s.uses, use{class, int32(s.pending[class].placed)})
		}
	}
	s.dead.add(s.identity(), s.uses)
}

// hopeless reports whether it is known that nothing comes of what was done so far.
func (s *Search) hopeless() bool {
	return s.dead.has(s.identity(), s.pending) || len(s.extra) > manyExtra && s.dead.has(s.whole(), s.pending)
}

// mix spreads a number over 64 bits (Steele, Lea & Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
