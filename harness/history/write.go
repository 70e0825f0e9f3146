package history

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// blockLines is how many events a block of a compressed file holds: so many are lost at most where it is cut, for half a
// block cannot be unpacked. Twice as many would make a file 1 % smaller.
const blockLines = 256

// zstSuffix behind a format's name means that what is written is compressed.
const zstSuffix = ".zst"

// Write writes h in one of the [Formats], by name; with .zst behind the name, as in jsonl.zst, it is compressed, in
// blocks of 256 events, so that no more are lost where the file is cut. Reading it again gives the same pairs:
//
//   - jsonl: all of them, to the last field.
//   - edn: the same. What Jepsen has no word for is written beside it, as :capsize/rev, /due, /hung, /unmet and /key
//     (the key is in the value too, as [key value], for jepsen.independent). A process may not have a number of 2^30
//     or more, where processes that have names are counted, except those.
//   - log: the same, in the lines that Jepsen logs and one before each with what these have no place for.
//   - elle: the same.
//   - porcupine: processes, functions (read, write, append), keys, values, and the order of events. Values are texts,
//     and every operation is ok or never returned, as an info does not. Left out are indices, times, nodes, revisions,
//     the mark of final reads, and whatever came with an info.
//
// The Strikes are in edn and log, as operations of Jepsen's nemesis that read as what they were. The other formats have
// no place for them ([HoldsFaults]); a run keeps its own in faults.jsonl. The Notes are in none.
//
// Where h has what the format cannot hold, the error is a [*CannotHold], and nothing was written. NaN and the
// infinities, which no reader returns, read as strings.
func Write(w io.Writer, h History, format string) error {
	name, compressed := strings.CutSuffix(format, zstSuffix)
	f, ok := writerOf(name)
	if !ok {
		return fmt.Errorf("unknown format %q (expected %s)", format, strings.Join(WriteFormats(), ", "))
	}
	if f.refuse != nil {
		if err := f.refuse(h); err != nil {
			return err
		}
	}
	if !compressed {
		return writeLines(w, h, f, nil)
	}
	z, err := zstd.NewWriter(w)
	if err != nil {
		return fmt.Errorf("compress the history: %w", err)
	}
	if err := writeLines(z, h, f, z.Flush); err != nil {
		z.Close()
		return err
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	return nil
}

// WriteFormats names what [Write] takes, each also compressed.
func WriteFormats() []string {
	var names []string
	for _, f := range Formats() {
		if _, ok := writerOf(f.Name); ok {
			names = append(names, f.Name, f.Name+zstSuffix)
		}
	}
	return names
}

// CannotHold is why a history cannot be written in a format: reading it again would give something else.
type CannotHold struct {
	Format  string
	Instead string // a format that can
	Index   int    // of the operation's invocation
	F       string // its function
	Text    string // what the format has no room for
}

// Error names the format and the operation.
func (e *CannotHold) Error() string {
	return fmt.Sprintf("%s cannot hold operation %d (%s), %s can: %s", e.Format, e.Index, e.F, e.Instead, e.Text)
}

// writer is how one format is written.
type writer struct {
	refuse func(h History) error // an error for what would be lost; nil where there is no such thing
	// line returns what appends a line. It is told all of the history, since some forms look at all of it.
	line func(h History) func([]byte, event) []byte
	// deed appends an operation of the nemesis; nil where there are none.
	deed func(o nemesisOp, dst []byte, index int) []byte
}

// HoldsFaults reports whether the Strikes of a history are kept in a format that [Write] takes.
func HoldsFaults(format string) bool {
	f, _ := writerOf(strings.TrimSuffix(format, zstSuffix))
	return f.deed != nil
}

// writerOf returns how a format is written, and false for one that is only read.
func writerOf(format string) (writer, bool) {
	switch format {
	case FormatJSONL:
		return writer{line: func(History) func([]byte, event) []byte {
			return func(dst []byte, e event) []byte { return AppendJSON(dst, e.op()) }
		}}, true
	case FormatEDN:
		return writer{refuse: refuseForeign(format), line: ednLine, deed: nemesisOp.appendEDN}, true
	case FormatLog:
		return writer{refuse: refuseForeign(format), line: logLine, deed: nemesisOp.appendLog}, true
	case FormatElle:
		return writer{refuse: refuseForeign(format), line: elleLine}, true
	case FormatPorcupine:
		return writer{refuse: refuseKV, line: kvLine}, true
	}
	return writer{}, false
}

// event is a line of the history: one end of a pair.
type event struct {
	*Pair
	end   bool
	deeds int // how many operations of the nemesis were written before it
}

// place is the index where those of the nemesis are counted too, as Jepsen counts them.
func (e event) place() int { return e.index() + e.deeds }

func (e event) index() int {
	if e.end {
		return e.End
	}
	return e.Index
}

func (e event) at() time.Duration {
	if e.end {
		return e.Return
	}
	return e.Call
}

func (e event) kind() Type {
	if e.end {
		return e.Outcome
	}
	return Invoke
}

func (e event) value() any {
	if e.end {
		return e.Output
	}
	return e.Input
}

func (e event) op() Op {
	if e.end {
		return e.finish()
	}
	return e.begin()
}

// events are the lines that h was made of, in their order.
func (h History) events() []event {
	events := make([]event, 0, 2*len(h.Pairs))
	for i := range h.Pairs {
		p := &h.Pairs[i]
		events = append(events, event{Pair: p})
		if p.End >= 0 {
			events = append(events, event{Pair: p, end: true})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.index(), b.index()) })
	return events
}

// writeLines writes every event, and what the nemesis did in between.
// Every blockLines events it calls flush, where there is one.
func writeLines(w io.Writer, h History, f writer, flush func() error) error {
	out := bufio.NewWriterSize(w, 64<<10)
	line := f.line(h)
	var deeds []nemesisOp
	if f.deed != nil {
		deeds = h.nemesisOps()
	}
	var text []byte
	next, done := 0, 0 // the next index, and how many deeds were written
	deed := func() {
		text = f.deed(deeds[done], text, next+done)
		done++
	}
	for i, e := range h.events() {
		if i > 0 && i%blockLines == 0 && flush != nil {
			if err := errors.Join(out.Flush(), flush()); err != nil {
				return fmt.Errorf("write the history: %w", err)
			}
		}
		text = text[:0]
		for done < len(deeds) && deeds[done].at < e.at() {
			deed()
		}
		e.deeds = done
		text = line(text, e)
		next = e.index() + 1
		if _, err := out.Write(text); err != nil {
			return fmt.Errorf("write the history: %w", err)
		}
	}
	text = text[:0]
	for done < len(deeds) {
		deed()
	}
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	return nil
}
