package txn

// registerRules: what comes before what is known as [RWRegister] has it.
type registerRules struct{}

// registerKey is what is known of a register.
type registerKey struct {
	chain    *vertex   // leads to all who store from now on
	first    *vertex   // leads to all who stored; nil once it is wrong to see nothing
	over     limit     // of nothing, as that of [stored], where first is not nil
	fresh    []*stored // whose transactions returned, by that, but for those that are over
	returned []*stored // since chain was made
	swept    int       // how many values were left when those that are over were forgotten the last time, or 0
}

func (registerRules) isOfLists() bool { return false }

func (registerRules) call(s *stream, st *stored) error {
	k := &st.key.regs
	k.begin()
	if len(k.returned) > 0 {
		next := &vertex{}
		k.chain.lead(next)
		for _, before := range k.returned {
			before.after.lead(next)
		}
		k.chain, k.returned = next, k.returned[:0]
	}
	st.after = &vertex{}
	k.chain.lead(&st.by.vertex)
	s.sweep(st.key)
	return nil
}

// begin makes what stands for the register before all that is stored.
func (k *registerKey) begin() {
	if k.chain == nil {
		k.chain = &vertex{}
		k.first, k.over = k.chain, unlimited
	}
}

// sweep forgets the values of a key that nobody may see any more, once there are twice as many as were left the last
// time. To see one is wrong, as it is to see what nobody stored.
func (s *stream) sweep(k *streamKey) {
	const few = 32
	if len(k.stored) < 2*k.regs.swept+few {
		return
	}
	horizon := s.horizon()
	for value, st := range k.stored {
		if st.over.at < horizon && st.by.seen < horizon {
			delete(k.stored, value)
		}
	}
	if k.regs.over.at < horizon {
		k.regs.first = nil
	}
	k.regs.swept = max(1, len(k.stored))
}

func (registerRules) undone(st *stored) bool {
	delete(st.key.stored, st.value)
	return st.by.seen == never
}

// see does for one read what [registers] does for all.
func (registerRules) see(s *stream, t *streamTxn, deeds []deed, i int) {
	k, value := deeds[i].key, deeds[i].value
	st, ok := s.source(t, deeds, i)
	r := &k.regs
	if !ok {
		s.accuse(k)
		if st == nil && r.swept > 0 {
			s.wrong[everything] = true // it may have been seen that it was over in what was read of any key
		}
		return
	}
	switch {
	case st != nil:
		s.within(st.over, t, k)
		s.visible(st.by, k)
		st.by.lead(&t.vertex)
		t.lead(st.after)
		for _, own := range t.stores {
			if own.key == k {
				st.after.lead(&t.vertex)
				st.over.lower(limit{t.ret, nil})
				st.over.lower(limit{t.seen, t.through})
				break
			}
		}
	case value == nothing && outside(deeds, i):
		r.begin()
		s.within(r.over, t, k)
		if r.first != nil {
			t.lead(r.first)
		}
	}
}

// outside reports whether an operation is the first of its transaction on its key.
func outside(deeds []deed, i int) bool {
	for _, before := range deeds[:i] {
		if before.key == deeds[i].key {
			return false
		}
	}
	return true
}

// source returns who stored what a read shows: nil for nobody, or for the transaction itself, or where it was read
// before. It reports whether the read can be right by that.
func (s *stream) source(t *streamTxn, deeds []deed, i int) (*stored, bool) {
	k, value := deeds[i].key, deeds[i].value
	for j := i - 1; j >= 0; j-- {
		if deeds[j].key == k {
			return nil, deeds[j].value == value
		}
	}
	if value == nothing {
		return nil, true
	}
	st := k.stored[value]
	return st, st != nil && st.by != t && st.final
}

// limit is from when on whoever is called must see something newer, and on account of a read of which key, if any.
type limit struct {
	at      int
	through *streamKey
}

var unlimited = limit{at: never}

func (l *limit) lower(to limit) {
	if to.at < l.at {
		*l = to
	}
}

// within accuses a key of which a transaction read what was over when it was called.
func (s *stream) within(l limit, t *streamTxn, k *streamKey) {
	if l.at < t.call {
		s.accuse(k)
		if l.through != nil {
			s.accuse(l.through)
		}
	}
}

// visible is told that a transaction returned, or that somebody has returned who read from it, through a key: from now
// on whoever is called must see what it stored, or something later.
func (s *stream) visible(t *streamTxn, through *streamKey) {
	if t.seen != never {
		return
	}
	t.seen, t.through, t.unseen = s.lines, through, 0
	now := limit{s.lines, through}
	for _, st := range t.stores {
		if st.key.retired {
			continue
		}
		r := &st.key.regs
		r.over.lower(now)
		for len(r.fresh) > 0 && r.fresh[0].by.ret < t.call {
			r.fresh[0].over.lower(now)
			r.fresh[0] = nil
			r.fresh = r.fresh[1:]
		}
	}
}

func (registerRules) commit(s *stream, t *streamTxn, _ []deed) {
	s.visible(t, nil)
	for _, st := range t.stores {
		if !st.key.retired {
			r := &st.key.regs
			r.fresh, r.returned = append(r.fresh, st), append(r.returned, st)
		}
	}
}
