package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// view shows a run while it goes on. Show is called from one goroutine; Close ends the view and leaves the screen ready
// for the verdict.
type view interface {
	Show(harness.Status)
	Interrupted() // may be called at any time, from any goroutine
	Close()
}

// newView redraws a block on a terminal and prints a line now and then elsewhere.
func (a *app) newView(test harness.Test) view {
	title := fmt.Sprintf("%s · %s · %s · %d nodes · %d clients · %s · seed %d", test.Target.Name(), test.Workload.Name,
		orNone(test.Plan), test.Nodes, test.Concurrency, test.TimeLimit, test.Seed)
	if isTerminal(a.stderr) && a.styled(a.stderr) {
		return newLiveView(a.stderr, title, width(a.stderr))
	}
	fmt.Fprintln(a.stderr, title)
	return &plainView{w: a.stderr}
}

// plainEvery is how often a view that is not redrawn prints a line within a phase.
const plainEvery = 10 * time.Second

// plainView prints one line a phase, and one every ten seconds while a phase lasts.
type plainView struct {
	w     io.Writer
	phase harness.Phase
	said  time.Duration
}

func (v *plainView) Show(s harness.Status) {
	switch {
	case s.Phase == harness.PhaseDone, s.Phase == "":
		return
	case s.Phase != v.phase:
		v.phase, v.said = s.Phase, 0
	case s.Elapsed-v.said < plainEvery:
		return
	default:
		v.said = s.Elapsed
	}
	fmt.Fprintf(v.w, "  %-12s %s\n", s.Phase, plainText(s))
}

// interruptedText is what somebody who pressed Ctrl-C wants to know.
const interruptedText = "interrupted: healing, then judging what was recorded (once more stops at once)"

func (v *plainView) Interrupted() { fmt.Fprintln(v.w, "! "+interruptedText) }

func (v *plainView) Close() {}

func plainText(s harness.Status) string {
	var parts []string
	if s.PhaseDetail != "" {
		parts = append(parts, s.PhaseDetail)
	}
	switch s.Phase {
	case harness.PhaseLoad:
		if s.Limit > 0 {
			parts = append(parts, fmt.Sprintf("%.0f of %.0f s", s.Elapsed.Seconds(), s.Limit.Seconds()))
		}
		if s.Ops.Total > 0 {
			parts = append(parts, opsText(s))
		}
		if len(s.Faults) > 0 {
			parts = append(parts, faultsText(s))
		}
	case harness.PhaseCheck:
		if s.ToCheck > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d keys", s.Checked, s.ToCheck))
		}
	}
	return strings.Join(parts, " · ")
}

func opsText(s harness.Status) string {
	ended := s.Ops.OK + s.Ops.Fail + s.Ops.Info
	percent := func(n int) float64 { return 100 * float64(n) / float64(max(ended, 1)) }
	text := fmt.Sprintf("%.0f op/s · answered %.1f%% fail %.1f%% info %.1f%%", s.Rate, percent(s.Ops.OK+s.Ops.Unmet),
		percent(s.Ops.Fail-s.Ops.Unmet), percent(s.Ops.Info))
	if s.Ops.Hung > 0 {
		text += fmt.Sprintf(" · %d hung", s.Ops.Hung)
	}
	return text
}

func faultsText(s harness.Status) string {
	var on []string
	for _, f := range s.Faults {
		on = append(on, shorten(f.Fault+" "+f.Detail, 60))
	}
	return strings.Join(on, " + ")
}

// progress returns a function that tells how far a check is: redrawn in place on a terminal, silent elsewhere.
func (a *app) progress(what string) func(done, total int) {
	if !isTerminal(a.stderr) || !a.styled(a.stderr) {
		return func(int, int) {}
	}
	var mu sync.Mutex
	var last time.Time
	return func(done, total int) {
		mu.Lock()
		defer mu.Unlock()
		if done == total {
			fmt.Fprint(a.stderr, "\r\x1b[K")
		} else if time.Since(last) > 100*time.Millisecond {
			last = time.Now()
			fmt.Fprintf(a.stderr, "\r\x1b[K  %d of %d %s", done, total, what)
		}
	}
}
