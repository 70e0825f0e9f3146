package txn

import (
	"errors"
	"fmt"

	"github.com/capsize-dev/capsize/checkers/internal/retired"
	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness/history"
)

// stream judges transactions line by line: something is wrong with a beginning of a history if and only if the checker
// of whole histories finds something in it. What it finds without a circle is wrong at once, circles are found when the
// suspects are asked for, or now and then before.
//
// It keeps a transaction while an edge into it, or into what leads to it, may still come: see [stream.look]. Of a key
// it keeps the list, or the values that may still be seen, until it was not used for long. Then it is retired: what was
// never read of it does not hold up transactions any more, and if it is used again nobody can tell, so that the checker
// of whole histories is to look at this key. What goes unseen is a circle over a retired key and others.
//
// Values are whole numbers, others are more than it can tell. So is a value that is stored again while its key is kept,
// for which the checkers of whole histories refuse to judge.
//
// Cost: O(1) for an operation and for an element read, amortised, where no key has many appends that nobody read.
type stream struct {
	rules
	keys     map[any]*streamKey
	open     map[int]*streamTxn // by process
	txns     []*streamTxn       // that are kept
	kept     int                // how many of them the last look left
	now      *vertex            // leads to all that are called from now on
	returned []*streamTxn       // since now was made
	gone     retired.Keys
	unclear  []*streamKey // retired ones that were used again
	wrong    map[string]bool
	numbered int // keys
	lines    int
	news     bool // since the last look
	unfit    bool
	patience int    // after how many lines of other keys a key is retired
	epoch    uint32 // of looks
}

// rules are what lists and registers differ in.
type rules interface {
	isOfLists() bool
	// call is told of what a transaction that was called stores. The error says that the model does not allow it.
	call(s *stream, st *stored) error
	// see is told of a read of a transaction that returned: of the operation of this number.
	see(s *stream, t *streamTxn, deeds []deed, i int)
	// commit is told that it returned, after all it read.
	commit(s *stream, t *streamTxn, deeds []deed)
	// undone reports whether what a transaction that failed would have stored was not seen, and forgets it.
	undone(st *stored) bool
}

// streamTxn is a transaction. Times are numbers of lines.
type streamTxn struct {
	vertex
	stores  []*stored
	keys    []*streamKey
	call    int
	ret     int        // [never] where it did not return ok
	seen    int        // from when on whoever is called must see what it stored, or [never] while that is not known
	through *streamKey // what was read when that was known, if it had not returned then
	unseen  int        // stores of which nobody knows where they are in their keys' orders
	open    bool
	room    room
}

// room is what most transactions need.
type room struct {
	out    [4]*vertex
	stores [4]*stored
	keys   [4]*streamKey
}

// stored is what a transaction stored in a key.
type stored struct {
	key   *streamKey
	value word
	by    *streamTxn
	final bool // it stored nothing in this key after it
	place int  // lists: how many elements are before it, or none where nobody saw it
	// over is from when on whoever is called must see: of lists this, of registers something newer.
	over  limit
	after *vertex // registers: leads to what certainly came later
}

// streamKey is a key, or one that was retired.
type streamKey struct {
	id      any
	number  int
	name    string // among the suspects: one that two keys have does no harm, for both are looked at
	used    int    // the line at which it was used last
	retired bool
	written bool // long forks: somebody called a write
	noted   bool // among the unclear
	stored  map[word]*stored
	lists   listKey
	regs    registerKey
}

// deed is an operation of a transaction that returned.
type deed struct {
	key   *streamKey
	value word
	list  []int64
	read  bool
}

// retireAfter is how many lines of other keys make a key retired.
const retireAfter = 1 << 16

func newStream(r rules) *stream {
	return &stream{
		rules: r, keys: map[any]*streamKey{}, open: map[int]*streamTxn{}, now: &vertex{}, gone: retired.New(),
		wrong: map[string]bool{}, patience: retireAfter,
	}
}

// Size is how many transactions and values it remembers.
func (s *stream) Size() int {
	n := len(s.txns)
	for _, k := range s.keys {
		n += len(k.stored)
	}
	return n
}

// Add takes the next line.
func (s *stream) Add(op history.Op) {
	s.lines++
	s.news = true
	if s.unfit {
		return
	}
	if err := s.add(&op); err != nil {
		s.unfit = true
		s.forget()
		return
	}
	if s.lines%s.patience == 0 {
		s.retire()
	}
	const few = 1 << 10
	if len(s.txns) > 2*s.kept+few {
		s.look()
	}
}

