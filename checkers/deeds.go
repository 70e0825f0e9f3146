package checkers

import (
	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

func (register) stream() linear.Stream  { return linear.StreamRegisters() }
func (memberSet) stream() linear.Stream { return linear.StreamMembers() }
func (counter) stream() linear.Stream   { return linear.StreamCounters() }
func (l lock) stream() linear.Stream    { return linear.StreamLocks(l.fenced) }
func (list) stream() linear.Stream      { return linear.StreamLists() }
func (members) stream() linear.Stream   { return linear.StreamSets() }
func (q queue) stream() linear.Stream   { return linear.StreamQueues(q.fifo) }

func (r register) deed(op *history.Op, call linear.Deed) (linear.Deed, bool) {
	switch f := function(op.F); {
	case f == "read" && op.Type == history.Invoke:
		return linear.Deed{Kind: linear.Read}, true
	case f == "read":
		return linear.Deed{Kind: linear.Read, Value: values.Identity(op.Value)}, true
	case op.Type != history.Invoke:
		return call, true
	case f == "write":
		return linear.Deed{Kind: linear.Write, Value: values.Identity(op.Value)}, true
	case f == "cas" && r.swaps && length(op.Value) == 2:
		both, _ := values.Elements(op.Value)
		return linear.Deed{Kind: linear.Swap, Value: values.Identity(both[1]), From: values.Identity(both[0])}, true
	}
	return linear.Deed{}, false
}

func (v versioned) deed(op *history.Op, call linear.Deed) (linear.Deed, bool) {
	d, known := v.register.deed(op, call)
	if d.Kind != linear.Read || op.Type != history.OK || length(op.Value) != 2 {
		return d, known
	}
	both, _ := values.Elements(op.Value)
	d.Value = values.Identity(both[0])
	return d, known
}

func (list) deed(op *history.Op, call linear.Deed) (linear.Deed, bool) {
	return deedOnWhole("append", op, call)
}

func (members) deed(op *history.Op, call linear.Deed) (linear.Deed, bool) {
	return deedOnWhole("add", op, call)
}

// deedOnWhole is of objects that grow and are read as a whole.
func deedOnWhole(grow string, op *history.Op, call linear.Deed) (linear.Deed, bool) {
	switch f := function(op.F); {
	case f == grow && op.Type == history.Invoke:
		return linear.Deed{Kind: linear.Append, Value: values.Identity(op.Value)}, true
	case f == grow:
		return call, true
	case f != "read" || !isList(op.Value):
		return linear.Deed{}, false
	case op.Type == history.Invoke:
		return linear.Deed{Kind: linear.Read}, true
	}
	all, mixed := op.Value.([]any)
	if !mixed {
		return linear.Deed{Kind: linear.Read, Value: op.Value}, true
	}
	shown := make([]any, len(all))
	for i, e := range all {
		shown[i] = values.Identity(e)
	}
	return linear.Deed{Kind: linear.Read, Value: shown}, true
}

func (queue) deed(op *history.Op, call linear.Deed) (linear.Deed, bool) {
	switch f := function(op.F); {
	case f == "dequeue" && op.Type == history.Invoke:
		return linear.Deed{Kind: linear.Dequeue}, true
	case f == "dequeue":
		return linear.Deed{Kind: linear.Dequeue, Value: values.Identity(op.Value)}, true
	case f == "enqueue" && op.Type != history.Invoke:
		return call, true
	case f == "enqueue":
		return linear.Deed{Kind: linear.Enqueue, Value: values.Identity(op.Value)}, op.Value != nil
	}
	return linear.Deed{}, false
}

func (l lock) deed(op *history.Op, call linear.Deed) (linear.Deed, bool) {
	f := function(op.F)
	d := linear.Deed{Kind: linear.Acquire, From: op.Process}
	switch {
	case f == "release":
		d.Kind = linear.Release
	case f != "acquire":
		return d, false
	case op.Type == history.Invoke:
	case op.Value == false:
		d.Kind = linear.Busy
	case l.fenced:
		d.Value = op.Value
	}
	return d, true
}

func (counter) deed(op *history.Op, call linear.Deed) (linear.Deed, bool) {
	n, whole := op.Value.(int64)
	switch f := function(op.F); {
	case f == "add" && op.Type != history.Invoke:
		return call, true
	case f == "add":
		return linear.Deed{Kind: linear.Add, Value: n}, whole
	case f == "read":
		return linear.Deed{Kind: linear.Count, Value: n}, whole || op.Value == nil
	}
	return linear.Deed{}, false
}

// deed: an element is true where it is in the set. Who is told whether there was something to do has seen it as well.
func (memberSet) deed(op *history.Op, call linear.Deed) (linear.Deed, bool) {
	f := function(op.F)
	told, is := op.Value.(bool)
	is = is && op.Type == history.OK
	in, out := linear.Deed{Value: true}, linear.Deed{From: true}
	switch {
	case f == "contains" && op.Type == history.Invoke:
		return linear.Deed{Kind: linear.Read}, true
	case f == "contains" && told:
		return linear.Deed{Kind: linear.Read, Value: true}, is
	case f == "contains":
		return linear.Deed{Kind: linear.Read}, is
	case f != "add" && f != "remove":
		return linear.Deed{}, false
	}
	d := out
	if f == "add" {
		d = in
	}
	switch {
	case is && told:
		d.Kind = linear.Swap
	case is:
		d.Kind = linear.Read
	default:
		d.Kind = linear.Write
	}
	return d, true
}
