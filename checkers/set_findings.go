package checkers

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness/history"
)

// setFinding is one wrong element of a set.
type setFinding struct {
	name    string
	element value
	witness []op
	wrong   *op // the operation at which no order is left
	story   string
}

// findings returns what is wrong with each element, and where that is nothing, what is wrong with the set as a whole.
func (r *roster) findings(fates []fate) []setFinding {
	var found []setFinding
	for e := range r.elements {
		v, m := value(e), &r.elements[e]
		if m.call == never {
			if len(m.in) > 0 {
				found = append(found, r.nobodyAdded(v, m))
			}
			continue
		}
		if m.twice >= 0 {
			found = append(found, r.twice(v, m))
		}
		if n := r.before(m); n >= 0 {
			found = append(found, r.early(v, m, n))
		} else if fates[e].name != "" {
			found = append(found, r.missing(v, m, fates[e]))
		}
	}
	if len(found) == 0 {
		found = r.asAWhole()
	}
	return found
}

func (r *roster) nobodyAdded(v value, m *member) setFinding {
	o := r.read(m.in[0])
	name, story := r.k.shownFromNowhere(o, v)
	return setFinding{name, v, []op{onlyWith(o, v)}, o, story}
}

func (r *roster) twice(v value, m *member) setFinding {
	o := r.read(m.twice)
	p := r.k.pairOf(o)
	story := fmt.Sprintf("%s's read (%s) returned %s more than once.", words.Who(p), words.Lasted(p), words.Spell(r.k.words[v]))
	return setFinding{Duplicate, v, append(r.adds(m), onlyWith(o, v)), o, story}
}

// before returns a read that has the element and had returned before anybody added it, or -1.
func (r *roster) before(m *member) int {
	for _, n := range m.in {
		if r.read(n).ret < m.call {
			return n
		}
	}
	return -1
}

func (r *roster) early(v value, m *member, n int) setFinding {
	o := r.read(n)
	adder := &r.k.ops[m.adds[0]]
	p, w := r.k.pairOf(o), r.k.pairOf(adder)
	story := fmt.Sprintf("%s's read (%s) showed %s and had returned %s before %s was called.",
		words.Who(p), words.Lasted(p), words.Spell(r.k.words[v]), words.Span(w.Call-p.Return), thing(w))
	return setFinding{FutureRead, v, append(r.adds(m), onlyWith(o, v)), o, story}
}

// missing tells of an element that was known and then absent.
func (r *roster) missing(v value, m *member, f fate) setFinding {
	missed, known := r.read(f.missed), &r.k.ops[f.known]
	var witness []op
	if m.acked >= 0 && r.k.ops[m.acked].precedes(missed) { // then nobody need have seen it
		known = &r.k.ops[m.acked]
		witness = []op{*known}
	} else {
		once := *known
		once.list = []value{v} // that it may hold the element twice is another finding
		witness = append(r.adds(m), once)
	}
	a, b := r.k.pairOf(known), r.k.pairOf(missed)
	how := thing(a) + " had returned"
	if known.kind == reads {
		how = words.Who(a) + " had seen it"
	}
	story := fmt.Sprintf("%s's read (%s) is without %s, although it was called %s %s at %s.",
		words.Who(b), words.Lasted(b), words.Spell(r.k.words[v]), words.After(a, b), how, words.At(a.Return))
	return setFinding{f.name, v, append(witness, onlyWith(missed, v)), missed, story + " " + r.later(f)}
}

// later tells what the other reads had of a missing element.
func (r *roster) later(f fate) string {
	if f.again < 0 {
		return "No later read has it."
	}
	p := r.k.pairOf(r.read(f.again))
	again := fmt.Sprintf("%s has it in a read from %s.", words.Who(p), words.Lasted(p))
	if f.name == Flicker {
		return "It had been seen before, and was seen again: " + again
	}
	return "Later it was there: " + again
}

// adds returns the operations that may have added an element.
func (r *roster) adds(m *member) []op {
	var out []op
	for _, i := range m.adds {
		out = append(out, r.k.ops[i])
	}
	return out
}

// onlyWith is a read of which only some elements are shown.
func onlyWith(o *op, shown ...value) op {
	less := *o
	less.list = only(o.list, shown)
	return less
}

