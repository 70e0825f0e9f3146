package report

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// hostile are strings that a history, a log or an error may hold, each made to break something.
func hostile() []string {
	return []string{
		`<script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`, `]]></failure><testcase name="x"/>`, `</script><h1>`,
		`' onmouseover='alert(1)`, "a\x00b\x07c\x1b[31mred\x1b]0;title\x07", "\u202egnp.exe\u202c",
		"\u200b\u2066\ufeff", "\xff\xfe\x80",
		"line\nline\r\nline\tend", "```\n# heading\n```", "| a | b |\n|---|", "{{.Outcome}}", "javascript:alert(1)",
		"&lt;b&gt;",
		"漢字かな交じり文漢字かな交じり文", "👩‍👩‍👧‍👦🔥🔥🔥", "e\u0301\u0301\u0301\u0301", strings.Repeat("A", 300_000), "", " ",
		"@everyone",
		"\ufffe\uffff", `--><!--`, `<svg/onload=alert(1)>`, `url(http://evil.example/x)`, `https://evil.example/`,
	}
}

// poisoned puts a hostile string wherever a string can be.
func poisoned(evil string) Input {
	in := violation(400)
	r, info := &in.Results, &in.Info
	for _, s := range []*string{&r.Run, &r.Target, &r.Workload, &r.Reason, &r.Bounded, &r.Observable, &r.Recoverable,
		&r.Repro, &info.ID, &info.Status, &info.Repro, &info.Target, &info.Bug, &info.Workload, &info.Nemesis,
		&r.Anomalies[0].Name, &r.Anomalies[0].Check, &r.Anomalies[0].Key, &r.Anomalies[0].Explanation,
		&r.Anomalies[0].Kept, &r.Checks[0].Name,
		&r.Checks[0].Reason, &in.Folder, &r.Error} {
		*s = evil
	}
	// each line of an error is an element of its own, as it should be: here they are all to be on one
	r.Error = strings.ReplaceAll(evil, "\n", "\r")
	second := r.Anomalies[0] // of which the page tells more than of the first
	second.Kept, second.Ops = "of its own: "+evil, slices.Clone(second.Ops)
	r.Anomalies = append(r.Anomalies, second)
	kept := r.Checks[0].Kept
	kept.Sentence = "kept: " + evil
	for i := range kept.Keys {
		k := &kept.Keys[i]
		k.Key, k.Strongest, k.Held, k.Broken = evil, harness.Level(evil), []string{evil}, []string{evil, evil}
	}
	r.Notes, info.Argv, info.Nodes = []string{evil}, []string{evil}, []string{evil}
	r.Checks[0].Undecided, r.Checks[0].Stats = []string{evil}, map[string]any{evil: evil}
	info.Versions = map[string]string{evil: evil}
	r.Kinds[evil] = r.Kinds["read"]
	values := []any{evil, []any{evil, nil, true, 1.5}, map[string]any{evil: evil}}
	for _, a := range r.Anomalies {
		for i := range a.Ops {
			op := &a.Ops[i]
			op.F, op.Key, op.Node, op.Error, op.Input, op.Output = evil, evil, evil, evil, values[i], values[i]
		}
	}
	for i := range r.Faults {
		f := &r.Faults[i]
		f.Fault, f.Detail, f.Evidence, f.Error, f.Nodes, f.State = evil, evil, evil, evil, []string{evil}, evil
	}
	for i := range r.Windows {
		r.Windows[i].Name = evil
		for j := range r.Windows[i].Groups {
			r.Windows[i].Groups[j].Name = evil
		}
	}
	for i := range r.Coverage {
		r.Coverage[i].Rule, r.Coverage[i].Detail = evil, evil
	}
	for i := range in.History.Pairs {
		p := &in.History.Pairs[i]
		p.Key, p.F, p.Node, p.Error, p.Input, p.Output = evil, evil, evil, evil, evil, evil
	}
	in.Logs[evil] = []byte("2026-11-23T12:37:22.9Z " + evil + "\n" + evil + "\n")
	return in
}

