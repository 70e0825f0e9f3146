package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/capsize-dev/capsize/harness"
)

// Limits of a trial.
const (
	trialLimit = time.Second
	trialDelay = 2 * time.Millisecond
	trialQueue = firstQueue - 1
)

// trials are how the features are tried, and how a failure of each is told.
var trials = []struct {
	feature string
	cannot  string
	try     func(*trial) error
}{
	{FeatureCut, "packets cannot be dropped here", (*trial).cut},
	{FeatureRefuse, "packets cannot be refused here", (*trial).refuse},
	{FeatureLoss, "packets cannot be lost at random here", (*trial).lose},
	{FeatureDelay, "packets cannot be delayed here", (*trial).delay},
	{FeatureReset, "connections cannot be reset here", (*trial).reset},
	{FeatureClients, "clients cannot be cut off here", (*trial).cutClients},
}

// trial sends packets over the loopback while rules are in force.
type trial struct {
	table    *table
	sender   *net.UDPConn
	victim   *net.UDPConn
	listener *net.TCPListener
	queuing  func(queue uint16) expr.Any // the one that works
}

// allBroken says of every feature why nothing works.
func allBroken(why error) map[string]string {
	features := map[string]string{FeatureRate: ""}
	for _, t := range trials {
		features[t.feature] = t.cannot + ": " + why.Error()
	}
	features[FeatureRate] = features[FeatureDelay]
	return features
}

// try tries every feature, and returns the kind of rule that queues packets.
func try(t *table) (features map[string]string, queuing func(queue uint16) expr.Any) {
	try, err := newTrial(t)
	if err != nil {
		return allBroken(fmt.Errorf("it could not be tried on the loopback: %w", err)), compatQueue
	}
	defer try.close()
	features = map[string]string{}
	for _, each := range trials {
		features[each.feature] = ""
		err := each.try(try)
		if err != nil {
			features[each.feature] = each.cannot + ": " + err.Error()
		}
		if err := t.replace(nil); err != nil {
			return allBroken(err), compatQueue
		}
	}
	features[FeatureRate] = features[FeatureDelay] // the same queue
	return features, try.queuing
}

func newTrial(t *table) (*trial, error) {
	loopback := net.IPv4(127, 0, 0, 1)
	sender, err := net.ListenUDP("udp4", &net.UDPAddr{IP: loopback})
	if err != nil {
		return nil, err
	}
	victim, err := net.ListenUDP("udp4", &net.UDPAddr{IP: loopback})
	if err != nil {
		return nil, errors.Join(err, sender.Close())
	}
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: loopback})
	if err != nil {
		return nil, errors.Join(err, sender.Close(), victim.Close())
	}
	return &trial{table: t, sender: sender, victim: victim, listener: listener, queuing: compatQueue}, nil
}

func (t *trial) close() {
	_ = t.sender.Close()
	_ = t.victim.Close()
	_ = t.listener.Close()
}

// port returns the port of one of the trial's sockets.
func port(address net.Addr) int {
	at, _ := netip.ParseAddrPort(address.String())
	return int(at.Port())
}

// toVictim is a rule for what is sent to the victim.
func (t *trial) toVictim(then ...[]expr.Any) rule {
	return rule{chainArrive, with(isProtocol(unix.IPPROTO_UDP),
		isPort(port(t.victim.LocalAddr()), destinationPort), with(then...))}
}

// send sends the victim a packet.
func (t *trial) send() error {
	_, err := t.sender.WriteTo([]byte("trial"), t.victim.LocalAddr())
	return err
}

// arrives waits until the victim has a packet.
func (t *trial) arrives() error {
	_ = t.victim.SetReadDeadline(time.Now().Add(trialLimit))
	_, _, err := t.victim.ReadFrom(make([]byte, 64))
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("a packet did not arrive")
	}
	return err
}

// pending tells whether the victim has a packet now. The loopback delivers before a send returns.
func (t *trial) pending() (bool, error) {
	raw, err := t.victim.SyscallConn()
	if err != nil {
		return false, err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		_, _, failed = unix.Recvfrom(int(fd), make([]byte, 64), unix.MSG_DONTWAIT)
	}); err != nil {
		return false, err
	}
	return failed == nil, nil
}

