package gen

import "github.com/capsize-dev/capsize/harness"

// Func is a generator made of a function.
type Func func(harness.Ask) (harness.Call, bool)

// Next calls the function.
func (f Func) Next(ask harness.Ask) (harness.Call, bool) { return f(ask) }

// Of makes each of the calls once, in order, whichever worker asks, and then ends.
func Of(calls ...harness.Call) harness.Generator {
	made := 0
	return Func(func(harness.Ask) (harness.Call, bool) {
		if made == len(calls) {
			return harness.Call{}, false
		}
		made++
		return calls[made-1], true
	})
}

// Repeat makes the same call for ever.
func Repeat(call harness.Call) harness.Generator {
	return Func(func(harness.Ask) (harness.Call, bool) { return call, true })
}

// Limit ends g after n calls, counted over all workers.
func Limit(n int, g harness.Generator) harness.Generator {
	left := n
	return Func(func(ask harness.Ask) (harness.Call, bool) {
		if left <= 0 {
			return harness.Call{}, false
		}
		call, ok := g.Next(ask)
		if ok {
			left--
		}
		return call, ok
	})
}

// Seq takes each worker through the generators in order: where one has no more for it, it goes on with the next, and it
// never comes back. Workers do not wait for each other.
func Seq(generators ...harness.Generator) harness.Generator {
	at := make(map[int]int)
	return Func(func(ask harness.Ask) (harness.Call, bool) {
		for ; at[ask.Worker] < len(generators); at[ask.Worker]++ {
			if call, ok := generators[at[ask.Worker]].Next(ask); ok {
				return call, true
			}
		}
		return harness.Call{}, false
	})
}

// Each gives every worker a generator of its own, made by the function when the worker first asks.
func Each(of func(worker int) harness.Generator) harness.Generator {
	own := make(map[int]harness.Generator)
	return Func(func(ask harness.Ask) (harness.Call, bool) {
		g, ok := own[ask.Worker]
		if !ok {
			g = of(ask.Worker)
			own[ask.Worker] = g
		}
		return g.Next(ask)
	})
}

// Weighted is a generator that a [Mix] picks Weight times as often as one without a weight.
type Weighted struct {
	Weight int
	harness.Generator
}

// Weight gives g a weight in a [Mix]. A weight below 1 means that it is picked only where no other has a call left.
func Weight(weight int, g harness.Generator) Weighted { return Weighted{max(weight, 0), g} }

// Mix picks one of the generators at random for each call. Where the one it picked has no more for the worker, the
// others are asked in their order; the mix ends for a worker when all of them have.
func Mix(generators ...harness.Generator) harness.Generator {
	total := 0
	weights := make([]int, len(generators))
	for i, g := range generators {
		weights[i] = 1
		if w, ok := g.(Weighted); ok {
			weights[i] = w.Weight
		}
		total += weights[i]
	}
	return Func(func(ask harness.Ask) (harness.Call, bool) {
		picked := pick(ask, weights, total)
		for i := range generators {
			if call, ok := generators[(picked+i)%len(generators)].Next(ask); ok {
				return call, true
			}
		}
		return harness.Call{}, false
	})
}

func pick(ask harness.Ask, weights []int, total int) int {
	if total <= 0 {
		return 0
	}
	n := ask.Rand.IntN(total)
	for i, w := range weights {
		if n < w {
			return i
		}
		n -= w
	}
	return 0
}
