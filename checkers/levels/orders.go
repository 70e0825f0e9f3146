package levels

import (
	"iter"
	"slices"
)

// orders finds the levels that demand orders. What breaks a lower one breaks all that are higher too, and what keeps a
// higher one keeps all that are lower, so that it is seldom necessary to ask for each.
func (r *register) orders(report *Report, all *view, place []int32) {
	sequential, causal, pram := &report.Levels[Sequential], &report.Levels[Causal], &report.Levels[PRAM]
	if r.nowhere >= 0 {
		*pram = broken(r, []int32{r.nowhere})
		*causal, *sequential = *pram, *pram
		return
	}
	suspects, seen := r.suspects(place)
	if all.wrong != nil || seen {
		suspects = suspects[:0]
		for session := range r.people {
			suspects = append(suspects, int32(session))
		}
	}
	*pram = r.pram(place, suspects)
	switch {
	case len(suspects) == 0 || !pram.Held:
		*causal, *sequential = *pram, *pram
	default:
		*sequential = r.sequential(all, place)
		*causal = *sequential
		if !sequential.Held && all.next != nil { // without swaps they are the same
			*causal = r.causal(place)
		}
	}
}

// suspects are the sessions some steps of which are against the order of places, which fits all others. It reports
// whether stores of a session are among what is against it: then others can see it too.
func (r *register) suspects(place []int32) (suspects []int32, stored bool) {
	against, last := make([]bool, r.people), unset(r.people) // last: of its stores that returned
	fits := func(before, after int32) bool {
		if before < 0 {
			return true
		}
		from, to := r.ops[before].Value, r.ops[after].Value
		return place[from] < place[to] || from == to && !stores(&r.ops[after])
	}
	for before, here := range r.steps() {
		s := r.session[here]
		against[s] = against[s] || !fits(before, here)
		if !stores(&r.ops[here]) {
			continue
		}
		stored = stored || !fits(last[s], here)
		if !r.ops[here].Pending() {
			last[s] = here
		}
	}
	for s, is := range against {
		if is {
			suspects = append(suspects, int32(s))
		}
	}
	return suspects, stored
}

// steps are the operations with what had returned last in their process before each, -1 where nothing had.
func (r *register) steps() iter.Seq2[int32, int32] {
	return func(yield func(before, after int32) bool) {
		last := unset(r.people)
		for i := range r.ops {
			if !r.part[i] {
				continue
			}
			if s := r.session[i]; !yield(last[s], int32(i)) {
				return
			} else if !r.ops[i].Pending() {
				last[s] = int32(i)
			}
		}
	}
}

// sequential asks for one order of everything. The view is that of everything.
func (r *register) sequential(all *view, place []int32) Finding {
	return all.held(place, func(yield func(bond) bool) {
		for before, after := range r.steps() {
			if before >= 0 && !yield(bond{r.ops[before].Value, r.ops[after].Value, before, after}) {
				return
			}
		}
	})
}

// causal asks for an order of all stores. Those that a reader causally follows come before the store it read from. Of
// them only what its process did or saw last needs to be demanded: what that was or saw in turn came after all others.
// So the order exists if and only if these demands do not go in a ring, and nobody saw a value before storing it
// himself. Values are the nodes, and swaps do not tie them together.
func (r *register) causal(place []int32) Finding {
	var wrong []int32
	ring := cycle(place, func(yield func(bond) bool) {
		for prev, here := range r.steps() {
			o := &r.ops[here]
			to, saw := looks(o)
			if !saw {
				to = o.Value
			}
			if swaps(o) && !yield(bond{to, o.Value, r.writer[to], here}) {
				return
			}
			if prev < 0 {
				continue
			}
			switch from := r.ops[prev].Value; {
			case from == to && saw:
			case from == to, to == 0: // the initial value came before everything
				wrong = []int32{prev, here}
				return
			case !yield(bond{from, to, prev, here}):
				return
			}
		}
	})
	if wrong == nil {
		wrong = witnesses(ring)
	}
	return broken(r, wrong)
}

// pram asks for an order for each of some processes.
//
// Cost: of a process, only the values that it stored or saw can be in each other's way; all other stores fit right
// before or after their neighbours in their own processes. Thus O(m log m) for m operations of a process.
func (r *register) pram(place, sessions []int32) Finding {
	if len(sessions) == 0 {
		return Finding{Held: true}
	}
	v := &view{r: r, node: unset(r.Object.Values)}
	for _, session := range sessions {
		if f := v.of(session, place); !f.Held {
			return f
		}
		for _, value := range v.values {
			v.node[value] = -1
		}
		*v = view{r: r, node: v.node, values: v.values[:0]}
	}
	return Finding{Held: true}
}

// of is the view of one process. The places are those of all values.
func (v *view) of(session int32, place []int32) Finding {
	r := v.r
	own := r.sessionOf(session)
	for _, i := range own {
		o := &r.ops[i]
		v.add(o.Value)
		if from, saw := looks(o); saw && !o.Pending() {
			v.add(from)
		}
	}
	for _, i := range own {
		if o := &r.ops[i]; swaps(o) && !o.Pending() {
			v.link(i)
		}
	}
	v.chain()
	near := make([]int32, len(v.values)) // the places of the nodes
	for n, value := range v.values {
		near[n] = place[value]
	}
	demands := v.steps(make([]bond, 0, 2*len(own)), own)
	demands = v.steps(demands, v.others(session))
	return v.held(near, slices.Values(demands))
}

// steps adds the demands that operations come after what had returned last in their process. They come process by
// process.
func (v *view) steps(demands []bond, ops []int32) []bond {
	last := bond{before: -1}
	for _, i := range ops {
		o := &v.r.ops[i]
		n := v.node[o.Value]
		if last.before >= 0 && v.r.session[last.before] != v.r.session[i] {
			last.before = -1
		}
		if last.before >= 0 {
			demands = append(demands, bond{last.from, n, last.before, i})
		}
		if !o.Pending() {
			last = bond{from: n, before: i}
		}
	}
	return demands
}

// others are the stores of the other processes that this one saw, process by process and each as they were called.
func (v *view) others(session int32) []int32 {
	r := v.r
	var theirs []int64 // session and position
	for _, value := range v.values {
		if w := r.writer[value]; w >= 0 && r.session[w] != session {
			theirs = append(theirs, int64(r.session[w])<<32|int64(w))
		}
	}
	slices.Sort(theirs)
	ops := make([]int32, len(theirs))
	for n, t := range theirs {
		ops[n] = int32(t)
	}
	return ops
}
