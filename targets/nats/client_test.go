package nats

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
	"github.com/capsize-dev/capsize/workloads"
)

var (
	_ workloads.RegisterClient = (*Client)(nil)
	_ workloads.ListClient     = (*Client)(nil)
	_ workloads.SetClient      = (*Client)(nil)
)

// holding is a server whose one key holds data at revision 7, and which takes what is put over that.
func holding(data string) func(subject, header, body string) *reply {
	return func(subject, header, _ string) *reply {
		switch {
		case strings.HasPrefix(subject, "$JS.API.DIRECT.GET.KV_capsize.$KV.capsize."):
			return &reply{header: "\r\nNats-Sequence: 7", data: data}
		case subject == "$JS.API.STREAM.MSG.GET.KV_capsize":
			body := base64.StdEncoding.EncodeToString([]byte(data))
			return &reply{data: fmt.Sprintf(`{"message":{"subject":"x","seq":7,"data":%q}}`, body)}
		case header == "" || strings.Contains(header, "Nats-Expected-Last-Subject-Sequence: 7\r\n"):
			return &reply{data: `{"stream":"KV_capsize","seq":8}`}
		default:
			return &reply{data: `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 7"}}`}
		}
	}
}

// empty is a server whose keys hold nothing.
func empty(subject, header, _ string) *reply {
	switch {
	case strings.HasPrefix(subject, "$JS.API.DIRECT.GET."):
		return &reply{header: " 404 Message Not Found"}
	case strings.HasPrefix(subject, "$JS.API.STREAM.MSG.GET."):
		return &reply{data: `{"error":{"code":404,"err_code":10037,"description":"no message found"}}`}
	case strings.Contains(header, "Nats-Expected-Last-Subject-Sequence: 0\r\n"):
		return &reply{data: `{"stream":"KV_capsize","seq":1}`}
	}
	return nil
}

func TestReadsAndGuardedPuts(t *testing.T) {
	for _, direct := range []bool{false, true} {
		t.Run(fmt.Sprintf("direct=%t", direct), func(t *testing.T) {
			ctx := containerstest.Within(t, 10*time.Second)
			c := serve(t, holding("41")).client(t, direct)
			value, found, revision, err := c.Read(ctx, "k0")
			if value != 41 || !found || revision != 7 || err != nil {
				t.Errorf("read %d %t at %d: %v", value, found, revision, err)
			}
			if revision, err := c.CompareAndSet(ctx, "k0", 41, 42); revision != 8 || err != nil {
				t.Errorf("compare and set: %d, %v", revision, err)
			}
			if _, err := c.CompareAndSet(ctx, "k0", 40, 42); !errors.Is(err, harness.ErrUnmet) {
				t.Errorf("compare and set of another value: %v", err)
			}
			if revision, err := c.Write(ctx, "k0", 43); revision != 8 || err != nil {
				t.Errorf("write: %d, %v", revision, err)
			}
			if _, err := c.putOver(ctx, "k0", "44", entry{revision: 6}); !errors.Is(err, harness.ErrUnmet) {
				t.Errorf("a put over what is no longer there: %v", err)
			}
		})
	}
}

func TestListsAndSets(t *testing.T) {
	ctx := containerstest.Within(t, 10*time.Second)
	var put string
	inner := holding("[3,1]")
	c := serve(t, func(subject, header, data string) *reply {
		if strings.HasPrefix(subject, "$KV.") {
			put = data
		}
		return inner(subject, header, data)
	}).client(t, false)
	if list, revision, err := c.List(ctx, "k0"); !slices.Equal(list, []int64{3, 1}) || revision != 7 || err != nil {
		t.Errorf("list: %v at %d, %v", list, revision, err)
	}
	if revision, err := c.Append(ctx, "k0", 2); revision != 8 || err != nil || put != "[3,1,2]" {
		t.Errorf("append put %s: %d, %v", put, revision, err)
	}
	if _, err := c.AddMember(ctx, "k0", 9); err != nil || put != "[3,1,9]" {
		t.Errorf("add put %s: %v", put, err)
	}
}

