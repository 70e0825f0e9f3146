package local

import (
	"os"
	"time"
)

// removeAll removes a folder in which a process that was just killed may still have been writing.
func removeAll(folder string) error {
	var err error
	for wait := time.Millisecond; wait < time.Second; wait *= 2 {
		if err = os.RemoveAll(folder); err == nil {
			return nil
		}
		time.Sleep(wait)
	}
	return err
}
