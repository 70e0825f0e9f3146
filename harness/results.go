package harness

import "github.com/capsize-dev/capsize/harness/history"

// ResultsSchema names the shape of results.json. A reader refuses a schema it does not know.
const ResultsSchema = "capsize.results/1"

// Results is results.json: the judgement of one run, and everything the reports show except the raw history. Times are
// milliseconds since the start of the run; a pointer is null where there is no such time.
type Results struct {
	Schema   string   `json:"schema"`
	Run      string   `json:"run"` // the run's folder name, or the file that was checked
	Target   string   `json:"target"`
	Workload string   `json:"workload"`
	Seed     uint64   `json:"seed"`
	Verdict  Validity `json:"verdict"` // measured against Claim
	Reason   string   `json:"reason"`  // one sentence
	// Vacuous is true where the verdict is unknown because the run proved nothing: Coverage says what was missing.
	Vacuous     bool `json:"vacuous"`
	Interrupted bool `json:"interrupted"`
	// Unfinished is true where the run has no end on record: whoever ran it was killed, or is not through yet.
	Unfinished  bool    `json:"unfinished,omitempty"`
	Error       string  `json:"error,omitempty"` // of the environment: what went wrong with the run itself
	Claim       Level   `json:"claim"`
	Strongest   Level   `json:"strongest"` // the strongest level that held; "" where it is not known
	Bounded     string  `json:"bounded"`   // who was hurt and how badly, in a sentence or two
	Observable  string  `json:"observable"`
	Recoverable string  `json:"recoverable"`
	Checks      []Check `json:"checks"`
	// Anomalies are the proven violations, the clearest first.
	Anomalies  []AnomalyResult     `json:"anomalies"`
	Ops        OpCounts            `json:"ops"`
	Kinds      map[string]OpCounts `json:"kinds"` // by function
	LatencyMS  Latency             `json:"latency_ms"`
	Faults     []FaultResult       `json:"faults"`
	Windows    []Window            `json:"windows"`
	Coverage   []CoverageRule      `json:"coverage"`
	Nodes      []string            `json:"nodes"`
	DurationMS float64             `json:"duration_ms"` // of the recorded history
	Notes      []string            `json:"notes,omitempty"`
	Repro      string              `json:"repro"` // a command to paste
	Dir        string              `json:"-"`     // the run's folder on this machine
	// Recorded is what was judged; nil where the results were read from disk.
	Recorded *Recorded `json:"-"`
}

// Check is one checker's verdict.
type Check struct {
	Name       string         `json:"name"`
	Verdict    Validity       `json:"verdict"`
	Level      Level          `json:"level,omitempty"`
	Strongest  Level          `json:"strongest"` // the strongest level that held; "" where it is not known
	Reason     string         `json:"reason"`
	Ops        int            `json:"ops"`
	Keys       int            `json:"keys"`
	Undecided  []string       `json:"undecided,omitempty"`
	DurationMS float64        `json:"duration_ms"`
	Kept       *Kept          `json:"kept,omitempty"` // what an invalid history kept all the same
	Stats      map[string]any `json:"stats,omitempty"`
}

// AnomalyResult is an [Anomaly] as it is written down.
type AnomalyResult struct {
	Name        string     `json:"name"`
	Check       string     `json:"check"`
	Key         string     `json:"key"`
	Explanation string     `json:"explanation"`
	Count       int        `json:"count"`
	Impossible  int        `json:"impossible"`     // index of an op of Ops, or -1
	Ops         []OpResult `json:"ops"`            // the witness, by time of call
	Faults      []int      `json:"faults"`         // the ids of those on between the first call and the last return
	Kept        string     `json:"kept,omitempty"` // what its key kept all the same, in a sentence
}

// OpResult is one operation of a witness.
type OpResult struct {
	Index    int          `json:"index"` // of the invocation's line in history.jsonl
	Process  int          `json:"process"`
	Node     string       `json:"node,omitempty"`
	F        string       `json:"f"`
	Key      string       `json:"key,omitempty"`
	Input    any          `json:"input"`
	Output   any          `json:"output"`
	Outcome  history.Type `json:"outcome"`
	CallMS   float64      `json:"call_ms"`
	ReturnMS *float64     `json:"return_ms"` // null where it never returned
	Revision int64        `json:"revision,omitempty"`
	Error    string       `json:"error,omitempty"`
}

// OpCounts counts operations by outcome. Total is the sum of OK, Fail and Info. Unmet are those of Fail that the system
// answered (the condition of a compare-and-set did not hold); Hung those of Info that ignored their deadline.
type OpCounts struct {
	Total int `json:"total"`
	OK    int `json:"ok"`
	Fail  int `json:"fail"`
	Unmet int `json:"unmet"`
	Info  int `json:"info"`
	Hung  int `json:"hung"`
}

// Latency is quantiles of the time from when a call was due until it returned ok, in milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// FaultResult is one fault that struck, or whose time came and which was skipped or could not be injected: see State.
type FaultResult struct {
	ID             int        `json:"id"`
	Lane           int        `json:"lane"`
	Fault          string     `json:"fault"`
	Detail         string     `json:"detail"`
	State          string     `json:"state"`
	Nodes          []string   `json:"nodes"`
	Sides          [][]string `json:"sides,omitempty"`
	StartMS        float64    `json:"start_ms"`
	EndMS          *float64   `json:"end_ms"` // null where it was never healed
	TookEffect     bool       `json:"took_effect"`
	Evidence       string     `json:"evidence"`
	OpsOverlapping int        `json:"ops_overlapping"`
	Error          string     `json:"error,omitempty"`
}

// Window is availability and recovery over a span of time: the calm before the first fault, each fault, the time after
// the last heal.
type Window struct {
	Name    string  `json:"name"`  // calm, the fault's name, or after
	Fault   int     `json:"fault"` // id of the fault, or -1
	StartMS float64 `json:"start_ms"`
	EndMS   float64 `json:"end_ms"`
	// WatchedMS is how long after the heal calls were made and no other fault was on; null where nothing was healed. A
	// recovery that is null after a short watch is not known to have failed.
	WatchedMS *float64 `json:"watched_ms"`
	// Groups are the operations called within the window, seen whole and by node, by side of the cut and by kind.
	Groups []Group `json:"groups"`
}

// Group is a share of the operations of a window. Recovery is measured from the window's end (the heal) and is null
// outside of fault windows and where it did not come before the next fault or the end.
type Group struct {
	By           string   `json:"by"`   // all, node, side, kind
	Name         string   `json:"name"` // "" for all; n1; "n1 n2"; write
	Ops          OpCounts `json:"ops"`
	OKShare      float64  `json:"ok_share"`       // 0..1; 0 where there were none
	LongestGapMS float64  `json:"longest_gap_ms"` // without a success
	P50MS        float64  `json:"p50_ms"`
	P99MS        float64  `json:"p99_ms"`
	// FirstSuccessMS is the time from the heal to the first ok; SustainedMS to when the rate and the latency of before
	// the fault were back and stayed back for a second.
	FirstSuccessMS *float64 `json:"first_success_ms"`
	SustainedMS    *float64 `json:"sustained_ms"`
}

// CoverageRule is one thing a run must have done for a valid verdict to mean anything.
type CoverageRule struct {
	Rule   string `json:"rule"` // "every kind of operation succeeded"
	Met    bool   `json:"met"`
	Detail string `json:"detail"` // by what that is known, or what was missing
}
