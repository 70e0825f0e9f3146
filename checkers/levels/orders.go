package levels

import (
	"iter"
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
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
	before := r.before()
	suspects, seen := r.suspects(place, before)
	if all.wrong != nil || seen {
		suspects = r.everybody()
	}
	*pram = r.pram(place, before, suspects)
	switch {
	case len(suspects) == 0 || !pram.Held:
		*causal, *sequential = *pram, *pram
	default:
		*sequential = r.sequential(all, place, before)
		*causal = *sequential
		if !sequential.Held && all.next != nil { // without swaps they are the same
			r.pool.give(all.next, all.head, all.depth)
			*causal = r.causal(place, before)
		}
	}
}

// suspects are the sessions some steps of which are against the order of places, which fits all others. It reports
// whether stores of a session are among what is against it: then others can see it too.
func (r *register) suspects(place, before []int32) (suspects []int32, stored bool) {
	against, last := make([]bool, r.people), r.pool.unset(r.people) // last: of its stores that returned
	fits := func(earlier, here int32) bool {
		if earlier < 0 {
			return true
		}
		from, to := r.ops[earlier].Value, r.ops[here].Value
		return place[from] < place[to] || from == to && !stores(&r.ops[here])
	}
	for i := range r.ops {
		if !r.part[i] {
			continue
		}
		here, s := int32(i), r.session[i]
		if !fits(before[i], here) {
			against[s] = true
		}
		if !stores(&r.ops[i]) {
			continue
		}
		stored = stored || !fits(last[s], here)
		if !r.ops[i].Pending() {
			last[s] = here
		}
	}
	r.pool.give(last)
	for s, is := range against {
		if is {
			suspects = append(suspects, int32(s))
		}
	}
	return suspects, stored
}

// before returns by position what had returned last in the same process, of those that take part: -1 where nothing had.
func (r *register) before() []int32 {
	before, last := r.pool.unset(len(r.ops)), r.pool.unset(r.people)
	for i := range r.ops {
		if r.part[i] {
			s := r.session[i]
			if before[i] = last[s]; !r.ops[i].Pending() {
				last[s] = int32(i)
			}
		}
	}
	r.pool.give(last)
	return before
}

// steps are the operations with what had returned last in their process before each, -1 where nothing had.
func (r *register) steps() iter.Seq2[int32, int32] {
	return func(yield func(before, after int32) bool) {
		for i, before := range r.before() {
			if r.part[i] && !yield(before, int32(i)) {
				return
			}
		}
	}
}

// sequential asks for one order of everything. The view is that of everything.
func (r *register) sequential(all *view, place, before []int32) Finding {
	return all.held(place, bonds{int32(len(r.ops)), func(n int32) (bond, bool) {
		earlier := before[n]
		if earlier < 0 {
			return bond{}, false
		}
		return bond{r.ops[earlier].Value, r.ops[n].Value, earlier, n}, true
	}})
}

// causal asks for an order of all stores. Those that a reader causally follows come before the store it read from. Of
// them only what its process did or saw last needs to be demanded: what that was or saw in turn came after all others.
// So the order exists if and only if these demands do not go in a ring, and nobody saw a value before storing it
// himself. Values are the nodes, and swaps do not tie them together.
func (r *register) causal(place, before []int32) Finding {
	for i := range r.ops {
		earlier := before[i]
		if earlier < 0 {
			continue
		}
		from, to := r.ops[earlier].Value, r.ops[i].Value
		look, saw := looks(&r.ops[i])
		if saw {
			to = look
		}
		if from == to && !saw || from != to && to == 0 { // the initial value came before everything
			return broken(r, []int32{earlier, int32(i)})
		}
	}
	demands := bonds{2 * int32(len(r.ops)), func(n int32) (bond, bool) { // two of each operation
		here := n / 2
		o := &r.ops[here]
		if n%2 == 0 {
			if !swaps(o) || !r.part[here] {
				return bond{}, false
			}
			return bond{o.From, o.Value, r.writer[o.From], here}, true
		}
		earlier := before[here]
		if earlier < 0 {
			return bond{}, false
		}
		from, to := r.ops[earlier].Value, o.Value
		if o.Kind == linear.Swap {
			to = o.From
		}
		return bond{from, to, earlier, here}, from != to
	}}
	return r.brokenBy(r.pool.cycle(place, demands), demands)
}

// pram asks for an order for each of some processes.
//
// Cost: of a process, only the values that it stored or saw can be in each other's way; all other stores fit right
// before or after their neighbours in their own processes. Thus O(m log m) for m operations of a process.
func (r *register) pram(place, before, sessions []int32) Finding {
	if len(sessions) == 0 {
		return Finding{Held: true}
	}
	r.bySession(sessions)
	node := r.pool.unset(r.Object.Values)
	defer r.pool.give(node, r.own, r.starts)
	for _, session := range sessions {
		v := &view{r: r, node: node}
		f := v.of(session, place, before)
		if !f.Held {
			return f
		}
		for _, value := range v.values {
			node[value] = -1
		}
		r.pool.give(v.values, v.next, v.head, v.depth)
	}
	return Finding{Held: true}
}

// of is the view of one process. The places are those of all values, and before is what [register.before] says.
func (v *view) of(session int32, place, before []int32) Finding {
	r := v.r
	own := r.sessionOf(session)
	v.values = r.pool.take(min(2*len(own), len(v.node)))[:0]
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
	near := r.pool.take(len(v.values)) // the places of the nodes
	for n, value := range v.values {
		near[n] = place[value]
	}
	theirs, earlier := v.others(session)
	count := int32(len(own))
	f := v.held(near, bonds{count + int32(len(theirs)), func(n int32) (bond, bool) {
		var b bond
		if n < count {
			b.after = own[n]
			b.before = before[b.after]
		} else {
			b.before, b.after = earlier[n-count], theirs[n-count]
		}
		if b.before < 0 {
			return bond{}, false
		}
		b.from, b.to = v.node[r.ops[b.before].Value], v.node[r.ops[b.after].Value]
		return b, true
	}})
	r.pool.give(near, theirs, earlier)
	return f
}

// others are the stores of the other processes that this one saw, process by process and each as they were called, and
// beside them which of them had returned last in the process before each: -1 where none had.
func (v *view) others(session int32) (theirs, earlier []int32) {
	r := v.r
	all := make([]int64, 0, len(v.values)) // session and position
	for _, value := range v.values {
		if w := r.writer[value]; w >= 0 && r.session[w] != session {
			all = append(all, int64(r.session[w])<<32|int64(w))
		}
	}
	slices.Sort(all)
	theirs, earlier = r.pool.take(len(all)), r.pool.take(len(all))
	last := int32(-1)
	for n, t := range all {
		theirs[n] = int32(t)
		if last >= 0 && r.session[last] != r.session[theirs[n]] {
			last = -1
		}
		if earlier[n] = last; !r.ops[theirs[n]].Pending() {
			last = theirs[n]
		}
	}
	return theirs, earlier
}
