package report

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

func TestJUnitDialect(t *testing.T) {
	interrupted := fixtureOf(400)
	interrupted.Results.Interrupted = true
	broke := violation(400)
	broke.Results.Error = "disk full"
	set := violation(400)
	set.Results.Checks[0].Name = "set"
	for name, test := range map[string]struct {
		in                 Input
		failure, errorType string
	}{
		"valid":                           {fixtureOf(400), "", ""},
		"violation":                       {violation(400), "linearizability", ""},
		"violation of another check":      {set, "set", ""},
		"violation, and the disk is full": {broke, "linearizability", ""},
		"unknown":                         {vacuous(400), "", "unknown"},
		"environment":                     {broken(400), "", "environment"},
		"interrupted":                     {interrupted, "", "interrupted"},
		"nothing":                         {Input{}, "", "unknown"},
	} {
		var b strings.Builder
		if err := JUnit(&b, test.in); err != nil {
			t.Fatal(err)
		}
		var suite junitSuite
		if err := xml.Unmarshal([]byte(b.String()), &suite); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if (test.failure != "") != (suite.Failures == 1) || (test.errorType != "") != (suite.Errors == 1) ||
			suite.Tests != 1 {
			t.Errorf("%s: %d failures and %d errors of %d tests", name, suite.Failures, suite.Errors, suite.Tests)
		}
		if p := suite.Case.Failure; (p != nil) != (test.failure != "") || p != nil && p.Type != test.failure {
			t.Errorf("%s: failure %+v", name, p)
		}
		if p := suite.Case.Error; (p != nil) != (test.errorType != "") || p != nil && p.Type != test.errorType {
			t.Errorf("%s: error %+v", name, p)
		}
	}
}

func TestXMLText(t *testing.T) {
	if got := xmlText("a\x00b\x0bc\uffff\ufffd\td\n漢"); got != "abc\td\n漢" {
		t.Errorf("got %q", got)
	}
}

// TestMarkdownIsCutAtABlock fills the summary beyond its limit and finds it cut between blocks, and saying so.
func TestMarkdownIsCutAtABlock(t *testing.T) {
	m := markdown{limit: 1000}
	m.block("# first")
	for range 10 {
		m.fence(strings.Repeat("x", 300))
	}
	text := m.out.String()
	if len(text) > 1000 || !strings.HasSuffix(text, cutNote) || strings.Count(text, "```")%2 != 0 ||
		strings.Count(text, "xxx") == 0 {
		t.Errorf("%d bytes:\n%s", len(text), text)
	}
	if strings.Count(text, cutNote) != 1 {
		t.Error("the note is there more than once")
	}
	small := markdown{limit: 1000}
	small.block("# first")
	if strings.Contains(small.out.String(), cutNote) {
		t.Error("a short summary says that it was cut")
	}
}

func TestMarkdownFencesHoldBackticks(t *testing.T) {
	m := markdown{limit: 1000}
	m.fence("a ``` b ```` c")
	if text := m.out.String(); !strings.HasPrefix(text, "`````text\n") || !strings.HasSuffix(text, "\n`````\n") {
		t.Error(text)
	}
}

func TestForeignHistory(t *testing.T) {
	in := violation(400)
	in.Info, in.Folder, in.Results.Run, in.Results.Repro = harness.RunInfo{}, "", "store/latest/history.edn", ""
	in.Results.Notes = []string{"guessed the model cas-register."}
	all := renderAll(t, in)
	for name, text := range all {
		if !strings.Contains(text, "capsize check store/latest/history.edn") {
			t.Errorf("%s does not say how to check the file again", name)
		}
		if name != "junit" && name != "markdown" && !strings.Contains(text, "guessed the model cas-register") {
			t.Errorf("%s does not say what was guessed", name)
		}
		if strings.Contains(text, "seed 8821") || strings.Contains(text, "/report.html") {
			t.Errorf("%s speaks of a run that there was none of", name)
		}
	}
}
