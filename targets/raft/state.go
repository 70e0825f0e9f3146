package raft

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	hraft "github.com/hashicorp/raft"
)

// command is one entry of the replicated log: an operation that changes the state.
type command struct {
	Op       string  `json:"op"`
	Key      string  `json:"key"`
	Value    int64   `json:"value,omitempty"`
	Old      int64   `json:"old,omitempty"`
	Elements []int64 `json:"elements,omitempty"` // of opPutList; of opPutBalances, an account and a balance in turn
	Txn      []micro `json:"txn,omitempty"`      // of opTxn
	Expect   []micro `json:"expect,omitempty"`   // of opTxn: reads that must see the same still; see bugs.writeSkew
	From     int64   `json:"from,omitempty"`     // of opTransfer, as To; the amount is Value
	To       int64   `json:"to,omitempty"`
}

// isBlind reports whether the answer to a command is known before it is carried out.
func (c command) isBlind() bool { return c.Op != opCAS && c.Op != opTxn && c.Op != opTransfer }

// What no request asks for.
const (
	opPutList     = "put-list"     // replaces a whole list; see bugs.lostAppend
	opPutBalances = "put-balances" // sets accounts; see bugs.lostUpdate
)

// applied is what the state answers to a command.
type applied struct {
	revision uint64
	mismatch string // why a condition did not hold; "" where the command did what it says
	txn      []micro
}

// state is the replicated state machine. Each kind of object has a name space of its own. It may be read while it is
// changed.
type state struct {
	mu       sync.RWMutex
	revision uint64 // index of the last command, also of one that changed nothing
	data     tables
	passed   chan struct{} // closed and replaced when revision grows and someone waits
	waiting  bool
}

// tables are the objects by kind.
type tables struct {
	Registers map[string]int64   `json:"registers"`
	Counters  map[string]int64   `json:"counters"`
	Lists     map[string][]int64 `json:"lists"`
	Sets      map[string]*set    `json:"sets"`
	Accounts  []int64            `json:"accounts"` // their balances
}

// set keeps its elements in the order in which they came.
type set struct {
	Elements []int64 `json:"elements"`
	has      map[int64]bool
}

func newState() *state {
	return &state{passed: make(chan struct{}), data: tables{
		Registers: map[string]int64{}, Counters: map[string]int64{},
		Lists: map[string][]int64{}, Sets: map[string]*set{}, Accounts: newAccounts(),
	}}
}

// Apply carries out one committed entry. It is called by the library, in the order of the log.
func (s *state) Apply(entry *hraft.Log) any {
	var c command
	err := json.Unmarshal(entry.Data, &c)
	s.mu.Lock()
	defer s.mu.Unlock()
	var result any = err
	if err == nil {
		txn, mismatch := s.data.change(c)
		result = applied{revision: entry.Index, mismatch: mismatch, txn: txn}
	}
	s.revision = entry.Index
	if s.waiting {
		s.waiting = false
		close(s.passed)
		s.passed = make(chan struct{})
	}
	return result
}

// change carries out a command, or says why it changed nothing. It returns a transaction with what its reads saw.
func (t *tables) change(c command) (txn []micro, mismatch string) {
	switch c.Op {
	case opWrite:
		t.Registers[c.Key] = c.Value
	case opCAS:
		value, found := t.Registers[c.Key]
		if mismatch := compare(value, found, c.Old); mismatch != "" {
			return nil, mismatch
		}
		t.Registers[c.Key] = c.Value
	case opAppend:
		t.Lists[c.Key] = append(t.Lists[c.Key], c.Value)
	case opPutList:
		t.Lists[c.Key] = c.Elements
	case opAdd:
		if t.Sets[c.Key] == nil {
			t.Sets[c.Key] = &set{has: map[int64]bool{}}
		}
		if s := t.Sets[c.Key]; !s.has[c.Value] {
			s.has[c.Value] = true
			s.Elements = append(s.Elements, c.Value)
		}
	case opIncrement:
		t.Counters[c.Key] += c.Value
	case opTxn:
		if mismatch := t.conflict(c.Expect); mismatch != "" {
			return nil, mismatch
		}
		return t.transact(c.Txn), ""
	case opTransfer:
		return nil, t.transfer(c.From, c.To, c.Value)
	case opPutBalances:
		for i := 0; i+1 < len(c.Elements); i += 2 {
			t.Accounts[c.Elements[i]] = c.Elements[i+1]
		}
	default:
		return nil, fmt.Sprintf("there is no operation %q", c.Op)
	}
	return nil, ""
}

