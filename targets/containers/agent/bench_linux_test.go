package agent

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// BenchmarkApply is a change of the rules, as the harness asks for it: a cut, and the mending.
func BenchmarkApply(b *testing.B) {
	two := world(b, 5)[1]
	ctx := b.Context()
	for i := 0; b.Loop(); i++ {
		state := State{}
		if i%2 == 0 {
			state = State{Drop: []string{"n1", "n3", "n4"}, Shape: map[string]harness.Shaping{"n5": {Loss: 0.1}}}
		}
		must(b, two.Apply(ctx, state))
	}
}

// BenchmarkThroughput is a TCP stream over a link: whole, and led through the agent, which holds no packet for long.
func BenchmarkThroughput(b *testing.B) {
	for _, of := range []struct {
		name  string
		shape harness.Shaping
	}{{"whole", harness.Shaping{}}, {"queued", harness.Shaping{Delay: time.Microsecond}}} {
		b.Run(of.name, func(b *testing.B) {
			members := world(b, 2)
			members[1].becomes(b, State{Shape: map[string]harness.Shaping{"n1": of.shape}})
			dialled, accepted := pair(b, members[0], members[1])
			chunk := make([]byte, 1<<20)
			b.SetBytes(int64(len(chunk)))
			for b.Loop() {
				go func() { _, _ = dialled.Write(chunk) }()
				_, err := io.ReadFull(accepted, make([]byte, len(chunk)))
				must(b, err)
			}
		})
	}
}

// BenchmarkRoundTrip is a datagram there and back.
func BenchmarkRoundTrip(b *testing.B) {
	for _, of := range []struct {
		name  string
		shape harness.Shaping
	}{{"whole", harness.Shaping{}}, {"queued", harness.Shaping{Delay: time.Microsecond}}} {
		b.Run(of.name, func(b *testing.B) {
			members := world(b, 2)
			members[1].becomes(b, State{Shape: map[string]harness.Shaping{"n1": of.shape}})
			one, two := members[0].udp(b), members[1].udp(b)
			for b.Loop() {
				exchange(b, one, two)
			}
		})
	}
}

func exchange(b *testing.B, one, two *net.UDPConn) {
	send(b, one, two, 64)
	receive(b, two)
	send(b, two, one, 64)
	receive(b, one)
}
