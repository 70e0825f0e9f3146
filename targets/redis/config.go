package redis

import (
	"crypto/sha1"
	"fmt"
	"strings"

	"github.com/capsize-dev/capsize/targets/containers"
)

// redisConfig is the server's configuration. It is only the first: sentinels have the server rewrite it.
func redisConfig(m containers.Member, more []string) string {
	lines := []string{
		"port 6379", "bind 0.0.0.0", "protected-mode no", "dir /data",
		"appendonly yes", "appendfsync everysec", `save ""`,
		"replica-announce-ip " + m.Name,
		"repl-timeout 5", "repl-ping-replica-period 1", "repl-diskless-sync-delay 0",
	}
	if first := m.Names[0]; m.Name != first {
		lines = append(lines, "replicaof "+first+" 6379")
	}
	return strings.Join(append(lines, more...), "\n") + "\n"
}

// sentinelConfig is the configuration of a sentinel that knows everybody already, as it would write it itself.
func sentinelConfig(m containers.Member) string {
	lines := []string{
		"port 26379", "bind 0.0.0.0", "protected-mode no", "dir /data",
		"sentinel resolve-hostnames yes", "sentinel announce-hostnames yes", "sentinel announce-ip " + m.Name,
		"sentinel myid " + sentinelID(m, m.Name),
		fmt.Sprintf("sentinel monitor %s %s 6379 %d", group, m.Names[0], len(m.Names)/2+1),
		"sentinel down-after-milliseconds " + group + " 1000",
		"sentinel failover-timeout " + group + " 3000",
	}
	for i, name := range m.Names {
		if i > 0 {
			lines = append(lines, fmt.Sprintf("sentinel known-replica %s %s 6379", group, name))
		}
		if name != m.Name {
			lines = append(lines,
				fmt.Sprintf("sentinel known-sentinel %s %s 26379 %s", group, name, sentinelID(m, name)))
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// sentinelID is the id of a node's sentinel, forty hexadecimal digits that no other has.
func sentinelID(m containers.Member, name string) string {
	return fmt.Sprintf("%x", sha1.Sum([]byte(m.Cluster+" "+name)))
}
