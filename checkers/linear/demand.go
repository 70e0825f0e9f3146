package linear

// demand counts, by state of a [Valued] model, what operations that are not placed have to see and bring about.
type demand struct {
	valued Valued
	makers []int32 // how many bring it about
	needs  []int32 // how many of those that returned have to see it
	takes  []int32 // how many of these replace it by another
}

// reset counts all operations of an object.
func (d *demand) reset(v Valued, o *Object) {
	d.valued = v
	d.needs, d.makers = resized(d.needs, o.Values, 0), resized(d.makers, o.Values, 0)
	d.takes = resized(d.takes, o.Values, 0)
	for i := range o.Ops {
		d.count(&o.Ops[i], 1)
	}
}

func (d *demand) count(op *Op, by int32) {
	made, makes := d.valued.Makes(op)
	if makes {
		d.makers[made] += by
	}
	if v, one := d.valued.Needs(op); one && !op.Pending() {
		d.needs[v] += by
		if makes && made != v {
			d.takes[v] += by
		}
	}
}

// lets reports whether an operation that is counted, and leaves a state, does not leave it for good while somebody
// needs it.
func (d *demand) lets(op *Op, state int32) bool {
	needs, takes, makers := d.needs[state], d.takes[state], d.makers[state]
	if v, one := d.valued.Needs(op); one && v == state && !op.Pending() {
		needs--
		takes--
	}
	// Each one that takes the state away needs it to be brought about once more. This one brings about another.
	return takes <= makers && (needs == 0 || makers > 0)
}

// met reports whether every state that is needed can be had often enough, from the beginning on.
func (d *demand) met(init int32) bool {
	for v := range d.needs {
		makers := d.makers[v]
		if int32(v) == init {
			makers++
		}
		if d.needs[v] > 0 && makers == 0 || d.takes[v] > makers {
			return false
		}
	}
	return true
}
