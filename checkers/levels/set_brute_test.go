package levels

import (
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// What follows are the definitions for sets, each taken at its word. Reads show their elements in ascending order, as
// the puzzle keeps them.

func bruteSet(h *sheet, before func(i, j int) bool, ignored func(i int) bool) bool {
	p := listPuzzle{h: h, before: before, optional: pendingOf(h), ignored: ignored, sorted: true}
	return p.solved()
}

func bruteSetLinearizable(h *sheet, delta int64) bool { return bruteSet(h, lateReads(h, delta), no) }

func bruteSetPRAM(h *sheet) bool {
	return !slices.ContainsFunc(h.Process, func(process int) bool {
		return !bruteSet(h, processOrder(h), func(i int) bool {
			return h.Process[i] != process && h.Object.Ops[i].Kind == linear.Read
		})
	})
}

// bruteSetRegular tries every order of each read and all adds.
func bruteSetRegular(h *sheet) bool {
	for read := range h.Object.Ops {
		if h.Object.Ops[read].Kind == linear.Read && !bruteSet(h, lateReads(h, 0), func(i int) bool {
			return i != read && h.Object.Ops[i].Kind == linear.Read
		}) {
			return false
		}
	}
	return true
}

// bruteSetCausal: the smallest order in which operations follow each other must be one, and each read shows what it
// follows.
func bruteSetCausal(h *sheet) bool {
	ops := h.Object.Ops
	shows := func(i, j int) bool {
		return ops[i].Kind == linear.Append && ops[j].Kind == linear.Read &&
			slices.Contains(h.Object.Seen(j), ops[i].Value)
	}
	follows, before := make([][]bool, len(ops)), processOrder(h)
	for j := range ops {
		follows[j] = make([]bool, len(ops))
		for i := range ops {
			follows[j][i] = before(i, j) || shows(i, j)
		}
	}
	for k := range ops {
		for j := range ops {
			for i := range ops {
				follows[j][i] = follows[j][i] || follows[j][k] && follows[k][i]
			}
		}
	}
	for j := range ops {
		if follows[j][j] {
			return false
		}
		shown := 0
		for i := range ops {
			if ops[j].Kind != linear.Read || ops[i].Kind != linear.Append {
				continue
			}
			if follows[j][i] != shows(i, j) {
				return false
			}
			if shows(i, j) {
				shown++
			}
		}
		if ops[j].Kind == linear.Read && shown != len(h.Object.Seen(j)) { // something nobody added, or twice
			return false
		}
	}
	return true
}

// bruteSetBehind counts what is missing in a read although its add, or a read that shows it, had returned.
func bruteSetBehind(h *sheet, read int) int {
	ops, missing := h.Object.Ops, map[int32]bool{}
	for i := range ops {
		for j := range ops {
			if ops[i].Kind == linear.Append && ops[j].Return < ops[read].Call &&
				(j == i || ops[j].Kind == linear.Read && slices.Contains(h.Object.Seen(j), ops[i].Value)) {
				missing[ops[i].Value] = true
			}
		}
	}
	for _, e := range h.Object.Seen(read) {
		delete(missing, e)
	}
	return len(missing)
}

// bruteSetSessions counts what was broken too: reads for the first two, adds for the others.
func bruteSetSessions(h *sheet) (held [guarantees]bool, broken [guarantees]int) {
	before, ops := processOrder(h), h.Object.Ops
	breaks := [guarantees]map[int]bool{{}, {}, {}, {}}
	has := func(read int, all ...int32) bool {
		return !slices.ContainsFunc(all, func(e int32) bool { return !slices.Contains(h.Object.Seen(read), e) })
	}
	// seen reports whether every read that shows an element shows the others.
	seen := func(e int32, others ...int32) bool {
		for i := range ops {
			if ops[i].Kind == linear.Read && has(i, e) && !has(i, others...) {
				return false
			}
		}
		return true
	}
	for i := range ops {
		for j := range ops {
			if !before(i, j) {
				continue
			}
			g, fine := Guarantee(0), true
			switch a, b := &ops[i], &ops[j]; {
			case a.Kind == linear.Append && b.Kind == linear.Read:
				g, fine = ReadYourWrites, has(j, a.Value)
			case a.Kind == linear.Read && b.Kind == linear.Read:
				g, fine = MonotonicReads, has(j, h.Object.Seen(i)...)
			case a.Kind == linear.Append:
				g, fine = MonotonicWrites, seen(b.Value, a.Value)
			default:
				g, fine = WritesFollowReads, seen(b.Value, h.Object.Seen(i)...)
			}
			if !fine {
				breaks[g][j] = true
			}
		}
	}
	for g, all := range breaks {
		held[g], broken[g] = len(all) == 0, len(all)
	}
	return held, broken
}
