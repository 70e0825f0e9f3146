package agent

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// What a lane holds at most.
const (
	lanePackets  = 4096
	laneMinBytes = 128 << 10   // at a rate: a packet is up to 64 kB long where the kernel joins them
	laneBacklog  = time.Second // at a rate
)

// lane is what waits on a link. A packet is due when it was sent at the rate and then delayed, and not before the one
// ahead of it, so the order stays.
type lane struct {
	mu             sync.Mutex
	decider        decider
	rng            *rand.Rand
	shape          harness.Shaping
	held           []parcel
	bytes          int       // of what is held
	sent           time.Time // when the packet that came last has been sent, at the rate
	due            time.Time // of the last that is held
	timer          *time.Timer
	delayed, lost  int64 // bytes
	cut            int64 // bytes that were held when the link was cut
	refusing, over bool
}

// decider says what becomes of packets.
type decider interface {
	decide(p packet, pass bool)
	decideUpTo(p packet, pass bool)
}

// parcel is a packet with its time.
type parcel struct {
	packet
	due time.Time
}

func newLane(rng *rand.Rand) *lane { return &lane{rng: rng} }

// open begins to deliver through d.
func (l *lane) open(d decider) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decider, l.over = d, false
}

// set changes how packets are delayed that come from now on.
func (l *lane) set(s harness.Shaping) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.Rate != l.shape.Rate {
		l.sent = time.Time{}
	}
	l.shape, l.refusing = s, false
}

// release lets all go that is held, and what still comes at once.
func (l *lane) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shape, l.refusing = harness.Shaping{}, false
	l.empty(true)
}

// discard drops all that is held: the link was cut, so it will not arrive.
func (l *lane) discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refusing = true
	l.empty(false)
}

// empty decides about all that is held. The caller holds the lock.
func (l *lane) empty(pass bool) {
	if len(l.held) == 0 {
		return
	}
	l.decider.decideUpTo(l.held[len(l.held)-1].packet, pass)
	for _, p := range l.held {
		l.count(p.packet, pass)
	}
	l.held, l.bytes, l.due = nil, 0, time.Time{}
}

func (l *lane) count(p packet, passed bool) {
	switch {
	case p.mark == ownMark:
	case passed:
		l.delayed += int64(p.bytes)
	default:
		l.cut += int64(p.bytes)
	}
}

// add takes a packet that came now.
func (l *lane) add(p packet) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.refusing: // it came just before the cut
		l.decider.decide(p, false)
		l.count(p, false)
		return
	case !queued(l.shape) && len(l.held) == 0: // it came just before the link was whole again
		l.decider.decide(p, true)
		return
	case l.full(p):
		l.decider.decide(p, false)
		if p.mark != ownMark {
			l.lost += int64(p.bytes)
		}
		return
	}
	l.due = l.when(p, now)
	l.held = append(l.held, parcel{p, l.due})
	l.bytes += p.bytes
	if len(l.held) == 1 {
		l.wake(now)
	}
}

func (l *lane) full(p packet) bool {
	if len(l.held) >= lanePackets {
		return true
	}
	most := max(int64(laneMinBytes), int64(laneBacklog.Seconds()*float64(l.shape.Rate)))
	most += int64((l.shape.Delay + l.shape.Jitter).Seconds() * float64(l.shape.Rate)) // what is under way
	return l.shape.Rate > 0 && int64(l.bytes+p.bytes) > most
}

// when a packet is due.
func (l *lane) when(p packet, now time.Time) time.Time {
	at := now
	if l.shape.Rate > 0 {
		if l.sent.After(at) {
			at = l.sent
		}
		at = at.Add(time.Duration(float64(p.bytes) / float64(l.shape.Rate) * float64(time.Second)))
		l.sent = at
	}
	lag := l.shape.Delay
	if j := int64(l.shape.Jitter); j > 0 {
		lag += time.Duration(l.rng.Int64N(2*j+1) - j)
	}
	at = at.Add(max(lag, 0))
	if at.Before(l.due) {
		return l.due
	}
	return at
}

// wake sets the timer for the first that is held. The caller holds the lock.
func (l *lane) wake(now time.Time) {
	wait := l.held[0].due.Sub(now)
	if l.timer == nil {
		l.timer = time.AfterFunc(wait, l.deliver)
		return
	}
	l.timer.Reset(wait)
}

// deliver lets go what is due.
func (l *lane) deliver() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	n := 0
	for n < len(l.held) && !l.held[n].due.After(now) {
		l.bytes -= l.held[n].bytes
		l.count(l.held[n].packet, true)
		n++
	}
	if n > 0 {
		l.decider.decideUpTo(l.held[n-1].packet, true)
		l.held = l.held[n:]
	}
	if len(l.held) > 0 && !l.over {
		l.wake(now)
	}
}

// close ends the timer, after release.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.timer != nil {
		l.timer.Stop()
	}
}

// counted returns the bytes that were delayed, lost, and cut off.
func (l *lane) counted() (delayed, lost, cut int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.delayed, l.lost, l.cut
}
