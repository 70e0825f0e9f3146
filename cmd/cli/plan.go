package cli

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/store"
	"github.com/capsize-dev/capsize/nemesis"
)

// plan is what to run, as the flags and a plan file say it. What is left at zero is the target's recommendation, and
// after that the harness's default.
type plan struct {
	Target       string         `yaml:"target"`
	Workload     string         `yaml:"workload,omitempty"`
	Nemesis      string         `yaml:"nemesis,omitempty"`
	Nodes        int            `yaml:"nodes,omitempty"`
	Concurrency  string         `yaml:"concurrency,omitempty"` // "10" or "2n"
	Rate         float64        `yaml:"rate,omitempty"`
	Keys         int            `yaml:"keys,omitempty"`
	TimeLimit    time.Duration  `yaml:"time_limit,omitempty"`
	OpTimeout    time.Duration  `yaml:"op_timeout,omitempty"`
	Interval     time.Duration  `yaml:"interval,omitempty"`
	Duration     time.Duration  `yaml:"duration,omitempty"`
	Seed         *uint64        `yaml:"seed,omitempty"`
	FailFast     bool           `yaml:"fail_fast,omitempty"`
	Runtime      string         `yaml:"runtime,omitempty"`
	Image        string         `yaml:"image,omitempty"`
	StartTimeout time.Duration  `yaml:"start_timeout,omitempty"`
	Schedule     []nemesis.Line `yaml:"schedule,omitempty"`

	scheduleFile string
	file         string          // of the plan, where it was read from one
	typed        map[string]bool // flags that were given: their zero is not to be filled in
}

// bind makes the flags of a plan.
func (p *plan) bind(flags *pflag.FlagSet) {
	flags.StringVarP(&p.Workload, "workload", "w", "",
		"what the clients do, such as register, append, set or list-append (default: what the target recommends)")
	flags.StringVar(&p.Nemesis, "nemesis", "",
		`faults, as in "partition,kill" (one lane, in turn) or "kill:one + pause:leader" (two lanes), or none`)
	flags.IntVarP(&p.Nodes, "nodes", "n", 0, "how many nodes (default 5)")
	flags.StringVarP(&p.Concurrency, "concurrency", "c", "",
		"how many clients: a number, or 2n for twice the nodes (default 2n)")
	flags.Float64Var(&p.Rate, "rate", 0,
		"calls per second at a fixed arrival rate; 0: each client calls as soon as it has its answer")
	flags.IntVar(&p.Keys, "keys", 0, "how many keys are in use at once (default: the workload's choice)")
	flags.DurationVar(&p.TimeLimit, "time-limit", 0, "how long the clients make calls (default 30s)")
	flags.DurationVar(&p.OpTimeout, "op-timeout", 0, "how long one call may take (default 5s)")
	flags.DurationVar(&p.Interval, "interval", 0, "from one fault to the next, about (default 5s)")
	flags.DurationVar(&p.Duration, "duration", 0, "how long a fault lasts, about (default 3s)")
	flags.Var(seedFlag{&p.Seed}, "seed", "fixes the calls and the schedule (default: drawn, and printed)")
	flags.BoolVar(&p.FailFast, "fail-fast", false, "stop at the first violation")
	flags.StringVar(&p.Runtime, "runtime", "",
		"where the nodes run: local (processes of this machine) or containers")
	flags.StringVar(&p.Image, "image", "", "the image of the target's containers, instead of its own")
	flags.DurationVar(&p.StartTimeout, "start-timeout", 0,
		"how long the cluster may take to be ready (default 1m; in containers 5m, which covers pulling images)")
	flags.StringVar(&p.scheduleFile, "schedule", "",
		"strike as this file says: a run's faults.jsonl, or a list of {at, for, fault}")
}

type seedFlag struct{ seed **uint64 }

func (f seedFlag) String() string {
	if f.seed == nil || *f.seed == nil {
		return ""
	}
	return strconv.FormatUint(**f.seed, 10)
}

