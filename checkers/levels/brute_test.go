package levels

import (
	"github.com/capsize-dev/capsize/checkers/linear"
)

// What follows are the definitions, each taken at its word, by trying every order. It shares nothing with the package
// but the history.

// puzzle asks for an order of operations in which everything that was seen fits.
type puzzle struct {
	ops      []linear.Op
	before   func(i, j int) bool
	blind    func(i int) bool // a store of which nobody asks what it replaced
	optional func(i int) bool
	ignored  func(i int) bool
	dead     map[[2]uint64]bool
}

func no(int) bool { return false }

func (p *puzzle) solved() bool {
	p.dead = map[[2]uint64]bool{}
	for _, f := range []*func(int) bool{&p.blind, &p.optional, &p.ignored} {
		if *f == nil {
			*f = no
		}
	}
	return p.from(0, 0)
}

func (p *puzzle) from(done uint64, state int32) bool {
	key := [2]uint64{done, uint64(state)}
	if p.dead[key] {
		return false
	}
	finished := true
	for i := range p.ops {
		if done&(1<<i) == 0 && !p.optional(i) && !p.ignored(i) {
			finished = false
		}
	}
	if finished {
		return true
	}
	for i := range p.ops {
		if done&(1<<i) != 0 || p.ignored(i) || !p.free(i, done) {
			continue
		}
		op := &p.ops[i]
		next, fits := op.Value, true
		switch {
		case op.Kind == linear.Read:
			fits = state == op.Value
		case op.Kind == linear.Swap && !p.blind(i):
			fits = state == op.From
		case op.Kind == linear.SwapFailed:
			next, fits = state, state != op.From
		}
		if fits && p.from(done|1<<i, next) {
			return true
		}
	}
	p.dead[key] = true
	return false
}

// free: whatever must come before is done. What is optional and was left out can no longer be done.
func (p *puzzle) free(i int, done uint64) bool {
	for j := range p.ops {
		if p.ignored(j) {
			continue
		}
		if done&(1<<j) == 0 && !p.optional(j) && p.before(j, i) {
			return false
		}
		if done&(1<<j) != 0 && p.before(i, j) {
			return false
		}
	}
	return true
}

// pendingOf: what never returned may be left out.
func pendingOf(h *sheet) func(int) bool {
	return func(i int) bool { return h.Object.Ops[i].Pending() }
}

func failedOf(h *sheet) func(int) bool {
	return func(i int) bool { return h.Object.Ops[i].Kind == linear.SwapFailed }
}

func bruteLinearizable(h *sheet, delta int64) bool {
	ops := h.Object.Ops
	before := func(i, j int) bool {
		if ops[i].Return >= ops[j].Call {
			return false
		}
		return delta == 0 || ops[j].Kind != linear.Read || h.Return[i] < h.Call[j]-delta
	}
	p := puzzle{ops: ops, before: before, optional: pendingOf(h), ignored: failedOf(h)}
	return p.solved()
}

func processOrder(h *sheet) func(i, j int) bool {
	ops := h.Object.Ops
	return func(i, j int) bool { return h.Process[i] == h.Process[j] && ops[i].Return < ops[j].Call }
}

func bruteSequential(h *sheet) bool {
	p := puzzle{ops: h.Object.Ops, before: processOrder(h), optional: pendingOf(h), ignored: failedOf(h)}
	return p.solved()
}

// bruteTakes is who takes part: what returned, and what somebody saw who does.
func bruteTakes(h *sheet) []bool {
	ops := h.Object.Ops
	takes := make([]bool, len(ops))
	for range ops {
		for i := range ops {
			if ops[i].Kind == linear.SwapFailed {
				continue
			}
			takes[i] = takes[i] || !ops[i].Pending()
			for j := range ops {
				saw := ops[j].Kind == linear.Read && ops[j].Value == ops[i].Value ||
					ops[j].Kind == linear.Swap && ops[j].From == ops[i].Value
				if takes[j] && saw && bruteStores(&ops[i]) {
					takes[i] = true
				}
			}
		}
	}
	return takes
}

func bruteStores(o *linear.Op) bool {
	return o.Kind == linear.Write || o.Kind == linear.Swap && o.Value != o.From
}

func brutePRAM(h *sheet) bool {
	ops, takes := h.Object.Ops, bruteTakes(h)
	for _, process := range h.Process {
		p := puzzle{
			ops: ops, before: processOrder(h),
			blind:   func(i int) bool { return h.Process[i] != process || ops[i].Pending() },
			ignored: func(i int) bool { return !takes[i] || h.Process[i] != process && !bruteStores(&ops[i]) },
		}
		if !p.solved() {
			return false
		}
	}
	return true
}

// bruteCausal looks for an order of all transactions that holds the order of processes, reads-from, and what the axiom
// demands. The initial value is a transaction before all others.
func bruteCausal(h *sheet) bool {
	takes := bruteTakes(h)
	ops := []linear.Op{{Kind: linear.Write}}
	process := []int{-1}
	for i, op := range h.Object.Ops {
		if takes[i] {
			ops, process = append(ops, op), append(process, h.Process[i])
		}
	}
	n := len(ops)
	from := make([]int, n) // whom it read from
	follows := make([][]bool, n)
	for j := range ops {
		from[j], follows[j] = -1, make([]bool, n)
		if v, saw := bruteSaw(&ops[j]); saw {
			for i := range ops {
				if bruteStores(&ops[i]) && ops[i].Value == v {
					from[j] = i
				}
			}
			if from[j] < 0 {
				return false
			}
			follows[j][from[j]] = true
		}
		for i := range ops {
			if j > 0 && (i == 0 || process[i] == process[j] && ops[i].Return < ops[j].Call) {
				follows[j][i] = true
			}
		}
	}
	for k := range ops {
		for i := range ops {
			for j := range ops {
				follows[j][i] = follows[j][i] || follows[j][k] && follows[k][i]
			}
		}
	}
	demands := make([][]bool, n) // by the one that comes later
	for t := range ops {
		demands[t] = append([]bool(nil), follows[t]...)
	}
	for t3 := range ops {
		for t2 := range ops {
			if t1 := from[t3]; t1 >= 0 && t2 != t1 && bruteStores(&ops[t2]) && follows[t3][t2] {
				demands[t1][t2] = true
			}
		}
	}
	return arrangeable(demands)
}

