package checkers

import (
	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// Stream judges registers while they are used, every key by a [linear.Stream]. Of other models it returns nil: nothing is
// known of them before the end. Compare-and-sets that failed it takes to say nothing.
func (c linearizable) Stream() harness.Stream {
	if _, is := c.model.object.(register); !is {
		return nil
	}
	return &stream{keys: map[string]*streamKey{}, open: map[int]*streamKey{}}
}

// stream judges a history line by line. What it keeps of a key that was not used for a while is that there was one: keys
// are retired in the long run, and what is used again after that is for the checker of whole histories.
type stream struct {
	keys  map[string]*streamKey
	open  map[int]*streamKey // by process
	lines int
}

type streamKey struct {
	judge *linear.Stream // nil where the key is retired
	open  int            // operations
	used  int            // the line of its last event
}

// retireAfter is how many lines of other keys make a key retired.
const retireAfter = 1 << 18

// Add takes the next line.
func (s *stream) Add(op history.Op) (key string, suspect bool) {
	if s.lines++; s.lines%retireAfter == 0 {
		s.retire()
	}
	k := s.open[op.Process]
	if op.Type == history.Invoke {
		if k = s.keys[op.Key]; k == nil {
			k = &streamKey{judge: linear.NewStream()}
			s.keys[op.Key] = k
		}
		s.open[op.Process] = k
		k.open++
	} else if k != nil {
		delete(s.open, op.Process)
		k.open--
	}
	if k == nil {
		return "", false
	}
	k.used = s.lines
	if k.judge == nil {
		return op.Key, true
	}
	k.tell(op)
	return op.Key, k.judge.Unfit() || k.judge.Illegal() != ""
}

func (k *streamKey) tell(op history.Op) {
	at := int64(op.Index)
	switch op.Type {
	case history.Invoke:
		kind, value, from := streamed(op)
		k.judge.Call(op.Process, at, kind, value, from)
	case history.OK:
		k.judge.Return(op.Process, at, values.Identity(op.Value))
	case history.Fail:
		k.judge.Fail(op.Process)
	default:
		k.judge.GiveUp(op.Process)
	}
}

// streamed is a call as a linear.Stream wants it.
func streamed(op history.Op) (kind linear.Kind, value, from any) {
	switch function(op.F) {
	case "write":
		return linear.Write, values.Identity(op.Value), nil
	case "cas":
		if both, _ := values.Elements(op.Value); len(both) == 2 {
			return linear.Swap, values.Identity(both[1]), values.Identity(both[0])
		}
	}
	return linear.Read, nil, nil
}

// retire lets go of the keys that were not used for long.
func (s *stream) retire() {
	for _, k := range s.keys {
		if k.open == 0 && s.lines-k.used > retireAfter {
			k.judge = nil
		}
	}
}
