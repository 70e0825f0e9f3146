package raft

import (
	"fmt"

	"github.com/capsize-dev/capsize/harness"
)

// micro is one step of a transaction and, of a read, what it saw.
type micro struct {
	F     string `json:"f"`
	Key   string `json:"k"`
	Value int64  `json:"v,omitempty"` // that is written or appended; of a read of a register, what it saw
	Found bool   `json:"found,omitempty"`
	// Elements are what a read of a list saw, which has one element at least; nil of a register.
	Elements []int64 `json:"elements,omitempty"`
}

// The steps of a transaction. A read sees the list of the key where there is one, and otherwise the register: whoever
// uses a key for both sees only the list.
const (
	stepRead    = "r"
	stepWrite   = "w"
	stepAppend  = "append"
	stepPutList = "put-list" // replaces a whole list; no request asks for it, see bugs.lostUpdate
)

// The bank that every cluster begins with: accounts 0, 1, … with the same balance each.
const (
	bankAccounts = 8
	bankOpening  = 10
)

func newAccounts() []int64 {
	accounts := make([]int64, bankAccounts)
	for i := range accounts {
		accounts[i] = bankOpening
	}
	return accounts
}

// transact carries out the steps in their order and returns them with what the reads saw.
func (t *tables) transact(steps []micro) []micro {
	results := make([]micro, len(steps))
	for i, step := range steps {
		results[i] = step
		switch step.F {
		case stepRead:
			results[i] = t.look(step.Key)
		case stepWrite:
			t.Registers[step.Key] = step.Value
		case stepAppend:
			t.Lists[step.Key] = append(t.Lists[step.Key], step.Value)
		case stepPutList:
			t.Lists[step.Key] = step.Elements
		}
	}
	return results
}

// look is a read of one key. Lists only grow, or are replaced as a whole: the prefix may be shared.
func (t *tables) look(key string) micro {
	if list := t.Lists[key]; len(list) > 0 {
		return micro{F: stepRead, Key: key, Found: true, Elements: list}
	}
	value, found := t.Registers[key]
	return micro{F: stepRead, Key: key, Value: value, Found: found}
}

// transfer moves an amount between two accounts, or says why not.
func (t *tables) transfer(from, to, amount int64) (refusal string) {
	valid := func(account int64) bool { return 0 <= account && account < int64(len(t.Accounts)) }
	switch {
	case !valid(from) || !valid(to) || from == to:
		return fmt.Sprintf("nothing is transferred from account %d to account %d", from, to)
	case amount <= 0:
		return fmt.Sprintf("%d is no amount to transfer", amount)
	case t.Accounts[from] < amount:
		return fmt.Sprintf("account %d holds %d, which is less than %d", from, t.Accounts[from], amount)
	}
	t.Accounts[from] -= amount
	t.Accounts[to] += amount
	return ""
}

// readsOnly reports whether the steps change nothing.
func readsOnly(steps []micro) bool {
	for _, step := range steps {
		if step.F != stepRead {
			return false
		}
	}
	return true
}

// parseTransaction reads a transaction as a history has it: [["append" "k1" 3] ["r" "k2" nil] …].
func parseTransaction(ops []any) ([]micro, error) {
	steps := make([]micro, len(ops))
	for i, op := range ops {
		parts, isList := op.([]any)
		if !isList || len(parts) != 3 {
			return nil, badStep(op)
		}
		f, isText := parts[0].(string)
		key, isKey := parts[1].(string)
		value, isNumber := parts[2].(int64)
		change := f == stepWrite || f == stepAppend
		if !isText || !isKey || change != isNumber || (!change && (f != stepRead || parts[2] != nil)) {
			return nil, badStep(op)
		}
		steps[i] = micro{F: f, Key: key, Value: value}
	}
	return steps, nil
}

func badStep(op any) error {
	return fmt.Errorf("%w: not sent: %v is no step of a transaction", harness.ErrNotApplied, op)
}

// history is the transaction with what its reads saw, as a history has it.
func (r response) history() []any {
	ops := make([]any, len(r.Txn))
	for i, step := range r.Txn {
		var value any = step.Value
		switch {
		case step.F != stepRead:
		case step.Elements != nil:
			value = step.Elements
		case !step.Found:
			value = nil
		}
		ops[i] = []any{step.F, step.Key, value}
	}
	return ops
}
