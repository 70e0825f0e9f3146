package checkers

import (
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

// desk is where one worker judges keys one after the other. Its memory is used again for the next key.
type desk struct {
	load *caseload
	kind reader

	nth    int // of the key that is here, -1 where none is
	key    string
	object linear.Object
	at     []int32 // where each operation's pair stands in the history
	failed []int32 // where those stand that failed to change anything
	values *table
	near   int // keeps what touch does
}

// ahead is how many pairs are brought near at once.
const ahead = 32

func newDesk(load *caseload, kind reader) *desk {
	return &desk{load: load, kind: kind, nth: -1, values: newTable()}
}

// read brings a key to the desk, if it is not there.
//
// Cost: one pass over the key's pairs; 36 bytes for each operation, and for each value what its table needs.
func (d *desk) read(key int) {
	if d.nth == key {
		return
	}
	d.nth = key
	n := d.load.size(key)
	d.key = d.load.keys[key]
	d.values.reset(n)
	d.at, d.failed = slices.Grow(d.at[:0], n), d.failed[:0]
	d.object.Ops, d.object.Elements = slices.Grow(d.object.Ops[:0], n), d.object.Elements[:0]
	d.object.Ranks = d.object.Ranks[:0]
	teller, tells := d.kind.(teller)
	if d.kind.whole() && d.object.Elements == nil {
		d.object.Elements = []int32{} // an empty list is a list
	}
	for nth := range n {
		if nth%ahead == 0 {
			d.near += d.load.touch(key, nth, min(nth+ahead, n))
		}
		i := d.load.position(key, nth)
		p, kind := &d.load.pairs[i], d.load.kinds[i]
		if p.Outcome == history.Fail && (kind == linear.SwapFailed || !kind.Observes()) {
			d.failed = append(d.failed, int32(i))
		}
		if !partakes(p, kind) {
			continue
		}
		end := int64(linear.Never)
		if p.Returned() {
			end = int64(p.End)
		}
		d.at = append(d.at, int32(i))
		d.object.Ops = append(d.object.Ops, linear.Op{Call: int64(p.Index), Return: end, Kind: kind})
		if tells && p.Outcome == history.OK {
			d.rank(teller.rank(p))
		}
		d.object.Elements = d.kind.take(d.values, p, &d.object.Ops[len(d.object.Ops)-1], d.object.Elements)
	}
	if len(d.object.Ranks) > 0 {
		d.fill(len(d.object.Ops))
	}
	if o, sorted := d.kind.(ordered); sorted && o.ordered() {
		now := d.values.ascend()
		for i := range d.object.Ops {
			op := &d.object.Ops[i]
			op.Value, op.From = now[op.Value], now[op.From]
		}
	}
	d.object.Values = len(d.values.words)
}

// rank notes what the system told of its own order about the last operation. Where it told nothing, nothing is kept.
func (d *desk) rank(rank int64) {
	if rank != 0 {
		d.fill(len(d.object.Ops) - 1)
		d.object.Ranks = append(d.object.Ranks, rank)
	}
}

// fill makes as many ranks: those that are missing are 0.
func (d *desk) fill(n int) {
	for len(d.object.Ranks) < n {
		d.object.Ranks = append(d.object.Ranks, 0)
	}
}

// teller is of objects whose operations may tell of the system's own order.
type teller interface {
	rank(p *history.Pair) int64 // 0 is nothing
}

// ordered is of objects for which it matters which number is greater.
type ordered interface{ ordered() bool }

// opOf returns an operation of an object as the searches see it, without its pair.
func opOf(object *linear.Object, i int) (o op) {
	fill(&o, object, i)
	return o
}

// fill is opOf into an operation that may have stood for another one of the object.
func fill(o *op, object *linear.Object, i int) {
	l := &object.Ops[i]
	o.kind, o.value, o.from, o.call, o.ret, o.pending = l.Kind, l.Value, l.From, int(l.Call), int(l.Return), l.Pending()
	if o.pending {
		o.ret = never
	}
	if object.Elements == nil {
		return
	}
	if o.list = nil; l.Kind == linear.Read {
		o.value, o.from, o.list = 0, 0, object.Seen(i)
	}
}

// file returns the whole key for the searches. It takes what is on the desk with it.
func (d *desk) file() *keyHistory {
	k := &keyHistory{table: d.values, named: d.kind, key: d.key, failed: map[value][]int{}}
	for i := range d.object.Ops {
		d.add(k, i, opOf(&d.object, i))
	}
	d.addFailed(k)
	d.nth, d.values, d.object = -1, newTable(), linear.Object{}
	return k
}

// extract returns of the key only what an illegal answer shows, and those operations. It is good until the next key is
// read.
func (d *desk) extract(r *linear.Result) (*keyHistory, []op) {
	k := &keyHistory{table: d.values, named: d.kind, key: d.key, failed: map[value][]int{}, every: &d.object}
	for _, i := range r.Witness {
		o := opOf(&d.object, int(i))
		if _, blind := slices.BinarySearch(r.Blind, i); blind {
			o.kind, o.from = writes, absent
		}
		o.surely = o.kind == refused
		if o.list != nil {
			o.list = only(o.list, r.Only)
		}
		if o.kind == counts {
			o.lower(r.Base)
		}
		d.add(k, int(i), o)
	}
	d.addFailed(k)
	return k, slices.Clone(k.ops)
}

// only returns those elements of a list that are shown.
func only(list, shown []value) []value {
	less := make([]value, 0, len(shown))
	for _, e := range list {
		if slices.Contains(shown, e) {
			less = append(less, e)
		}
	}
	return less
}

func (d *desk) add(k *keyHistory, i int, o op) {
	o.pair = len(k.pairs)
	k.pairs = append(k.pairs, &d.load.pairs[d.at[i]])
	k.ops = append(k.ops, o)
}

// addFailed adds the operations that failed to store what others saw.
func (d *desk) addFailed(k *keyHistory) {
	wanted := map[value]bool{}
	for i := range k.ops {
		if k.every == nil {
			break
		}
		for _, v := range valuesOf(k.ops[i : i+1]) {
			wanted[v] = true
		}
	}
	for _, i := range d.failed {
		p := &d.load.pairs[i]
		if v, known := d.values.find(d.kind.stored(p)); known && (k.every == nil || wanted[v]) {
			k.failed[v] = append(k.failed[v], len(k.pairs))
			k.pairs = append(k.pairs, p)
		}
	}
}
