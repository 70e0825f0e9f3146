package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
	"github.com/capsize-dev/capsize/nemesis"

	"github.com/capsize-dev/capsize/checkers"
)

// entry is one thing of a list, as data.
type entry struct {
	Name        string                  `json:"name"`
	Summary     string                  `json:"summary"`
	Claim       harness.Level           `json:"claim,omitempty"`
	Promise     string                  `json:"promise,omitempty"`
	Runtimes    []string                `json:"runtimes,omitempty"`
	Bug         string                  `json:"bug,omitempty"`
	Recommended *harness.Recommendation `json:"recommended,omitempty"`
	Functions   []string                `json:"functions,omitempty"`
	Examples    []string                `json:"examples,omitempty"`
}

func (a *app) lists() map[string]func() []entry {
	return map[string]func() []entry{
		"targets": a.targetEntries, "workloads": a.workloadEntries, "faults": faultEntries,
		"models": modelEntries, "formats": formatEntries,
	}
}

// listOrder is the order of the lists when all are asked for.
var listOrder = [...]string{"targets", "workloads", "faults", "models", "formats"}

func (a *app) listCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:       "list [targets|workloads|faults|models|formats]",
		Short:     "list what there is to run, to hurt with and to judge by",
		Args:      atMostOne("list"),
		ValidArgs: listOrder[:],
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = listOrder[:]
			}
			return a.list(args, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	return c
}

func (a *app) list(names []string, asJSON bool) error {
	lists := make(map[string][]entry)
	for _, name := range names {
		make, ok := a.lists()[name]
		if !ok {
			return usagef("there is no list %q%s\n  do     one of %s", name, didYouMean(name, listOrder[:]),
				strings.Join(listOrder[:], ", "))
		}
		lists[name] = make()
	}
	if asJSON {
		if len(names) == 1 {
			return a.printJSON(lists[names[0]])
		}
		return a.printJSON(lists)
	}
	for i, name := range names {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		if len(names) > 1 {
			fmt.Fprintln(a.stdout, strings.ToUpper(name))
		}
		if err := writeEntries(a.stdout, lists[name], width(a.stdout)); err != nil {
			return err
		}
	}
	return nil
}

// writeEntries prints a list: a name, and beside it what there is to say, wrapped to the width.
func writeEntries(w io.Writer, entries []entry, width int) error {
	longest := 0
	for _, e := range entries {
		longest = max(longest, len(e.Name))
	}
	var text strings.Builder
	for _, e := range entries {
		name := e.Name
		for _, line := range e.lines(max(width-longest-2, 30)) {
			fmt.Fprintf(&text, "%-*s  %s\n", longest, name, line)
			name = ""
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// lines is what is said of an entry: its summary and, indented, what it claims, what catches it, or examples.
func (e entry) lines(width int) []string {
	first, more := e.Summary, ""
	switch {
	case e.Bug != "":
		first = "planted bug: " + e.Bug
		more = fmt.Sprintf("caught by %s under %s", e.Recommended.Workload, orNone(e.Recommended.Nemesis))
	case e.Promise != "":
		more = "claims " + e.Promise
	case e.Claim == harness.NoLevel:
		more = "claims no consistency"
	case e.Claim != "":
		more = "claims to be " + string(e.Claim)
	case len(e.Examples) > 0:
		more = strings.Join(e.Examples, " ")
	}
	lines := wrap(first, width)
	if len(e.Runtimes) == 1 && e.Runtimes[0] == harness.ContainerRuntime {
		more += "; needs Docker"
	}
	if more != "" {
		for _, line := range wrap(more, width-2) {
			lines = append(lines, "  "+line)
		}
	}
	return lines
}

// wrap breaks a text between words into lines of at most so many characters; a longer word stays whole.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func (a *app) targetEntries() []entry {
	var entries []entry
	for _, t := range a.catalogue.Targets {
		e := entry{Name: t.Name()}
		if d, ok := t.(harness.Describer); ok {
			about := d.About()
			e.Summary, e.Claim, e.Bug, e.Recommended = about.Summary, about.Claim, about.Bug, &about.Recommended
			e.Promise, e.Runtimes = about.Promise, about.Runtimes
		}
		entries = append(entries, e)
	}
	return entries
}

func (a *app) workloadEntries() []entry {
	var entries []entry
	for _, w := range a.catalogue.Workloads {
		entries = append(entries, entry{Name: w.Name, Summary: w.Doc, Functions: w.Kinds})
	}
	return entries
}

func faultEntries() []entry {
	var entries []entry
	for _, f := range nemesis.All() {
		entries = append(entries, entry{Name: f.Name, Summary: f.Doc, Examples: f.Examples})
	}
	return entries
}

func modelEntries() []entry {
	var entries []entry
	for _, m := range checkers.Models() {
		entries = append(entries, entry{Name: m.Name, Summary: m.Doc, Functions: m.Functions})
	}
	return entries
}

func formatEntries() []entry {
	var entries []entry
	for _, f := range history.Formats() {
		entries = append(entries, entry{Name: f.Name, Summary: f.Doc})
	}
	return entries
}

func (a *app) lsCommand() *cobra.Command {
	var o output
	c := &cobra.Command{
		Use:   "ls",
		Short: "list the runs, the newest last",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("ls takes no arguments, only --out DIR")
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return a.ls(o) },
	}
	o.bind(c)
	c.Flags().Lookup("json").Usage = "print the runs as JSON"
	return c
}

// runEntry is one line of ls.
type runEntry struct {
	ID       string    `json:"id"`
	Started  time.Time `json:"started"`
	Status   string    `json:"status"`
	Target   string    `json:"target"`
	Workload string    `json:"workload"`
	Nemesis  string    `json:"nemesis"`
	Seed     uint64    `json:"seed"`
	Verdict  string    `json:"verdict"`
	Reason   string    `json:"reason"`
}

func (a *app) ls(o output) error {
	folders, err := store.List(o.out)
	if err != nil {
		return err
	}
	runs := []runEntry{}
	for _, f := range folders {
		runs = append(runs, describe(f))
	}
	if o.json {
		return a.printJSON(runs)
	}
	if len(runs) == 0 {
		fmt.Fprintf(a.stderr, "no runs in %s yet: capsize run makes one\n", o.out)
		return nil
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	longest := 0
	for _, r := range runs {
		longest = max(longest, len(r.ID))
	}
	room := max(width(a.stdout)-longest-len("  unknown  "), 18)
	for _, r := range runs {
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.ID, r.Verdict, shorten(r.Reason, room))
	}
	return table.Flush()
}

// describe reads what ls shows of a run. A folder that cannot be read is listed with the reason.
func describe(f store.Folder) runEntry {
	r := runEntry{ID: f.ID(), Verdict: "-"}
	var info harness.RunInfo
	if err := f.ReadJSON(store.RunFile, &info); err != nil {
		r.Reason = err.Error()
		return r
	}
	r.Started, r.Status, r.Target, r.Workload, r.Nemesis, r.Seed = info.Started, info.Status, info.Target,
		info.Workload, info.Nemesis, info.Seed
	var res harness.Results
	if err := f.ReadJSON(store.ResultsFile, &res); err != nil {
		r.Reason = info.Status + ", not judged yet (capsize check " + f.ID() + ")"
		return r
	}
	r.Verdict, r.Reason = res.Verdict.String(), res.Reason
	return r
}

func shorten(text string, limit int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text))
	if len(runes) <= limit {
		return string(runes)
	}
	return string(runes[:limit-1]) + "…"
}
