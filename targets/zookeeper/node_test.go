package zookeeper

import (
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
)

const answer = `Zookeeper version: 3.8.0-${mvngit.commit.id}, built on 2024-06-16 10:40 UTC
Latency min/avg/max: 0/0.0/0
Received: 1
Sent: 0
Zxid: 0x200000003
Mode: leader
Node count: 5
`

func TestParse(t *testing.T) {
	s, err := parse(answer)
	if err != nil || s.mode != leads || s.term() != 2 || s.version != "3.8.0" {
		t.Errorf("got %+v, %v", s, err)
	}
	for _, text := range []string{"", "This ZooKeeper instance is not currently serving requests\n",
		"srvr is not executed because it is not in the whitelist.\n", "Mode: leader\nZxid: zero\n"} {
		if s, err := parse(text); err == nil {
			t.Errorf("%q is %+v", text, s)
		}
	}
}

func TestAgree(t *testing.T) {
	all := map[string]status{"n1": {mode: leads}, "n2": {mode: follows}, "n3": {mode: follows}}
	if err := agree(all, 3); err != nil {
		t.Error(err)
	}
	if agree(all, 4) == nil {
		t.Error("a node that does not answer agrees")
	}
	for _, mode := range []string{leads, "observer"} {
		all["n2"] = status{mode: mode}
		if agree(all, 3) == nil {
			t.Errorf("%v agree", all)
		}
	}
	all["n1"], all["n2"] = status{mode: follows}, status{mode: follows}
	if agree(all, 3) == nil {
		t.Error("nobody leads, and all is well")
	}
}

func TestSpec(t *testing.T) {
	m := containers.Member{Name: "n2", Names: []string{"n1", "n2", "n3"}}
	files := spec(false).Processes(m)[0].Files
	if files["/data/myid"] != "2\n" {
		t.Errorf("myid is %q", files["/data/myid"])
	}
	for _, line := range []string{"dataDir=/data", "server.1=n1:2888:3888", "server.3=n3:2888:3888"} {
		if !strings.Contains(files["/data/zoo.cfg"], line+"\n") {
			t.Errorf("there is no line %q in\n%s", line, files["/data/zoo.cfg"])
		}
	}
	claims := map[string]harness.Level{"zookeeper": harness.NoLevel, "zookeeper/sync-read": harness.NoLevel}
	for _, target := range Targets() {
		if about := target.(harness.Describer).About(); about.Claim != claims[target.Name()] || about.Recommended.Nodes != 3 {
			t.Errorf("%s: %+v", target.Name(), about)
		}
	}
}
