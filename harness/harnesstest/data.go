package harnesstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// What a client must be able to do for a kit to tell whether it works: any one of these. The signatures are those of
// package workloads.
type (
	registerClient interface {
		Read(ctx context.Context, key string) (value int64, found bool, revision int64, err error)
		Write(ctx context.Context, key string, value int64) (revision int64, err error)
	}
	casClient interface {
		CompareAndSet(ctx context.Context, key string, old, new int64) (revision int64, err error)
	}
	listClient interface {
		Append(ctx context.Context, key string, element int64) (revision int64, err error)
		List(ctx context.Context, key string) (elements []int64, revision int64, err error)
	}
	setClient interface {
		AddMember(ctx context.Context, key string, element int64) (revision int64, err error)
		Members(ctx context.Context, key string) (elements []int64, revision int64, err error)
	}
)

// put brings a value into the system, by whatever the client offers.
func put(ctx context.Context, client harness.Client, key string, value int64) error {
	var err error
	switch c := client.(type) {
	case registerClient:
		_, err = c.Write(ctx, key, value)
	case listClient:
		_, err = c.Append(ctx, key, value)
	case setClient:
		_, err = c.AddMember(ctx, key, value)
	default:
		err = fmt.Errorf("client %T offers neither Read and Write, nor Append and List, nor AddMember and Members (with the "+
			"signatures of package workloads): a kit cannot tell whether it works: %w", client, harness.ErrNotApplied)
	}
	return err
}

// get returns the values that the client sees: one of a register, all of a list or set.
func get(ctx context.Context, client harness.Client, key string) ([]int64, error) {
	switch c := client.(type) {
	case registerClient:
		value, found, _, err := c.Read(ctx, key)
		if err != nil || !found {
			return nil, err
		}
		return []int64{value}, nil
	case listClient:
		elements, _, err := c.List(ctx, key)
		return elements, err
	case setClient:
		elements, _, err := c.Members(ctx, key)
		return elements, err
	}
	return nil, fmt.Errorf("client %T offers nothing to read with", client)
}

// bench is a cluster on which a kit tries things out, one at a time, and what it remembers of them.
type bench struct {
	t        testing.TB
	cluster  harness.Cluster
	patience time.Duration // until something that must come has come
	answer   time.Duration // for one call
	key      string
	last     int64 // the value put last: no value is put twice

	mu      sync.Mutex     // guards what calls that were given up on may still write
	refused map[int64]bool // values that were certainly not applied, as their errors said
	hung    bool           // a call ignored its context
}

const notApplied rule = "an error that wraps ErrNotApplied says that the call certainly had no effect and never " +
	"will; where nobody knows, such as after a timeout, it must not wrap it"

func newBench(t testing.TB, cluster harness.Cluster, patience, answer time.Duration, key string) *bench {
	return &bench{
		t: t, cluster: cluster, patience: patience, answer: answer, key: key, refused: make(map[int64]bool),
	}
}

// with dials a node and has a client do something, within the time of one call. A call that ignores its context is
// complained of once, and left alone.
func (b *bench) with(node harness.Node, do func(context.Context, harness.Client) error) error {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), b.answer)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		client, err := node.Dial(ctx)
		if err != nil {
			done <- fmt.Errorf("dial %s: %w", node.Name(), err)
			return
		}
		defer func() { _ = client.Close() }()
		done <- do(ctx, client)
	}()
	timer := time.NewTimer(2 * b.answer)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.hung {
		b.hung = true
		clientContext.broken(b.t, "a call on %s has not returned %s after its context ended", node.Name(), b.answer)
	}
	return fmt.Errorf("%s: hung", node.Name())
}

// put puts a value that is new.
func (b *bench) put(node harness.Node) (int64, error) {
	b.last++
	value := b.last
	err := b.with(node, func(ctx context.Context, c harness.Client) error { return b.tell(ctx, c, value) })
	return value, err
}

// tell puts a value, and remembers what a failure said of it.
func (b *bench) tell(ctx context.Context, client harness.Client, value int64) error {
	err := put(ctx, client, b.key, value)
	b.judge(value, err)
	return err
}

