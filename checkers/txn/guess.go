package txn

import (
	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/harness/history"
)

// Guess returns which model of this package fits the operations of transactions, and a few words why.
func Guess(h history.History) (model, why string) {
	writes := map[any]int{}
	stores, manyReads, alone := false, false, true
	for i := range h.Pairs {
		ops, _ := values.Elements(h.Pairs[i].Input)
		reads, own := 0, 0
		for _, op := range ops {
			parts, _ := op.([]any)
			if len(parts) != 3 {
				continue
			}
			switch parts[0] {
			case "append":
				return "list-append", "its transactions append"
			case "w", "write":
				stores, own = true, own+1
				writes[values.Identity(parts[1])]++
			default:
				reads++
			}
		}
		manyReads = manyReads || reads > 1
		alone = alone && (own == 0 || own == 1 && reads == 0)
	}
	once := true
	for _, n := range writes {
		once = once && n == 1
	}
	if stores && manyReads && alone && once && len(writes) > 2 {
		return "long-fork", "its transactions write one key, once, or read several"
	}
	if !stores && readsLists(h) {
		return "list-append", "its transactions read lists"
	}
	return "rw-register", "its transactions read and write single values"
}

func readsLists(h history.History) bool {
	for i := range h.Pairs {
		ops, _ := values.Elements(h.Pairs[i].Output)
		for _, op := range ops {
			if parts, _ := op.([]any); len(parts) == 3 {
				switch parts[2].(type) {
				case []any, []int64:
					return true
				}
			}
		}
	}
	return false
}
