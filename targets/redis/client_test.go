package redis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
)

// A refusal had no effect; anything else that is no answer leaves it open, WAIT's short count above all.
func TestOutcomesOfAWrite(t *testing.T) {
	const copies1, copies0 = ":1\r\n", ":0\r\n"
	for _, test := range []struct {
		name, set, wait string
		copies          int
		want            error // nil, ErrNotApplied, or containerstest.ErrAny for unknown
	}{
		{"ok", "+OK\r\n", "", 0, nil},
		{"ok with a copy", "+OK\r\n", copies1, 1, nil},
		{"short count", "+OK\r\n", copies0, 1, errUnconfirmed},
		{"WAIT refused", "+OK\r\n", "-LOADING of WAIT alone\r\n", 1, errUnconfirmed},
		{"end before WAIT's answer", "+OK\r\n", "", 1, containerstest.ErrAny},
		{"end", "", "", 0, containerstest.ErrAny},
		{"READONLY", "-READONLY You can't write against a read only replica.\r\n", copies0, 1, harness.ErrNotApplied},
		{"NOREPLICAS", "-NOREPLICAS Not enough good replicas to write.\r\n", "", 0, harness.ErrNotApplied},
		{"MASTERDOWN", "-MASTERDOWN Link with MASTER is down\r\n", "", 0, harness.ErrNotApplied},
		{"LOADING", "-LOADING Redis is loading the dataset in memory\r\n", "", 0, harness.ErrNotApplied},
		{"MISCONF", "-MISCONF Errors writing to the AOF file\r\n", "", 0, harness.ErrNotApplied},
		{"OOM", "-OOM command not allowed\r\n", "", 0, harness.ErrNotApplied},
		{"BUSY", "-BUSY Redis is busy running a script\r\n", "", 0, harness.ErrNotApplied},
		{"NOPRIMARY", "-NOPRIMARY none\r\n", "", 0, harness.ErrNotApplied},
		{"another error", "-ERR who knows: READONLY\r\n", "", 0, containerstest.ErrAny},
		{"a word that only begins so", "-READONLYISH\r\n", "", 0, containerstest.ErrAny},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t, map[string]string{"set": test.set, "wait": test.wait})
			c, err := client(t, server.Addr().String(), test.copies)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Write(containerstest.Within(t, 5*time.Second), "k", 1)
			containerstest.Outcome(t, err, test.want)
			if n := server.times("set"); n != 1 {
				t.Errorf("the write was sent %d times", n)
			}
		})
	}
}

// Every refusal of the table is in the test above.
func TestEveryRefusalHasAReason(t *testing.T) {
	words := []string{"READONLY", "NOREPLICAS", "MASTERDOWN", "LOADING", "MISCONF", "OOM", "BUSY", noPrimary}
	for word, why := range refusals {
		if why == "" || !slices.Contains(words, word) {
			t.Errorf("%s: %q", word, why)
		}
	}
	if len(refusals) != len(words) {
		t.Errorf("%d refusals, %d tested", len(refusals), len(words))
	}
}

