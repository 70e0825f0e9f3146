package etcd

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
	"github.com/capsize-dev/capsize/workloads"
)

var (
	_ workloads.RegisterClient = (*Client)(nil)
	_ workloads.ListClient     = (*Client)(nil)
	_ workloads.SetClient      = (*Client)(nil)
)

func clientOf(t *testing.T, dial func(context.Context) (net.Conn, error), reads ...clientv3.OpOption) *Client {
	t.Helper()
	c, err := newClient(dial, reads...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestRegister(t *testing.T) {
	ctx := containerstest.Within(t, 10*time.Second)
	c := clientOf(t, dialTo(serve(t).address))
	if _, found, revision, err := c.Read(ctx, "k0"); found || revision != 1 || err != nil {
		t.Errorf("read nothing: %t at %d, %v", found, revision, err)
	}
	if _, err := c.CompareAndSet(ctx, "k0", 0, 1); !errors.Is(err, harness.ErrUnmet) {
		t.Errorf("compare-and-set of nothing: %v", err)
	}
	if revision, err := c.Write(ctx, "k0", 41); revision != 2 || err != nil {
		t.Errorf("write: %d, %v", revision, err)
	}
	if revision, err := c.CompareAndSet(ctx, "k0", 41, 42); revision != 3 || err != nil {
		t.Errorf("compare-and-set: %d, %v", revision, err)
	}
	if _, err := c.CompareAndSet(ctx, "k0", 41, 43); !errors.Is(err, harness.ErrUnmet) {
		t.Errorf("compare-and-set of another value: %v", err)
	}
	if value, found, revision, err := c.Read(ctx, "k0"); value != 42 || !found || revision != 3 || err != nil {
		t.Errorf("read: %d %t at %d, %v", value, found, revision, err)
	}
}

func TestListAndSet(t *testing.T) {
	ctx := containerstest.Within(t, 10*time.Second)
	c := clientOf(t, dialTo(serve(t).address))
	for i, element := range []int64{3, 1, 2} {
		if revision, err := c.Append(ctx, "k1", element); revision != int64(i+2) || err != nil {
			t.Errorf("append %d: %d, %v", element, revision, err)
		}
	}
	if list, revision, err := c.List(ctx, "k1"); !slices.Equal(list, []int64{3, 1, 2}) || revision != 4 || err != nil {
		t.Errorf("list: %v at %d, %v", list, revision, err)
	}
	for _, element := range []int64{5, 12, 7} {
		if _, err := c.AddMember(ctx, "k2", element); err != nil {
			t.Errorf("add %d: %v", element, err)
		}
	}
	if _, err := c.AddMember(ctx, "k20", 99); err != nil { // a neighbour's
		t.Error(err)
	}
	members, _, err := c.Members(ctx, "k2")
	if slices.Sort(members); !slices.Equal(members, []int64{5, 7, 12}) || err != nil {
		t.Errorf("members: %v, %v", members, err)
	}
}

// An append whose list was written between reading and writing it changes nothing, and is not tried again.
func TestAppendThatIsOvertaken(t *testing.T) {
	ctx := containerstest.Within(t, 10*time.Second)
	s := serve(t)
	s.fail = func(int) error { // as soon as the list was read, somebody else writes it
		if s.calls == 1 {
			s.put(&pb.PutRequest{Key: []byte("k0"), Value: []byte("[1]")})
		}
		return nil
	}
	c := clientOf(t, dialTo(s.address))
	if _, err := c.Append(ctx, "k0", 2); !errors.Is(err, harness.ErrUnmet) {
		t.Errorf("append: %v", err)
	}
	if list, _, err := c.List(ctx, "k0"); !slices.Equal(list, []int64{1}) || err != nil || s.came() != 3 {
		t.Errorf("list: %v, %v, after %d calls", list, err, s.came())
	}
}

// Serializable reads are asked for as such; an append reads the list with a majority's consent all the same.
func TestSerializableReads(t *testing.T) {
	ctx := containerstest.Within(t, 10*time.Second)
	for _, serializable := range []bool{false, true} {
		s := serve(t)
		var reads []clientv3.OpOption
		if serializable {
			reads = append(reads, clientv3.WithSerializable())
		}
		c := clientOf(t, dialTo(s.address), reads...)
		_, _, _, err := c.Read(ctx, "k0")
		if err != nil || s.last.Serializable != serializable {
			t.Errorf("read: serializable %t and not %t, %v", s.last.Serializable, serializable, err)
		}
		_, _, err = c.Members(ctx, "k0")
		if err != nil || s.last.Serializable != serializable {
			t.Errorf("members: serializable %t and not %t, %v", s.last.Serializable, serializable, err)
		}
		if _, err = c.Append(ctx, "k0", 1); err != nil || s.last.Serializable {
			t.Errorf("append: serializable %t, %v", s.last.Serializable, err)
		}
	}
}

// A client makes one attempt, where etcd's own makes another read.
func TestOneAttempt(t *testing.T) {
	once := func(call int) error {
		if call == 1 {
			return grpcstatus.Error(codes.Unavailable, "etcdserver: leader changed")
		}
		return nil
	}
	s := serve(t)
	s.fail = once
	c := clientOf(t, dialTo(s.address))
	if _, _, _, err := c.Read(containerstest.Within(t, 10*time.Second), "k0"); err == nil || s.came() != 1 {
		t.Errorf("read: %v after %d attempts", err, s.came())
	}
	s.fail = func(int) error { return grpcstatus.Error(codes.Unavailable, "there is no connection available") }
	_, err := c.Write(containerstest.Within(t, 10*time.Second), "k0", 1)
	if err == nil || errors.Is(err, harness.ErrNotApplied) || s.came() != 2 {
		t.Errorf("write: %v after %d attempts", err, s.came()-1)
	}
	usual, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://" + serveFailing(t, once)}, Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithNoProxy()}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = usual.Close() }()
	if _, err := usual.Get(containerstest.Within(t, 10*time.Second), "k0"); err != nil {
		t.Errorf("etcd's own client makes one attempt as well, so this test shows nothing: %v", err)
	}
}

func serveFailing(t *testing.T, fail func(int) error) string {
	s := serve(t)
	s.fail = fail
	return s.address
}

// Where no connection came about, nothing was sent.
func TestNothingSent(t *testing.T) {
	silent := func(net.Conn) {}
	hangUp := func(c net.Conn) { _ = c.Close() }
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		address string
		ctx     context.Context
	}{
		"refused":   {containerstest.Deserted(t), containerstest.Within(t, 10*time.Second)},
		"hung up":   {containerstest.Listen(t, hangUp).Addr().String(), containerstest.Within(t, 10*time.Second)},
		"not heard": {containerstest.Listen(t, silent).Addr().String(), containerstest.Within(t, 100*time.Millisecond)},
		"ended":     {serve(t).address, ended},
	} {
		t.Run(name, func(t *testing.T) {
			c := clientOf(t, dialTo(test.address))
			if _, err := c.Write(test.ctx, "k0", 1); !errors.Is(err, harness.ErrNotApplied) {
				t.Error(err)
			}
		})
	}
}

// Once something was sent, an end of the call or of the connection leaves it unknown.
func TestSentAndNotAnswered(t *testing.T) {
	s := serve(t)
	release := make(chan struct{})
	s.fail = func(int) error { <-release; return nil }
	defer close(release)
	c := clientOf(t, dialTo(s.address))
	_, err := c.Write(containerstest.Within(t, 100*time.Millisecond), "k0", 1)
	if err == nil || errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("no answer in time: %v", err)
	}
}

