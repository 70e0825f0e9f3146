package linear

import (
	"cmp"
	"slices"
)

// prepare puts everything back to the beginning.
func (s *Sequential) prepare(processes []int32) {
	ops := s.object.Ops
	s.hash, s.extraHash, s.trail, s.extra = [2]uint64{}, [2]uint64{}, s.trail[:0], s.extra[:0]
	s.dead.reset()
	s.next, s.after = resized(s.next, len(ops), -1), resized(s.after, 2*len(ops), -1)
	s.class = resized(s.class, len(ops), 0)
	if s.classes == nil {
		s.classes = map[does]int32{}
	}
	clear(s.classes)
	s.pending, s.size, s.left, s.looks = s.pending[:0], s.size[:0], 0, 0
	var first, ready []int32
	last := resized(nil, len(ops), -1) // by process, of which there are no more
	for i := range ops {               // of each process in its order
		op, before := &ops[i], last[processes[i]]
		switch {
		case op.Pending() && op.Kind.Observes():
		case op.Pending():
			s.classify(int32(i))
			if before < 0 {
				ready = append(ready, int32(i))
				continue
			}
			s.after[len(ops)+i], s.after[before] = s.after[before], int32(i)
		default:
			if s.left++; before < 0 {
				first = append(first, int32(i))
			} else {
				s.next[before] = int32(i)
			}
			last[processes[i]] = int32(i)
		}
	}
	s.stamp, s.base = resized(s.stamp, len(s.pending), -1), s.base[:0]
	base := int32(0)
	for class := range s.pending {
		s.base = append(s.base, base)
		base += s.size[class]
	}
	s.heads.fill(len(ops), first)
	for _, i := range ready {
		s.release(i)
	}
}

func (s *Sequential) classify(i int32) {
	op := &s.object.Ops[i]
	d := does{op.Kind, op.Value, op.From}
	class, known := s.classes[d]
	if !known {
		class = int32(len(s.pending))
		s.classes[d] = class
		s.pending, s.size = append(s.pending, waiting{}), append(s.size, 0)
	}
	s.class[i] = class
	s.size[class]++
}

func (s *Sequential) release(i int32) {
	w := &s.pending[s.class[i]]
	w.ops = append(w.ops, i)
}

// place puts an operation next in the order, which the machine has taken.
func (s *Sequential) place(i int32) {
	s.trail = append(s.trail, i)
	s.far = max(s.far, len(s.trail))
	if s.object.Ops[i].Pending() {
		class := s.class[i]
		toggle(&s.extraHash, s.nth(class))
		s.pending[class].placed++
		s.extra = append(s.extra, class)
		return
	}
	toggle(&s.hash, i)
	s.left--
	at := s.heads.prev[i]
	s.heads.remove(i)
	if n := s.next[i]; n >= 0 {
		for after := s.heads.after(at); after >= 0 && s.object.Ops[after].Call < s.object.Ops[n].Call; {
			at, after = after, s.heads.after(after)
		}
		s.heads.insert(n, at)
	}
	for p := s.after[i]; p >= 0; p = s.after[len(s.next)+int(p)] {
		s.release(p)
	}
}

// nth is a number of a class and how many of it are placed: which ones does not matter, for nothing has to come after
// them.
func (s *Sequential) nth(class int32) int32 {
	return s.base[class] + int32(s.pending[class].placed)
}

// back takes away what was placed, but for the first ones.
func (s *Sequential) back(placed int) {
	for len(s.trail) > placed {
		i := s.trail[len(s.trail)-1]
		s.trail = s.trail[:len(s.trail)-1]
		s.machine.back(i, &s.object.Ops[i])
		if s.object.Ops[i].Pending() {
			class := s.class[i]
			s.pending[class].placed--
			toggle(&s.extraHash, s.nth(class))
			s.extra = s.extra[:len(s.extra)-1]
			continue
		}
		toggle(&s.hash, i)
		s.left++
		for p := s.after[i]; p >= 0; p = s.after[len(s.next)+int(p)] {
			w := &s.pending[s.class[p]]
			w.ops = w.ops[:len(w.ops)-1]
		}
		if n := s.next[i]; n >= 0 {
			s.heads.remove(n)
		}
		s.heads.restore(i)
	}
}

