package agent

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/capsize-dev/capsize/harness"
)

// The tests run in a network namespace of their own, the hub, with a bridge on which each agent has a namespace: as
// Docker's network does, and the hub is where its clients are. The variable tells the three kinds of process apart.
const (
	roleVariable = "CAPSIZE_TEST_AGENT_ROLE"
	roleHub      = "hub"
	roleAgent    = "agent"

	testToken   = "a secret of the tests"
	hubAddress  = "10.99.0.254"
	testPort    = 5000 // of what stands in for a datastore
	testTimeout = 20 * time.Second
)

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); {
	case role == roleAgent:
		os.Exit(serveForTest())
	case role == "" && os.Geteuid() == 0:
		os.Exit(enterHub())
	default:
		os.Exit(m.Run())
	}
}

// enterHub runs the tests again in a namespace of their own.
func enterHub() int {
	child := exec.Command(os.Args[0], os.Args[1:]...)
	child.Env = append(os.Environ(), roleVariable+"="+roleHub)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // the child dies with this thread
	err := child.Run()
	if child.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "no namespaces here:", err)
		return (&testing.M{}).Run()
	}
	return child.ProcessState.ExitCode()
}

// serveForTest is an agent that starts when its network is there.
func serveForTest() int {
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := Serve(ctx, os.Args[1:], func(string) { fmt.Println("ready") }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// needRoot skips where namespaces cannot be made.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Getenv(roleVariable) == roleHub {
		return
	}
	const why = "network namespaces need root: sudo -E go test ./targets/containers/agent"
	if os.Getenv("CAPSIZE_TEST_DOCKER") == "required" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// member is one node of a test: a namespace, and the agent in it.
type member struct {
	*Client
	name    string
	address netip.Addr
	process *exec.Cmd
	home    int // the namespace
}

// world makes a network with so many members, all configured.
func world(t testing.TB, size int) []*member {
	t.Helper()
	needRoot(t)
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "hub"}}
	must(t, netlink.LinkAdd(bridge))
	t.Cleanup(func() { _ = netlink.LinkDel(bridge) })
	raise(t, "lo", "")
	raise(t, "hub", hubAddress)
	var members []*member
	config := Config{Peers: map[string]netip.Addr{}, ClientPorts: []int{testPort, 7070}, Seed: 1}
	for i := range size {
		m := join(t, i)
		members = append(members, m)
		config.Peers[m.name] = m.address
	}
	for _, m := range members {
		m.configure(t, config)
	}
	return members
}

func (m *member) configure(t testing.TB, all Config) {
	t.Helper()
	peers := map[string]netip.Addr{}
	for name, address := range all.Peers {
		if name != m.name {
			peers[name] = address
		}
	}
	all.Peers = peers
	must(t, m.Configure(limited(t), all))
}

// join adds a member: its namespace is that of its process.
func join(t testing.TB, i int) *member {
	t.Helper()
	m := &member{name: fmt.Sprintf("n%d", i+1), address: netip.AddrFrom4([4]byte{10, 99, 0, byte(i + 1)})}
	stdin := m.launch(t, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL})
	pid := m.process.Process.Pid
	home, err := unix.Open(fmt.Sprintf("/proc/%d/ns/net", pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { _ = unix.Close(home) })
	m.home = home
	outer := fmt.Sprintf("to-%s", m.name)
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: outer}, PeerName: "inner"}))
	inner, err := netlink.LinkByName("inner")
	must(t, err)
	must(t, netlink.LinkSetNsFd(inner, home))
	hub, err := netlink.LinkByName("hub")
	must(t, err)
	outside, err := netlink.LinkByName(outer)
	must(t, err)
	must(t, netlink.LinkSetMaster(outside, hub))
	must(t, netlink.LinkSetUp(outside))
	m.inside(t, func() {
		raise(t, "lo", "")
		raise(t, "inner", m.address.String())
	})
	m.begin(t, stdin)
	t.Cleanup(func() {
		_ = m.process.Process.Kill()
		_ = m.process.Wait()
		_ = netlink.LinkDel(outside)
	})
	return m
}