func TestKeysThatHoldNothing(t *testing.T) {
	for _, direct := range []bool{false, true} {
		t.Run(fmt.Sprintf("direct=%t", direct), func(t *testing.T) {
			ctx := containerstest.Within(t, 10*time.Second)
			c := serve(t, empty).client(t, direct)
			if _, found, revision, err := c.Read(ctx, "k0"); found || revision != 0 || err != nil {
				t.Errorf("read: %t at %d, %v", found, revision, err)
			}
			if members, _, err := c.Members(ctx, "k0"); len(members) != 0 || err != nil {
				t.Errorf("members: %v, %v", members, err)
			}
			if _, err := c.CompareAndSet(ctx, "k0", 1, 2); !errors.Is(err, harness.ErrUnmet) {
				t.Errorf("compare and set: %v", err)
			}
			if revision, err := c.Append(ctx, "k0", 2); revision != 1 || err != nil {
				t.Errorf("append: %d, %v", revision, err)
			}
		})
	}
}

// A message to nobody is not published again, which the library would do twice.
func TestPublishesOnce(t *testing.T) {
	s := serve(t, func(string, string, string) *reply { return &reply{header: " 503"} })
	_, err := s.client(t, false).Write(containerstest.Within(t, 10*time.Second), "k0", 1)
	if !errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("nobody listens: %v", err)
	}
	if subjects, _ := s.came(); !slices.Equal(subjects, []string{"$KV.capsize.k0"}) {
		t.Errorf("the server was sent %v", subjects)
	}
}

// A message whose connection ended is unknown, and is not sent again over the connection that the next call makes.
func TestConnectionThatBreaks(t *testing.T) {
	s := serve(t, func(subject, header, data string) *reply {
		if strings.HasSuffix(subject, "k0") {
			return &reply{hangUp: true}
		}
		return holding("1")(subject, header, data)
	})
	c := s.client(t, false)
	ctx := containerstest.Within(t, 10*time.Second)
	if _, err := c.Write(ctx, "k0", 1); err == nil || errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("the connection ended under way: %v", err)
	}
	if _, err := c.Write(ctx, "k1", 2); err != nil {
		t.Errorf("the call after: %v", err)
	}
	subjects, dialed := s.came()
	if !slices.Equal(subjects, []string{"$KV.capsize.k0", "$KV.capsize.k1"}) || dialed != 2 {
		t.Errorf("the server was dialed %d times, and was sent %v", dialed, subjects)
	}
}

// A call without an answer ends with its context, and nobody knows.
func TestSilentServer(t *testing.T) {
	c := serve(t, func(string, string, string) *reply { return nil }).client(t, false)
	_, err := c.Write(containerstest.Within(t, 100*time.Millisecond), "k0", 1)
	if err == nil || errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("no answer to a write: %v", err)
	}
	if _, err := c.Append(containerstest.Within(t, 100*time.Millisecond), "k0", 1); !errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("no answer to the read before an append: %v", err)
	}
}

// Where no connection came about, nothing was sent: nobody listens there, somebody does but says nothing, or the call
// had ended before it began.
func TestNothingSent(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		address string
		ctx     context.Context
	}{
		"refused":   {containerstest.Deserted(t), containerstest.Within(t, 10*time.Second)},
		"not heard": {mute.Addr().String(), containerstest.Within(t, 100*time.Millisecond)},
		"ended":     {mute.Addr().String(), ended},
	} {
		t.Run(name, func(t *testing.T) {
			c := &Client{dial: func(ctx context.Context) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", test.address)
			}}
			defer func() { _ = c.Close() }()
			if _, err := c.Write(test.ctx, "k0", 1); !errors.Is(err, harness.ErrNotApplied) {
				t.Error(err)
			}
		})
	}
}
