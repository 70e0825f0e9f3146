// Package history is the record of a run, and the only thing a verdict is made from.
//
// A run is written down twice over, while it happens. Each call leaves two lines, an invocation and a completion: an
// [Op] each, which a [Recorder] appends to history.jsonl. Each fault leaves a line at every change of its state: a
// [Strike], which a [FaultRecorder] appends to faults.jsonl. Both files can be read after the harness was killed at any
// moment: a torn last line costs that line only.
//
//	{"i":412,"t":18234512,"p":3,"type":"invoke","f":"cas","k":"x","v":[3,5],"node":"n2"}
//	{"i":415,"t":19001187,"p":3,"type":"ok","f":"cas","k":"x","v":[3,5],"node":"n2","rev":77}
//
// The fields are: i index, t nanoseconds since the start, p process, type (invoke, ok, fail, info), f function, k key,
// v value, node, err error, rev revision, due (when the call was due, in an open loop), final (a final read), unmet (a
// fail that is an answer: the condition of a cas did not hold), hung (the client ignored its deadline). A field that is
// zero is left out, except i, t, p, type and f.
//
// To judge a run, [Read] reads the lines back and a [Builder] pairs them into a [History] of [Pair] values: one per
// operation, with the interval in which it took effect, if it did. Read also takes what Jepsen, Knossos, Elle and
// porcupine wrote ([Formats] lists what there is), compressed or not, and whatever it had to guess or give up it says
// in History.Notes. [Write] goes the other way: what it writes reads the same, and what a format has no room for it
// refuses.
//
// The package promises that reading is bounded: a line may be 64 MB long and a value nested 64 deep, the memory in use
// is that of the history and little more, and a file that cannot be read is refused with its name, line and column and
// with what was expected there (a [*ParseError]). It does not judge: a history may be nonsense as long as its lines
// pair.
package history