func (f seedFlag) Set(text string) error {
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return fmt.Errorf("a seed is a number from 0 to %d", uint64(math.MaxUint64))
	}
	*f.seed = &seed
	return nil
}

func (seedFlag) Type() string { return "number" }

// remember keeps which flags were given, if only to say that there shall be none of it.
func (p *plan) remember(flags *pflag.FlagSet) {
	p.typed = make(map[string]bool)
	flags.Visit(func(f *pflag.Flag) { p.typed[f.Name] = true })
}

// isPlanFile reports whether a run's argument names a plan file and not a target.
func isPlanFile(arg string) bool {
	ext := filepath.Ext(arg)
	return ext == ".yaml" || ext == ".yml" || ext == ".json"
}

// readPlan reads a plan file.
func readPlan(path string) (plan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return plan{}, usagef("the plan %s cannot be read: %v", path, errors.Unwrap(err))
	}
	var p plan
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithKnownFields(), yaml.WithUniqueKeys())
	if err == nil {
		err = loader.Load(&p)
	}
	if err != nil {
		return plan{}, usagef("%s: %v\n  do     capsize run --help names the fields (with _ for -)", path,
			strings.TrimPrefix(err.Error(), "yaml: "))
	}
	p.file = path
	return p, nil
}

// under fills in what p leaves open from q. How the faults strike is one thing: whoever says it in one way, says it
// all.
func (p plan) under(q plan) plan {
	if p.Nemesis == "" && p.Schedule == nil && p.scheduleFile == "" {
		p.Nemesis, p.Schedule, p.scheduleFile = q.Nemesis, q.Schedule, q.scheduleFile
	}
	fill(&p.Target, q.Target)
	fill(&p.Workload, q.Workload)
	fill(&p.Nodes, q.Nodes)
	fill(&p.Concurrency, q.Concurrency)
	if !p.typed["rate"] {
		fill(&p.Rate, q.Rate)
	}
	if !p.typed["keys"] {
		fill(&p.Keys, q.Keys)
	}
	if !p.typed["fail-fast"] {
		fill(&p.FailFast, q.FailFast)
	}
	fill(&p.TimeLimit, q.TimeLimit)
	fill(&p.OpTimeout, q.OpTimeout)
	fill(&p.Interval, q.Interval)
	fill(&p.Duration, q.Duration)
	fill(&p.Seed, q.Seed)
	fill(&p.Runtime, q.Runtime)
	fill(&p.Image, q.Image)
	fill(&p.StartTimeout, q.StartTimeout)
	fill(&p.file, q.file)
	return p
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// recommended is a target's recommendation as a plan.
func recommended(r harness.Recommendation) plan {
	return plan{
		Workload: r.Workload, Nemesis: r.Nemesis, Nodes: r.Nodes, Concurrency: r.Concurrency, Rate: r.Rate,
		Keys: r.Keys, TimeLimit: r.TimeLimit, OpTimeout: r.OpTimeout, Interval: r.Interval, Duration: r.Duration,
	}
}

// fallback is what is run where neither the user nor the target says.
var fallback = plan{
	Target: "raft", Workload: "register", Nemesis: "partition,pause,kill", Nodes: harness.DefaultNodes,
	Concurrency: "2n", TimeLimit: harness.DefaultTimeLimit, OpTimeout: harness.DefaultOpTimeout,
}

// test makes a harness.Test of a plan that has been filled in. Usual is what would be run had nobody said more than the
// target.
func (a *app) test(p, usual plan) (harness.Test, error) {
	target, err := a.target(p.Target)
	if err != nil {
		return harness.Test{}, err
	}
	workload, err := a.workload(p.Workload)
	if err != nil {
		return harness.Test{}, err
	}
	if err := runsIn(target, p.Runtime); err != nil {
		return harness.Test{}, err
	}
	if p.Nodes < 1 {
		return harness.Test{}, usagef("a cluster needs at least 1 node, not %d", p.Nodes)
	}
	concurrency, err := parseConcurrency(p.Concurrency, p.Nodes)
	if err != nil {
		return harness.Test{}, err
	}
	if p.TimeLimit < 0 || p.OpTimeout < 0 || p.Interval < 0 || p.Duration < 0 || p.Rate < 0 || p.Keys < 0 {
		return harness.Test{}, usagef("times, --rate and --keys cannot be negative")
	}
	test := harness.Test{
		Target: target, Workload: workload, Nodes: p.Nodes, Concurrency: concurrency, Rate: p.Rate, Keys: p.Keys,
		TimeLimit: p.TimeLimit, OpTimeout: p.OpTimeout, Seed: *p.Seed, FailFast: p.FailFast, Plan: p.Nemesis,
		Repro: p.command(usual), Runtime: p.Runtime, Image: p.Image, StartTimeout: p.StartTimeout,
	}
	return test, p.harm(&test)
}

// runtimes returns where a target can run, its default first.
func runtimes(target harness.Target) []string {
	if d, ok := target.(harness.Describer); ok && len(d.About().Runtimes) > 0 {
		return d.About().Runtimes
	}
	return []string{harness.LocalRuntime}
}

// runsIn says why a target does not run in a runtime.
func runsIn(target harness.Target, runtime string) error {
	possible := runtimes(target)
	if slices.Contains(possible, runtime) {
		return nil
	}
	all := []string{harness.LocalRuntime, harness.ContainerRuntime}
	if !slices.Contains(all, runtime) {
		return usagef("there is no runtime %q%s\n  do     --runtime %s", runtime, didYouMean(runtime, all),
			strings.Join(possible, ", or "))
	}
	return usagef("%s does not run in the runtime %q\n  do     --runtime %s", target.Name(), runtime,
		strings.Join(possible, ", or "))
}

// harm fills in the lanes or the schedule.
func (p plan) harm(test *harness.Test) (err error) {
	switch {
	case p.scheduleFile != "" && p.Nemesis != "":
		return usagef("--schedule and --nemesis both say when faults strike\n  do     give one of the two")
	case p.scheduleFile != "":
		file, err := os.Open(p.scheduleFile)
		if err != nil {
			return usagef("the schedule %s cannot be read: %v", p.scheduleFile, errors.Unwrap(err))
		}
		defer func() { _ = file.Close() }()
		test.Schedule, err = nemesis.ReadSchedule(file, p.scheduleFile)
		if err != nil {
			return usagef("%v", err)
		}
		test.Plan = "schedule " + p.scheduleFile
	case p.Schedule != nil:
		test.Plan = "schedule " + p.file
		test.Schedule, err = nemesis.ScheduleOf(p.Schedule)
		if err != nil {
			return usagef("%v", err)
		}
	default:
		test.Nemesis, err = nemesis.ParsePlan(p.Nemesis, p.Interval, p.Duration)
		if err != nil {
			return usagef("%v\n  do     capsize list faults", err)
		}
	}
	return nil
}

// command is what to type to run the same plan again. It leaves out what is as usual, which is what would be run
// without any flag. A schedule that was read from a plan is in that file only, so the file is what is run again.
func (p plan) command(usual plan) string {
	words := []string{"capsize", "run"}
	add := func(flag, value, otherwise string) {
		if value != otherwise {
			words = append(words, flag, quoted(value))
		}
	}
	if p.Schedule != nil && p.file != "" {
		words = append(words, quoted(p.file))
		add("--workload", p.Workload, usual.Workload)
	} else {
		words = append(words, quoted(p.Target))
		add("--workload", p.Workload, "")
		add("--nemesis", p.Nemesis, "")
	}
	add("--nodes", strconv.Itoa(p.Nodes), strconv.Itoa(usual.Nodes))
	add("--concurrency", p.Concurrency, usual.Concurrency)
	add("--rate", strconv.FormatFloat(p.Rate, 'g', -1, 64), strconv.FormatFloat(usual.Rate, 'g', -1, 64))
	add("--keys", strconv.Itoa(p.Keys), strconv.Itoa(usual.Keys))
	add("--time-limit", short(p.TimeLimit), short(usual.TimeLimit))
	add("--op-timeout", short(p.OpTimeout), short(usual.OpTimeout))
	add("--interval", short(p.Interval), short(usual.Interval))
	add("--duration", short(p.Duration), short(usual.Duration))
	add("--runtime", p.Runtime, usual.Runtime)
	add("--image", p.Image, usual.Image)
	add("--start-timeout", short(p.StartTimeout), short(usual.StartTimeout))
	add("--schedule", p.scheduleFile, "")
	add("--seed", strconv.FormatUint(*p.Seed, 10), "")
	switch {
	case p.FailFast && !usual.FailFast:
		words = append(words, "--fail-fast")
	case usual.FailFast && !p.FailFast:
		words = append(words, "--fail-fast=false")
	}
	return strings.Join(words, " ")
}

// short writes a duration as a person would: 10m, not 10m0s.
func short(d time.Duration) string {
	text := d.String()
	for _, zero := range [...]struct{ after, tail string }{{"m", "0s"}, {"h", "0m"}} {
		if strings.HasSuffix(text, zero.after+zero.tail) {
			text = strings.TrimSuffix(text, zero.tail)
		}
	}
	return text
}

// quoted makes a word safe for a shell.
func quoted(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n'\"\\$`|&;<>()*?[]{}~#!") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// parseConcurrency reads "10" or "2n".
func parseConcurrency(text string, nodes int) (int, error) {
	number, times := strings.CutSuffix(text, "n")
	n, err := strconv.Atoi(number)
	if times && number == "" {
		n, err = 1, nil
	}
	if err != nil || n < 1 || n > 100_000 {
		return 0, usagef("--concurrency is a number of clients such as 10, or 2n for twice the nodes, not %q", text)
	}
	if times {
		n *= nodes
	}
	return n, nil
}

func (a *app) target(name string) (harness.Target, error) {
	var names []string
	for _, t := range a.catalogue.Targets {
		if t.Name() == name {
			return t, nil
		}
		names = append(names, t.Name())
	}
	return nil, usagef("there is no target %q%s\n  do     capsize list targets", name, didYouMean(name, names))
}

func (a *app) workload(name string) (harness.Workload, error) {
	i := slices.IndexFunc(a.catalogue.Workloads, func(w harness.Workload) bool { return w.Name == name })
	if i >= 0 {
		return a.catalogue.Workloads[i], nil
	}
	var names []string
	for _, w := range a.catalogue.Workloads {
		names = append(names, w.Name)
	}
	return harness.Workload{}, usagef("there is no workload %q%s\n  do     capsize list workloads", name,
		didYouMean(name, names))
}

// reproFile is the plan that runs a run again, pinned to its seed and its schedule.
const reproFile = "repro.yaml"

// pin writes the plan into the run's folder, with the strikes as they were planned instead of the nemesis. Where none
// were planned, or the run never came to that, the nemesis stays as it was asked for.
func (p plan) pin(folder store.Folder, res harness.Results) error {
	if res.Recorded == nil {
		return nil // nothing was recorded that could be run again
	}
	if strikes := res.Recorded.History.Strikes; len(strikes) > 0 {
		p.Nemesis, p.Interval, p.Duration, p.scheduleFile, p.Schedule = "", 0, 0, "", nil
		for _, s := range strikes {
			p.Schedule = append(p.Schedule, nemesis.Line{
				At: s.PlannedAt, For: s.PlannedFor, Fault: s.Fault, Lane: s.Lane, Seed: s.Seed,
			})
		}
	} else if p.scheduleFile != "" {
		return nil // the strikes are in a file of the user's
	}
	data, err := yaml.Dump(p)
	if err != nil {
		return fmt.Errorf("encode %s: %w", reproFile, err)
	}
	head := "# The same calls and the same schedule as in " + folder.ID() + ":\n# capsize run " + reproFile + "\n"
	return folder.WriteFile(reproFile, append([]byte(head), data...))
}