func TestReadsAreOfAPrimary(t *testing.T) {
	const master, slave = "*1\r\n$6\r\nmaster\r\n", "*1\r\n$5\r\nslave\r\n"
	answers := map[string]string{
		"role": master, "exec": "x", "get": "$2\r\n42\r\n", "lrange": "*2\r\n$1\r\n3\r\n$1\r\n1\r\n", "smembers": "*0\r\n",
	}
	server := newFake(t, answers)
	c, err := client(t, server.Addr().String(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx := containerstest.Within(t, 5*time.Second)
	if value, found, _, err := c.Read(ctx, "k"); value != 42 || !found || err != nil {
		t.Errorf("got %d, %t, %v", value, found, err)
	}
	if list, _, err := c.List(ctx, "k"); !slices.Equal(list, []int64{3, 1}) || err != nil {
		t.Errorf("got %v, %v", list, err)
	}
	if all, _, err := c.Members(ctx, "k"); len(all) != 0 || err != nil {
		t.Errorf("got %v, %v", all, err)
	}
	server.mu.Lock()
	server.answers["get"] = "$-1\r\n"
	server.mu.Unlock()
	if _, found, _, err := c.Read(ctx, "k"); found || err != nil {
		t.Errorf("of a key that is not there: %t, %v", found, err)
	}
	server.mu.Lock()
	server.answers["role"] = slave
	server.mu.Unlock()
	if _, _, _, err := c.Read(ctx, "k"); !errors.Is(err, errReplica) || !errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("a replica's answer: %v", err)
	}
}

func TestCompareAndSet(t *testing.T) {
	for _, test := range []struct {
		eval, wait string
		want       error
	}{
		{":1\r\n", ":1\r\n", nil},
		{":0\r\n", ":0\r\n", harness.ErrUnmet}, // whatever WAIT says
		{":1\r\n", ":0\r\n", containerstest.ErrAny},
		{"-READONLY no\r\n", ":0\r\n", harness.ErrNotApplied},
		{"", "", containerstest.ErrAny},
	} {
		server := newFake(t, map[string]string{"eval": test.eval, "wait": test.wait})
		c, err := client(t, server.Addr().String(), 1)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.CompareAndSet(containerstest.Within(t, 5*time.Second), "k", 1, 2)
		if test.want == harness.ErrUnmet {
			if !errors.Is(err, harness.ErrUnmet) {
				t.Errorf("eval %q: got %v", test.eval, err)
			}
			continue
		}
		if containerstest.Outcome(t, err, test.want); errors.Is(err, harness.ErrUnmet) {
			t.Errorf("eval %q, wait %q: got %v, and nothing was compared", test.eval, test.wait, err)
		}
	}
}

// A call ends with its context, also where nobody answers, and nobody knows what became of it. The next call has a
// connection of its own.
func TestACallEndsWithItsContext(t *testing.T) {
	server := newFake(t, map[string]string{"set": "hang"})
	c, err := client(t, server.Addr().String(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []func() (context.Context, context.CancelFunc){
		func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 50*time.Millisecond)
		},
		func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		ctx, cancel := end()
		_, err := c.Write(ctx, "k", 1)
		cancel()
		containerstest.Outcome(t, err, containerstest.ErrAny)
	}
	sent := server.times("set")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Write(ctx, "k", 1)
	if containerstest.Outcome(t, err, harness.ErrNotApplied); server.times("set") != sent {
		t.Error("a call whose context had ended was sent")
	}
	server.mu.Lock()
	server.answers["set"] = "+OK\r\n"
	server.mu.Unlock()
	if _, err := c.Write(containerstest.Within(t, 5*time.Second), "k", 1); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// A connection that the other end closed between two calls is noticed before the second is sent, or the second is
// unknown; it is never sent twice.
func TestABrokenConnection(t *testing.T) {
	server := newFake(t, map[string]string{"set": "+OK\r\n", "get": ""})
	c, err := client(t, server.Addr().String(), 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.line.conn.Close()
	_, err = c.Write(containerstest.Within(t, 5*time.Second), "k", 1)
	containerstest.Outcome(t, err, harness.ErrNotApplied)
	if _, err := c.Write(containerstest.Within(t, 5*time.Second), "k", 1); err != nil || server.times("set") != 1 {
		t.Errorf("the call after: %v, sent %d times", err, server.times("set"))
	}
}

func TestNobodyToConnectTo(t *testing.T) {
	for greeting, text := range map[string]string{
		"-LOADING Redis is loading the dataset in memory\r\n": "LOADING", "": "EOF",
		"-NOPRIMARY no primary can be reached from here\r\n": noPrimary,
	} {
		server := newFake(t, map[string]string{"ping": greeting})
		_, err := client(t, server.Addr().String(), 0)
		if containerstest.Outcome(t, err, harness.ErrNotApplied); err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, which does not speak of %s", err, text)
		}
	}
}
