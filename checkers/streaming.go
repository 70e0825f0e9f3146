package checkers

import (
	"hash/maphash"

	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// Stream judges a history while it is written, every key by a [linear.Stream].
func (c linearizable) Stream() harness.Stream { return newStream(c.model.object) }

// Stream judges a history while it is written, every key by a [linear.Stream].
func (setChecker) Stream() harness.Stream { return newStream(members{}) }

func newStream(object streamed) *stream {
	return &stream{
		object: object, keys: map[string]*streamKey{}, open: map[int]streamCall{}, seed: maphash.MakeSeed(),
	}
}

// streamed is how an object is judged while it is used.
type streamed interface {
	stream() linear.Stream
	// deed is what a line tells of an operation: of a completion, which is ok, with what the invocation told. False:
	// the object has no such operation.
	deed(op *history.Op, call linear.Deed) (d linear.Deed, known bool)
}

// stream judges a history line by line. What it keeps of a key that was not used for long is that there was one, and of
// many that were used before those not even that: a key that is used again then is for the checker of whole histories,
// or taken for a new one.
type stream struct {
	object streamed
	keys   map[string]*streamKey
	open   map[int]streamCall // by process
	recent []*streamKey       // those that were used since the suspects were asked for
	lines  int
	seed   maphash.Seed
	// gone and goneBefore are hashes of keys that were retired.
	gone, goneBefore map[uint64]struct{}
}

// streamKey is a key, or a part of one that is judged by itself.
type streamKey struct {
	name   string        // of the key
	judge  linear.Stream // nil where it cannot tell
	wrong  bool          // that has been told
	recent bool
	used   int // the line of its last event
}

type streamCall struct {
	key  *streamKey
	deed linear.Deed
}

const (
	// retireAfter is how many lines of other keys make a key retired.
	retireAfter = 1 << 18
	// mostGone is how many retired keys are known for sure; as many again are known if they were retired soon before.
	mostGone = 1 << 18
)

// Add takes the next line.
func (s *stream) Add(op history.Op) {
	if s.lines++; s.lines%retireAfter == 0 {
		s.retire()
	}
	call := s.open[op.Process]
	if op.Type == history.Invoke {
		call = streamCall{key: s.key(&op)}
	} else {
		delete(s.open, op.Process)
	}
	k := call.key
	if k == nil {
		return
	}
	if k.used = s.lines; !k.recent {
		k.recent = true
		s.recent = append(s.recent, k)
	}
	if op.Type != history.Invoke {
		s.tell(k, &op, call.deed)
		return
	}
	call.deed = s.tell(k, &op, linear.Deed{})
	s.open[op.Process] = call
}

// tell tells the judge of a key of a line, and returns what the line tells.
func (s *stream) tell(k *streamKey, op *history.Op, call linear.Deed) (d linear.Deed) {
	if k.judge == nil {
		return linear.Deed{}
	}
	id, at, known := op.Process, int64(op.Index), true
	switch op.Type {
	case history.Invoke:
		if d, known = s.object.deed(op, call); known {
			k.judge.Call(id, at, d)
		}
	case history.OK:
		if d, known = s.object.deed(op, call); known {
			k.judge.Return(id, at, d)
		}
	case history.Fail:
		if op.Unmet && call.Kind == linear.Swap && function(op.F) == "cas" {
			k.judge.Return(id, at, linear.Deed{Kind: linear.SwapFailed, From: call.From})
		} else {
			k.judge.Fail(id)
		}
	default:
		k.judge.GiveUp(id)
	}
	if !known || k.judge.Unfit() {
		k.judge = nil
	}
	return d
}

// key returns the key of an invocation.
func (s *stream) key(op *history.Op) *streamKey {
	name := op.Key
	if parts, apart := s.object.(parted); apart {
		name = parts.part(&history.Pair{Key: op.Key, Input: op.Value})
	}
	k := s.keys[name]
	if k == nil {
		k = &streamKey{name: op.Key, judge: s.object.stream()}
		hash := maphash.String(s.seed, name)
		_, one := s.gone[hash]
		_, other := s.goneBefore[hash]
		if one || other {
			k.judge = nil
		}
		s.keys[name] = k
	}
	return k
}

// Suspects names the keys that were used since it was asked last and of which something is wrong, once, and those of
// which it cannot tell, or has told.
func (s *stream) Suspects() (wrong, unclear []string) {
	for _, k := range s.recent {
		k.recent = false
		switch {
		case k.judge == nil || k.wrong:
			unclear = append(unclear, k.name)
		case k.judge.Illegal() != "":
			k.wrong = true
			wrong = append(wrong, k.name)
		case k.judge.Unfit():
			k.judge = nil
			unclear = append(unclear, k.name)
		}
	}
	s.recent = s.recent[:0]
	return wrong, unclear
}

// retire lets go of the keys that were not used for long.
func (s *stream) retire() {
	for name, k := range s.keys {
		if k.recent || s.lines-k.used <= retireAfter {
			continue
		}
		delete(s.keys, name)
		k.judge = nil // an operation may still be open
		if len(s.gone) >= mostGone {
			s.gone, s.goneBefore = nil, s.gone
		}
		if s.gone == nil {
			s.gone = map[uint64]struct{}{}
		}
		s.gone[maphash.String(s.seed, name)] = struct{}{}
	}
}
