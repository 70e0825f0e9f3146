package report

import (
	"embed"
	"html/template"
	"io"

	"github.com/capsize-dev/capsize/harness"
)

//go:embed page.html page.css page.js
var files embed.FS

// How much of each list the page shows; what is left out is said where it is.
const (
	mostAnomalies  = 5 // drawn
	mostFaultRows  = 300
	mostWindowRows = 400
	mostKeyOps     = 80 // around an anomaly
	mostUndecided  = 50
)

// HTML writes the report as one self-contained page: no requests, readable without JavaScript and without style sheets,
// in light and dark and on paper. 100,000 operations take less than 5 MB.
func HTML(w io.Writer, in Input) error {
	t, err := pageTemplate()
	if err != nil {
		return err
	}
	return t.Execute(w, pageOf(in))
}

// pageTemplate parses the page with its style sheet and script, which are constant text of the template and no data.
func pageTemplate() (*template.Template, error) {
	t := template.New("page.html")
	for name, element := range map[string]string{"page.css": "style", "page.js": "script"} {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if _, err := t.New(name).Parse("<" + element + ">\n" + string(text) + "</" + element + ">"); err != nil {
			return nil, err
		}
	}
	return t.ParseFS(files, "page.html")
}

// page is everything the template shows, in the words and numbers it shows it in.
type page struct {
	Outcome     Outcome
	Headline    string
	Title       string
	Run         string
	When        string
	Summary     []fact
	Why         []fact
	Facts       []fact
	Next        []step
	Notes       []string
	Valid       bool
	Anomalies   []anomalyView
	MoreAnoms   int
	Bounded     string
	Observable  string
	Recoverable string
	Chart       *chart
	Kinds       []kindRow
	Faults      []faultRow
	MoreFaults  int
	Windows     []windowRow // by all and side
	WindowsAll  []windowRow // by node and kind
	MoreWindows int
	Coverage    []harness.CoverageRule
	Checks      []checkRow
	Keys        []keyRow // that do not have what was checked
	MoreKeys    string
	Logs        []nodeLog
	LogsAbout   string
	Commands    []fact
	Setup       []fact
}

// anomalyView is a violation with its pictures and its operations.
type anomalyView struct {
	Number      int
	Name        string
	Key         string
	KeyID       string
	Check       string
	Explanation string
	Kept        string // by the key, where that is not what the whole kept
	Count       string
	Picture     *picture
	Drawing     string
	Note        string
	Ops         []opRow
	Around      []opRow // the other operations on the key, near in time
	AroundNote  string
	Open        bool
}

// opRow is an operation as a row of a table.
type opRow struct {
	ID         string // the anchor; "" where an earlier row has it
	Index      int
	Process    int
	Node       string
	Text       string
	Outcome    string
	Called     string
	Took       string
	Revision   string
	Error      string
	Impossible bool
}

type kindRow struct {
	Name   string
	Counts [5]string // total, ok, fail, info, hung
	Share  string
	Width  int
}

type faultRow struct {
	ID       int
	Name     string
	Detail   string
	From     string
	For      string
	Effect   string
	Took     bool
	Struck   bool
	Evidence string
	Ops      string
}

type keyRow struct{ Key, Strongest, Stale, Versions, Reads, Regular, Held, Broken string }

type checkRow struct {
	Name, Verdict, Level, Reason, Ops, Keys, Took string
	Undecided                                     string
	Stats                                         []fact
}

func pageOf(in Input) page {
	r := in.Results
	p := page{
		Outcome: OutcomeOf(r), Headline: headline(in), Title: title(in), Run: clean(r.Run, 120), Why: whyParts(in),
		Facts: facts(in), Next: nextSteps(in), Valid: r.Verdict == harness.Valid, Bounded: sentence(r.Bounded),
		Observable: sentence(r.Observable), Recoverable: sentence(r.Recoverable), Chart: runChart(in),
		Kinds:  kindRows(r),
		Checks: checkRows(r), Commands: commands(in), Setup: setupOf(in), Summary: summaryOf(in),
	}
	if !in.Info.Started.IsZero() {
		p.When = in.Info.Started.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	for _, note := range r.Notes {
		p.Notes = append(p.Notes, noteText(note))
	}
	for _, c := range r.Coverage {
		p.Coverage = append(p.Coverage, harness.CoverageRule{Rule: sentence(c.Rule), Met: c.Met,
			Detail: sentence(c.Detail)})
	}
	p.Keys, p.MoreKeys = keyRows(r)
	p.Faults, p.MoreFaults = faultRows(r.Faults)
	p.Windows = windowRows(r.Windows, "all", "side")
	p.WindowsAll = windowRows(r.Windows, "all", "node", "kind")
	for _, rows := range []*[]windowRow{&p.Windows, &p.WindowsAll} {
		if n := len(*rows) - mostWindowRows; n > 0 {
			p.MoreWindows += n
			*rows = (*rows)[:mostWindowRows]
		}
	}
	seen := map[string]bool{}
	for i, a := range r.Anomalies {
		if i == mostAnomalies {
			p.MoreAnoms = len(r.Anomalies) - i
			break
		}
		p.Anomalies = append(p.Anomalies, anomalyOf(i, a, in, seen))
	}
	p.Logs, p.LogsAbout = troubleLogs(in)
	return p
}