func (s *stream) add(op *history.Op) error {
	if op.Type == history.Invoke {
		return s.begin(op)
	}
	t := s.open[op.Process]
	if t == nil {
		return nil
	}
	delete(s.open, op.Process)
	t.open = false
	switch op.Type {
	case history.OK:
		return s.end(t, op)
	case history.Fail:
		for _, st := range t.stores {
			if !st.key.retired && !s.undone(st) {
				s.accuse(st.key)
			}
		}
		t.letGo()
	}
	return nil
}

// begin takes a call.
func (s *stream) begin(op *history.Op) error {
	if op.F != "txn" {
		return fmt.Errorf("%s is no transaction", op.F)
	}
	ops, isList := values.Elements(op.Value)
	if !isList || op.Value == nil {
		return fmt.Errorf("%s is no transaction", words.Spell(op.Value))
	}
	t := &streamTxn{call: s.lines, ret: never, seen: never, open: true}
	t.txn, t.out, t.stores, t.keys = t, t.room.out[:0], t.room.stores[:0], t.room.keys[:0]
	s.tick()
	s.now.lead(&t.vertex)
	for _, o := range ops {
		p, err := parse(o, s.isOfLists())
		if err != nil {
			return err
		}
		k := s.key(p.key)
		t.keys = append(t.keys, k)
		if p.read || k.retired {
			continue
		}
		w, err := whole(p.value)
		if err != nil {
			return err
		}
		if k.stored[w] != nil {
			return fmt.Errorf("%s is stored again", words.Spell(p.value))
		}
		st := &stored{key: k, value: w, by: t, final: true, place: none, over: unlimited}
		k.stored[w] = st
		for _, before := range t.stores {
			before.final = before.final && before.key != k
		}
		t.stores = append(t.stores, st)
		t.unseen++
		if err := s.call(s, st); err != nil {
			return err
		}
	}
	s.open[op.Process] = t
	s.txns = append(s.txns, t)
	return nil
}

// tick makes those who have returned come before all that are called from now on.
func (s *stream) tick() {
	if len(s.returned) == 0 {
		return
	}
	next := &vertex{}
	s.now.lead(next)
	for _, t := range s.returned {
		t.lead(next)
	}
	s.now, s.returned = next, s.returned[:0]
}

var errOthers = errors.New("it returned other operations than were called")

// end takes the return of a transaction that committed.
func (s *stream) end(t *streamTxn, op *history.Op) error {
	ops, _ := values.Elements(op.Value)
	var room [8]deed
	deeds, stores := room[:0], 0
	if len(ops) != len(t.keys) {
		return errOthers
	}
	for i, o := range ops {
		p, err := parse(o, s.isOfLists())
		if err != nil {
			return err
		}
		d := deed{key: t.keys[i], read: p.read}
		d.key.used = s.lines
		if p.read && s.isOfLists() {
			d.list, err = wholes(p.value)
		} else {
			d.value, err = whole(p.value)
		}
		if err != nil {
			return err
		}
		if values.Identity(p.key) != d.key.id {
			return errOthers
		}
		if !d.read && stores < len(t.stores) && t.stores[stores].key == d.key && t.stores[stores].value == d.value {
			stores++
		} else if !d.read && !d.key.retired {
			return errOthers
		}
		deeds = append(deeds, d)
	}
	if stores < len(t.stores) {
		return errOthers
	}
	t.ret = s.lines
	for i, d := range deeds {
		switch {
		case d.key.retired:
			s.doubt(d.key)
		case d.read:
			s.see(s, t, deeds, i)
		}
	}
	s.commit(s, t, deeds)
	s.returned = append(s.returned, t)
	return nil
}

// whole is the word of a value that is a whole number, or nil.
func whole(v any) (word, error) {
	switch v := v.(type) {
	case nil:
		return nothing, nil
	case int64:
		return v, nil
	}
	return 0, fmt.Errorf("%s is no whole number", words.Spell(v))
}

func wholes(v any) ([]int64, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []int64:
		return v, nil
	case []any:
		if len(v) == 0 {
			return nil, nil
		}
	}
	return nil, fmt.Errorf("%s is no list of whole numbers", words.Spell(v))
}

// Suspects names keys with which, taken by themselves, something is wrong, and retired ones that were used again; or
// nothing, which stands for everything, where it cannot tell. After something is wrong it begins anew, with all keys
// that were used retired: whoever asked does not stop only if the checker of whole histories did not find it in time.
func (s *stream) Suspects() (wrong, unclear []string) {
	if s.unfit {
		if s.news {
			unclear = []string{everything}
		}
		s.news = false
		return nil, unclear
	}
	if s.news {
		s.look()
	}
	for name := range s.wrong {
		wrong = append(wrong, name)
	}
	for _, k := range s.unclear {
		k.noted = false
		unclear = append(unclear, k.name)
	}
	s.unclear = s.unclear[:0]
	if len(wrong) > 0 {
		s.forget()
	}
	return wrong, unclear
}

// everything stands for all keys.
const everything = ""
