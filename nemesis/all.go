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
		{
			Name: "partition", Doc: "cut links between nodes: what is sent is held; clients keep their node",
			Examples: []string{"partition", "partition:one", "partition:minority", "partition:majority",
				"partition:leader", "partition:majorities-ring", "partition:bridge", "partition:one-way",
				"partition:n1,n2|n3,n4,n5"},
			parse: func(arg string) (harness.Fault, error) {
				shape, err := parseShape(arg)
				return Partition(shape), err
			},
		},
		{
			Name: "pause", Doc: "freeze nodes, which then go on as if nothing had happened",
			Examples: []string{"pause", "pause:minority", "pause:majority", "pause:leader", "pause:all", "pause:n1+n2"},
			parse:    onTargets(Pause),
		},
		{
			Name: "kill", Doc: "end nodes as a crash would, and start them again on the data they left",
			Examples: []string{"kill", "kill:minority", "kill:majority", "kill:leader", "kill:all", "kill:n3"},
			parse:    onTargets(Kill),
		},
		{
			Name: "slow", Doc: "delay what nodes send and hear, by 200ms or what is given, half as much more or less",
			Examples: []string{"slow", "slow:leader", "slow:all:50ms", "slow:n1+n2:1s"},
			parse:    parseSlow,
		},
		{
			Name: "reset", Doc: "reset the connections between nodes, once",
			Examples: []string{"reset", "reset:leader", "reset:all"},
			parse:    onTargets(Reset),
		},
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

// Parse reads the name of a fault: a kind, and after a colon a choice. A bare partition is [Mixed], any other bare kind
// hurts [One]. It reads back what a fault's Name returns.
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