func TestProcesses(t *testing.T) {
	m := containers.Member{Name: "n2", Names: []string{"n1", "n2", "n3"}, Cluster: "c1"}
	line := strings.Join(processes(m)[0].Command, " ")
	for _, want := range []string{
		"--name n2 ", "--advertise-client-urls http://n2:2379 ", "--initial-advertise-peer-urls http://n2:2380 ",
		"--initial-cluster n1=http://n1:2380,n2=http://n2:2380,n3=http://n3:2380 ", "--initial-cluster-token c1 ",
		"--initial-cluster-state new",
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%q is not in %s", want, line)
		}
	}
	m.Joining = true
	if line := strings.Join(processes(m)[0].Command, " "); !strings.Contains(line, "--initial-cluster-state existing") {
		t.Errorf("a node that joins: %s", line)
	}
}

// A member that was added and has not started yet has told nobody its name.
func TestNameOfAMember(t *testing.T) {
	for want, m := range map[string]*pb.Member{
		"n3": {PeerURLs: []string{peerURL("n3")}},
		"n4": {Name: "n4", PeerURLs: []string{peerURL("n4")}},
		"n5": {Name: "n5"},
	} {
		if got := nameOf(m); got != want {
			t.Errorf("%v is %q", m, got)
		}
	}
}
