package checkers

import (
	"cmp"
	"math"
	"slices"
)

// suspicions looks for the violations of a register that can be seen without a search: values from nowhere, values from
// the future, more compare-and-sets than values, compare-and-sets refused without a reason, and, where every value was
// stored once, conflicts of zones.
func (register) suspicions(k *keyHistory, ops []op) [][]op {
	v := newValueTable(ops)
	var found [][]op
	for _, nowhere := range []func(value) bool{
		func(v value) bool { return len(k.failed[v]) == 0 },
		func(v value) bool { return len(k.failed[v]) > 0 },
	} {
		for i := range ops {
			if seen, saw := ops[i].seen(); saw && seen != absent && len(v.writers[seen]) == 0 && nowhere(seen) {
				found = append(found, v.part(nil, i))
				break
			}
		}
	}
	for i := range ops {
		if seen, saw := ops[i].seen(); saw && v.fromFuture(seen, ops[i].ret) {
			found = append(found, v.part(nil, i))
			break
		}
	}
	for i := range ops {
		if from := ops[i].from; ops[i].kind == swaps && !ops[i].pending && v.overtaken(from) {
			found = append(found, v.part(nil, v.swapsFrom[from]...))
			break
		}
	}
	if v.unique {
		found = append(found, zoneConflicts(v)...)
	}
	if f, is := groundless(ops); is && len(found) == 0 { // otherwise those who saw the value are not to be trusted
		before, after := sides(ops, f)
		part := v.part(nil, v.position(f), v.position(before), v.position(after))
		part[slices.IndexFunc(part, func(o op) bool { return o.call == f.call })].surely = true
		found = append(found, part)
	}
	return found
}

// valueTable says who stored and who saw each value of a register.
type valueTable struct {
	ops       []op
	writers   map[value][]int // pending ones included
	swapsFrom map[value][]int // those that returned
	unique    bool            // every value was stored at most once, and the initial one never
}

func newValueTable(ops []op) *valueTable {
	v := &valueTable{ops: ops, writers: map[value][]int{}, swapsFrom: map[value][]int{}, unique: true}
	for i := range ops {
		o := &ops[i]
		if !o.stores() {
			continue
		}
		v.writers[o.value] = append(v.writers[o.value], i)
		if o.kind == swaps && !o.pending {
			v.swapsFrom[o.from] = append(v.swapsFrom[o.from], i)
		}
		v.unique = v.unique && o.value != absent && len(v.writers[o.value]) == 1
	}
	return v
}

// fromFuture reports whether every writer of the value was called after the given time.
func (v *valueTable) fromFuture(seen value, at int) bool {
	if seen == absent || len(v.writers[seen]) == 0 {
		return false
	}
	return !slices.ContainsFunc(v.writers[seen], func(w int) bool { return v.ops[w].call < at })
}

// overtaken reports whether more compare-and-sets replaced the value than it was there to be replaced.
func (v *valueTable) overtaken(from value) bool {
	times := len(v.writers[from])
	if from == absent {
		times++
	}
	return len(v.swapsFrom[from]) > times
}

// position is where an operation stands.
func (v *valueTable) position(o *op) int {
	return slices.IndexFunc(v.ops, func(p op) bool { return p.call == o.call })
}

// part leaves of the history the values that were asked for and those of the chosen operations, with everything that
// they were swapped from: all their writers, and of the reads only the chosen. That is a sound removal: see
// register.without.
func (v *valueTable) part(values []value, chosen ...int) []op {
	keep := map[value]bool{}
	work := slices.Clone(values)
	picked := map[int]bool{}
	for _, i := range chosen {
		picked[i] = true
		work = append(work, v.ops[i].value)
	}
	for len(work) > 0 {
		last := work[len(work)-1]
		work = work[:len(work)-1]
		if keep[last] {
			continue
		}
		keep[last] = true
		for _, w := range v.writers[last] {
			if v.ops[w].kind == swaps {
				work = append(work, v.ops[w].from)
			}
		}
	}
	var out []op
	for i, o := range v.ops {
		if keep[o.value] && (o.stores() || picked[i]) {
			out = append(out, o)
		}
	}
	return out
}

// zone is a block of operations that stand together in every legal order: those of a value, and of the values swapped
// from it. It spans from its first return to its last call.
type zone struct {
	first, last int // the operation that returned first, was called last; first is -1 for the initial value
	f, s        int // their times
}

func (z *zone) forward() bool { return z.f < z.s }
func (z *zone) start() int    { return min(z.f, z.s) }

// before reports whether an operation of z had returned when one of y was called: z must come first.
func (z *zone) before(y *zone) bool { return z.f < y.s }

