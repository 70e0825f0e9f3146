package levels

import (
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// visitor is what one session did so far.
type visitor struct {
	read     int32   // the longest read, -1 for none
	appended []int32 // what returned
	furthest int32   // of these the one with the last place in the longest read: those that are not in it are last
}

// sessions asks of every operation what its session did before.
func (l *appendList) sessions() [guarantees]Session {
	var found [guarantees]Session
	for g := range found {
		found[g].Held = true
	}
	visitors := make([]visitor, l.people)
	for i := range visitors {
		visitors[i] = visitor{read: -1, furthest: -1}
	}
	for i := range l.ops {
		if !l.part[i] {
			continue
		}
		o, here, v := &l.ops[i], int32(i), &visitors[l.session[i]]
		if o.Kind == linear.Read {
			found[ReadYourWrites].ask(len(v.appended) > 0, l.missing(v, here), here)
			stale := v.read >= 0 && !beginsWith(l.Object.Seen(i), l.Object.Seen(int(v.read)))
			found[MonotonicReads].ask(v.read >= 0, pick(stale, v.read), here)
			if v.read < 0 || o.Value > l.ops[v.read].Value {
				v.read = here
			}
			continue
		}
		at := l.place[o.Value]
		outrun := at > 0 && v.furthest >= 0 && l.rankIn(l.place, v.furthest) > l.rankIn(l.place, here)
		found[MonotonicWrites].ask(v.furthest >= 0, pick(outrun, v.furthest), here)
		seen := at > 0 && v.read >= 0 && l.begins[v.read] && at <= l.ops[v.read].Value
		found[WritesFollowReads].ask(v.read >= 0, pick(seen, v.read), here)
		if o.Pending() {
			continue // nothing has to come after it
		}
		v.appended = append(v.appended, here)
		if v.furthest < 0 || l.rankIn(l.place, here) > l.rankIn(l.place, v.furthest) {
			v.furthest = here
		}
	}
	return found
}

// pick is an operation where there is reason to name it.
func pick(reason bool, i int32) int32 {
	if reason {
		return i
	}
	return -1
}

// missing returns an append of the same session that a read should show and does not, -1 where there is none.
func (l *appendList) missing(v *visitor, read int32) int32 {
	if len(v.appended) == 0 {
		return -1
	}
	if l.begins[read] {
		return pick(l.rankIn(l.place, v.furthest) > l.rankIn(l.place, read), v.furthest)
	}
	seen := l.Object.Seen(int(read))
	for _, a := range v.appended {
		if !slices.Contains(seen, l.ops[a].Value) {
			return a
		}
	}
	return -1
}

// ask judges one operation, against which an earlier one of its session stands, unless that is -1.
func (s *Session) ask(could bool, earlier, i int32) {
	if !could {
		return
	}
	s.Asked++
	if earlier < 0 {
		return
	}
	s.Broken++
	if s.Held {
		s.Finding = Finding{Witness: sorted([]int32{earlier, i})}
	}
}
