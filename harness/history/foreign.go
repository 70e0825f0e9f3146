package history

import (
	"fmt"
	"math"
	"time"
)

// foreign builds a history from the operations of others, as leniently as Jepsen takes them itself: times may go
// backwards (the order of the lines is the order of events), an info may come without an invocation, the nemesis is a
// process, and a process may be anything.
type foreign struct {
	b           Builder
	in          *interner
	tally       tally
	bank        bank
	independent bool
	guess       keyGuess
	nemesis     nemesisLog
	strikes     map[int]Strike // that capsize wrote
	deeds       int            // operations of the nemesis that capsize wrote: they have indices in the file alone
	names       map[string]int // processes that are no numbers
}

// firstNamed is the number of the first process that has only a name.
const firstNamed = 1 << 30

func newForeign(independent bool) *foreign {
	in := newInterner()
	return &foreign{in: in, tally: tally{in: in}, independent: independent, names: make(map[string]int),
		strikes: make(map[int]Strike)}
}

// bad is an error about an operation.
func (o *foreignOp) bad(format string, args ...any) problem {
	p := o.place
	p.Text = fmt.Sprintf(format, args...)
	return &p
}

// add takes the next operation.
func (h *foreign) add(o *foreignOp) problem {
	op, ok := Op{}, false
	if op.Type, ok = typeOf(o.kind); !ok {
		return o.bad("found an operation of type %s, expected :invoke, :ok, :fail or :info", h.show(o.kind))
	}
	op.Index, op.Time = h.position(o)
	if isNemesis(o.process) {
		if o.strike != nil {
			h.b.last = op.Time
			return h.addStrike(o)
		}
		h.nemesis.add(h.show(o.f), h.show(o.value), op.Time)
		h.b.next, h.b.last = op.Index+1, op.Time
		return nil
	}
	op.Process = h.process(o)
	at, open := h.b.open[op.Process]
	switch {
	case o.f != nil:
		op.F = h.show(o.f)
	case op.Type != Invoke && open:
		op.F = h.b.history.Pairs[at].F
	default:
		return o.bad("found an operation without :f, expected the name of a function")
	}
	if op.Type == Info && !open {
		h.tally.add(o.place.Line, "%d infos without an invocation were skipped")
		return nil
	}
	op.Error, op.Node = h.show(o.err), h.show(o.node)
	op.Final, op.Hung, op.Unmet = isTrue(o.final), isTrue(o.hung), isTrue(o.unmet)
	if p := o.numbers(&op); p != nil {
		return p
	}
	if p := h.key(o, &op); p != nil {
		return p
	}
	if err := h.b.Add(op); err != nil {
		p := o.bad("%s", err)
		p.Err = err
		return p
	}
	return nil
}

// addStrike takes an operation of the nemesis that capsize wrote.
func (h *foreign) addStrike(o *foreignOp) problem {
	h.deeds++
	switch v := o.strike.(type) {
	case int64:
		return nil
	case string:
		s, p := parseStrike([]byte(v))
		if p != nil {
			return o.bad("found a strike that cannot be read (%s)", p.Text)
		}
		h.strikes[s.ID] = s
		return nil
	}
	return o.bad("found a strike that is no text, expected a line of faults.jsonl or an id")
}

// position gives an operation its index and its time, which grow whatever the file says.
func (h *foreign) position(o *foreignOp) (int, time.Duration) {
	index, at := h.b.next, h.b.last
	if n, ok := o.index.(int64); ok {
		n -= int64(h.deeds)
		switch {
		case n >= int64(index) && n < math.MaxInt:
			index = int(n)
		case n >= 0: // -1 is how Knossos says none
			h.tally.add(o.place.Line, "%d indices that did not grow were replaced by the order of the file")
		}
	}
	nanos, ok := o.time.(int64)
	if f, isFloat := o.time.(float64); isFloat && f >= 0 && f < math.MaxInt64/2 {
		nanos, ok = int64(f), true
	}
	switch {
	case !ok:
		if h.b.next > 0 && at < math.MaxInt64 {
			at++
		}
		h.tally.add(o.place.Line, "%d operations without a time were taken in the order of the file, 1 ns apart")
	case nanos < int64(at):
		h.tally.add(o.place.Line, "%d times that went backwards were moved up: the order of the file is the order of events")
	default:
		at = time.Duration(nanos)
	}
	return index, at
}

