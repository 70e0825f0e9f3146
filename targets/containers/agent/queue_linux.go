package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The part of nfnetlink_queue that is used here: see linux/netfilter/nfnetlink_queue.h.
const (
	queueVerdict, queueConfig, queueVerdictBatch = 1, 2, 3 // messages

	configCommand, configParameters, configLength, configMask, configFlags = 1, 2, 3, 4, 5
	commandBind                                                            = 1
	copyPacket                                                             = 2
	verdictDrop, verdictAccept                                             = 0, 1
	flagFailOpen, flagGSO                                                  = 1, 4

	attributeHeader, attributeVerdict, attributeMark, attributePayload, attributeLength = 1, 2, 3, 10, 13
)

const (
	// copiedBytes of each packet come here: the kernel tells the length of a packet only beside some of it.
	copiedBytes = 1
	// kernelPackets is how many packets may wait in a queue of the kernel: more than a lane holds, so that it is the
	// lane that decides. Should it be full nevertheless, packets pass.
	kernelPackets = 4 * lanePackets
	queueBuffer   = 8 << 20 // bytes of messages that were not read yet
)

// packet is one that waits.
type packet struct {
	queue uint16
	id    uint32
	mark  uint32
	bytes int
}

// queues reads packets that wait in the kernel, and says what becomes of them.
type queues struct {
	conn *netlink.Conn
	raw  syscall.RawConn
}

// openQueues binds queues, by their numbers. There must be no packets in them yet.
func openQueues(numbers []uint16) (*queues, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, fmt.Errorf("open the packet queues: %w", err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	q := &queues{conn: conn, raw: raw}
	if err := raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, queueBuffer) // or what it is
	}); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	for _, number := range numbers {
		if err := q.bind(number); err != nil {
			return nil, errors.Join(fmt.Errorf("bind packet queue %d: %w", number, err), conn.Close())
		}
	}
	return q, nil
}

func (q *queues) bind(number uint16) error {
	for _, attributes := range [][]netlink.Attribute{
		{{Type: configCommand, Data: []byte{commandBind, 0, 0, 0}}},
		{
			{Type: configParameters, Data: append(binary.BigEndian.AppendUint32(nil, copiedBytes), copyPacket)},
			{Type: configLength, Data: binary.BigEndian.AppendUint32(nil, kernelPackets)},
			{Type: configMask, Data: binary.BigEndian.AppendUint32(nil, flagFailOpen|flagGSO)},
			{Type: configFlags, Data: binary.BigEndian.AppendUint32(nil, flagFailOpen|flagGSO)},
		},
	} {
		data, err := netlink.MarshalAttributes(attributes)
		if err != nil {
			return err
		}
		if _, err := q.conn.Execute(netlink.Message{
			Header: netlink.Header{
				Type: unix.NFNL_SUBSYS_QUEUE<<8 | queueConfig, Flags: netlink.Request | netlink.Acknowledge,
			},
			Data: append(queueHeader(number), data...),
		}); err != nil {
			return err
		}
	}
	return nil
}

// queueHeader is the nfgenmsg that every message of a queue begins with.
func queueHeader(number uint16) []byte {
	return binary.BigEndian.AppendUint16([]byte{unix.AF_UNSPEC, unix.NFNETLINK_V0}, number)
}

// read hands on packets until the queues are closed. An overrun is nothing to end at: those packets passed.
func (q *queues) read(hand func(packet)) {
	buffer := make([]byte, 64<<10)
	for {
		var n int
		var failed error
		err := q.raw.Read(func(fd uintptr) bool {
			n, _, failed = unix.Recvfrom(int(fd), buffer, unix.MSG_DONTWAIT)
			return !errors.Is(failed, unix.EAGAIN)
		})
		if err != nil {
			return
		}
		if failed == nil {
			eachPacket(buffer[:n], hand)
		}
	}
}

// eachPacket takes messages apart. What it does not know it leaves out.
func eachPacket(messages []byte, hand func(packet)) {
	const header, general = unix.NLMSG_HDRLEN, 4
	for len(messages) >= header+general {
		length := int(binary.NativeEndian.Uint32(messages))
		kind := binary.NativeEndian.Uint16(messages[4:])
		if length < header+general || length > len(messages) {
			return
		}
		if kind == unix.NFNL_SUBSYS_QUEUE<<8 { // and the message 0, a packet
			p := packet{queue: binary.BigEndian.Uint16(messages[header+2:])}
			if p.take(messages[header+general : length]) {
				hand(p)
			}
		}
		messages = messages[min((length+3)&^3, len(messages)):]
	}
}

// take reads the attributes of a packet.
func (p *packet) take(attributes []byte) (known bool) {
	for len(attributes) >= unix.NLA_HDRLEN {
		length := int(binary.NativeEndian.Uint16(attributes))
		kind := binary.NativeEndian.Uint16(attributes[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
		if length < unix.NLA_HDRLEN || length > len(attributes) {
			return false
		}
		switch data := attributes[unix.NLA_HDRLEN:length]; {
		case kind == attributeHeader && len(data) >= 4:
			p.id, known = binary.BigEndian.Uint32(data), true
		case kind == attributeMark && len(data) >= 4:
			p.mark = binary.BigEndian.Uint32(data)
		case kind == attributeLength && len(data) >= 4:
			p.bytes = int(binary.BigEndian.Uint32(data))
		case kind == attributePayload && p.bytes == 0: // a longer packet also says its length
			p.bytes = len(data)
		}
		attributes = attributes[min((length+3)&^3, len(attributes)):]
	}
	return known
}

// decide says what becomes of one packet.
func (q *queues) decide(p packet, pass bool) { q.send(queueVerdict, p, pass) }

// decideUpTo says what becomes of this packet and all that wait before it.
func (q *queues) decideUpTo(p packet, pass bool) { q.send(queueVerdictBatch, p, pass) }

func (q *queues) send(message uint16, p packet, pass bool) {
	verdict := uint32(verdictDrop)
	if pass {
		verdict = verdictAccept
	}
	const length = unix.NLMSG_HDRLEN + 4 + unix.NLA_HDRLEN + 8
	b := make([]byte, 0, length)
	b = binary.NativeEndian.AppendUint32(b, length)
	b = binary.NativeEndian.AppendUint16(b, unix.NFNL_SUBSYS_QUEUE<<8|message)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST)
	b = append(b, make([]byte, 8)...) // sequence and port
	b = append(b, queueHeader(p.queue)...)
	b = binary.NativeEndian.AppendUint16(b, unix.NLA_HDRLEN+8)
	b = binary.NativeEndian.AppendUint16(b, attributeVerdict)
	b = binary.BigEndian.AppendUint32(b, verdict)
	b = binary.BigEndian.AppendUint32(b, p.id)
	// An error is that the packet is gone, or the queue closed: nothing is left to decide then.
	_ = q.raw.Control(func(fd uintptr) {
		_ = unix.Sendto(int(fd), b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	})
}

// close unbinds the queues. What still waits in them is dropped by the kernel.
func (q *queues) close() error { return q.conn.Close() }
