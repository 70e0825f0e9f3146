package etcd

import (
	"bytes"
	"context"
	"net"
	"slices"
	"sync"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"
)

// fakeServer is a store of keys with revisions: as much of etcd as a client needs, and no log.
type fakeServer struct {
	pb.UnimplementedKVServer
	address string

	mu       sync.Mutex
	revision int64
	keys     map[string]*mvccpb.KeyValue
	calls    int
	last     *pb.RangeRequest
	fail     func(call int) error // may be nil
}

// serve starts a server, which ends with the test.
func serve(t *testing.T) *fakeServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fakeServer{address: listener.Addr().String(), revision: 1, keys: make(map[string]*mvccpb.KeyValue)}
	server := grpc.NewServer()
	pb.RegisterKVServer(server, s)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return s
}

// dialTo reaches a server of a test.
func dialTo(address string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "tcp", address) }
}

// begin counts a call, and says whether it shall fail.
func (s *fakeServer) begin() error {
	s.calls++
	if s.fail == nil {
		return nil
	}
	return s.fail(s.calls)
}

func (s *fakeServer) came() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *fakeServer) header() *pb.ResponseHeader { return &pb.ResponseHeader{Revision: s.revision} }

func (s *fakeServer) Range(_ context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = r
	answer := &pb.RangeResponse{Header: s.header()}
	for key, kv := range s.keys {
		in := key == string(r.Key)
		if len(r.RangeEnd) > 0 {
			in = bytes.Compare([]byte(key), r.Key) >= 0 && bytes.Compare([]byte(key), r.RangeEnd) < 0
		}
		if in {
			answer.Kvs = append(answer.Kvs, kv)
		}
	}
	slices.SortFunc(answer.Kvs, func(a, b *mvccpb.KeyValue) int { return bytes.Compare(a.Key, b.Key) })
	return answer, s.begin()
}

func (s *fakeServer) Put(_ context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(); err != nil {
		return nil, err
	}
	s.put(r)
	return &pb.PutResponse{Header: s.header()}, nil
}

func (s *fakeServer) put(r *pb.PutRequest) {
	s.revision++
	s.keys[string(r.Key)] = &mvccpb.KeyValue{Key: r.Key, Value: r.Value, ModRevision: s.revision}
}

// Txn knows one comparison and one put, which is what a client makes.
func (s *fakeServer) Txn(_ context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(); err != nil {
		return nil, err
	}
	compare := r.Compare[0]
	kv := s.keys[string(compare.Key)]
	held := false
	switch {
	case compare.Target == pb.Compare_VALUE:
		held = kv != nil && bytes.Equal(kv.Value, compare.GetValue())
	case kv == nil:
		held = compare.GetModRevision() == 0
	default:
		held = compare.GetModRevision() == kv.ModRevision
	}
	if held {
		s.put(r.Success[0].GetRequestPut())
	}
	return &pb.TxnResponse{Header: s.header(), Succeeded: held}, nil
}
