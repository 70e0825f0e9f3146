package inmem

import (
	"slices"

	"github.com/capsize-dev/capsize/harness"
)

// command is what a client asks for: a read, which the log never sees, or a change.
type command struct {
	op         op
	key        string
	old, value int64
	list       []int64 // replaceList only
	steps      []step  // transact only
	from, to   int64   // transfer only
}

type op uint8

const (
	nothing op = iota // what a new leader commits first
	read
	list
	members
	write
	compareAndSet
	appendTo
	addMember
	replaceList // what a lost append is made of
	transact
	transfer
	balances
)

var opNames = [...]string{
	"nothing", "read", "list", "members", "write", "compare-and-set", "append", "add-member", "replace-list",
	"transact", "transfer", "balances",
}

func (o op) isRead() bool { return o == read || o == list || o == members || o == balances }

// isBlind reports whether the answer to a change is known before it is made.
func (o op) isBlind() bool { return o != compareAndSet && o != transact && o != transfer }

// reply is what became of a command. Where rejected and unknown are empty it happened.
type reply struct {
	value    int64
	found    bool
	list     []int64
	steps    []step // a transaction with what its reads saw
	revision int64
	rejected string // why it certainly did not happen
	unmet    bool   // because a condition does not hold
	unknown  string // why nobody knows whether it happened
}

// state is the data: registers, lists and sets, each under keys of their own, and the accounts of a bank.
type state struct {
	registers map[string]int64
	lists     map[string][]int64
	sets      map[string]*set
	accounts  []int64 // their balances
}

// set keeps its elements in the order in which they came, so that nothing depends on the order of a map.
type set struct {
	elements []int64
	has      map[int64]bool
}

func newState() state {
	return state{
		make(map[string]int64), make(map[string][]int64), make(map[string]*set),
		slices.Repeat([]int64{bankOpening}, bankAccounts),
	}
}

// look answers a read.
func (s state) look(c command) reply {
	switch c.op {
	case read:
		value, found := s.registers[c.key]
		return reply{value: value, found: found}
	case list:
		return reply{list: append([]int64{}, s.lists[c.key]...)}
	case members:
		if set := s.sets[c.key]; set != nil {
			return reply{list: slices.Clone(set.elements)}
		}
	case balances:
		return reply{list: slices.Clone(s.accounts)}
	}
	return reply{list: []int64{}}
}

// apply makes a change. It depends on nothing but the state and the command: every node comes to the same.
func (s state) apply(c command) reply {
	switch c.op {
	case write:
		s.registers[c.key] = c.value
	case compareAndSet:
		if refusal := s.mismatch(c); refusal != "" {
			return reply{rejected: refusal, unmet: true}
		}
		s.registers[c.key] = c.value
	case appendTo:
		s.lists[c.key] = append(s.lists[c.key], c.value)
	case replaceList:
		s.lists[c.key] = slices.Clone(c.list)
	case addMember:
		m := s.sets[c.key]
		if m == nil {
			m = &set{has: make(map[int64]bool)}
			s.sets[c.key] = m
		}
		if !m.has[c.value] {
			m.has[c.value] = true
			m.elements = append(m.elements, c.value)
		}
	case transact:
		return reply{steps: s.transact(c.steps)}
	case transfer:
		if refusal := s.refusal(c); refusal != "" {
			return reply{rejected: refusal, unmet: true}
		}
		s.accounts[c.from] -= c.value
		s.accounts[c.to] += c.value
	}
	return reply{}
}

// mismatch says why a compare-and-set would change nothing; "" where it would.
func (s state) mismatch(c command) string {
	if value, found := s.registers[c.key]; !found || value != c.old {
		return "the value is another one"
	}
	return ""
}

// err is what a client makes of the reply: nil where the call succeeded.
func (r reply) err(node string, c command) error {
	switch {
	case r.unmet:
		return &callError{node, c, r.rejected, harness.ErrUnmet}
	case r.rejected != "":
		return &callError{node, c, r.rejected, harness.ErrNotApplied}
	case r.unknown != "":
		return &callError{node, c, r.unknown, nil}
	}
	return nil
}

// callError is why a call failed. It wraps harness.ErrNotApplied, the end of the call's context, or nothing.
type callError struct {
	node  string
	call  command
	why   string
	cause error
}

func (e *callError) Error() string {
	text := e.node + ": " + opNames[e.call.op] + " " + e.call.key + ": " + e.why
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

func (e *callError) Unwrap() error { return e.cause }
