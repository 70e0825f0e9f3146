package redis

import (
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
)

func member(name string) containers.Member {
	return containers.Member{Name: name, Names: []string{"n1", "n2", "n3"}, Cluster: "c"}
}

func has(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("there is no line %q in\n%s", line, text)
		}
	}
}

func TestConfigs(t *testing.T) {
	if text := redisConfig(member("n1"), nil); strings.Contains(text, "replicaof") {
		t.Errorf("the first node begins as a replica:\n%s", text)
	}
	text := redisConfig(member("n3"), []string{"min-replicas-to-write 1"})
	has(t, text, "replicaof n1 6379", "replica-announce-ip n3", "appendonly yes", "min-replicas-to-write 1")
	text = sentinelConfig(member("n2"))
	has(t, text, "sentinel monitor capsize n1 6379 2", "sentinel known-replica capsize n2 6379",
		"sentinel known-replica capsize n3 6379", "sentinel myid "+sentinelID(member("n2"), "n2"),
		"sentinel known-sentinel capsize n1 26379 "+sentinelID(member("n1"), "n1"))
	if strings.Contains(text, "known-sentinel capsize n2") || strings.Contains(text, "known-replica capsize n1") {
		t.Errorf("a sentinel that knows itself, or the primary as a replica:\n%s", text)
	}
}

func TestBehind(t *testing.T) {
	said := replication(fields("# Replication\r\nrole:slave\r\nmaster_host:n1\r\nmaster_link_status:up\r\n" +
		"slave_repl_offset:100\r\n"))
	if err := behind(said, "n1", 100); err != nil {
		t.Error(err)
	}
	if behind(said, "n1", 101) == nil || behind(said, "n2", 100) == nil {
		t.Error("a replica that lacks something, or follows another, is current")
	}
	said["master_link_status"] = "down"
	if behind(said, "n1", 100) == nil {
		t.Error("a replica without a link is current")
	}
}

func TestTargets(t *testing.T) {
	names := map[string]bool{}
	for _, target := range Targets() {
		about := target.(harness.Describer).About()
		names[target.Name()] = true
		if about.Claim != harness.NoLevel || about.Recommended.Nodes != 3 || about.Recommended.Workload == "" {
			t.Errorf("%s: %+v", target.Name(), about)
		}
	}
	if !names["redis"] || !names["redis/wait"] || !names["redis/min-replicas"] || len(names) != 3 {
		t.Errorf("the targets are %v", names)
	}
}
