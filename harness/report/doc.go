// Package report draws what people look at after a run: a block for the terminal, one HTML file, Markdown for a CI
// summary and JUnit for whatever counts tests.
//
// All four are functions of one value, [Input]: what was asked (harness.RunInfo), what was judged (harness.Results),
// what was recorded (history.History) and what the nodes wrote. [Gather] makes it of a run's folder; nothing
// else here reads a file, asks a clock or decides anything: the verdict is taken as it comes, and the same input gives the same bytes.
//
//	words.go      the outcome: glyph, word, exit code; numbers, times and values as people read them
//	value.go      values and operations in words
//	clean.go      hostile strings: what may reach a terminal, a picture or an XML file, and how wide it is there
//	story.go      the sentences every form shares: what was checked, under which faults; next.go: what to do next
//	windows.go    availability and recovery as rows
//	scale.go      real time to positions, with short gaps widened where they would vanish
//	layout.go     where the operations and faults of a counterexample go; drawn twice, by
//	drawing.go    as text, and
//	witness.go    as SVG
//	sample.go     a history as bins and as a bounded number of points
//	charts.go     faults, nodes and rate over the run, and latency.go on the same axis
//	svg.go        the few shapes the pictures are made of
//	logs.go       the nodes' logs around the trouble
//	text.go, html.go, markdown.go, junit.go    the four forms; page.html, page.css, page.js are embedded
//	explain.go    the violations alone
//	rows.go, views.go    the tables and counterexamples of the page
//
// Three promises hold for every form. A report is written for every verdict, and a renderer that fails is an error
// beside the verdict, never a change of it ([WriteFiles]). A valid is never bare: it says on how much and under what it
// was found. And every string of a history, a log or an error is hostile: html/template escapes it in its context (the
// package holds no template.HTML), control and direction characters are made visible, and long ones are cut.
package report
