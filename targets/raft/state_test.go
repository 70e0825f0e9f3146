package raft

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"testing"

	hraft "github.com/hashicorp/raft"
)

// entry is a log entry of a command.
func entry(t testing.TB, index uint64, c command) *hraft.Log {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return &hraft.Log{Index: index, Type: hraft.LogCommand, Data: data}
}

func TestStateCarriesOutCommands(t *testing.T) {
	s := newState()
	for i, c := range []struct {
		command
		mismatch bool
	}{
		{command{Op: opCAS, Key: "x", Old: 0, Value: 1}, true}, // there is no value yet, not 0
		{command{Op: opWrite, Key: "x", Value: 5}, false},
		{command{Op: opCAS, Key: "x", Old: 4, Value: 6}, true},
		{command{Op: opCAS, Key: "x", Old: 5, Value: 6}, false},
		{command{Op: opAppend, Key: "x", Value: 1}, false},
		{command{Op: opAppend, Key: "x", Value: 1}, false},
		{command{Op: opAdd, Key: "x", Value: 1}, false},
		{command{Op: opAdd, Key: "x", Value: 1}, false},
		{command{Op: opIncrement, Key: "x", Value: 3}, false},
		{command{Op: opIncrement, Key: "x", Value: -1}, false},
		{command{Op: "nonsense", Key: "x"}, true},
	} {
		got := s.Apply(entry(t, uint64(i+1), c.command)).(applied)
		if got.revision != uint64(i+1) || (got.mismatch != "") != c.mismatch {
			t.Errorf("%+v: %+v", c.command, got)
		}
	}
	for op, want := range map[string]response{
		opRead:    {Outcome: done, Revision: 11, Found: true, Value: 6},
		opList:    {Outcome: done, Revision: 11, Found: true, Elements: []int64{1, 1}},
		opMembers: {Outcome: done, Revision: 11, Found: true, Elements: []int64{1}},
		opCounter: {Outcome: done, Revision: 11, Found: true, Value: 2},
	} {
		if got := s.read(request{Op: op, Key: "x"}); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, expected %+v", op, got, want)
		}
		if got := s.read(request{Op: op, Key: "y"}); got.Outcome != done || got.Found {
			t.Errorf("%s of nothing: %+v", op, got)
		}
	}
	if _, isError := s.Apply(&hraft.Log{Index: 12, Data: []byte("{")}).(error); !isError {
		t.Error("an entry that cannot be read was carried out")
	}
	if revision, _ := s.position(); revision != 12 {
		t.Errorf("revision %d: every entry must move it, or reads wait for ever", revision)
	}
}

// sink keeps a snapshot in memory.
type sink struct {
	bytes.Buffer
	cancelled bool
}

func (*sink) ID() string      { return "test" }
func (*sink) Close() error    { return nil }
func (s *sink) Cancel() error { s.cancelled = true; return nil }

// A snapshot holds what was there when it was taken, although the state goes on changing before it is written; what
// is restored goes on like the original.
func TestSnapshotIsOfOneMoment(t *testing.T) {
	fill := func(s *state, from, to uint64) {
		for i := from; i < to; i++ {
			for _, op := range []string{opWrite, opAppend, opAdd, opIncrement} {
				s.Apply(entry(t, i, command{Op: op, Key: "k", Value: int64(i)}))
			}
			s.Apply(entry(t, i, command{Op: opTxn, Txn: []micro{{F: stepAppend, Key: "k", Value: -int64(i)}}}))
			s.Apply(entry(t, i, command{Op: opTransfer, From: int64(i % 2), To: 5, Value: 1}))
		}
	}
	s, want := newState(), newState()
	fill(s, 1, 10)
	fill(want, 1, 10)
	taken, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	fill(s, 10, 20)
	var written sink
	if err := taken.Persist(&written); err != nil || written.cancelled {
		t.Fatalf("persist: %v, cancelled %v", err, written.cancelled)
	}
	taken.Release()

	restored := newState()
	fill(restored, 1, 3) // to be forgotten
	if err := restored.Restore(io.NopCloser(&written)); err != nil {
		t.Fatal(err)
	}
	same(t, "restored", restored, want)
	fill(restored, 10, 20)
	restored.Apply(entry(t, 20, command{Op: opAdd, Key: "k", Value: 3})) // has it already
	s.Apply(entry(t, 20, command{Op: opAdd, Key: "k", Value: 3}))
	same(t, "restored and gone on", restored, s)

	if err := restored.Restore(io.NopCloser(bytes.NewBufferString("{"))); err == nil {
		t.Error("half a snapshot was restored")
	}
}

func same(t *testing.T, what string, got, want *state) {
	t.Helper()
	for _, op := range []string{opRead, opList, opMembers, opCounter, opBalances} {
		g, w := got.read(request{Op: op, Key: "k"}), want.read(request{Op: op, Key: "k"})
		if !reflect.DeepEqual(g, w) {
			t.Errorf("%s: %s is %+v, expected %+v", what, op, g, w)
		}
	}
}
