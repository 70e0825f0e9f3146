package linear

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
)

// busy makes a large register: clients that are always busy, half of the operations reads, every value new. Where it is
// to be illegal the last read returns a value that was overwritten long ago.
func busy(ops, clients, pending int, swaps, legal bool) *Object {
	type client struct{ op, step int }
	rng := rand.New(rand.NewPCG(uint64(ops), uint64(clients)))
	o := &Object{Ops: make([]Op, 0, ops)}
	all := make([]client, clients)
	event, value, state := int64(0), int32(0), int32(0)
	for returned := 0; returned < ops; {
		c := &all[rng.IntN(clients)]
		switch c.step {
		case 0:
			if len(o.Ops) == ops {
				returned = ops
				break
			}
			c.op = len(o.Ops)
			op := Op{Call: event, Return: Never, Kind: Kind(rng.IntN(2))}
			if swaps && rng.IntN(3) == 0 {
				op.Kind = Swap
			}
			if op.Kind != Read {
				value++
				op.Value = value
			}
			o.Ops = append(o.Ops, op)
			event++
		case 1:
			switch op := &o.Ops[c.op]; op.Kind {
			case Read:
				op.Value = state
			case Swap:
				op.From, state = state, op.Value
			default:
				state = op.Value
			}
		default:
			if op := &o.Ops[c.op]; op.Kind == Read || rng.IntN(100) >= pending {
				op.Return = event
				event++
			}
			returned++
		}
		c.step = (c.step + 1) % 3
	}
	return finished(o, legal, int(value)+1)
}

// finished leaves out reads that did not return, and lets the last one lie.
func finished(o *Object, legal bool, values int) *Object {
	kept, last := o.Ops[:0], 0
	for _, op := range o.Ops {
		if op.Kind == Read && op.Pending() {
			continue
		}
		if op.Kind == Read {
			last = len(kept)
		}
		kept = append(kept, op)
	}
	o.Ops, o.Values = kept, values
	for i := len(kept) / 2; !legal && i < last; i++ {
		if op := &kept[i]; op.Kind == Write && !op.Pending() {
			kept[last].Value = op.Value
			break
		}
	}
	return o
}

// BenchmarkRegister decides one register of a million operations and replays the order.
func BenchmarkRegister(b *testing.B) {
	for _, clients := range []int{5, 20, 100} {
		for _, swaps := range []bool{false, true} {
			for _, legal := range []bool{true, false} {
				b.Run(fmt.Sprintf("clients=%d/swaps=%t/legal=%t", clients, swaps, legal), func(b *testing.B) {
					o := busy(1_000_000, clients, 1, swaps, legal)
					b.ReportAllocs()
					for b.Loop() {
						r := Register(o)
						if (r.Answer == Legal) != legal || r.Answer == Undecided {
							b.Fatalf("%+v", r)
						}
						if legal {
							if err := Replay(o, RegisterModel(), r.Order); err != nil {
								b.Fatal(err)
							}
						}
					}
					b.ReportMetric(float64(len(o.Ops))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
				})
			}
		}
	}
}

// worn makes the values of an object few. Where it is to be illegal, one more value is written once in the middle, and read
// at the end after something else was written.
func worn(o *Object, values int32, legal bool) *Object {
	for i := range o.Ops {
		op := &o.Ops[i]
		if op.Value > 0 {
			op.Value = op.Value%values + 1
		}
		if op.From > 0 {
			op.From = op.From%values + 1
		}
	}
	o.Values = int(values) + 2
	if !legal {
		for i := len(o.Ops) / 2; ; i++ {
			if op := &o.Ops[i]; op.Kind == Write && !op.Pending() {
				op.Value = values + 1
				break
			}
		}
		end := int64(3 * len(o.Ops))
		o.Ops = append(o.Ops, Op{Call: end, Return: end + 1, Kind: Write, Value: 1},
			Op{Call: end + 2, Return: end + 3, Kind: Read, Value: values + 1})
	}
	return o
}

// BenchmarkSearch decides one register by search: with five values that are used again and again, and with unique ones.
func BenchmarkSearch(b *testing.B) {
	for _, c := range []struct {
		ops, clients, pending int
		values                int32
		swaps, legal          bool
	}{
		{100_000, 20, 0, 5, false, true},
		{100_000, 20, 0, 5, true, true},
		{100_000, 20, 1, 5, true, true},
		{10_000, 10, 0, 5, false, false},
		{10_000, 10, 0, 5, true, false},
		{10_000, 10, 0, 0, false, false},
		{10_000, 10, 1, 0, false, false},
		{10_000, 10, 10, 0, false, false},
		{1_000, 20, 10, 0, false, false},
		{1_000, 20, 10, 5, false, false},
		{1_000_000, 20, 0, 5, false, true},
	} {
		name := fmt.Sprintf("ops=%d/clients=%d/pending=%d/values=%d/swaps=%t/legal=%t",
			c.ops, c.clients, c.pending, c.values, c.swaps, c.legal)
		b.Run(name, func(b *testing.B) {
			o := busy(c.ops, c.clients, c.pending, c.swaps, c.legal || c.values > 0)
			if c.values > 0 {
				o = worn(o, c.values, c.legal)
			}
			steps := int64(0)
			memory := int64(0)
			var s Search
			for b.Loop() {
				r := s.Decide(context.Background(), o, RegisterModel(), Budget{
					Memory: 2 << 30, Watch: func(n, bytes int64) { steps, memory = n, bytes },
				})
				if r.Answer == Undecided || (r.Answer == Legal) != c.legal {
					b.Fatalf("%v: %v", r.Answer, r.Cause)
				}
			}
			b.ReportMetric(float64(steps), "steps")
			b.ReportMetric(float64(memory)/1e6, "MB")
		})
	}
}

// BenchmarkRefute has what a search of whole orders is slow at: few values, and some of what stored them never returned.
func BenchmarkRefute(b *testing.B) {
	for _, c := range []struct {
		ops, clients, pending int
		swaps                 bool
	}{
		{10_000, 10, 0, false}, {10_000, 10, 0, true}, {10_000, 10, 1, false}, {10_000, 20, 1, false},
		{1_000, 20, 10, false}, {100_000, 10, 0, false}, {10_000, 10, 1, true}, {1_000, 10, 10, true},
	} {
		b.Run(fmt.Sprintf("ops=%d/clients=%d/pending=%d/swaps=%t", c.ops, c.clients, c.pending, c.swaps), func(b *testing.B) {
			o := worn(busy(c.ops, c.clients, c.pending, c.swaps, true), 5, false)
			steps := int64(0)
			for b.Loop() {
				at, cause := Refute(context.Background(), o, RegisterModel(), Budget{Watch: func(n, _ int64) { steps = n }})
				if at < 0 {
					b.Fatal(cause)
				}
			}
			b.ReportMetric(float64(steps), "steps")
		})
	}
}
