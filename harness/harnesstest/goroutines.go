package harnesstest

import (
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

var goroutineHeader = regexp.MustCompile(`^goroutine (\d+) `)

// goroutines returns the stack of every goroutine, by its number.
func goroutines() map[string]string {
	buffer := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buffer, true)
		if n < len(buffer) {
			buffer = buffer[:n]
			break
		}
		buffer = make([]byte, 2*len(buffer))
	}
	found := make(map[string]string)
	for stack := range strings.SplitSeq(string(buffer), "\n\n") {
		if m := goroutineHeader.FindStringSubmatch(stack); m != nil {
			found[m[1]] = stack
		}
	}
	return found
}

// leftBehind waits until every goroutine that was not there before is gone, and returns the stacks of those that stay.
func leftBehind(before map[string]string, patience time.Duration) []string {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		var left []string
		for number, stack := range goroutines() {
			if _, old := before[number]; !old {
				left = append(left, stack)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			slices.Sort(left)
			return left
		}
	}
}
