package levels

import "slices"

// sequential asks for one order of everything. The view is that of everything.
func (r *register) sequential(all *view) Finding {
	if r.nowhere >= 0 {
		return broken(r, []int32{r.nowhere})
	}
	for i := range r.ops {
		if r.part[i] && r.prev[i] >= 0 {
			all.bind(r.prev[i], int32(i))
		}
	}
	return all.held()
}

// causal asks for an order of all stores. Those that a reader causally follows come before the store it read from. Of
// them only what its process did or saw last needs to be demanded: what that was or saw in turn came after all others.
// So the order exists if and only if these demands do not go in a ring, and nobody saw a value before storing it
// himself. Values are the nodes, and swaps do not tie them together.
func (r *register) causal() Finding {
	if r.nowhere >= 0 {
		return broken(r, []int32{r.nowhere})
	}
	var bonds []bond
	for i := range r.ops {
		if !r.part[i] {
			continue
		}
		o, here := &r.ops[i], int32(i)
		to, saw := looks(o)
		if !saw {
			to = o.Value
		}
		if swaps(o) {
			bonds = append(bonds, bond{to, o.Value, r.writer[to], here})
		}
		prev := r.prev[i]
		if prev < 0 {
			continue
		}
		switch from := r.ops[prev].Value; {
		case from == to && saw:
		case from == to, to == 0: // the initial value came before everything
			return broken(r, []int32{prev, here})
		default:
			bonds = append(bonds, bond{from, to, prev, here})
		}
	}
	return broken(r, witnesses(ring(r.Object.Values, bonds)))
}

// pram asks for an order for each process.
//
// Cost: of a process, only the values that it stored or saw can be in each other's way; all other stores fit right
// before or after their neighbours in their own processes. Thus O(m log m) for m operations of a process.
func (r *register) pram() Finding {
	if r.nowhere >= 0 {
		return broken(r, []int32{r.nowhere})
	}
	own := make([][]int32, r.people)
	for i := range r.ops {
		if r.part[i] {
			own[r.session[i]] = append(own[r.session[i]], int32(i))
		}
	}
	node := unset(r.Object.Values)
	for _, ops := range own {
		v := &view{r: r, node: node}
		if f := v.of(ops); !f.Held {
			return f
		}
		for _, value := range v.values {
			node[value] = -1
		}
	}
	return Finding{Held: true}
}

// of is the view of one process, which did these operations.
func (v *view) of(ops []int32) Finding {
	r := v.r
	for _, i := range ops {
		o := &r.ops[i]
		v.add(o.Value)
		if from, saw := looks(o); saw && !o.Pending() {
			v.add(from)
		}
	}
	for _, i := range ops {
		if o := &r.ops[i]; swaps(o) && !o.Pending() {
			v.link(i)
		}
	}
	v.chain()
	for _, i := range ops {
		if r.prev[i] >= 0 {
			v.bind(r.prev[i], i)
		}
	}
	v.others(ops)
	return v.held()
}

// others binds the stores of each other process that this one saw: as they came in their process.
func (v *view) others(ops []int32) {
	r := v.r
	var theirs []int32
	for _, value := range v.values {
		if w := r.writer[value]; w >= 0 && r.session[w] != r.session[ops[0]] {
			theirs = append(theirs, w)
		}
	}
	slices.SortFunc(theirs, func(a, b int32) int {
		if r.session[a] != r.session[b] {
			return int(r.session[a]) - int(r.session[b])
		}
		return int(a) - int(b)
	})
	last := int32(-1) // that returned
	for _, i := range theirs {
		if last >= 0 && r.session[last] == r.session[i] {
			v.bind(last, i)
		}
		if !r.ops[i].Pending() {
			last = i
		}
	}
}
