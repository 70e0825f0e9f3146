package history

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// foreignOp is an operation as Jepsen records it, before it is brought into our form.
type foreignOp struct {
	process any
	kind    any // :invoke, :ok, :fail or :info
	f       any
	value   any
	err     any
	node    any
	time    any
	index   any
	final   any
	key     any // of keyed
	rev     any
	due     any
	hung    any
	unmet   any
	strike  any // of an operation of the nemesis: the line of faults.jsonl, or its id where another has the line
	unknown any // of the last field that means nothing here
	keyed   keyed
	place   ParseError // where it is
}

// ednOurs begins the names of the fields that capsize adds to Jepsen's, in EDN.
const ednOurs = "capsize/"

// slot returns where the value of a field goes. The fields that capsize adds have a prefix where the operation may have
// its key by a mark, and bare names where it is a field.
func (o *foreignOp) slot(name []byte, keys keyed) *any {
	switch string(name) {
	case "type":
		return &o.kind
	case "f":
		return &o.f
	case "value":
		return &o.value
	case "process":
		return &o.process
	case "time":
		return &o.time
	case "index":
		return &o.index
	case "error":
		return &o.err
	case "node":
		return &o.node
	case "final?", "final":
		return &o.final
	}
	if keys == byMark {
		var ours bool
		if name, ours = bytes.CutPrefix(name, []byte(ednOurs)); !ours {
			return &o.unknown
		}
	}
	switch string(name) {
	case "key":
		o.keyed = keys
		return &o.key
	case "rev":
		return &o.rev
	case "due":
		return &o.due
	case "hung":
		return &o.hung
	case "unmet":
		return &o.unmet
	case "strike":
		return &o.strike
	}
	return &o.unknown
}

// typeOf reads the type of an operation: a keyword, or a string in JSON.
func typeOf(kind any) (Type, bool) {
	name := ""
	switch k := kind.(type) {
	case ednKeyword:
		name = string(k)
	case string:
		name = strings.TrimPrefix(k, ":")
	}
	at := slices.Index(typeNames[:], name)
	return Type(max(at, 0)), at >= 0
}

func isTrue(v any) bool { return v == true }

// keyed says how an operation tells its key.
type keyed uint8

const (
	byValue keyed = iota // not at all, or as the first of [key value]
	byField              // in a field of its own
	byMark               // as the first of [key value], and a field repeats it; where that is nil there is no key
)

// numbers reads the fields that capsize adds to what Jepsen records.
func (o *foreignOp) numbers(op *Op) problem {
	if n, ok := o.rev.(int64); ok {
		op.Revision = n
	} else if o.rev != nil {
		return o.bad("found a revision that is no integer, expected one of 64 bits")
	}
	if n, ok := o.due.(int64); ok && n >= 0 {
		op.Due = time.Duration(n)
	} else if o.due != nil {
		return o.bad("found a due time that is no integer of at least 0, expected nanoseconds")
	}
	return nil
}
