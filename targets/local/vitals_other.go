//go:build !linux

package local

// isStopped believes what this runtime did, where there is no /proc to ask.
func isStopped(p *process) bool { return p.paused.Load() }