// vanishes checks that packets arrive, and that they do not once the rule is there.
func (t *trial) vanishes(r rule) error {
	if err := errors.Join(t.send(), t.arrives()); err != nil {
		return fmt.Errorf("without any rule: %w", err)
	}
	if err := t.table.replace([]rule{r}); err != nil {
		return err
	}
	if err := t.send(); err != nil && !errors.Is(err, unix.EPERM) { // how a dropped packet that leaves is told
		return err
	}
	if there, err := t.pending(); err != nil || there {
		return errors.Join(err, errors.New("the kernel accepts the rule, and packets pass it"))
	}
	return nil
}

func (t *trial) cut() error { return t.vanishes(t.toVictim(drop())) }

func (t *trial) lose() error { return t.vanishes(t.toVictim(chance(1), drop())) }

func (t *trial) cutClients() error {
	return t.vanishes(rule{chainLeave, with(isProtocol(unix.IPPROTO_UDP),
		isPort(port(t.sender.LocalAddr()), sourcePort), drop())})
}

// connect makes a connection on the loopback, or says why not.
func (t *trial) connect() (dialled, accepted net.Conn, err error) {
	dialled, err = net.DialTimeout("tcp4", t.listener.Addr().String(), trialLimit)
	if err != nil {
		return nil, nil, err
	}
	_ = t.listener.SetDeadline(time.Now().Add(trialLimit))
	accepted, err = t.listener.Accept()
	if err != nil {
		return nil, nil, errors.Join(err, dialled.Close())
	}
	return dialled, accepted, nil
}

func (t *trial) refuse() error {
	dialled, accepted, err := t.connect()
	if err != nil {
		return fmt.Errorf("without any rule: %w", err)
	}
	_, _ = dialled.Close(), accepted.Close()
	if err := t.table.replace([]rule{{chainArrive, with(isProtocol(unix.IPPROTO_TCP),
		isPort(port(t.listener.Addr()), destinationPort),
		[]expr.Any{&expr.Reject{Type: unix.NFT_REJECT_TCP_RST}})}}); err != nil {
		return err
	}
	dialled, accepted, err = t.connect()
	if err == nil {
		_, _ = dialled.Close(), accepted.Close()
		return errors.New("the kernel accepts the rule, and connections pass it")
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("the kernel accepts the rule, and a connection ends otherwise: %w", err)
	}
	return nil
}

func (t *trial) reset() error {
	dialled, accepted, err := t.connect()
	if err != nil {
		return err
	}
	defer func() { _, _ = dialled.Close(), accepted.Close() }()
	n, err := destroySockets(func(local, remote netip.AddrPort) bool {
		return local.String() == dialled.LocalAddr().String() && remote.String() == dialled.RemoteAddr().String()
	})
	if err != nil {
		return fmt.Errorf("%w (it needs a kernel with CONFIG_INET_DIAG_DESTROY)", err)
	}
	_ = accepted.SetReadDeadline(time.Now().Add(trialLimit))
	if _, err := accepted.Read(make([]byte, 1)); n != 1 || !errors.Is(err, unix.ECONNRESET) {
		return fmt.Errorf("%d connections were reset, and the other end was told: %w", n, err)
	}
	return nil
}

// delay tries both kinds of rules that queue.
func (t *trial) delay() error {
	q, err := openQueues([]uint16{trialQueue})
	if err != nil {
		return fmt.Errorf("%w (it needs a kernel with CONFIG_NETFILTER_NETLINK_QUEUE)", err)
	}
	slow := newLane(rand.New(rand.NewPCG(0, 0)))
	slow.open(q)
	slow.set(harness.Shaping{Delay: trialDelay})
	go q.read(slow.add) // until the queue is closed
	defer func() {
		slow.release()
		slow.close()
		_ = q.close()
	}()
	var failed error
	for _, queuing := range []func(uint16) expr.Any{nativeQueue, compatQueue} {
		err := t.isLate(queuing)
		if err == nil {
			t.queuing = queuing
			return nil
		}
		failed = errors.Join(failed, err)
	}
	return fmt.Errorf("%w (neither nftables' queue nor the NFQUEUE of iptables works)", failed)
}

func (t *trial) isLate(queuing func(uint16) expr.Any) error {
	if err := t.table.replace([]rule{t.toVictim([]expr.Any{queuing(trialQueue)})}); err != nil {
		return err
	}
	sent := time.Now()
	if err := errors.Join(t.send(), t.arrives()); err != nil {
		return err
	}
	if took := time.Since(sent); took < trialDelay {
		return fmt.Errorf("a packet to be delayed by %v took %v", trialDelay, took)
	}
	return nil
}
