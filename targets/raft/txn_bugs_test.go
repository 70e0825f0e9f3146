package raft

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

// outcomeOf is what became of a transaction.
type outcomeOf struct {
	seen []any
	err  error
}

// atOnce carries out a transaction on each client at one moment.
func atOnce(ctx context.Context, clients []*Client, txns ...[]any) []outcomeOf {
	outcomes := make([]outcomeOf, len(txns))
	_ = harness.AtOnce(len(txns), func(i int) error {
		outcomes[i].seen, outcomes[i].err = clients[i].Transact(ctx, txns[i])
		return nil
	})
	return outcomes
}

// listOf is the list that a step of a transaction read.
func (o outcomeOf) listOf(step int) []int64 {
	list, _ := o.seen[step].([]any)[2].([]int64)
	return list
}

// failed reports whether something failed. Such a round shows nothing: a leader may be lost on a busy machine.
func failed(outcomes ...outcomeOf) bool {
	for _, o := range outcomes {
		if o.err != nil {
			return true
		}
	}
	return false
}

// The anomaly of each bug, as a round of concurrent transactions on keys of its own. It reports whether it showed.
var anomalies = map[string]func(ctx context.Context, clients []*Client, key string) bool{
	"lost-update": func(ctx context.Context, clients []*Client, key string) bool {
		both := atOnce(ctx, clients, []any{op("append", key, int64(1))}, []any{op("append", key, int64(2))})
		after := atOnce(ctx, clients, []any{op("r", key, nil)})
		return !failed(both...) && !failed(after...) && len(after[0].listOf(0)) < 2
	},
	"read-skew": func(ctx context.Context, clients []*Client, key string) bool {
		both := atOnce(ctx, clients, []any{op("append", key, int64(1)), op("append", key+"'", int64(1))},
			[]any{op("r", key, nil), op("r", key+"'", nil)})
		return !failed(both...) && len(both[1].listOf(0)) != len(both[1].listOf(1))
	},
	"write-skew": func(ctx context.Context, clients []*Client, key string) bool {
		both := atOnce(ctx, clients, []any{op("r", key, nil), op("append", key+"'", int64(1))},
			[]any{op("r", key+"'", nil), op("append", key, int64(1))})
		return !failed(both...) && both[0].listOf(0) == nil && both[1].listOf(0) == nil
	},
	"dirty-read": func(ctx context.Context, clients []*Client, key string) bool {
		all := atOnce(ctx, clients, []any{op("append", key, int64(1))}, []any{op("append", key, int64(2))},
			[]any{op("r", key, nil)})
		if failed(all[2]) {
			return false
		}
		for _, element := range all[2].listOf(0) {
			if errors.Is(all[element-1].err, harness.ErrNotApplied) {
				return true
			}
		}
		return false
	},
}

// Each bug shows its anomaly after some rounds, and the clean target shows none of them.
func TestBugsOfTransactionsShow(t *testing.T) {
	for name, round := range anomalies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clients := threeClients(t, start(t, "raft/"+name, 3))
			rounds := 0
			eventually(t, name, func() error {
				if rounds++; round(context30(t), clients, fmt.Sprint("k", rounds)) {
					return nil
				}
				return errors.New("it did not show")
			})
		})
	}
	t.Run("clean", func(t *testing.T) {
		t.Parallel()
		clients := threeClients(t, start(t, "raft", 3))
		for name, round := range anomalies {
			for i := range 50 {
				if round(context30(t), clients, fmt.Sprint(name, i)) {
					t.Errorf("%s showed in round %d of the clean target", name, i)
				}
			}
		}
	})
}

func threeClients(t *testing.T, c *Cluster) []*Client {
	return []*Client{connect(t, c, 0), connect(t, c, 1), connect(t, c, 2)}
}
