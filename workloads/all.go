package workloads

import (
	"fmt"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// All returns every workload, in the order in which they are listed.
func All() []harness.Workload {
	return []harness.Workload{Register(), Append(), Set(), ListAppend(), RWRegister(), Bank(), LongFork()}
}

// ByName returns the workload of that name, or an error that says which there are.
func ByName(name string) (harness.Workload, error) {
	var names []string
	for _, w := range All() {
		if w.Name == name {
			return w, nil
		}
		names = append(names, w.Name)
	}
	if near := harness.Nearest(name, names); near != "" {
		return harness.Workload{}, fmt.Errorf("unknown workload %q: did you mean %q?", name, near)
	}
	return harness.Workload{}, fmt.Errorf("unknown workload %q: there are %s", name, strings.Join(names, ", "))
}
