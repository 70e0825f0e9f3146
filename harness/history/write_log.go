package history

import "strconv"

// The log is what Jepsen's workers log, a line for each event, as Jepsen, Knossos and porcupine read it. What a log has
// no place for stands in a line of its own before it, which they skip as they skip every line that is no operation:
//
//	INFO  capsize - {:index 415, :time 19001187, :node "n2", :capsize/rev 77}
//	INFO  jepsen.util - 3	:ok	:read	5

// The beginnings of the two lines.
const (
	logRest  = "INFO  capsize - {"
	logStart = "INFO  jepsen.util - "
)

// logLine returns what writes the two lines of one event.
func logLine(h History) func([]byte, event) []byte {
	form := newEDNForm(h)
	return func(dst []byte, e event) []byte {
		dst = appendPlace(append(dst, logRest...), e.place(), e.at())
		dst = append(form.appendRest(dst, e), "}\n"+logStart...)
		dst = strconv.AppendInt(dst, int64(e.Process), 10)
		dst = append(append(append(dst, "\t:"...), e.kind().String()...), '\t')
		dst = append(appendKeyword(dst, e.F), '\t')
		dst = form.appendValue(dst, e)
		if e.end && e.Error != "" {
			dst = appendEDNString(append(dst, '\t'), e.Error)
		}
		return append(dst, '\n')
	}
}
