//go:build unix

package engine

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// group is the one whose members may use a socket, "" where it cannot be told.
func group(socket string) string {
	info, err := os.Stat(socket)
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Mode().Perm()&0o020 == 0 {
		return ""
	}
	g, err := user.LookupGroupId(strconv.FormatUint(uint64(stat.Gid), 10))
	if err != nil {
		return fmt.Sprintf("of id %d", stat.Gid)
	}
	return g.Name
}

// owner says who may use a socket: ": it is for root and the group docker".
func owner(socket string) string {
	if g := group(socket); g != "" {
		return ": it is for its owner and the group " + g
	}
	return ""
}