// judge remembers a value that was certainly not applied.
func (b *bench) judge(value int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if errors.Is(err, harness.ErrNotApplied) {
		b.refused[value] = true
	}
}

// get returns what a node holds. It fails the test when that is something which was certainly not applied.
func (b *bench) get(node harness.Node) ([]int64, error) {
	b.t.Helper()
	answers := make(chan []int64, 1) // not a variable: a call that was given up on may still answer
	err := b.with(node, func(ctx context.Context, c harness.Client) error {
		values, err := get(ctx, c, b.key)
		answers <- values
		return err
	})
	if err != nil {
		return nil, err
	}
	values := <-answers
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, v := range values {
		if b.refused[v] {
			delete(b.refused, v) // once is enough
			notApplied.broken(b.t, "%s holds %d, though the error of the call that wrote it wrapped ErrNotApplied",
				node.Name(), v)
		}
	}
	return values, nil
}

// until tries again and again, and returns the last error when patience is at an end.
func (b *bench) until(try func() error) error { return b.within(b.patience, try) }

func (b *bench) within(limit time.Duration, try func() error) error {
	const pause = 20 * time.Millisecond
	for deadline := time.Now().Add(limit); ; time.Sleep(pause) {
		err := try()
		if err == nil {
			return nil
		}
		if ctxErr := b.t.Context().Err(); ctxErr != nil || time.Now().After(deadline) {
			return fmt.Errorf("not within %s: %w", limit, errors.Join(err, ctxErr))
		}
	}
}

// lands puts values on a node until one is acknowledged.
func (b *bench) lands(node harness.Node) (value int64, err error) {
	err = b.until(func() (err error) {
		value, err = b.put(node)
		return err
	})
	return value, err
}

// arrives waits until a node holds a value.
func (b *bench) arrives(node harness.Node, value int64, limit time.Duration) error {
	b.t.Helper()
	return b.within(limit, func() error {
		values, err := b.get(node)
		if err == nil && !slices.Contains(values, value) {
			err = fmt.Errorf("%s holds %v and not %d", node.Name(), values, value)
		}
		return err
	})
}

// works waits until what each node acknowledges is seen by all. A call that was late from before may overwrite what is
// looked for, so it tries again with other values.
func (b *bench) works(nodes []harness.Node) error {
	b.t.Helper()
	return b.until(func() error {
		var value int64
		for _, node := range nodes {
			var err error
			if value, err = b.put(node); err != nil {
				return fmt.Errorf("%s takes nothing: %w", node.Name(), err)
			}
		}
		for _, node := range nodes {
			if err := b.arrives(node, value, b.answer); err != nil {
				return err
			}
		}
		return nil
	})
}

// silent waits for the time of one call, and returns the first node that gives a good answer, or nil.
func (b *bench) silent(nodes ...harness.Node) (talks harness.Node) {
	b.t.Helper()
	const pause = 20 * time.Millisecond
	for deadline := time.Now().Add(b.answer); time.Now().Before(deadline); time.Sleep(pause) {
		for _, node := range nodes {
			if _, err := b.get(node); err == nil {
				return node
			}
		}
	}
	return nil
}

// watch looks for a while whether something turns up that was certainly not applied. It is called when late effects
// come, and before anything is put on top of them.
func (b *bench) watch(nodes []harness.Node) {
	b.t.Helper()
	const pause = 20 * time.Millisecond
	for deadline := time.Now().Add(b.answer); b.doubts() && time.Now().Before(deadline); time.Sleep(pause) {
		for _, node := range nodes {
			_, _ = b.get(node) // which complains by itself
		}
	}
}

func (b *bench) doubts() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.refused) > 0
}

// vital is a node's state, or "" where it cannot tell.
func (b *bench) vital(node harness.Node) harness.Vital {
	b.t.Helper()
	v, ok := node.(harness.Vitals)
	if !ok {
		return harness.Vital{}
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), b.answer)
	defer cancel()
	vital, err := v.Vitals(ctx)
	if err != nil {
		b.t.Errorf("vitals of %s: %v", node.Name(), err)
	}
	return vital
}

// act does something to the cluster within patience.
func (b *bench) act(do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(b.t.Context(), b.patience)
	defer cancel()
	return do(ctx)
}
