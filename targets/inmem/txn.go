package inmem

import (
	"context"
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/harness"
)

// step is a part of a transaction and, of a read, what it saw.
type step struct {
	f, key string
	value  int64
	found  bool
	list   []int64 // what a read of a list saw; nil of a register
}

// The steps. A read sees the list of the key where there is one, and otherwise the register.
const (
	stepRead   = "r"
	stepWrite  = "w"
	stepAppend = "append"
)

// The bank that every cluster begins with.
const (
	bankAccounts = 8
	bankOpening  = 10
)

// Transact carries out a transaction in one step: a list of [f key value], f being "append", "w" or "r" (of which the
// value is nil). It returns the same list with what the reads saw: a list, a register's value, or nil.
func (c *Client) Transact(ctx context.Context, ops []any) ([]any, error) {
	steps := make([]step, len(ops))
	for i, op := range ops {
		var err error
		if steps[i], err = parseStep(op); err != nil {
			return nil, fmt.Errorf("%s: transact: %w", c.node, err)
		}
	}
	r, err := c.call(ctx, command{op: transact, steps: steps})
	if err != nil {
		return nil, err
	}
	seen := make([]any, len(r.steps))
	for i, s := range r.steps {
		seen[i] = []any{s.f, s.key, s.saw()}
	}
	return seen, nil
}

func parseStep(op any) (step, error) {
	if parts, isList := op.([]any); isList && len(parts) == 3 {
		f, _ := parts[0].(string)
		key, isKey := parts[1].(string)
		value, isNumber := parts[2].(int64)
		change := (f == stepWrite || f == stepAppend) && isNumber
		if isKey && (change || (f == stepRead && parts[2] == nil)) {
			return step{f: f, key: key, value: value}, nil
		}
	}
	return step{}, fmt.Errorf("%w: %v is no step of a transaction", harness.ErrNotApplied, op)
}

// saw is the step's value as a history has it.
func (s step) saw() any {
	switch {
	case s.f != stepRead:
		return s.value
	case s.list != nil:
		return s.list
	case s.found:
		return s.value
	}
	return nil
}

// Transfer moves an amount between two accounts. Where the first holds less, the error wraps harness.ErrUnmet. A fresh
// cluster has the accounts 0 to 7 with a balance of 10 each.
func (c *Client) Transfer(ctx context.Context, from, to, amount int64) error {
	_, err := c.call(ctx, command{op: transfer, from: from, to: to, value: amount})
	return err
}

// Balances returns every account and its balance, in order of account, as they are at one moment.
func (c *Client) Balances(ctx context.Context) (accounts [][2]int64, err error) {
	r, err := c.call(ctx, command{op: balances})
	for account, balance := range r.list {
		accounts = append(accounts, [2]int64{int64(account), balance})
	}
	return accounts, err
}

// transact carries out the steps in their order and returns them with what the reads saw.
func (s state) transact(steps []step) []step {
	results := slices.Clone(steps)
	for i, st := range steps {
		switch st.f {
		case stepWrite:
			s.registers[st.key] = st.value
		case stepAppend:
			s.lists[st.key] = append(s.lists[st.key], st.value)
		case stepRead:
			results[i].list = slices.Clone(s.lists[st.key])
			results[i].value, results[i].found = s.registers[st.key]
		}
	}
	return results
}

// refusal says why a transfer would change nothing; "" where it would change something.
func (s state) refusal(c command) string {
	valid := func(account int64) bool { return 0 <= account && account < bankAccounts }
	switch {
	case !valid(c.from) || !valid(c.to) || c.from == c.to || c.value <= 0:
		return fmt.Sprintf("%d from account %d to account %d is no transfer", c.value, c.from, c.to)
	case s.accounts[c.from] < c.value:
		return fmt.Sprintf("account %d holds %d, which is less than %d", c.from, s.accounts[c.from], c.value)
	}
	return ""
}
