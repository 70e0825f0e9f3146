package agent

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/capsize-dev/capsize/harness"
)

// ledger notes what was decided, and when.
type ledger struct {
	mu            sync.Mutex
	waiting       []packet
	passed, taken []uint32
	at            []time.Time
}

func (l *ledger) decide(p packet, pass bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle(p, pass)
}

func (l *ledger) settle(p packet, pass bool) {
	if pass {
		l.passed = append(l.passed, p.id)
		l.at = append(l.at, time.Now())
	} else {
		l.taken = append(l.taken, p.id)
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(w packet) bool { return w.id == p.id })
}

func (l *ledger) decideUpTo(p packet, pass bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) > 0 && l.waiting[0].id <= p.id {
		l.settle(l.waiting[0], pass)
	}
}

// fill adds packets of some bytes, as the kernel numbers them.
func (l *ledger) fill(to *lane, n, bytes int) {
	for range n {
		l.mu.Lock()
		p := packet{id: uint32(len(l.waiting) + len(l.passed) + len(l.taken) + 1), bytes: bytes}
		l.waiting = append(l.waiting, p)
		l.mu.Unlock()
		to.add(p)
	}
}

func testLane(s harness.Shaping) (*lane, *ledger) {
	decided := &ledger{}
	l := newLane(rand.New(rand.NewPCG(1, 2)))
	l.open(decided)
	l.set(s)
	return l, decided
}

func TestLaneDelaysBetweenBoundsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, decided := testLane(harness.Shaping{Delay: 50 * time.Millisecond, Jitter: 30 * time.Millisecond})
		var sent []time.Time
		for range 300 {
			sent = append(sent, time.Now())
			decided.fill(l, 1, 100)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(decided.passed) != 300 || !slices.IsSorted(decided.passed) {
			t.Fatalf("passed %v", decided.passed)
		}
		lags := map[time.Duration]bool{}
		for i, at := range decided.at {
			lag := at.Sub(sent[i])
			if lag < 20*time.Millisecond || lag > 80*time.Millisecond {
				t.Errorf("packet %d was late by %v", i, lag)
			}
			lags[lag] = true
		}
		if len(lags) < 10 {
			t.Errorf("all were late by one of %d times: there is no jitter", len(lags))
		}
		if delayed, lost, cut := l.counted(); delayed != 300*100 || lost != 0 || cut != 0 {
			t.Errorf("counted %d delayed, %d lost, %d cut", delayed, lost, cut)
		}
	})
}

func TestLaneKeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		l, decided := testLane(harness.Shaping{Rate: 10_000})
		decided.fill(l, 100, 1000)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(decided.passed) != 100 || decided.at[99].Sub(began) != 10*time.Second {
			t.Errorf("100 kB at 10 kB/s: %d passed, the last after %v", len(decided.passed), decided.at[99].Sub(began))
		}
	})
}

func TestLaneIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, decided := testLane(harness.Shaping{Delay: time.Second})
		decided.fill(l, lanePackets+5, 10)
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, lost, _ := l.counted(); lost != 50 || len(decided.taken) != 5 || len(decided.passed) != lanePackets {
			t.Errorf("%d bytes lost, %d packets taken, %d passed", lost, len(decided.taken), len(decided.passed))
		}
		l.set(harness.Shaping{Rate: 1000})
		decided.fill(l, 3, laneMinBytes/2)
		if _, lost, _ := l.counted(); lost != 50+laneMinBytes/2 {
			t.Errorf("%d bytes lost of a slow lane", lost)
		}
		l.release()
		l.close()
	})
}

func TestLaneDoesNotCountTheAgents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, decided := testLane(harness.Shaping{Delay: time.Second})
		decided.waiting = []packet{{id: 1, mark: ownMark, bytes: 10}}
		l.add(decided.waiting[0])
		time.Sleep(time.Minute)
		synctest.Wait()
		if delayed, _, _ := l.counted(); delayed != 0 || len(decided.passed) != 1 {
			t.Errorf("%d bytes were counted, %d passed", delayed, len(decided.passed))
		}
	})
}

// FuzzEachPacket: whatever the kernel says, reading it ends and does not panic.
func FuzzEachPacket(f *testing.F) {
	message := func(attributes ...byte) []byte {
		b := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+4+len(attributes)))
		b = binary.NativeEndian.AppendUint16(b, unix.NFNL_SUBSYS_QUEUE<<8)
		b = append(b, make([]byte, 10)...)
		return append(append(b, queueHeader(7)...), attributes...)
	}
	good := message(11, 0, attributeHeader, 0, 0, 0, 0, 9, 0, 0, 1, 0, 8, 0, attributeLength, 0, 0, 0, 2, 0)
	f.Add(good)
	f.Add(message(3, 0))
	f.Add(append(message(), good...))
	f.Fuzz(func(t *testing.T, b []byte) {
		found := 0
		eachPacket(b, func(packet) { found++ })
		if found > len(b)/(unix.NLMSG_HDRLEN+4) {
			t.Errorf("%d packets in %d bytes", found, len(b))
		}
	})
	var got packet
	eachPacket(good, func(p packet) { got = p })
	if got != (packet{queue: 7, id: 9, bytes: 512}) {
		f.Errorf("read %+v", got)
	}
}