// launch starts the process of an agent, which then waits for begin.
func (m *member) launch(t testing.TB, attr *syscall.SysProcAttr) *os.File {
	t.Helper()
	read, write, err := os.Pipe()
	must(t, err)
	m.process = exec.Command(os.Args[0], "-node", m.name, "-listen", "0.0.0.0:7070")
	m.process.Env = append(os.Environ(), roleVariable+"="+roleAgent, TokenVariable+"="+testToken)
	m.process.Stdin, m.process.SysProcAttr = read, attr
	if testing.Verbose() {
		m.process.Stderr = os.Stderr
	}
	attr.Pdeathsig = 0 // of the thread, which ends with the goroutine here
	must(t, m.process.Start())
	_ = read.Close()
	return write
}

// begin lets the agent start and waits until it serves. It then has no standard input.
func (m *member) begin(t testing.TB, stdin *os.File) {
	t.Helper()
	_, err := stdin.WriteString("go\n")
	must(t, err)
	_ = stdin.Close()
	m.Client = Dial(m.address.String()+":7070", testToken)
	t.Cleanup(func() { _ = m.Client.Close() })
	eventually(t, "the agent serves", func() bool {
		_, err := m.Features(limited(t))
		return err == nil
	})
}

// inside runs something in the namespace of the member. Sockets that are made there stay there.
func (m *member) inside(t testing.TB, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setns(m.home, unix.CLONE_NEWNET); err != nil {
			t.Errorf("enter the namespace of %s: %v", m.name, err)
			return
		}
		do()
	}()
	<-done
}

// raise gives an interface an address, if any, and puts it up.
func raise(t testing.TB, name, address string) {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err == nil && address != "" {
		var a *netlink.Addr
		if a, err = netlink.ParseAddr(address + "/24"); err == nil {
			err = netlink.AddrAdd(l, a)
		}
	}
	if err == nil {
		err = netlink.LinkSetUp(l)
	}
	if err != nil {
		t.Errorf("set up %s: %v", name, err)
	}
}

// udp is a socket of the member.
func (m *member) udp(t testing.TB) *net.UDPConn {
	t.Helper()
	var conn *net.UDPConn
	m.inside(t, func() {
		var err error
		if conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: m.address.AsSlice()}); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// listen is a listener of the member on the datastore's port.
func (m *member) listen(t testing.TB) net.Listener {
	t.Helper()
	var l net.Listener
	m.inside(t, func() {
		var err error
		if l, err = net.Listen("tcp4", fmt.Sprintf("%v:%d", m.address, testPort)); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// dial connects to the datastore's port of another member.
func (m *member) dial(t testing.TB, to *member, limit time.Duration) (conn net.Conn, err error) {
	t.Helper()
	m.inside(t, func() {
		conn, err = net.DialTimeout("tcp4", fmt.Sprintf("%v:%d", to.address, testPort), limit)
	})
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
		err = conn.SetDeadline(time.Now().Add(testTimeout))
	}
	return conn, err
}

// pair is a connection between members: dialled by one, accepted by the other.
func pair(t testing.TB, from, to *member) (dialled, accepted net.Conn) {
	t.Helper()
	l := to.listen(t)
	dialled, err := from.dial(t, to, testTimeout)
	must(t, err)
	accepted, err = l.Accept()
	must(t, err)
	t.Cleanup(func() { _ = accepted.Close() })
	must(t, accepted.SetDeadline(time.Now().Add(testTimeout)))
	return dialled, accepted
}

// probes tells who of the members hears whom: "n1>n2 n2>n1".
func probes(t testing.TB, members []*member, nonce uint64, wanted string) {
	t.Helper()
	for _, m := range members {
		must(t, m.Probe(limited(t), nonce))
	}
	var got string
	eventually(t, "the probes arrive as "+wanted, func() bool {
		var links []string
		for _, from := range members {
			for _, to := range members {
				peers, err := to.Probed(limited(t), nonce)
				must(t, err)
				for _, p := range peers {
					if p == from.name {
						links = append(links, from.name+">"+to.name)
					}
				}
			}
		}
		got = strings.Join(links, " ")
		return len(got) >= len(wanted)
	})
	if got != wanted {
		t.Errorf("probes came over %q, want %q", got, wanted)
	}
}

func (m *member) counted(t testing.TB) Counters {
	t.Helper()
	c, err := m.Counters(limited(t))
	must(t, err)
	return c
}

func (m *member) from(t testing.TB, peer *member) harness.Traffic {
	t.Helper()
	return m.counted(t).Peers[peer.name]
}

func (m *member) becomes(t testing.TB, s State) {
	t.Helper()
	must(t, m.Apply(limited(t), s))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(testTimeout); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
