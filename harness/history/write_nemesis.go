package history

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Jepsen writes what its nemesis did as operations of the process :nemesis, two of one :f for each deed: when it began
// and when it was done. A strike is one deed, or two where it was healed. So that nothing of it is lost, one of its
// operations has the line of faults.jsonl in a field of its own, :capsize/strike, and the others have its id there.

// nemesisOp is an operation of the nemesis.
type nemesisOp struct {
	at     time.Duration
	f      string
	value  string
	strike string // in EDN, what it says of its strike
}

// deedNames are the words for a fault and its end that Jepsen's own plots know, where they are not start- and stop-.
var deedNames = map[string][2]string{
	"kill": {"kill", "start"}, "stop": {"stop-node", "start"}, "pause": {"pause", "resume"},
}

// nemesisOps are the operations that a Jepsen nemesis would have left, in the order of their times. Jepsen's nemesis
// does one thing after another: where deeds overlapped, the later one begins when the one before is done. When a heal
// began nobody recorded: it is said to have begun as planned. What never struck is a deed that begins with skip-.
func (h History) nemesisOps() []nemesisOp {
	type deed struct {
		begin, done nemesisOp
	}
	var deeds []deed
	end := h.Duration()
	for _, s := range h.Strikes {
		kind, _, _ := strings.Cut(s.Fault, ":")
		names, ok := deedNames[kind]
		if !ok {
			names = [2]string{"start-" + kind, "stop-" + kind}
		}
		id := strconv.Itoa(s.ID)
		all := string(appendEDNString(nil, string(appendStrike(nil, s))))
		began, done := s.Began, s.Start
		switch {
		case s.State == Planned || s.State == Skipped:
			names[0] = "skip-" + kind
			began = min(s.PlannedAt, end)
			done = began
		case !s.Struck():
			done = began
		}
		deeds = append(deeds, deed{nemesisOp{began, names[0], s.Fault, id},
			nemesisOp{done, names[0], cmp.Or(s.Detail, s.Error), all}})
		if s.Struck() && s.End > 0 {
			planned := min(max(s.Start+s.PlannedFor, s.Start), s.End)
			deeds = append(deeds, deed{nemesisOp{planned, names[1], s.Fault, id},
				nemesisOp{s.End, names[1], cmp.Or(s.Error, s.Evidence), id}})
		}
	}
	slices.SortStableFunc(deeds, func(a, b deed) int { return cmp.Compare(a.begin.at, b.begin.at) })
	ops := make([]nemesisOp, 0, 2*len(deeds))
	last := time.Duration(0)
	for _, d := range deeds {
		d.begin.at = max(d.begin.at, last)
		d.done.at = max(d.done.at, d.begin.at)
		last = d.done.at
		ops = append(ops, d.begin, d.done)
	}
	return ops
}

// appendEDN appends the operation as Jepsen writes it.
func (o nemesisOp) appendEDN(dst []byte, index int) []byte {
	dst = o.appendPlace(append(dst, '{'), index)
	dst = appendKeyword(append(dst, ", :type :info, :process :nemesis, :f "...), o.f)
	return append(o.appendStrike(o.appendValue(append(dst, ", :value "...))), "}\n"...)
}

// appendLog appends the operation as Jepsen logs it, behind a line with the rest of it.
func (o nemesisOp) appendLog(dst []byte, index int) []byte {
	dst = append(o.appendStrike(o.appendPlace(append(dst, logRest...), index)), "}\n"...)
	dst = appendKeyword(append(dst, logStart+":nemesis\t:info\t"...), o.f)
	return append(o.appendValue(append(dst, '\t')), '\n')
}

func (o nemesisOp) appendPlace(dst []byte, index int) []byte { return appendPlace(dst, index, o.at) }

func (o nemesisOp) appendStrike(dst []byte) []byte {
	return append(append(dst, ", :"+ednOurs+"strike "...), o.strike...)
}

func (o nemesisOp) appendValue(dst []byte) []byte {
	if o.value == "" {
		return append(dst, "nil"...)
	}
	return appendEDNString(dst, o.value)
}