// enough conflicts of one key are looked at; the smallest of them are handed on.
const (
	conflictsSeen = 32
	conflictsKept = 4
)

// zoneConflicts finds pairs of blocks each of which must come before the other (Gibbons & Korach, Testing shared
// memories, 1997; as zones: Golab, Li & Shah 2011), and blocks that contradict themselves. Cost: O(n log n).
func zoneConflicts(v *valueTable) [][]op {
	var found [][]op
	zones, twisted := chainZones(v)
	found = append(found, twisted...)
	slices.SortFunc(zones, func(a, b *zone) int { return cmp.Compare(a.start(), b.start()) })
	var widest *zone // of the forward ones so far, the one whose last call is latest
	for _, z := range zones {
		if widest != nil && z.before(widest) && widest.before(z) {
			found = append(found, conflict(v, widest, z))
		}
		if z.forward() && (widest == nil || z.s > widest.s) {
			widest = z
		}
		if len(found) >= conflictsSeen {
			break
		}
	}
	slices.SortStableFunc(found, func(a, b []op) int { return len(a) - len(b) })
	return found[:min(len(found), conflictsKept)]
}

// conflict returns the operations that force each of two blocks before the other.
func conflict(v *valueTable, a, b *zone) []op {
	var chosen []int
	var values []value
	for _, pair := range [2][2]*zone{{a, b}, {b, a}} {
		first, last := pair[0].first, pair[1].last
		if first >= 0 {
			first = v.writerInstead(first, func(w *op) bool { return w.ret < v.ops[last].call })
			last = v.writerInstead(last, func(w *op) bool { return !w.pending && v.ops[first].ret < w.call })
			chosen = append(chosen, first)
		} else {
			values = append(values, absent)
		}
		chosen = append(chosen, last)
	}
	return v.part(values, chosen...)
}

// writerInstead returns the writer of the value that operation i saw, where the writer would do.
func (v *valueTable) writerInstead(i int, does func(*op) bool) int {
	if w := v.writers[v.ops[i].value]; v.ops[i].kind == reads && len(w) == 1 && does(&v.ops[w[0]]) {
		return w[0]
	}
	return i
}

// chainZones returns the blocks, and what contradicts itself inside one: an operation on a later value of a chain that
// had returned when one on an earlier value was called. Blocks whose beginning is unknown are left out.
func chainZones(v *valueTable) (zones []*zone, twisted [][]op) {
	saw := map[value][]int{}
	next := map[value]int{} // the compare-and-set that replaced a value
	heads := []value{absent}
	for i := range v.ops {
		switch o := &v.ops[i]; o.kind {
		case reads:
			saw[o.value] = append(saw[o.value], i)
		case writes:
			heads = append(heads, o.value)
		case swaps:
			if _, taken := next[o.from]; !taken {
				next[o.from] = i
			}
		}
	}
	visited := map[int]bool{}
	for _, head := range heads {
		z := &zone{first: -1, last: -1, f: math.MaxInt, s: math.MinInt}
		if head == absent {
			z.f = math.MinInt
		} else {
			z.take(v, v.writers[head][0])
		}
		for link, linked := head, true; linked; {
			group := saw[link]
			for _, i := range group {
				if bad := z.twist(v, i); bad != nil {
					twisted = append(twisted, bad)
					break
				}
			}
			for _, i := range group {
				z.take(v, i)
			}
			var i int
			if i, linked = next[link]; linked {
				if bad := z.twist(v, i); bad != nil {
					twisted = append(twisted, bad)
				}
				z.take(v, i)
				visited[i] = true
				link = v.ops[i].value
			}
		}
		if z.last >= 0 {
			zones = append(zones, z)
		}
	}
	for i := range v.ops { // a ring of swaps that nothing began
		if o := &v.ops[i]; o.kind == swaps && !o.pending && !visited[i] {
			return zones, append(twisted, v.part(nil, i))
		}
	}
	return zones, twisted
}

// twist returns the contradiction where an operation on the newest value of the chain had returned when one on an
// earlier value was called.
func (z *zone) twist(v *valueTable, i int) []op {
	if z.last >= 0 && v.ops[i].ret < z.s && v.ops[z.last].value != v.ops[i].value {
		return v.part(nil, z.last, i)
	}
	return nil
}

func (z *zone) take(v *valueTable, i int) {
	if o := &v.ops[i]; o.ret < z.f {
		z.f, z.first = o.ret, i
	}
	if o := &v.ops[i]; o.call > z.s {
		z.s, z.last = o.call, i
	}
}
