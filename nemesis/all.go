package nemesis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// Kind is one kind of fault, as the catalogue lists it.
type Kind struct {
	Name     string
	Doc      string   // one line
	Examples []string // of what [Parse] reads
	parse    func(arg string) (harness.Fault, error)
}

// All returns every kind of fault, in the order in which they are listed.
func All() []Kind {
	return []Kind{
		{"partition", "cut links between nodes: what is sent is held; clients keep their node",
			[]string{"partition", "partition:one", "partition:minority", "partition:majority", "partition:leader",
				"partition:majorities-ring", "partition:bridge", "partition:one-way", "partition:n1,n2|n3,n4,n5"},
			onShape(Partition)},
		{"refuse", "cut links between nodes, and tell who sends: connections are reset and refused",
			[]string{"refuse", "refuse:one", "refuse:leader", "refuse:bridge", "refuse:one-way", "refuse:n1,n2|n3,n4,n5"},
			onShape(Refuse)},
		{"clients", "cut nodes off from their clients, not from each other",
			[]string{"clients", "clients:minority", "clients:leader", "clients:all", "clients:n1+n2"},
			onTargets(Clients)},
		{"flap", "cut the links of nodes and mend them, again and again, about every 500ms or what is given",
			[]string{"flap", "flap:leader", "flap:minority:200ms", "flap:n1+n2:1s"}, parseFlap},
		{"swizzle", "cut nodes off one after another, and mend them one after another in another order",
			[]string{"swizzle"}, alone(Swizzle)},
		{"pause", "freeze nodes, which then go on as if nothing had happened",
			[]string{"pause", "pause:minority", "pause:majority", "pause:leader", "pause:all", "pause:n1+n2"},
			onTargets(Pause)},
		{"kill", "end nodes as a crash would, and start them again on the data they left; kill:all restarts the cluster",
			[]string{"kill", "kill:minority", "kill:majority", "kill:leader", "kill:all", "kill:n3"}, onTargets(Kill)},
		{"stop", "ask nodes to end, and start them again; stop:all is an orderly restart of the cluster",
			[]string{"stop", "stop:minority", "stop:leader", "stop:all", "stop:n3"}, onTargets(Stop)},
		{"wipe", "kill nodes and empty their disks; of a majority, that loses what was acknowledged",
			[]string{"wipe", "wipe:leader", "wipe:majority", "wipe:n3"}, onTargets(Wipe)},
		{"slow", "delay what nodes send and hear, by 200ms or what is given, half as much more or less",
			[]string{"slow", "slow:leader", "slow:all:50ms", "slow:n1+n2:1s"}, parseSlow},
		{"loss", "lose 30% of what nodes send and hear, or what is given",
			[]string{"loss", "loss:leader", "loss:all:5%", "loss:n1+n2:50%"}, parseLoss},
		{"throttle", "let 16kB/s through each link of nodes, or what is given",
			[]string{"throttle", "throttle:leader", "throttle:all:10kB/s", "throttle:n1+n2:1MB/s"}, parseThrottle},
		{"reset", "reset the connections between nodes, once",
			[]string{"reset", "reset:leader", "reset:all"}, onTargets(Reset)},
		{"fill", "fill the disks of nodes to the last byte",
			[]string{"fill", "fill:leader", "fill:all", "fill:n1+n2"}, onTargets(Fill)},
		{"squeeze", "leave nodes a tenth of a core, or what is given of cores and memory",
			[]string{"squeeze", "squeeze:leader", "squeeze:all:cpu=0.2", "squeeze:one:memory=64MB",
				"squeeze:n1+n2:cpu=0.1,memory=64MB"}, parseSqueeze},
		{"leave", "take nodes out of the membership of the cluster, and put them in again without a memory",
			[]string{"leave", "leave:minority", "leave:leader", "leave:n3"}, onTargets(Leave)},
	}
}

func onShape(fault func(Shape) harness.Fault) func(string) (harness.Fault, error) {
	return func(arg string) (harness.Fault, error) {
		shape, err := parseShape(arg)
		return fault(shape), err
	}
}

// alone is of a fault that leaves no choice.
func alone(fault func() harness.Fault) func(string) (harness.Fault, error) {
	return func(arg string) (harness.Fault, error) {
		if arg != "" {
			return nil, fmt.Errorf("%q says too much: this fault leaves no choice", arg)
		}
		return fault(), nil
	}
}

func onTargets(fault func(Targets) harness.Fault) func(string) (harness.Fault, error) {
	return func(arg string) (harness.Fault, error) {
		targets, err := parseTargets(arg)
		return fault(targets), err
	}
}

func kindNames() []string {
	var names []string
	for _, k := range All() {
		names = append(names, k.Name)
	}
	return names
}

// Parse reads the name of a fault: a kind, and after a colon a choice. A bare partition or refuse is [Mixed], any other
// bare kind hurts [One]. It reads back what a fault's Name returns.
func Parse(name string) (harness.Fault, error) {
	word, arg, given := strings.Cut(strings.TrimSpace(name), ":")
	i := slices.IndexFunc(All(), func(k Kind) bool { return k.Name == word })
	switch {
	case word == "":
		return nil, fmt.Errorf("the name of a fault is missing: there are %s", strings.Join(kindNames(), ", "))
	case i < 0:
		if near := harness.Nearest(word, kindNames()); near != "" {
			return nil, fmt.Errorf("unknown fault %q: did you mean %q?", word, near)
		}
		return nil, fmt.Errorf("unknown fault %q: there are %s", word, strings.Join(kindNames(), ", "))
	case given && arg == "":
		return nil, fmt.Errorf("fault %q: nothing follows the colon", name)
	}
	fault, err := All()[i].parse(arg)
	if err != nil {
		return nil, fmt.Errorf("fault %q: %w", name, err)
	}
	return fault, nil
}
