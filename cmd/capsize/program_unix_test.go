//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// processes are those that have a folder as their TMPDIR or, where the environment of others cannot be read, in their
// command line.
func processes(t *testing.T, temp string) []int {
	t.Helper()
	var found []int
	if runtime.GOOS != "linux" {
		list, err := exec.Command("ps", "-axww", "-o", "pid=,command=").Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(list)) {
			if fields := strings.Fields(line); strings.Contains(line, temp) {
				pid, _ := strconv.Atoi(fields[0])
				found = append(found, pid)
			}
		}
		return found
	}
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		environment, _ := os.ReadFile(file) // that of a process which just ended cannot be read
		if strings.Contains(string(environment)+"\x00", "TMPDIR="+temp+"\x00") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			found = append(found, pid)
		}
	}
	return found
}
