package nemesis

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// maxSchedule is the largest schedule that is read, in bytes: hundreds of thousands of strikes.
const maxSchedule = 64 << 20

// Line is one strike as it is written by hand: {at: 5s, for: 3s, fault: "partition:leader", lane: 0, seed: 7}.
type Line struct {
	At    time.Duration `yaml:"at"`  // since the start of the load
	For   time.Duration `yaml:"for"` // how long it lasts
	Fault string        `yaml:"fault"`
	Lane  int           `yaml:"lane,omitempty"` // from 0
	Seed  uint64        `yaml:"seed,omitempty"` // of the choices it makes; 0 means drawn from the run's seed
}

// strike works a line out.
func (l Line) strike() (harness.Strike, error) {
	switch {
	case l.At < 0:
		return harness.Strike{}, fmt.Errorf("at %v is before the start of the load", l.At)
	case l.For <= 0:
		return harness.Strike{}, fmt.Errorf("for %v is no length: a strike lasts longer than nothing", l.For)
	case l.Lane < 0 || l.Lane >= maxLanes:
		return harness.Strike{}, fmt.Errorf("lane %d is none: lanes are numbered from 0 to %d", l.Lane, maxLanes-1)
	}
	fault, err := Parse(l.Fault)
	return harness.Strike{At: l.At, For: l.For, Fault: fault, Seed: l.Seed}, err
}

// ScheduleOf makes a schedule of lines, one slice a lane, each in the order of its times. Strikes of one lane must not
// overlap.
func ScheduleOf(lines []Line) ([][]harness.Strike, error) {
	schedule, at, err := arrange(lines)
	if err != nil {
		if at >= 0 {
			err = fmt.Errorf("strike %d of the schedule: %w", at+1, err)
		}
		return nil, err
	}
	return schedule, nil
}

// arrange sorts lines into lanes. An error comes with the place of the line it is about.
func arrange(lines []Line) (schedule [][]harness.Strike, at int, err error) {
	order := make([]int, len(lines))
	for i := range lines {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(lines[a].At, lines[b].At) })
	last := make(map[int]Line)
	schedule = [][]harness.Strike{} // nobody is to take an empty schedule for none
	for _, i := range order {
		line := lines[i]
		strike, err := line.strike()
		if err != nil {
			return nil, i, err
		}
		if before, ok := last[line.Lane]; ok && line.At-before.At < before.For {
			return nil, i, fmt.Errorf("%s at %v strikes while %s (at %v for %v) is still on: "+
				"give one of them another lane than %d",
				line.Fault, line.At, before.Fault, before.At, before.For, line.Lane)
		}
		last[line.Lane] = line
		schedule = into(schedule, line.Lane, strike)
	}
	return schedule, -1, nil
}

func into(schedule [][]harness.Strike, lane int, strike harness.Strike) [][]harness.Strike {
	for len(schedule) <= lane {
		schedule = append(schedule, nil)
	}
	schedule[lane] = append(schedule[lane], strike)
	return schedule
}

// ReadSchedule reads a schedule: either a run's faults.jsonl, whose strikes are planned again as they were with the
// choices they made, or a list of [Line] in YAML or JSON. name is what errors call the file; they say where in it.
func ReadSchedule(r io.Reader, name string) ([][]harness.Strike, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSchedule+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > maxSchedule {
		return nil, fmt.Errorf("%s is no schedule: it is larger than %d MB", name, maxSchedule>>20)
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	switch {
	case len(text) == 0:
		return nil, fmt.Errorf("%s is empty: %s", name, scheduleHint)
	case text[0] == '{':
		return readRecorded(data, name)
	}
	return readWritten(data, name)
}

const scheduleHint = `expected a run's faults.jsonl or a list such as - {at: 5s, for: 3s, fault: "partition:leader"}`

// readRecorded reads faults.jsonl. What struck is planned again as it was planned, overlaps and all.
func readRecorded(data []byte, name string) ([][]harness.Strike, error) {
	recorded, err := history.ReadStrikes(bytes.NewReader(data), name)
	if err != nil {
		return nil, err
	}
	if len(recorded) == 0 {
		return nil, fmt.Errorf("%s holds no whole line: %s", name, scheduleHint)
	}
	slices.SortStableFunc(recorded, func(a, b history.Strike) int { return cmp.Compare(a.PlannedAt, b.PlannedAt) })
	var schedule [][]harness.Strike
	for _, s := range recorded {
		line := Line{At: s.PlannedAt, For: s.PlannedFor, Fault: s.Fault, Lane: s.Lane, Seed: s.Seed}
		strike, err := line.strike()
		if err != nil {
			return nil, fmt.Errorf("%s: strike %d: %w", name, s.ID, err)
		}
		schedule = into(schedule, line.Lane, strike)
	}
	return schedule, nil
}

// readWritten reads a list that was written by hand.
func readWritten(data []byte, name string) ([][]harness.Strike, error) {
	root, err := readDocument(data, name)
	if err != nil {
		return nil, err
	}
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		root = root.Content[0]
	}
	if root.Kind != yaml.SequenceNode {
		return nil, nodeError(name, root, errors.New(scheduleHint))
	}
	lines := make([]Line, len(root.Content))
	for i, item := range root.Content {
		line, at, err := readLine(item)
		if err != nil {
			return nil, nodeError(name, at, err)
		}
		lines[i] = line
	}
	schedule, at, err := arrange(lines)
	if err != nil {
		return nil, nodeError(name, root.Content[at], err)
	}
	return schedule, nil
}