// TestHostileStrings puts each hostile string everywhere and looks for what it could have broken.
func TestHostileStrings(t *testing.T) {
	var b strings.Builder
	if err := HTML(&b, poisoned("harmless")); err != nil {
		t.Fatal(err)
	}
	want := skeleton(b.String())
	for i, evil := range hostile() {
		all := renderAll(t, poisoned(evil))
		all["explain"] = explained(t, poisoned(evil), TextOptions{})
		for name, text := range all {
			if !utf8.ValidString(text) {
				t.Errorf("string %d: %s is no UTF-8", i, name)
			}
			for _, r := range text {
				if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
					t.Errorf("string %d: %s holds %U", i, name, r)
					break
				}
			}
			if n := len(text); n > 2_000_000 {
				t.Errorf("string %d: %s is %d bytes", i, name, n)
			}
		}
		if evil != "" && evil != " " { // less is shown of nothing
			if got := skeleton(all["html"]); got != want {
				t.Errorf("string %d changes the elements of the page:\n%s\nwant\n%s", i, got, want)
			}
		}
		checkXML(t, i, all["junit"])
		if len(all["markdown"]) > markdownLimit {
			t.Errorf("string %d: the Markdown is %d bytes", i, len(all["markdown"]))
		}
		// Outside of fences no tag may come through.
		prose := regexp.MustCompile("(?s)\n(`{3,})text\n.*?\n`{3,}\n").ReplaceAllString("\n"+all["markdown"], "\n")
		if strings.ContainsAny(prose, "<\x00") {
			t.Errorf("string %d: the Markdown holds a tag", i)
		}
	}
}

// skeleton is the elements of a page with the names of their attributes, counted: what escaping must not change.
func skeleton(page string) string {
	counts := map[string]int{}
	elements := regexp.MustCompile(`<(/?[a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z:-]+(?:="[^"]*")?)*)\s*/?>`)
	values := regexp.MustCompile(`="[^"]*"`)
	for _, m := range elements.FindAllStringSubmatch(page, -1) {
		name := strings.ToLower(m[1])
		switch name {
		case "text", "/text", "title", "/title", "a", "/a": // whether a label has room depends on its length
			continue
		}
		counts[name+" "+strings.Join(strings.Fields(values.ReplaceAllString(m[2], "")), " ")]++
	}
	for _, name := range []string{"path class d fill", "rect class x y width height fill fill-opacity"} {
		delete(counts, name) // strips of nodes: one where the name is shown, none where it is empty
	}
	return fmt.Sprint(counts)
}

func checkXML(t *testing.T, i int, text string) {
	t.Helper()
	decoder, cases := xml.NewDecoder(strings.NewReader(text)), 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("string %d: the JUnit file is no XML: %v", i, err)
			return
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "testcase" {
			cases++
		}
	}
	if cases != 1 {
		t.Errorf("string %d: %d test cases", i, cases)
	}
}

