package raft_test

import (
	"testing"

	"github.com/capsize-dev/capsize/harness/harnesstest"
	"github.com/capsize-dev/capsize/targets/raft"
)

// TestCleanTargetKeepsTheContract sends the real cluster through the kit that every target goes through.
func TestCleanTargetKeepsTheContract(t *testing.T) {
	if testing.Short() {
		t.Skip("kills, pauses and cuts a real cluster for some 20 s; go test without -short does it")
	}
	harnesstest.TestTarget(t, raft.Targets()[0])
}
