package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The parts of inet_diag that are used here: a request is an inet_diag_req_v2, an answer an inet_diag_msg. Both hold
// the identity of a socket: ports, addresses, interface and a cookie.
const (
	diagRequestBytes  = 8 + diagIdentityBytes
	diagAnswerBytes   = 72
	diagIdentityBytes = 48
	tcpEstablished    = 1
)

// destroySockets closes the established TCP connections for which chosen holds, and returns how many that were. The
// other end gets a reset.
func destroySockets(chosen func(local, remote netip.AddrPort) bool) (int, error) {
	conn, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, nil)
	if err != nil {
		return 0, fmt.Errorf("reset connections: %w", err)
	}
	defer func() { _ = conn.Close() }()
	destroyed := 0
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		found, err := conn.Execute(diagMessage(unix.SOCK_DIAG_BY_FAMILY, netlink.Dump, family, nil))
		if errors.Is(err, unix.ENOENT) && family == unix.AF_INET6 {
			continue // a kernel without it
		}
		if err != nil {
			return destroyed, fmt.Errorf("list connections: %w", err)
		}
		for _, m := range found {
			if len(m.Data) < diagAnswerBytes || m.Data[1] != tcpEstablished || !chosen(diagEnds(m.Data)) {
				continue
			}
			identity := m.Data[4 : 4+diagIdentityBytes]
			_, err := conn.Execute(diagMessage(unix.SOCK_DESTROY, netlink.Acknowledge, family, identity))
			if errors.Is(err, unix.ENOENT) {
				continue // it ended by itself
			}
			if err != nil {
				return destroyed, fmt.Errorf("reset a connection: %w", err)
			}
			destroyed++
		}
	}
	return destroyed, nil
}

func diagMessage(kind netlink.HeaderType, flags netlink.HeaderFlags, family byte, identity []byte) netlink.Message {
	data := make([]byte, diagRequestBytes)
	data[0], data[1] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(data[4:], 1<<tcpEstablished)
	copy(data[8:], identity)
	return netlink.Message{Header: netlink.Header{Type: kind, Flags: netlink.Request | flags}, Data: data}
}

func diagEnds(answer []byte) (local, remote netip.AddrPort) {
	identity := answer[4:]
	address := func(b []byte) netip.Addr {
		if answer[0] == unix.AF_INET {
			b = b[:4]
		}
		a, _ := netip.AddrFromSlice(b)
		return a.Unmap() // a v6 socket may carry v4
	}
	local = netip.AddrPortFrom(address(identity[4:20]), binary.BigEndian.Uint16(identity))
	remote = netip.AddrPortFrom(address(identity[20:36]), binary.BigEndian.Uint16(identity[2:]))
	return local, remote
}
