package history

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// nemesisLog makes strikes of what a Jepsen nemesis did. Each of its deeds leaves two operations of one :f, when it
// began and when it was done. Which deed heals which is not written down: it is guessed from the names, as Jepsen's own
// plots do.
type nemesisLog struct {
	deeds []deed
}

// deed is one action of a nemesis.
type deed struct {
	f           string
	value       string // of the second operation, the result
	began, done time.Duration
	over        bool
}

func (n *nemesisLog) add(f, value string, at time.Duration) {
	if last := len(n.deeds) - 1; last >= 0 && !n.deeds[last].over && n.deeds[last].f == f {
		n.deeds[last].done, n.deeds[last].over = at, true
		n.deeds[last].value = value
		return
	}
	n.deeds = append(n.deeds, deed{f: f, value: value, began: at, done: at})
}

// cures are the deeds that end others without sharing a name with them: the cure, and what it ends.
var cures = [...]struct {
	cure  string
	harms []string
}{
	{"start", []string{"kill", "stop-node", "crash"}},
	{"restart", []string{"kill", "stop-node", "crash"}},
	{"resume", []string{"pause"}},
	{"heal", []string{"start-partition", "partition", "start"}},
	{"recover", []string{"start-partition", "partition"}},
	{"stop", []string{"start"}},
	{"reset-clock", []string{"bump-clock", "strobe-clock"}},
	{"reset", []string{"bump", "strobe"}},
}

// kills reports whether a deed takes a node down until it is started again.
func kills(f string) bool { return heals("restart", f) }

// heals reports whether the deed cure ends the deed harm.
func heals(cure, harm string) bool {
	for _, c := range cures {
		if c.cure == cure && slices.Contains(c.harms, harm) {
			return true
		}
	}
	for _, words := range [...][2]string{
		{"start-", "stop-"}, {"start-", "heal-"}, {"kill-", "start-"}, {"kill-", "restart-"}, {"pause-", "resume-"},
	} {
		if what, ok := strings.CutPrefix(harm, words[0]); ok && cure == words[1]+what {
			return true
		}
	}
	what, ok := strings.CutSuffix(harm, "-start")
	return ok && cure == what+"-stop"
}

// harms reports whether a deed hurts: whether any deed could heal it.
func harms(f string) bool {
	for _, c := range cures {
		if slices.Contains(c.harms, f) {
			return true
		}
	}
	for _, prefix := range [...]string{"start-", "kill-", "pause-", "partition-"} {
		if strings.HasPrefix(f, prefix) {
			return true
		}
	}
	return strings.HasSuffix(f, "-start")
}

// strikes pairs the deeds. A note says which were left over.
func (n *nemesisLog) strikes(end time.Duration) ([]Strike, string) {
	var (
		all     []Strike
		open    []int // positions in all
		fs      []string
		skipped int
		names   []string
	)
	// Where nodes are killed, start is what starts them again; elsewhere it is what starts a fault.
	restarts := slices.ContainsFunc(n.deeds, func(d deed) bool { return kills(d.f) })
	for _, d := range n.deeds {
		healed := false
		open = slices.DeleteFunc(open, func(i int) bool {
			if !heals(d.f, fs[i]) {
				return false
			}
			s := &all[i]
			s.End, s.State, s.PlannedFor = max(d.done, 1), Healed, d.began-s.Start
			healed = true
			return true
		})
		switch {
		case healed:
		case harms(d.f) && !(restarts && d.f == "start"):
			open = append(open, len(all))
			fs = append(fs, d.f)
			all = append(all, Strike{
				ID: len(all), Fault: faultName(d.f), State: Injected, Detail: shorten(d.value, 200),
				PlannedAt: d.began, PlannedFor: end - d.done, Began: d.began, Start: max(d.done, 1),
				TookEffect: d.over, Evidence: evidence(d),
			})
		default:
			skipped++
			if !slices.Contains(names, d.f) && len(names) < 8 {
				names = append(names, shorten(d.f, 40))
			}
		}
	}
	if skipped == 0 {
		return all, ""
	}
	return all, fmt.Sprintf("%d deeds of the nemesis were skipped: by their names they neither hurt nor heal what was "+
		"hurt (%s)", skipped, strings.Join(names, ", "))
}

// faultName is the harm without the word for its beginning.
func faultName(f string) string {
	name := strings.TrimSuffix(strings.TrimPrefix(strings.ToValidUTF8(f, "\ufffd"), "start-"), "-start")
	if name == "" || name == "start" {
		return "nemesis"
	}
	return name
}

// evidence says what the file says of a deed. Nobody can ask the cluster any more.
func evidence(d deed) string {
	if !d.over {
		return ""
	}
	if d.value == "" {
		return "the nemesis recorded that it was done"
	}
	return "the nemesis recorded: " + shorten(d.value, 200)
}
