package report

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// How much of the logs is shown.
const (
	mostLogLines = 200 // of a node
	tailLines    = 40  // of a node, where nothing says which lines matter
	aroundMS     = 2000.0
)

// nodeLog is what a node wrote around the trouble.
type nodeLog struct {
	Node  string
	Lines []logLine
	Note  string
	Open  bool // the trouble was at this node
}

type logLine struct {
	At   string // on the run's clock; "" where the line has no time
	Text string

	ms    float64
	known bool
}

// interval is a span of the run in milliseconds.
type interval struct{ from, to float64 }

// stampPattern finds a date with a time near the beginning of a line, as hclog, slog, etcd, PostgreSQL and Go's log
// write it.
const stampPattern = `(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(?: ?(Z|UTC|[+-]\d\d:?\d\d))?`

// troubleLogs picks the lines of each node around the trouble, and says in words what was picked.
func troubleLogs(in Input) (logs []nodeLog, about string) {
	if len(in.Logs) == 0 {
		return nil, "No node left a log."
	}
	trouble := troubleOf(in.Results)
	switch {
	case len(trouble) > 0:
		about = "Two seconds before and after the trouble (the anomaly, or a fault without effect), on the run's clock."
	case in.Results.Verdict != harness.Valid || in.Results.Error != "":
		about = fmt.Sprintf("The last %d lines of each node.", tailLines)
	default:
		return nil, "There was no trouble; the nodes' logs are in the run's folder under nodes/."
	}
	stamp, culprit := regexp.MustCompile(stampPattern), culpritOf(in.Results)
	for _, node := range slices.Sorted(maps.Keys(in.Logs)) {
		log := pickLines(clean(node, 60), in.Logs[node], trouble, originOf(in), stamp)
		log.Open = node == culprit || slices.Contains(strings.FieldsFunc(in.Results.Error, notOfName), node)
		logs = append(logs, log)
	}
	return logs, about
}

// originOf is the wall clock's time at zero of the run's.
func originOf(in Input) time.Time {
	if in.Info.Origin.IsZero() {
		return in.Info.Started
	}
	return in.Info.Origin
}

// culpritOf is the node that gave the impossible answer; "" where none is known.
func culpritOf(r harness.Results) string {
	if len(r.Anomalies) == 0 {
		return ""
	}
	for _, op := range r.Anomalies[0].Ops {
		if op.Index == r.Anomalies[0].Impossible {
			return op.Node
		}
	}
	return ""
}

// notOfName separates the words of a sentence in which a node may be named.
func notOfName(r rune) bool { return strings.ContainsRune(" :,;()\"'", r) }

// troubleOf are the times around the first anomalies, and around the faults that broke or had no effect.
func troubleOf(r harness.Results) []interval {
	var list []interval
	for _, a := range r.Anomalies[:min(len(r.Anomalies), 3)] {
		from, to := extent(a)
		list = append(list, interval{from - aroundMS, to + aroundMS})
	}
	for _, f := range struckFaults(r.Faults) {
		if f.TookEffect && f.Error == "" {
			continue
		}
		list = append(list, interval{f.StartMS - aroundMS, f.StartMS + aroundMS})
		if f.EndMS != nil {
			list = append(list, interval{*f.EndMS - aroundMS, *f.EndMS + aroundMS})
		}
	}
	return list
}

func pickLines(node string, text []byte, trouble []interval, origin time.Time, stamp *regexp.Regexp) nodeLog {
	log := nodeLog{Node: node}
	var lines []logLine
	var last logLine
	timed := false
	for raw := range bytes.Lines(text) {
		line := logLine{Text: clean(strings.TrimRight(string(raw), "\r\n"), longestLine), ms: last.ms,
			known: last.known}
		if at, ok := stampOf(raw, origin, stamp); ok {
			line.ms, line.known, timed = milliseconds(at.Sub(origin)), true, true
			line.At = moment(line.ms, 3)
		}
		last = line
		lines = append(lines, line)
	}
	if len(trouble) == 0 || !timed {
		log.Lines = lines[max(0, len(lines)-tailLines):]
		if !timed && len(trouble) > 0 && len(lines) > 0 {
			log.Note = "its lines carry no time that could be read: the last ones"
		}
		return log
	}
	log.Lines, log.Note = nearest(lines, trouble)
	if len(log.Lines) == 0 && log.Note == "" {
		log.Note = "it wrote nothing then"
	}
	return log
}

// nearest keeps the lines within the trouble; of too many, those nearest to the middle of some trouble.
func nearest(lines []logLine, trouble []interval) (kept []logLine, note string) {
	type ranked struct {
		at       int
		distance float64
	}
	var within []ranked
	for i, line := range lines {
		best := math.Inf(1)
		for _, t := range trouble {
			if line.known && line.ms >= t.from && line.ms <= t.to {
				best = min(best, math.Abs(line.ms-(t.from+t.to)/2))
			}
		}
		if !math.IsInf(best, 1) {
			within = append(within, ranked{i, best})
		}
	}
	if n := len(within) - mostLogLines; n > 0 {
		slices.SortStableFunc(within, func(a, b ranked) int { return cmp.Compare(a.distance, b.distance) })
		within = within[:mostLogLines]
		slices.SortFunc(within, func(a, b ranked) int { return cmp.Compare(a.at, b.at) })
		note = counted(n, "more line") + " left out, further from the trouble"
	}
	for _, r := range within {
		kept = append(kept, lines[r.at])
	}
	return kept, note
}

// stampOf reads the time of a log line. A time without a zone is taken to be in the zone of the run's own clock.
func stampOf(line []byte, origin time.Time, stamp *regexp.Regexp) (time.Time, bool) {
	m := stamp.FindSubmatch(line[:min(len(line), 80)])
	if m == nil {
		return time.Time{}, false
	}
	text := fmt.Sprintf("%s-%s-%sT%s.%s", m[1], m[2], m[3], m[4], orElse(string(m[5]), "0"))
	const layout = "2006-01-02T15:04:05.999999999"
	var at time.Time
	var err error
	switch zone := strings.ReplaceAll(string(m[6]), ":", ""); zone {
	case "":
		at, err = time.ParseInLocation(layout, text, origin.Location())
	case "Z", "UTC":
		at, err = time.ParseInLocation(layout, text, time.UTC)
	default:
		at, err = time.Parse(layout+"-0700", text+zone)
	}
	return at, err == nil
}
