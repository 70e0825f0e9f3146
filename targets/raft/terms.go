package raft

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	hraft "github.com/hashicorp/raft"
)

// terms is the stable store of the library, which also remembers the highest term ever written to it. A node writes a
// term down before it votes in it, so the highest one tells whether it can have elected a later leader. (The term
// that the library reports can step back for a moment when a heartbeat and a vote race.)
type terms struct {
	hraft.StableStore
	highest atomic.Uint64
}

// The keys under which the library writes terms.
const (
	keyCurrentTerm  = "CurrentTerm"
	keyLastVoteTerm = "LastVoteTerm"
)

func newTerms(store hraft.StableStore) (*terms, error) {
	t := &terms{StableStore: store}
	for _, key := range []string{keyCurrentTerm, keyLastVoteTerm} {
		term, err := store.GetUint64([]byte(key))
		if err != nil && err.Error() != "not found" { // as the library itself tells them apart
			return nil, fmt.Errorf("read %s: %w", key, err)
		}
		t.raise(term)
	}
	return t, nil
}

func (t *terms) raise(term uint64) {
	for {
		highest := t.highest.Load()
		if term <= highest || t.highest.CompareAndSwap(highest, term) {
			return
		}
	}
}

// SetUint64 writes a number.
func (t *terms) SetUint64(key []byte, value uint64) error {
	if string(key) == keyCurrentTerm || string(key) == keyLastVoteTerm {
		t.raise(value)
	}
	return t.StableStore.SetUint64(key, value)
}

// Set writes bytes; stores that keep numbers as bytes may be written to this way too.
func (t *terms) Set(key, value []byte) error {
	if string(key) == keyCurrentTerm && len(value) == 8 {
		t.raise(binary.BigEndian.Uint64(value))
	}
	return t.StableStore.Set(key, value)
}
