package raft

import (
	"encoding/binary"
	"errors"
	"testing"

	hraft "github.com/hashicorp/raft"
)

// A round needs a majority of different peers that answered in it and know no later term.
func TestRoundCountsWhoConfirms(t *testing.T) {
	for _, test := range []struct {
		name    string
		answers []answer
		ok      bool
	}{
		{"two of four peers", []answer{{"n2", 7, 3}, {"n3", 7, 3}}, true},
		{"a peer that is behind", []answer{{"n2", 7, 2}, {"n3", 7, 3}}, true},
		{"one peer twice", []answer{{"n2", 7, 3}, {"n2", 7, 3}}, false},
		{"an answer of the round before", []answer{{"n2", 7, 3}, {"n3", 6, 3}}, false},
		{"a later term", []answer{{"n2", 7, 3}, {"n3", 7, 4}}, false},
		{"nobody", nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &confirmer{node: &node{over: make(chan struct{})}, answers: make(chan answer, 4)}
			for range 4 {
				c.askers = append(c.askers, &asker{kick: make(chan struct{}, 1)})
			}
			for _, a := range test.answers {
				c.answers <- a
			}
			if err := c.collect(7, 3); (err == nil) != test.ok {
				t.Errorf("%v, expected success %v", err, test.ok)
			}
		})
	}
}

// Peers that owe an answer are asked last, and asked all the same where the others are too few.
func TestRoundAsksTheIdleFirst(t *testing.T) {
	c := &confirmer{}
	for range 4 {
		c.askers = append(c.askers, &asker{kick: make(chan struct{}, 1)})
	}
	kicked := func() (who []int) {
		for i, a := range c.askers {
			select {
			case <-a.kick:
				who = append(who, i)
			default:
			}
		}
		return who
	}
	c.askers[0].busy.Store(true)
	if rest := c.kick(2); len(rest) != 2 {
		t.Errorf("%d are left to be asked later, expected 2", len(rest))
	}
	if who := kicked(); len(who) != 2 || who[0] != 1 || who[1] != 2 {
		t.Errorf("asked %v, expected 1 and 2", who)
	}
	for _, i := range []int{1, 2} {
		c.askers[i].busy.Store(true)
	}
	c.kick(2)
	if who := kicked(); len(who) != 2 || who[1] != 3 {
		t.Errorf("asked %v, expected one that is busy and 3", who)
	}
}

func TestTermsOnlyGrow(t *testing.T) {
	disk := hraft.NewInmemStore()
	set := func(store hraft.StableStore, key string, term uint64) {
		if err := store.SetUint64([]byte(key), term); err != nil {
			t.Fatal(err)
		}
	}
	set(disk, keyCurrentTerm, 4)
	set(disk, keyLastVoteTerm, 5) // a vote that was written before the term
	terms, err := newTerms(disk)
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want uint64) {
		t.Helper()
		if got := terms.highest.Load(); got != want {
			t.Errorf("the highest term is %d, expected %d", got, want)
		}
	}
	expect(5)
	set(terms, keyCurrentTerm, 6)
	expect(6)
	set(terms, keyCurrentTerm, 5)
	set(terms, "another", 9)
	expect(6)
	if got, err := terms.GetUint64([]byte(keyCurrentTerm)); err != nil || got != 5 {
		t.Errorf("the store has %d (%v): it must hold what the library wrote", got, err)
	}
	if err := terms.Set([]byte(keyCurrentTerm), binary.BigEndian.AppendUint64(nil, 8)); err != nil {
		t.Fatal(err)
	}
	expect(8)
	if _, err := newTerms(unreadable{disk}); err == nil {
		t.Error("a store that cannot be read was taken for a new one")
	}
}

type unreadable struct{ hraft.StableStore }

func (unreadable) GetUint64([]byte) (uint64, error) { return 0, errors.New("the disk is gone") }

func TestOptionsAreChecked(t *testing.T) {
	whole := []string{"-cluster", "c", "-node", "n1", "-data", "d", "-peers", "n2=127.0.0.1:1,n3=127.0.0.1:2"}
	o, err := parseOptions(append(whole, "-reads", "leader", "-bug", "torn-cas"))
	if err != nil || o.reads != LeaderReads || !o.bugs.tornCAS || o.Peers["n3"] != "127.0.0.1:2" {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := parseOptions(whole); err != nil || o.reads != Consensus || o.bugs != (bugs{}) {
		t.Errorf("without options: %+v, %v", o, err)
	}
	for _, args := range [][]string{
		{}, {"-reads", "sometimes"}, {"-bug", "all"}, {"-peers", "n2"}, {"-peers", "n2=nowhere"}, {"extra"},
	} {
		if _, err := parseOptions(append(whole[:len(whole):len(whole)], args...)); (err == nil) != (len(args) == 0) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if _, err := parseOptions(whole[2:]); err == nil {
		t.Error("a node without a cluster")
	}
}
