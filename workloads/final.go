package workloads

import (
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/gen"
)

// Bounds of the final reads. Within them the phase takes seconds; every key is read even where the run used more.
const (
	latestKeys = 64   // that every node reads
	olderReads = 2000 // of older keys over all nodes: with few older keys every node reads all of them
)

// finalReads reads every key of the ring: the latest by one worker of every node, each older one by at least `least`
// nodes. The plan is made when the first worker asks, after the load. call is the read of a key.
func finalReads(ring *keyring, load harness.Load, least int, call func(number int) harness.Call) harness.Generator {
	var plan [][]harness.Call
	return gen.Each(func(worker int) harness.Generator {
		if plan == nil {
			plan = planReads(ring, load, least, call)
		}
		if worker >= len(plan) {
			return gen.Of()
		}
		return gen.Of(plan[worker]...)
	})
}

// readKey is the read of one object.
func readKey(number int) harness.Call { return harness.Call{F: read, Key: keyName(number)} }

// planReads returns the reads of every worker.
func planReads(ring *keyring, load harness.Load, least int, call func(int) harness.Call) [][]harness.Call {
	workers := max(load.Workers, 1)
	nodes := min(max(len(load.Nodes), 1), workers) // a node without a worker reads nothing
	plan := make([][]harness.Call, workers)
	turns := make([]int, nodes)
	readAt := func(node, key int) {
		stride := max(len(load.Nodes), 1)
		ofNode := (workers - node + stride - 1) / stride // workers of this node
		worker := node + stride*(turns[node]%ofNode)
		turns[node]++
		plan[worker] = append(plan[worker], call(key))
	}
	latest, older := ring.latest(latestKeys)
	for _, key := range latest {
		for node := range nodes {
			readAt(node, key)
		}
	}
	copies := min(max(least, olderReads/max(len(older), 1)), nodes)
	for i, key := range older {
		for c := range copies {
			readAt((i+c)%nodes, key)
		}
	}
	return plan
}
