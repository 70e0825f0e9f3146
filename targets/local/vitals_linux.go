package local

import (
	"bytes"
	"fmt"
	"os"
)

// isStopped asks the kernel whether the process is in state T.
func isStopped(p *process) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		return false
	}
	// the state follows the name, which is in brackets and may itself hold any
	after := bytes.LastIndexByte(stat, ')')
	return after >= 0 && len(stat) > after+2 && stat[after+2] == 'T'
}