func TestHostileTextFitsItsWidth(t *testing.T) {
	for i, evil := range hostile() {
		in := poisoned(evil)
		in.Folder, in.Results.Repro, in.Results.Run = "", "", "" // what must be pasted whole may be longer
		for line := range strings.Lines(textOf(t, in, TextOptions{})) {
			if n := cells(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("string %d: %d columns: %s", i, n, line)
			}
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "a\x00b": `a\x00b`, "\x1b[31m": `\x1b[31m`, "\u202eevil": `\u202eevil`, "\xff": `\xff`,
		"a\nb\tc": "a b c", strings.Repeat("x", 12): "xxxxxxxxxx…(+2)", "漢字": "漢字", "\u200b": `\u200b`,
		"\ufffe": `\ufffe`,
	} {
		if got := clean(in, 10); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCells(t *testing.T) {
	for s, want := range map[string]int{"abc": 3, "漢字": 4, "✓ ✗ ├─┤ ▒ ┄ … ·": 15, "🔥": 2, "ｆｕｌｌ": 8} {
		if got := cells(s); got != want {
			t.Errorf("cells(%q) = %d, want %d", s, got, want)
		}
	}
	if got := clip("漢字漢字", 5); got != "漢字…" || cells(got) != 5 {
		t.Errorf("clip cut to %q", got)
	}
	for _, width := range []int{8, 9, 20} {
		for _, line := range wrap("漢字漢字漢字漢字漢字 abc "+strings.Repeat("é", 50), width) {
			if cells(line) > width {
				t.Errorf("a wrapped line of %d columns where %d were asked for: %s", cells(line), width, line)
			}
		}
	}
}

func TestAnchorsAreUnique(t *testing.T) {
	seen := map[string]string{}
	plain := regexp.MustCompile(`^key-[A-Za-z0-9._-]+$`)
	for _, key := range append(hostile(), "r7", "a b", "a_b", "a.b", "a/b", strings.Repeat("A", 61)) {
		id := anchor("key", key)
		if other, ok := seen[id]; ok || !plain.MatchString(id) && key != "" {
			t.Errorf("%.20q and %.20q both have the anchor %s", key, other, id)
		}
		seen[id] = key
	}
	if anchor("key", "r7") != "key-r7" {
		t.Error("a plain key does not keep its name")
	}
}

// TestNoUnescapedHTML keeps out of the package the types by which html/template is told to trust a string.
func TestNoUnescapedHTML(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil || len(sources) < 10 {
		t.Fatalf("%d sources, %v", len(sources), err)
	}
	trusted := regexp.MustCompile(`template\.(HTML|HTMLAttr|JS|JSStr|CSS|URL|Srcset)\b|"text/template"`)
	for _, path := range sources {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			if trusted.MatchString(line) && !strings.Contains(line, "//") && !strings.HasPrefix(path, "hostile") {
				t.Errorf("%s:%d trusts a string: %s", path, n+1, line)
			}
		}
	}
}

// TestEverySizeOfRun keeps the page within its limits, with latencies spread so widely that no two share a spot.
func TestEverySizeOfRun(t *testing.T) {
	for _, size := range []struct{ ops, limit int }{{10_000, 1_000_000}, {100_000, 5_000_000}} {
		in := violation(size.ops)
		for i := range in.History.Pairs {
			p := &in.History.Pairs[i]
			p.Return = p.Call + 1000<<(uint(i*7919)%24)
			p.Outcome = history.Type([]history.Type{history.OK, history.Fail, history.Info}[i*31%3])
			p.Error = strings.Repeat("no answer from the leader ", 8)
		}
		for i := range 700 {
			f := in.Results.Faults[0]
			f.ID, f.StartMS, f.EndMS = 100+i, float64(i*28), new(float64(i*28+9))
			in.Results.Faults = append(in.Results.Faults, f)
			w := in.Results.Windows[1]
			w.Fault = f.ID
			in.Results.Windows = append(in.Results.Windows, w)
		}
		var b strings.Builder
		if err := HTML(&b, in); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d ops, 703 faults: %d bytes", size.ops, b.Len())
		if b.Len() > size.limit {
			t.Errorf("%d operations make a page of %d bytes, more than %d", size.ops, b.Len(), size.limit)
		}
		for _, s := range []string{"Latency points drawn", "more faults are in results.json",
			"more rows are in results.json"} {
			if !strings.Contains(b.String(), s) {
				t.Errorf("what was left out is not said: %s", s)
			}
		}
		var m strings.Builder
		if err := Markdown(&m, in); err != nil || m.Len() > markdownLimit {
			t.Errorf("the Markdown is %d bytes, error %v", m.Len(), err)
		}
	}
}