// compare says how a register differs from what a cas expects; "" where it does not.
func compare(value int64, found bool, old int64) string {
	switch {
	case !found:
		return fmt.Sprintf("there is no value, expected %d", old)
	case value != old:
		return fmt.Sprintf("the value is %d, expected %d", value, old)
	default:
		return ""
	}
}

// read answers a reading request from the state as it is.
func (s *state) read(req request) response {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.data.read(req)
	r.Revision = s.revision
	return r
}

func (t *tables) read(req request) response {
	r := response{Outcome: done}
	switch req.Op {
	case opRead:
		r.Value, r.Found = t.Registers[req.Key]
	case opCounter:
		r.Value, r.Found = t.Counters[req.Key]
	case opList: // lists only grow, or are replaced as a whole: the prefix may be shared
		r.Elements, r.Found = t.Lists[req.Key]
	case opMembers:
		if s := t.Sets[req.Key]; s != nil {
			r.Elements, r.Found = s.Elements, true
		}
	case opTxn:
		r.Txn = t.transact(req.Txn)
	case opBalances: // they change in place
		r.Elements, r.Found = slices.Clone(t.Accounts), true
	default:
		return response{Outcome: notApplied, Error: fmt.Sprintf("there is no operation %q", req.Op)}
	}
	return r
}

// position returns the revision, and a channel that is closed when it grows.
func (s *state) position() (uint64, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = true
	return s.revision, s.passed
}

// Snapshot captures the state. Lists and sets share what they have so far with it: they only grow behind it.
func (s *state) Snapshot() (hraft.FSMSnapshot, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return &snapshot{Revision: s.revision, Data: s.data.clone()}, nil
}

func (t *tables) clone() tables {
	sets := make(map[string]*set, len(t.Sets))
	for key, s := range t.Sets {
		sets[key] = &set{Elements: slices.Clip(s.Elements)}
	}
	lists := make(map[string][]int64, len(t.Lists))
	for key, elements := range t.Lists {
		lists[key] = slices.Clip(elements)
	}
	return tables{
		Registers: maps.Clone(t.Registers), Counters: maps.Clone(t.Counters), Lists: lists, Sets: sets,
		Accounts: slices.Clone(t.Accounts),
	}
}

// index makes again what a set does not write down.
func (t *tables) index() {
	for _, s := range t.Sets {
		s.has = make(map[int64]bool, len(s.Elements))
		for _, element := range s.Elements {
			s.has[element] = true
		}
	}
}

// Restore replaces the state with a snapshot's.
func (s *state) Restore(from io.ReadCloser) error {
	defer from.Close()
	restored := snapshot{Data: newState().data}
	if err := json.NewDecoder(from).Decode(&restored); err != nil {
		return fmt.Errorf("restore a snapshot: %w", err)
	}
	restored.Data.index()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision, s.data = restored.Revision, restored.Data
	close(s.passed)
	s.passed = make(chan struct{})
	return nil
}

// snapshot is the state at one revision.
type snapshot struct {
	Revision uint64 `json:"revision"`
	Data     tables `json:"data"`
}

// Persist writes the snapshot while the state goes on changing.
func (s *snapshot) Persist(sink hraft.SnapshotSink) error {
	if err := json.NewEncoder(sink).Encode(s); err != nil {
		_ = sink.Cancel()
		return fmt.Errorf("write a snapshot: %w", err)
	}
	return sink.Close()
}

// Release has nothing to let go.
func (*snapshot) Release() {}