// readDocument reads the one document of a file.
func readDocument(data []byte, name string) (*yaml.Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithUniqueKeys())
	if err != nil {
		return nil, yamlError(name, err)
	}
	var document, second yaml.Node
	switch err := loader.Load(&document); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s is empty: %s", name, scheduleHint)
	case err != nil:
		return nil, yamlError(name, err)
	}
	switch err := loader.Load(&second); {
	case err == nil:
		return nil, nodeError(name, &second, errors.New("a second document begins here: a schedule is one list"))
	case !errors.Is(err, io.EOF):
		return nil, yamlError(name, err)
	}
	return &document, nil
}

// readLine reads one item of the list. An error comes with the node it is about.
func readLine(item *yaml.Node) (line Line, at *yaml.Node, err error) {
	if item.Kind != yaml.MappingNode {
		return line, item, errors.New(`expected a strike such as {at: 5s, for: 3s, fault: "partition:leader"}`)
	}
	given := make(map[string]bool)
	for i := 0; i+1 < len(item.Content); i += 2 {
		key, value := item.Content[i], item.Content[i+1]
		if given[key.Value] {
			return line, key, fmt.Errorf("%s is given twice", key.Value)
		}
		given[key.Value] = true
		if value.Kind != yaml.ScalarNode {
			return line, value, fmt.Errorf("%s: expected a single value", key.Value)
		}
		if unknown, err := line.set(key.Value, value.Value); unknown {
			return line, key, err
		} else if err != nil {
			return line, value, err
		}
	}
	for _, field := range lineFields[:3] {
		if !given[field] {
			return line, item, fmt.Errorf("the strike has no %q", field)
		}
	}
	return line, nil, nil
}

// lineFields are the fields of a line; the first three must be there.
var lineFields = []string{"at", "for", "fault", "lane", "seed"}

// set reads one field.
func (l *Line) set(field, text string) (unknown bool, err error) {
	expected := ""
	switch field {
	case "at":
		l.At, err = time.ParseDuration(text)
		expected = "a time such as 5s"
	case "for":
		l.For, err = time.ParseDuration(text)
		expected = "a time such as 3s"
	case "fault":
		_, err := Parse(text)
		l.Fault = text
		return false, err
	case "lane":
		l.Lane, err = strconv.Atoi(text)
		expected = "a number from 0"
	case "seed":
		l.Seed, err = strconv.ParseUint(text, 10, 64)
		expected = "a number from 0"
	default:
		if near := harness.Nearest(field, lineFields); near != "" {
			return true, fmt.Errorf("unknown field %q: did you mean %q?", field, near)
		}
		return true, fmt.Errorf("unknown field %q: a strike has at, for, fault, lane and seed", field)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %q is not %s", field, text, expected)
	}
	return false, nil
}

func nodeError(name string, at *yaml.Node, err error) error {
	return &history.ParseError{
		Name: name, Line: max(at.Line, 1), Column: max(at.Column, 1), Text: err.Error(), Err: err,
	}
}

// yamlError brings an error of the YAML reader into the form of the others.
func yamlError(name string, err error) error {
	var where *yaml.LoadError
	if !errors.As(err, &where) {
		return fmt.Errorf("%s: %w", name, err)
	}
	return &history.ParseError{
		Name: name, Line: max(where.Mark.Line, 1), Column: max(where.Mark.Column, 1), Text: where.Message, Err: err,
	}
}

// WriteSchedule writes a schedule so that [ReadSchedule] reads it back: a line of YAML for each strike, lane by lane.
func WriteSchedule(w io.Writer, schedule [][]harness.Strike) error {
	var out bytes.Buffer
	for lane, strikes := range schedule {
		for _, s := range strikes {
			fmt.Fprintf(&out, "- {at: %v, for: %v, fault: %s", s.At, s.For, strconv.Quote(s.Fault.Name()))
			if lane > 0 {
				fmt.Fprintf(&out, ", lane: %d", lane)
			}
			if s.Seed != 0 {
				fmt.Fprintf(&out, ", seed: %d", s.Seed)
			}
			out.WriteString("}\n")
		}
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the schedule: %w", err)
	}
	return nil
}
