package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// JUnit writes the verdict as one test case in the dialect that CI servers read: a violation is a failure, an unknown
// verdict, an environment that failed and an interrupt are errors, so that nothing but valid passes.
func JUnit(w io.Writer, in Input) error {
	r, o := in.Results, OutcomeOf(in.Results)
	name := strings.Join(nonEmpty(r.Target, r.Workload, in.Info.Nemesis), "/")
	suite := junitSuite{
		Name: xmlText(orElse(name, r.Run)), Tests: 1, Time: fmt.Sprintf("%.3f", r.DurationMS/1000),
		Case: junitCase{
			Name: xmlText(caseName(in)), Class: xmlText(strings.Join(nonEmpty("capsize", r.Target, r.Workload), ".")),
			Time: fmt.Sprintf("%.3f", r.DurationMS/1000),
		},
	}
	if !in.Info.Started.IsZero() {
		suite.Timestamp = in.Info.Started.UTC().Format("2006-01-02T15:04:05")
	}
	suite.Properties = junitProperties(in)
	problem := &junitProblem{Message: xmlText(headline(in)), Type: o.Class, Text: xmlText(junitDetail(in))}
	switch {
	case r.Verdict == harness.Invalid:
		problem.Type = violationType(r)
		suite.Failures, suite.Case.Failure = 1, problem
	case r.Error != "":
		problem.Type = "environment"
		suite.Errors, suite.Case.Error = 1, problem
	case r.Interrupted:
		problem.Type = "interrupted"
		suite.Errors, suite.Case.Error = 1, problem
	case r.Verdict != harness.Valid:
		suite.Errors, suite.Case.Error = 1, problem
	}
	if o.Exit == 0 {
		suite.Case.Out = &junitText{xmlText(junitDetail(in))}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type junitSuite struct {
	XMLName    xml.Name        `xml:"testsuite"`
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Case       junitCase       `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
	Out     *junitText    `xml:"system-out"`
}

type junitText struct {
	Text string `xml:",cdata"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",cdata"`
}

func caseName(in Input) string {
	if in.Info.Schema == "" {
		return orElse(clean(in.Results.Run, 200), "history")
	}
	return fmt.Sprintf("seed=%d", in.Results.Seed)
}

// violationType names the property that was violated.
func violationType(r harness.Results) string {
	for _, c := range r.Checks {
		if c.Verdict == harness.Invalid && c.Name != "" {
			if c.Name == "linearizable" {
				return "linearizability"
			}
			return xmlText(clean(c.Name, 60))
		}
	}
	return "violation"
}

func junitProperties(in Input) []junitProperty {
	var list []junitProperty
	add := func(name, value string) {
		if value != "" {
			list = append(list, junitProperty{name, xmlText(clean(value, 1000))})
		}
	}
	add("verdict", in.Results.Verdict.String())
	add("seed", fmt.Sprint(in.Results.Seed))
	add("run", in.Results.Run)
	add("claim", string(in.Results.Claim))
	add("repro", in.Results.Repro)
	if in.Folder != "" {
		add("report", in.Folder+"/report.html")
	}
	return list
}

// junitDetail is what a CI server shows under the test: the counterexample, the facts and the command.
func junitDetail(in Input) string {
	var b strings.Builder
	b.WriteByte('\n')
	if in.Results.Verdict == harness.Invalid && len(in.Results.Anomalies) > 0 {
		b.WriteString(Drawing(in.Results.Anomalies[0], in.Results.Faults, 96) + "\n")
	}
	for _, list := range [][]fact{whyParts(in), facts(in)} {
		for _, f := range list {
			fmt.Fprintf(&b, "%s: %s\n", f.Label, f.Text)
		}
	}
	for _, s := range nextSteps(in) {
		fmt.Fprintf(&b, "next: %s\n", strings.TrimSpace(s.Text+"  "+s.Command))
	}
	for _, c := range commands(in) {
		fmt.Fprintf(&b, "%s: %s\n", c.Label, c.Text)
	}
	return b.String()
}

func nonEmpty(words ...string) []string {
	var list []string
	for _, word := range words {
		if word != "" {
			list = append(list, clean(word, 120))
		}
	}
	return list
}

// xmlText leaves out what XML 1.0 cannot hold, whatever the escaping.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= 0x20 && r <= 0xD7FF,
			r >= 0xE000 && r < 0xFFFD, r >= 0x10000 && r <= 0x10FFFF:
			return r
		}
		return -1
	}, s)
}
