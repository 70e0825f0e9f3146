package containers

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"strconv"

	"github.com/moby/moby/client"
)

// The labels of everything that is made for a cluster. Nothing without the first one is ever removed.
const (
	labelCluster = "capsize.cluster" // its id
	labelRun     = "capsize.run"     // the id of the run it belongs to
	labelHost    = "capsize.host"    // where the harness runs
	labelPID     = "capsize.pid"     // the process of the harness
	labelNode    = "capsize.node"
	labelRole    = "capsize.role" // sandbox, or the name of a process
)

const roleSandbox = "sandbox"

// newID makes an id that no two clusters share: every name in the engine begins with it.
func newID() string {
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails
	return "capsize-" + hex.EncodeToString(random)
}

// labels are those of everything of a cluster; pairs of names and values are added.
func labels(id, run string, more ...string) map[string]string {
	host, _ := os.Hostname()
	all := map[string]string{
		labelCluster: id, labelRun: run, labelHost: host, labelPID: strconv.Itoa(os.Getpid()),
	}
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// ofCluster finds what belongs to a cluster; "" finds what belongs to any.
func ofCluster(id string) client.Filters {
	if id == "" {
		return client.Filters{}.Add("label", labelCluster)
	}
	return client.Filters{}.Add("label", labelCluster+"="+id)
}