func isNemesis(process any) bool {
	switch p := process.(type) {
	case ednKeyword:
		return p == "nemesis"
	case ednSymbol:
		return p == "nemesis"
	case string:
		return p == "nemesis"
	}
	return false
}

// process numbers a process. What is not a number of a reasonable size gets one of its own.
func (h *foreign) process(o *foreignOp) int {
	if n, ok := o.process.(int64); ok && n >= 0 && n < firstNamed {
		return int(n)
	}
	name := h.show(o.process)
	n, ok := h.names[name]
	if !ok {
		n = firstNamed + len(h.names)
		h.names[name] = n
		h.tally.add(o.place.Line, fmt.Sprintf("%%d processes without a number got one, from %d", firstNamed))
	}
	return n
}

// key reads the value, and takes the key from a value [key value] where the keys are independent. Where nobody said so
// it watches for the signs of it.
func (h *foreign) key(o *foreignOp, op *Op) (p problem) {
	if o.keyed != byValue {
		h.guess.against = true
		op.Key = h.show(o.key)
		if o.keyed == byMark && o.key != nil {
			tuple, ok := o.value.(ednList)
			if !ok || len(tuple) != 2 {
				return o.bad("found :%skey without a value [key value], expected one", ednOurs)
			}
			o.value = tuple[1]
		}
		op.Value, p = h.value(o, op.F)
		return p
	}
	if op.Value, p = h.value(o, op.F); p != nil {
		return p
	}
	if !h.independent {
		if op.Type == Invoke {
			tag, tagged := o.value.(ednTagged)
			h.guess.add(op.F, op.Value, tagged && isTuple(tag))
		}
		return nil
	}
	key, rest, ok := splitKey(op.Value)
	switch {
	case ok:
		op.Key, op.Value = h.in.text([]byte(key)), rest
	case op.Type == Invoke:
		return o.bad("found the value %s, expected [key value] (the keys were said to be independent)", h.show(o.value))
	}
	return nil
}

// value brings an operation's value into normal form.
func (h *foreign) value(o *foreignOp, f string) (any, problem) {
	v, ok := h.tally.normal(h.bank.lists(f, o.value, o.place.Line), 0, o.place.Line)
	if !ok {
		return nil, o.bad("found a value nested too deep, expected lists at most %d deep", MaxDepth)
	}
	return v, nil
}

// show writes a value where a name is wanted.
func (h *foreign) show(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case ednKeyword:
		return string(v)
	case ednSymbol:
		return string(v)
	}
	lost := tally{in: h.in}
	n, ok := lost.normal(v, 0, 0)
	if !ok {
		return "(nested too deep)"
	}
	if text, ok := n.(string); ok {
		return text
	}
	return h.in.text([]byte(textOf(n)))
}

// finish returns the history.
func (h *foreign) finish() History {
	if !h.independent && h.guess.independent() {
		h.split()
	}
	h.tally.notes(&h.b)
	if h.bank.transfers == 0 {
		h.bank.reads.notes(&h.b)
	}
	strikes := byID(h.strikes)
	guessed, note := h.nemesis.strikes(h.b.last)
	for _, s := range guessed {
		if n := len(strikes); n > 0 {
			s.ID = strikes[n-1].ID + 1
		}
		strikes = append(strikes, s)
	}
	h.b.history.Strikes = strikes
	if note != "" {
		h.b.Note("%s", note)
	}
	return h.b.History()
}