// limit is the last event at which what comes next may have been called.
func (s *Sequential) limit() int64 {
	deadline := int64(Never)
	for i := s.heads.first(); i >= 0 && s.object.Ops[i].Call < deadline; i = s.heads.after(i) {
		deadline = min(deadline, s.object.Ops[i].Return)
	}
	if deadline > Never-s.window {
		return Never
	}
	return deadline + s.window
}

// settle places what is free to stand here, until there is nothing.
func (s *Sequential) settle() {
	for again := true; again; {
		again = false
		limit := s.limit()
		for i := s.heads.first(); i >= 0 && s.object.Ops[i].Call <= limit; {
			op, before := &s.object.Ops[i], s.heads.prev[i]
			if s.machine.free(op) && s.machine.take(i, op) {
				s.place(i)
				again, i = true, s.heads.after(before)
				continue
			}
			i = s.heads.after(i)
		}
	}
}

// option returns the nth of the operations that can come next, -1 where there are no more.
func (s *Sequential) option(nth int) int32 {
	s.options = s.options[:0]
	limit := s.limit()
	s.machine.look()
	for i := s.heads.first(); i >= 0 && s.object.Ops[i].Call <= limit; i = s.heads.after(i) {
		s.machine.waits(&s.object.Ops[i])
	}
	for i := s.heads.first(); i >= 0 && s.object.Ops[i].Call <= limit; i = s.heads.after(i) {
		s.offer(i)
	}
	s.looks++
	for again := true; again; {
		again = false
		for class := range s.pending {
			if i := s.idle(class, limit); i >= 0 && s.machine.chains(&s.object.Ops[i]) {
				again = true
			}
		}
	}
	for class := range s.pending {
		if i := s.idle(class, limit); i >= 0 && s.machine.useful(&s.object.Ops[i]) {
			s.offer(i)
		}
	}
	if nth >= len(s.options) {
		return -1
	}
	slices.SortStableFunc(s.options, func(a, b option) int { return cmp.Compare(a.urgency, b.urgency) })
	return s.options[nth].op
}

// offer adds an operation to the options, if the machine takes it.
func (s *Sequential) offer(i int32) {
	op := &s.object.Ops[i]
	urgency := s.machine.urgency(op)
	if s.machine.take(i, op) {
		s.machine.back(i, op)
		s.options = append(s.options, option{urgency, i})
	}
}

// idle returns an operation of a class that never returned and can come next, -1 where there is none.
func (s *Sequential) idle(class int, limit int64) int32 {
	w := &s.pending[class]
	if w.placed == len(w.ops) || s.object.Ops[w.ops[w.placed]].Call > limit {
		return -1
	}
	return w.ops[w.placed]
}

// remember notes that nothing comes of what was done so far.
func (s *Sequential) remember() {
	if len(s.extra) > manyExtra {
		s.dead.add(s.whole(), nil)
		return
	}
	s.uses = s.uses[:0]
	s.looks++
	for _, class := range s.extra {
		if s.stamp[class] != s.looks {
			s.stamp[class] = s.looks
			s.uses = append(s.uses, use{class, int32(s.pending[class].placed)})
		}
	}
	s.dead.add(s.identity(), s.uses)
}

// hopeless reports whether it is known that nothing comes of what was done so far.
func (s *Sequential) hopeless() bool {
	return s.dead.has(s.identity(), s.pending) || len(s.extra) > manyExtra && s.dead.has(s.whole(), s.pending)
}

// identity stands for the state and the operations placed, except the pending ones.
func (s *Sequential) identity() [2]uint64 {
	id := s.machine.id()
	return [2]uint64{s.hash[0] ^ id[0], s.hash[1] + id[1]}
}

// whole stands for the pending ones too.
func (s *Sequential) whole() [2]uint64 {
	id := s.identity()
	return [2]uint64{id[0] ^ mix(s.extraHash[0]), id[1] + mix(s.extraHash[1])}
}
