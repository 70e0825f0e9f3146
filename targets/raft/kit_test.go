package raft

import (
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness/harnesstest"
)

// The clean target is held against the contracts that every target has.
func TestTargetKit(t *testing.T) {
	harnesstest.TargetKit{Answer: 500 * time.Millisecond}.Test(t, Targets()[0])
}
