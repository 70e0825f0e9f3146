package nemesis

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// maxLanes is how many lanes there can be at once.
const maxLanes = 64

// ParsePlan reads lanes from a line of text, as in
//
//	partition,pause,kill                    one lane that rotates over three faults
//	partition:leader,kill:one + pause:one   two lanes
//	none                                    no lane
//
// Each lane is a [Rotation] with the interval and the length given; 0 means its defaults. A comma or a plus that
// belongs to a choice (partition:n1,n2|n3, kill:n1+n2) does not separate; a plus with a space beside it always does.
func ParsePlan(spec string, interval, on time.Duration) ([]harness.Nemesis, error) {
	if interval > 0 && on >= interval {
		return nil, fmt.Errorf("a fault that lasts %v cannot strike every %v: make the interval longer", on, interval)
	}
	if strings.TrimSpace(spec) == "none" {
		return nil, nil
	}
	var lanes []harness.Nemesis
	for _, faults := range splitPlan(spec) {
		lane := Rotation{Interval: interval, On: on}
		for _, name := range faults {
			fault, err := Parse(name)
			if strings.TrimSpace(name) == "none" {
				err = errors.New(`"none" stands alone: it cannot be one of several faults`)
			}
			if err != nil {
				return nil, err
			}
			lane.Faults = append(lane.Faults, fault)
		}
		lanes = append(lanes, lane)
	}
	if len(lanes) > maxLanes {
		return nil, fmt.Errorf("%d lanes are too many: there can be %d", len(lanes), maxLanes)
	}
	return lanes, nil
}

// splitPlan separates the lanes, and the faults of each.
func splitPlan(spec string) [][]string {
	lanes := [][]string{nil}
	begin := 0
	for i := 0; i <= len(spec); i++ {
		if i < len(spec) && (spec[i] != ',' && spec[i] != '+' || continues(spec, begin, i)) {
			continue
		}
		lane := &lanes[len(lanes)-1]
		*lane = append(*lane, strings.TrimSpace(spec[begin:i]))
		begin = i + 1
		if i < len(spec) && spec[i] == '+' {
			lanes = append(lanes, nil)
		}
	}
	return lanes
}

// What the choice of a fault can be made of, beside the names of nodes that a plus joins.
var (
	shapedKinds = []string{"partition", "refuse"}                         // groups of nodes, which have commas
	precise     = []string{"slow", "loss", "throttle", "flap", "squeeze"} // after a second colon, how much
)

// continues reports whether the separator at i belongs to the choice of the fault that begins at begin: it names nodes,
// the separator is one of its own, and what follows is no fault.
func continues(spec string, begin, i int) bool {
	kind, choice, _ := strings.Cut(strings.TrimSpace(spec[begin:i]), ":")
	next := spec[i+1:]
	if end := strings.IndexAny(next, ",+"); end >= 0 {
		next = next[:end]
	}
	if kind == "squeeze" && spec[i] == ',' {
		return strings.Contains(choice, ":") && isSqueeze(next)
	}
	isShape := slices.Contains(shapedKinds, kind)
	words, own := targetWords, byte('+')
	if isShape {
		words, own = shapeWords, ','
	}
	if spec[i] != own || choice == "" || slices.Contains(words, choice) {
		return false
	}
	if own == '+' && (spec[i-1] == ' ' || strings.HasPrefix(spec[i+1:], " ")) {
		return false
	}
	if isShape && strings.Contains(next, "|") {
		return true
	}
	word, _, hasChoice := strings.Cut(strings.TrimSpace(next), ":")
	return !slices.Contains(kindNames(), word) && (!hasChoice || slices.Contains(precise, kind))
}
