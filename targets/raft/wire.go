package raft

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// The operations of the service. From opTerm on they are asked by nodes and by the harness, not by workloads.
const (
	opRead      = "read"
	opWrite     = "write"
	opCAS       = "cas"
	opList      = "list"
	opAppend    = "append"
	opMembers   = "members"
	opAdd       = "add"
	opCounter   = "counter"
	opIncrement = "increment"
	opTxn       = "txn"
	opTransfer  = "transfer"
	opBalances  = "balances"
	opTerm      = "term"
	opStatus    = "status"
	opExclude   = "exclude" // Key is a node that is to be no member any more
	opInclude   = "include" // Key is a node that is to be one again
)

// request is one call, from a client to a node or from a node to the leader.
type request struct {
	ID    uint64        `json:"id"`
	Op    string        `json:"op"`
	Key   string        `json:"key,omitempty"`
	Value int64         `json:"value,omitempty"`
	Old   int64         `json:"old,omitempty"`  // of a cas: what the value must be
	Txn   []micro       `json:"txn,omitempty"`  // of opTxn
	From  int64         `json:"from,omitempty"` // of opTransfer, as To; the amount is Value
	To    int64         `json:"to,omitempty"`
	TTL   time.Duration `json:"ttl,omitempty"` // how long the caller still waits
	Hop   bool          `json:"hop,omitempty"` // sent on by a node: it is not sent on again
}

// isRead reports whether the operation changes nothing.
func (r request) isRead() bool {
	switch r.Op {
	case opRead, opList, opMembers, opCounter, opBalances:
		return true
	case opTxn:
		return readsOnly(r.Txn)
	default:
		return false
	}
}

// command is the log entry that does what the request asks for.
func (r request) command() command {
	return command{Op: r.Op, Key: r.Key, Value: r.Value, Old: r.Old, Txn: r.Txn, From: r.From, To: r.To}
}

// outcome is what became of a call. Its zero value is the safe answer.
type outcome uint8

const (
	unknown    outcome = iota // it may have happened, or may still
	done                      // it happened
	notApplied                // it did not happen and never will
)

// response answers a request.
type response struct {
	ID       uint64  `json:"id"`
	Outcome  outcome `json:"outcome"`
	Error    string  `json:"error,omitempty"` // unless done
	Unmet    bool    `json:"unmet,omitempty"` // not applied because a condition did not hold
	Revision uint64  `json:"revision,omitempty"`
	Found    bool    `json:"found,omitempty"`
	Value    int64   `json:"value,omitempty"`
	Elements []int64 `json:"elements,omitempty"`
	Txn      []micro `json:"txn,omitempty"` // with what the reads saw
	Term     uint64  `json:"term,omitempty"`
	Status   *status `json:"status,omitempty"`
}

// status is what a node knows of itself and of the cluster.
type status struct {
	Node    string `json:"node"`
	Leader  string `json:"leader"` // "" where it knows none
	Term    uint64 `json:"term"`
	Last    uint64 `json:"last"`    // index of the last log entry
	Commit  uint64 `json:"commit"`  // index of the last entry known to be committed
	Applied uint64 `json:"applied"` // index of the last command that the state has
	// Voters are the members of the last configuration in its log.
	Voters []string `json:"voters,omitempty"`
}

// maxFrame limits one message: a set of a million elements has room.
const maxFrame = 32 << 20

// maxOpen limits the requests of one connection that are under way at once.
const maxOpen = 1024

// frame encodes a message with its length in front.
func frame(message any) ([]byte, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	if len(body) > maxFrame {
		return nil, fmt.Errorf("message of %d bytes is longer than %d", len(body), maxFrame)
	}
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body))), body...), nil
}

// readFrame reads a message into what message points to. buffer is used again where it is large enough.
func readFrame(from *bufio.Reader, buffer *[]byte, message any) error {
	var head [4]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return err
	}
	size := int(binary.BigEndian.Uint32(head[:]))
	if size > maxFrame {
		return fmt.Errorf("message of %d bytes is longer than %d", size, maxFrame)
	}
	if cap(*buffer) < size {
		*buffer = make([]byte, size)
	}
	body := (*buffer)[:size]
	if _, err := io.ReadFull(from, body); err != nil {
		return err
	}
	return json.Unmarshal(body, message)
}

// What a connection is for. One port serves both, told apart by the first line.
const (
	kindRaft = "raft" // the Raft library's own messages
	kindAPI  = "api"  // requests and responses
)

// accepted is the answer to a first line. Without it nothing was sent yet, so nothing can have happened.
const accepted = '+'

// maxPreface limits the first line.
const maxPreface = 256

// dial connects to a node of the cluster and waits until that node itself has accepted.
func dial(address, kind, cluster string, timeout time.Duration) (net.Conn, error) {
	deadline := time.Now().Add(timeout)
	conn, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return nil, err
	}
	return introduce(conn, kind, cluster, time.Until(deadline))
}

// introduce says what a new connection is for and waits until the node has accepted it, however many proxies there are
// between. It closes a connection that is not accepted.
func introduce(conn net.Conn, kind, cluster string, timeout time.Duration) (net.Conn, error) {
	answer := make([]byte, 1)
	err := conn.SetDeadline(time.Now().Add(timeout))
	if err == nil {
		_, err = fmt.Fprintf(conn, "%s %s\n", kind, cluster)
	}
	if err == nil {
		_, err = io.ReadFull(conn, answer)
	}
	if err == nil && answer[0] != accepted {
		err = fmt.Errorf("it is not a node of cluster %s", cluster)
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("connect to %s: %w", conn.RemoteAddr(), err)
	}
	return conn, nil
}

// greet reads the first line of a connection, byte by byte so that nothing after it is lost, and accepts it if it is
// meant for this cluster.
func greet(conn net.Conn, cluster string) (kind string, err error) {
	var line strings.Builder
	one := make([]byte, 1)
	for line.Len() < maxPreface {
		if _, err := io.ReadFull(conn, one); err != nil {
			return "", err
		}
		if one[0] != '\n' {
			line.WriteByte(one[0])
			continue
		}
		kind, id, _ := strings.Cut(line.String(), " ")
		if id != cluster || (kind != kindRaft && kind != kindAPI) {
			return "", fmt.Errorf("%q is not meant for cluster %s", line.String(), cluster)
		}
		_, err := conn.Write([]byte{accepted})
		return kind, err
	}
	return "", fmt.Errorf("no first line within %d bytes", maxPreface)
}
