package linear

import (
	"cmp"
	"slices"
	"sort"
)

// Part returns the object that an illegal answer's witness is by itself: with swaps as writes where they are blind, and
// reads of lists without the elements that do not matter. Values keep their numbers only in order.
func (o *Object) Part(r *Result) *Object {
	part := &Object{Ops: make([]Op, 0, len(r.Witness))}
	for _, i := range r.Witness {
		op := o.Ops[i]
		if _, blind := slices.BinarySearch(r.Blind, i); blind {
			op.Kind, op.From = Write, 0
		}
		if o.Elements != nil && op.Kind == Read {
			from := len(part.Elements)
			for _, e := range o.Seen(int(i)) {
				if slices.Contains(r.Only, e) {
					part.Elements = append(part.Elements, e)
				}
			}
			op.From, op.Value = int32(from), int32(len(part.Elements)-from)
		}
		if op.Kind == Count {
			op.SetAmount(op.Amount() - r.Base)
		}
		part.Ops = append(part.Ops, op)
	}
	if o.Elements != nil && part.Elements == nil {
		part.Elements = []int32{}
	}
	part.Renumber()
	return part
}

// Renumber gives the values of a small object small numbers, in the same order. The initial value keeps its own.
func (o *Object) Renumber() {
	numbers := []int32{0}
	each := func(do func(v *int32)) {
		for i := range o.Ops {
			op := &o.Ops[i]
			if op.Kind == Add || op.Kind == Count {
				continue
			}
			if o.Elements == nil || op.Kind != Read {
				do(&op.Value)
			}
			if op.Kind != Read || o.Elements == nil { // otherwise where the elements are
				do(&op.From)
			}
		}
		for i := range o.Elements {
			do(&o.Elements[i])
		}
	}
	each(func(v *int32) { numbers = append(numbers, *v) })
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	each(func(v *int32) {
		n, _ := slices.BinarySearch(numbers, *v)
		*v = int32(n)
	})
	o.Values = len(numbers)
}

// Until returns the object as it was at an event: what had not returned then is pending, without its answer, or left
// out where it observes.
func (o *Object) Until(event int64) *Object {
	then := &Object{Elements: o.Elements, Values: o.Values}
	for _, op := range o.Ops {
		switch {
		case op.Call > event, op.Return > event && op.Kind.Observes():
			continue
		case op.Return > event:
			op.Return = Never
			op.forget()
		}
		then.Ops = append(then.Ops, op)
	}
	return then
}

// proven is an illegal answer made of what a decider found: the first, with the others beside it, each with the moment at
// which nothing was left.
func proven(o *Object, by string, found []Result, judge func(*Object) Answer) Result {
	for i := range found {
		r := &found[i]
		r.Answer, r.By = Illegal, by
		slices.Sort(r.Witness)
		r.Witness = slices.Compact(r.Witness)
		r.At = moment(o, r, judge)
	}
	r := found[0]
	r.More = found[1:]
	return r
}

// moment returns the position of the operation of a witness at whose return no order of the witness was left, -1 where
// the judge does not find the witness illegal. An object that is illegal at some time stays so.
func moment(o *Object, r *Result, judge func(*Object) Answer) int32 {
	part := o.Part(r)
	if judge(part) != Illegal {
		return -1
	}
	returns := byReturn(part.Ops, returned(part.Ops))
	n := sort.Search(len(returns), func(n int) bool {
		return judge(part.Until(part.Ops[returns[n]].Return)) == Illegal
	})
	if n == len(returns) {
		return -1
	}
	return r.Witness[returns[n]]
}

// returned are the positions of the operations that returned, by call.
func returned(ops []Op) []int32 {
	all := make([]int32, 0, len(ops))
	for i := range ops {
		if !ops[i].Pending() {
			all = append(all, int32(i))
		}
	}
	return all
}

// byReturn sorts positions by the returns of their operations.
func byReturn(ops []Op, positions []int32) []int32 {
	slices.SortFunc(positions, func(a, b int32) int { return cmp.Compare(ops[a].Return, ops[b].Return) })
	return positions
}