// asAWhole decides what no element shows alone. Sorted by size, each read must hold the one before; that dictates an
// order of all operations, in which none may have returned before an earlier one was called.
func (r *roster) asAWhole() []setFinding {
	bySize := make([]int, len(r.reads))
	for n := range bySize {
		bySize[n] = n
	}
	slices.SortStableFunc(bySize, func(a, b int) int {
		return cmp.Compare(len(r.read(a).list), len(r.read(b).list)) // without duplicates: there were no findings
	})
	stamp := make([]int, len(r.elements))
	for i, n := range bySize {
		for _, e := range r.read(n).list {
			stamp[e] = i + 1
		}
		if i == 0 {
			continue
		}
		for _, e := range r.read(bySize[i-1]).list {
			if stamp[e] != i+1 {
				return []setFinding{r.fork(bySize[i-1], n, e)}
			}
		}
	}
	return r.againstTime(bySize)
}

// fork tells of two reads neither of which holds the other.
func (r *roster) fork(smaller, larger int, x value) setFinding {
	a, b := r.read(smaller), r.read(larger)
	y := b.list[slices.IndexFunc(b.list, func(e value) bool { return !slices.Contains(a.list, e) })]
	switch {
	case r.addedBefore(x, y): // then one read is enough
		return r.reordered(x, y, larger)
	case r.addedBefore(y, x):
		return r.reordered(y, x, smaller)
	}
	witness := append(r.adds(&r.elements[x]), r.adds(&r.elements[y])...)
	witness = append(witness, onlyWith(a, x, y), onlyWith(b, x, y))
	pa, pb := r.k.pairOf(a), r.k.pairOf(b)
	wrong := a
	if b.ret > a.ret {
		wrong = b
	}
	story := fmt.Sprintf("%s's read (%s) has %s without %s, and %s's read (%s) has %s without %s: "+
		"one set that only grows cannot show both.", words.Who(pa), words.Lasted(pa), words.Spell(r.k.words[x]), words.Spell(r.k.words[y]),
		words.Who(pb), words.Lasted(pb), words.Spell(r.k.words[y]), words.Spell(r.k.words[x]))
	return setFinding{IncompatibleOrders, x, witness, wrong, story}
}

// addedBefore reports whether x had been acknowledged before anybody called an add of y.
func (r *roster) addedBefore(x, y value) bool {
	m := &r.elements[x]
	return m.acked >= 0 && r.k.ops[m.acked].ret < r.elements[y].call
}

// againstTime looks for an element that was acknowledged before another was added, and is missing from a read that has
// the other. Everything else that could be against time has been found element by element.
func (r *roster) againstTime(bySize []int) []setFinding {
	group := make([]int, len(r.elements)) // the place of the smallest read that has the element
	for e := range group {
		group[e] = len(bySize)
	}
	for i, n := range slices.Backward(bySize) {
		for _, e := range r.read(n).list {
			group[e] = i
		}
	}
	order := make([]int, 0, len(group))
	for e := range r.elements {
		if r.elements[e].call != never {
			order = append(order, e)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(group[a], group[b]) })
	latest := -1 // of those visible earlier: the element whose add was called last
	for from := 0; from < len(order); {
		to := from
		for ; to < len(order) && group[order[to]] == group[order[from]]; to++ {
			if latest >= 0 && r.addedBefore(value(order[to]), value(latest)) {
				return []setFinding{r.reordered(value(order[to]), value(latest), bySize[group[latest]])}
			}
		}
		for ; from < to; from++ {
			if latest < 0 || r.elements[order[from]].call > r.elements[latest].call {
				latest = order[from]
			}
		}
	}
	return nil
}

func (r *roster) reordered(x, y value, n int) setFinding {
	first, second, o := &r.k.ops[r.elements[x].acked], &r.k.ops[r.elements[y].adds[0]], r.read(n)
	witness := append([]op{*first}, r.adds(&r.elements[y])...)
	p, a, b := r.k.pairOf(o), r.k.pairOf(first), r.k.pairOf(second)
	story := fmt.Sprintf("%s had returned at %s, %s before %s was called, yet %s's read (%s) has %s without %s.",
		thing(a), words.At(a.Return), words.Span(b.Call-a.Return), thing(b), words.Who(p), words.Lasted(p), words.Spell(b.Input), words.Spell(a.Input))
	return setFinding{Reordered, x, append(witness, onlyWith(o, x, y)), o, story}
}

// pairs are the witness as it is shown.
func (r *roster) pairs(f setFinding) []history.Pair { return r.k.witness(f.witness) }