func bruteSaw(o *linear.Op) (int32, bool) {
	switch o.Kind {
	case linear.Read:
		return o.Value, true
	case linear.Swap:
		return o.From, true
	}
	return 0, false
}

// arrangeable takes what has nothing before it until nothing is left.
func arrangeable(demands [][]bool) bool {
	gone := make([]bool, len(demands))
	for range demands {
		for t := range demands {
			free := true
			for i, d := range demands[t] {
				free = free && (!d || gone[i])
			}
			gone[t] = gone[t] || free
		}
	}
	for _, g := range gone {
		if !g {
			return false
		}
	}
	return true
}

// bruteDelta tries one after the other. The limit is where nothing changes any more.
func bruteDelta(h *sheet, linearizable func(h *sheet, delta int64) bool) (delta int64, bounded bool) {
	limit := int64(1)
	for i := range h.Call {
		limit = max(limit, h.Call[i]+1, h.Return[i]+1)
	}
	if !linearizable(h, limit) {
		return 0, false
	}
	for !linearizable(h, delta) {
		delta++
	}
	return delta, true
}

func bruteWriter(h *sheet, v int32) (call, ret int64, known bool) {
	takes := bruteTakes(h)
	for i := range h.Object.Ops {
		if o := &h.Object.Ops[i]; takes[i] && bruteStores(o) && o.Value == v {
			return o.Call, o.Return, true
		}
	}
	return -1, -1, v == 0
}

// bruteVersions also tells whether every read was regular.
func bruteVersions(h *sheet) (most int, regular bool) {
	regular = true
	takes := bruteTakes(h)
	for i := range h.Object.Ops {
		r := &h.Object.Ops[i]
		if r.Kind != linear.Read || !takes[i] {
			continue
		}
		call, ret, known := bruteWriter(h, r.Value)
		if !known {
			regular = false
			continue
		}
		behind := 0
		for j := range h.Object.Ops {
			w := &h.Object.Ops[j]
			if bruteStores(w) && ret < w.Call && w.Return < r.Call {
				behind++
			}
		}
		most = max(most, behind)
		regular = regular && behind == 0 && call < r.Return
	}
	return most, regular
}

// bruteOlder is the order of values that is certain: real time, and swaps.
func bruteOlder(h *sheet, u, v int32) bool {
	_, ret, known := bruteWriter(h, u)
	call, _, knownToo := bruteWriter(h, v)
	if u == v || !known || !knownToo {
		return false
	}
	if ret < call {
		return true
	}
	for at, known := bruteOrigin(h, v); known && at != v; at, known = bruteOrigin(h, at) { // unless it is a ring
		if at == u {
			return bruteRingless(h, u)
		}
	}
	return false
}

// bruteOrigin is the value that was swapped for this one, where its swap was the first that did.
func bruteOrigin(h *sheet, v int32) (int32, bool) {
	takes := bruteTakes(h)
	swap := func(i int) bool {
		o := &h.Object.Ops[i]
		return takes[i] && o.Kind == linear.Swap && bruteStores(o)
	}
	for i := range h.Object.Ops {
		if !swap(i) || h.Object.Ops[i].Value != v {
			continue
		}
		from := h.Object.Ops[i].From
		for j := range i {
			if swap(j) && h.Object.Ops[j].From == from {
				return 0, false
			}
		}
		return from, true
	}
	return 0, false
}

// bruteRingless: the value does not come from itself.
func bruteRingless(h *sheet, v int32) bool {
	at, known := bruteOrigin(h, v)
	for range h.Object.Ops {
		if known && at == v {
			return false
		}
		if known {
			at, known = bruteOrigin(h, at)
		}
	}
	return true
}

func bruteSessions(h *sheet) (held [guarantees]bool) {
	held = [guarantees]bool{true, true, true, true}
	takes, before := bruteTakes(h), processOrder(h)
	for i := range h.Object.Ops {
		for j := range h.Object.Ops {
			a, b := &h.Object.Ops[i], &h.Object.Ops[j]
			if !takes[i] || !takes[j] || !before(i, j) {
				continue
			}
			seen, saw := bruteSaw(a)
			sees, looks := bruteSaw(b)
			wrong := func(g Guarantee, applies bool, u, v int32) {
				if applies && bruteOlder(h, u, v) {
					held[g] = false
				}
			}
			wrong(ReadYourWrites, bruteStores(a) && looks, sees, a.Value)
			wrong(MonotonicReads, saw && looks, sees, seen)
			wrong(MonotonicWrites, bruteStores(a) && bruteStores(b), b.Value, a.Value)
			wrong(WritesFollowReads, saw && bruteStores(b), b.Value, seen)
		}
	}
	return held
}
