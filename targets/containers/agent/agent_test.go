package agent

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

func TestConfigIsValidated(t *testing.T) {
	at := netip.MustParseAddr
	if err := (Config{Peers: map[string]netip.Addr{"n1": at("10.0.0.1"), "n2": at("fd00::1")}}).validate(); err != nil {
		t.Error(err)
	}
	for why, c := range map[string]Config{
		"no address": {Peers: map[string]netip.Addr{"n1": {}}},
		"loopback":   {Peers: map[string]netip.Addr{"n1": at("127.0.0.1")}},
		"twice":      {Peers: map[string]netip.Addr{"n1": at("10.0.0.1"), "n2": at("::ffff:10.0.0.1")}},
		"no name":    {Peers: map[string]netip.Addr{"": at("10.0.0.1")}},
		"no port":    {ClientPorts: []int{70000}},
	} {
		if c.validate() == nil {
			t.Errorf("%s: %+v was accepted", why, c)
		}
	}
}

func TestShapesAreValidated(t *testing.T) {
	for _, good := range []harness.Shaping{{}, {Loss: 1}, {Delay: time.Second, Jitter: 2 * time.Second}, {Rate: 1}} {
		if err := validateShape(good); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []harness.Shaping{
		{Loss: math.NaN()}, {Loss: -0.1}, {Loss: 1.1}, {Delay: -1}, {Jitter: -1}, {Delay: time.Hour}, {Rate: -1},
		{Delay: math.MaxInt64, Jitter: 1}, {Reset: true},
	} {
		if validateShape(bad) == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}
