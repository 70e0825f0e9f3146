package levels

import "math"

// remembered is the newest that a client has seen, or stored: an operation, and since when that can have been there.
type remembered struct {
	op    int32
	since int64
	some  bool
}

func (m *remembered) keep(op int32, since int64) {
	if !m.some || since > m.since {
		*m = remembered{op, since, true}
	}
}

// sessions looks for what contradicts the session guarantees for certain: a client that sees a value of which every
// source had returned when it stored something itself, or when what it saw before was first stored. Nothing can show
// that a client's writes took effect in another order, for its later one had not returned when the earlier one was
// called.
//
// Cost: O(n log n).
func (r *reused) sessions() (found [guarantees]Session) {
	for g := range found {
		found[g].Held = true
	}
	take := func(g Guarantee, i int32, earlier remembered, returned int64) {
		s := &found[g]
		if !earlier.some {
			return
		}
		s.Asked++
		if returned >= earlier.since {
			return
		}
		if s.Broken++; s.Held {
			s.Held, s.Witness = false, r.contradiction(i, earlier.op, returned)
		}
	}
	saw, stored := make([]remembered, r.people), make([]remembered, r.people)
	for i := range r.ops {
		i := int32(i)
		o, s := &r.ops[i], r.session[i]
		if o.Pending() {
			continue // nobody knows, and nothing has to come after it
		}
		look, looked := looks(o)
		if looked {
			returned, some := r.sources(look, o.Return)
			if !some {
				returned = math.MaxInt64
			}
			take(ReadYourWrites, i, stored[s], returned)
			take(MonotonicReads, i, saw[s], returned)
		}
		if stores(o) {
			take(MonotonicWrites, i, stored[s], o.Return)
			take(WritesFollowReads, i, saw[s], o.Return)
		}
		if looked {
			saw[s].keep(i, r.first(look))
		}
		if stores(o) {
			stored[s].keep(i, o.Call)
		}
	}
	return found
}

// contradiction shows two operations of a client, the last source of what the one saw, and the first store of what the
// other saw.
func (r *reused) contradiction(i, earlier int32, returned int64) []int32 {
	shown := []int32{i, earlier}
	if v, looked := looks(&r.ops[i]); looked {
		shown = append(shown, r.source(v, returned)...)
	}
	if v, looked := looks(&r.ops[earlier]); looked && r.starts[v] < r.starts[v+1] {
		shown = append(shown, r.makers[r.starts[v]])
	}
	return sorted(shown)
}
