package history

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// The formats that can be read.
const (
	FormatJSONL     = "jsonl"
	FormatEDN       = "edn"
	FormatLog       = "log"
	FormatPorcupine = "porcupine"
	FormatElle      = "elle"
)

// Format is a way to write a history down.
type Format struct {
	Name string // what ReadOptions.Format takes
	Doc  string // one line
}

// Formats lists what [Read] understands.
func Formats() []Format {
	return []Format{
		{FormatJSONL, `one JSON object a line, as capsize records it: {"i":0,"t":12,"p":3,"type":"invoke","f":"read"}`},
		{FormatEDN, `Jepsen's history.edn: {:type :invoke, :f :read, :value nil, :process 3, :time 12, :index 0}`},
		{FormatElle, `Elle's JSON, an object a line or one list: {"type":"ok","process":3,"value":[["r","x",1]]}`},
		{FormatPorcupine, `porcupine's key-value tests: {:process 3, :type :invoke, :f :get, :key "7", :value nil}`},
		{FormatLog, `a log of Jepsen or Knossos, or history.txt: INFO  jepsen.util - 3 :invoke :read nil`},
	}
}

// ReadOptions say how a file is to be read. The zero value guesses.
type ReadOptions struct {
	Format string // of Formats; "" means guess by the contents
	// Independent says that the values are [key value], as jepsen.independent writes them. Where it is false, it is
	// guessed if nothing else makes sense, and a note says so.
	Independent bool
}

// Read reads a history in any of the [Formats], compressed with zstd or not, and returns the format's name; name is
// what errors call the file. What was guessed or given up is in the Notes of the history. See [ReadJSONL] for what is
// promised about memory and torn files: the other formats keep the same promises. Of a compressed file that was cut
// short all is read but the block it was cut in, with a note: at most 256 events of what [Write] wrote, and at most
// 128 KB of text of what others compressed.
func Read(r io.Reader, name string, opts ReadOptions) (History, string, error) {
	size := sizeOf(r)
	counted := &counted{r: r}
	buffered := bufio.NewReaderSize(counted, 64<<10)
	u, err := unpack(buffered, name)
	if err != nil {
		return History{}, "", err
	}
	if u == nil {
		return readText(buffered, known(size), name, opts)
	}
	defer u.from.Close()
	u.packed, u.size = counted, size
	h, format, err := readText(bufio.NewReaderSize(u, 64<<10), u.length, name, opts)
	switch {
	case err != nil && u.torn:
		return History{}, format, fmt.Errorf("%w (%s)", err, u.note())
	case u.torn:
		h.Notes = append(h.Notes, u.note())
	}
	return h, format, err
}

// readText reads what is not compressed.
func readText(r *bufio.Reader, all length, name string, opts ReadOptions) (History, string, error) {
	format, guessed := strings.TrimSuffix(opts.Format, zstSuffix), false
	if format == "" {
		head, err := r.Peek(64 << 10)
		if err != nil && err != io.EOF {
			return History{}, "", fmt.Errorf("read %s: %w", name, err)
		}
		if format, err = guessFormat(head, name); err != nil {
			return History{}, "", err
		}
		guessed = true
	}
	h, err := readFormat(r, all, name, format, opts.Independent)
	if err != nil {
		return History{}, format, err
	}
	if guessed && format != FormatJSONL {
		h.Notes = append([]string{"guessed the format " + format + " by the contents"}, h.Notes...)
	}
	return h, format, nil
}

func readFormat(r io.Reader, all length, name, format string, independent bool) (History, error) {
	switch format {
	case FormatJSONL:
		return readJSONL(newLines(r, name), all)
	case FormatEDN:
		return readEDN(r, all, name, independent)
	case FormatLog:
		return readLog(newLines(r, name), independent)
	case FormatPorcupine:
		return readKV(r, all, name)
	case FormatElle:
		return readElle(r, all, name, independent)
	}
	return History{}, fmt.Errorf("unknown format %q (expected %s, or none to guess)", format, formatNames())
}

// ReadFile reads a file as [Read] does.
func ReadFile(path string, opts ReadOptions) (History, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return History{}, "", fmt.Errorf("read the history: %w", err)
	}
	defer f.Close()
	return Read(f, path, opts)
}

func formatNames() string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// guessFormat tells the format by the beginning of a file.
func guessFormat(head []byte, name string) (string, error) {
	in := &lines{name: name}
	head, err := firstLine(in, head)
	if err != nil {
		return "", err
	}
	text := bytes.TrimLeft(head, " \t\r\n,")
	if len(text) == 0 {
		in.number = bytes.Count(head, []byte("\n"))
		return "", emptyError(in)
	}
	second := byte(0)
	if inner := bytes.TrimLeft(text[1:], " \t\r\n,"); len(inner) > 0 {
		second = inner[0]
	}
	switch c := text[0]; {
	case c == '{' && (second == '"' || second == '}' || second == 0):
		if isElle(text) {
			return FormatElle, nil
		}
		return FormatJSONL, nil
	case c == '[' && second == '{' && isJSONArray(text):
		return FormatElle, nil
	case (c == '{' || c == ';') && isKV(text):
		return FormatPorcupine, nil
	case c == '{', c == '(', c == ';', c == '[' && (second == '{' || second == '#' || second == ']' || second == ';'),
		c == '#' && len(text) > 1 && !isBlank(text[1]):
		return FormatEDN, nil
	}
	rest := text
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if _, _, at := findType(line); at >= 0 {
			return FormatLog, nil
		}
	}
	line := 1 + bytes.Count(head[:len(head)-len(text)], []byte("\n"))
	return "", in.errorAt(line, 1, "found %s, expected a history: JSON lines, Jepsen's EDN, or a log with lines like "+
		"\"3 :invoke :read nil\" (say which with the format: %s)", found(text, 0), formatNames())
}

// isJSONArray reports whether the first object of a list has quotes where EDN has a colon.
func isJSONArray(text []byte) bool {
	inner := bytes.TrimLeft(text[1:], " \t\r\n,{")
	return len(inner) > 0 && inner[0] == '"'
}
