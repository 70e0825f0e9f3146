package agent

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"
)

// The names of counters: of a link they are followed by the peer's name.
const (
	counterPassed        = "passed/"
	counterHeld          = "held/"
	counterLost          = "lost/"
	counterClientsPassed = "clients-passed"
	counterClientsHeld   = "clients-held"
)

// Where things are in packets.
const (
	sourcePort, destinationPort = 0, 2
	sourceV4, destinationV4     = 12, 16
	sourceV6, destinationV6     = 8, 24
)

// ownMark marks the agents' packets on their way through a queue, so that they are not counted there.
const ownMark = 0x0cab517e

// lossScale is how finely a loss is drawn.
const lossScale = 1_000_000

// The register that everything is computed in.
const register = unix.NFT_REG_1

// link is what a rule has to know of the link from a peer.
type link struct {
	name    string
	address netip.Addr
	queue   uint16
}

// plan is a state worked out.
type plan struct {
	links   []link
	ports   []int // of clients
	state   State
	queuing func(queue uint16) expr.Any
}

func (p plan) rules() []rule {
	rules := []rule{{chainArrive, with(isInterface(expr.MetaKeyIIFNAME), accept())}}
	rules = append(rules, p.clientsArriving()...)
	rules = append(rules, p.peersArriving()...)
	rules = append(rules, p.arrived()...)
	return append(rules, p.leaving()...)
}

// peersArriving hurts what comes from peers: first the agents' packets, without counting, then all others.
func (p plan) peersArriving() []rule {
	var own, others []rule
	for _, l := range p.links {
		for _, exprs := range p.harm(l, false) {
			own = append(own, rule{chainOwn, exprs})
		}
		for _, exprs := range p.harm(l, true) {
			others = append(others, rule{chainArrive, exprs})
		}
	}
	if len(own) == 0 {
		return nil
	}
	var toOwn []rule
	for _, exprs := range isOwn() {
		toOwn = append(toOwn, rule{chainArrive, with(exprs, verdict(expr.VerdictGoto, chainOwn))})
	}
	return slices.Concat(toOwn, others, own)
}

// harm returns the rules for one link.
func (p plan) harm(l link, counted bool) [][]expr.Any {
	from := isAddress(l.address, sourceV4, sourceV6)
	count := func(name string) []expr.Any {
		if !counted {
			return nil
		}
		return counter(name + l.name)
	}
	held := with(from, count(counterHeld))
	if slices.Contains(p.state.Drop, l.name) {
		return [][]expr.Any{with(held, drop())}
	}
	if slices.Contains(p.state.Refuse, l.name) {
		return [][]expr.Any{
			with(from, isProtocol(unix.IPPROTO_TCP), count(counterHeld),
				[]expr.Any{&expr.Reject{Type: unix.NFT_REJECT_TCP_RST}}),
			with(held, []expr.Any{&expr.Reject{
				Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_PORT_UNREACH,
			}}),
		}
	}
	var rules [][]expr.Any
	shape := p.state.Shape[l.name]
	if shape.Loss > 0 {
		rules = append(rules, with(from, chance(shape.Loss), count(counterLost), drop()))
	}
	if queued(shape) {
		wait := []expr.Any{p.queuing(l.queue)}
		if !counted {
			wait = slices.Insert(wait, 0, setMark(ownMark)...)
		}
		rules = append(rules, with(from, wait))
	}
	return rules
}

// clientsArriving drops what clients send, while they are cut.
func (p plan) clientsArriving() []rule {
	if !p.state.ClientsCut {
		return nil
	}
	rules := p.toClients(chainArrive, destinationPort, verdict(expr.VerdictJump, chainInside))
	for _, l := range p.links {
		from := isAddress(l.address, sourceV4, sourceV6)
		rules = append(rules, rule{chainInside, with(from, verdict(expr.VerdictReturn, ""))})
	}
	return append(rules, rule{chainInside, with(counter(counterClientsHeld), drop())})
}

// arrived counts what got through.
func (p plan) arrived() []rule {
	rules := []rule{{chainArrived, with(isInterface(expr.MetaKeyIIFNAME), accept())}}
	for _, exprs := range isOwn() {
		rules = append(rules, rule{chainArrived, with(exprs, accept())})
	}
	for _, l := range p.links {
		from := isAddress(l.address, sourceV4, sourceV6)
		rules = append(rules, rule{chainArrived, with(from, counter(counterPassed+l.name), accept())})
	}
	return append(rules, p.toClients(chainArrived, destinationPort, counter(counterClientsPassed))...)
}

// leaving counts what goes to clients, or drops it while they are cut.
func (p plan) leaving() []rule {
	rules := []rule{{chainLeave, with(isInterface(expr.MetaKeyOIFNAME), accept())}}
	rules = append(rules, p.toClients(chainLeave, sourcePort, verdict(expr.VerdictGoto, chainOutside))...)
	for _, l := range p.links {
		to := isAddress(l.address, destinationV4, destinationV6)
		rules = append(rules, rule{chainOutside, with(to, accept())})
	}
	if p.state.ClientsCut {
		return append(rules, rule{chainOutside, with(counter(counterClientsHeld), drop())})
	}
	return append(rules, rule{chainOutside, with(counter(counterClientsPassed), accept())})
}

// toClients is a rule for each of the clients' ports.
func (p plan) toClients(chain string, offset uint32, then []expr.Any) []rule {
	var rules []rule
	for _, port := range p.ports {
		for _, protocol := range []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
			rules = append(rules, rule{chain, with(isProtocol(protocol), isPort(port, offset), then)})
		}
	}
	return rules
}

// isOwn finds the agents' packets.
func isOwn() [][]expr.Any {
	var all [][]expr.Any
	for _, protocol := range []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
		for _, offset := range []uint32{sourcePort, destinationPort} {
			all = append(all, with(isProtocol(protocol), isPort(peerPort, offset)))
		}
	}
	return all
}

// with puts parts of a rule together.
func with(parts ...[]expr.Any) []expr.Any { return slices.Concat(parts...) }

func isInterface(key expr.MetaKey) []expr.Any {
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, "lo")
	return []expr.Any{&expr.Meta{Key: key, Register: register}, equal(name)}
}

func isProtocol(protocol byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register}, equal([]byte{protocol})}
}

func isPort(port int, offset uint32) []expr.Any {
	return []expr.Any{
		&expr.Payload{
			DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2,
		},
		equal(binary.BigEndian.AppendUint16(nil, uint16(port))),
	}
}

func isAddress(address netip.Addr, offsetV4, offsetV6 uint32) []expr.Any {
	address = address.Unmap()
	family, offset := byte(unix.NFPROTO_IPV4), offsetV4
	if address.Is6() {
		family, offset = unix.NFPROTO_IPV6, offsetV6
	}
	bytes := address.AsSlice()
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: register}, equal([]byte{family}),
		&expr.Payload{
			DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(len(bytes)),
		},
		equal(bytes),
	}
}

func equal(data []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: data} }

// chance lets a share of the packets on to the rest of the rule. The kernel's random numbers are in its own byte order,
// and it compares in that of the network.
func chance(share float64) []expr.Any {
	return []expr.Any{
		&expr.Numgen{Register: register, Modulus: lossScale, Type: unix.NFT_NG_RANDOM},
		&expr.Byteorder{
			SourceRegister: register, DestRegister: register, Op: expr.ByteorderHton, Len: 4, Size: 4,
		},
		&expr.Cmp{
			Op: expr.CmpOpLt, Register: register,
			Data: binary.BigEndian.AppendUint32(nil, uint32(math.Round(share*lossScale))),
		},
	}
}

func setMark(mark uint32) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: register, Data: binary.NativeEndian.AppendUint32(nil, mark)},
		&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: register},
	}
}

func counter(name string) []expr.Any {
	return []expr.Any{&expr.Objref{Type: int(nftables.ObjTypeCounter), Name: name}}
}

func verdict(kind expr.VerdictKind, chain string) []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: kind, Chain: chain}}
}

func drop() []expr.Any   { return verdict(expr.VerdictDrop, "") }
func accept() []expr.Any { return verdict(expr.VerdictAccept, "") }

// nativeQueue is nftables' own way to queue packets; they pass where nobody reads the queue.
func nativeQueue(queue uint16) expr.Any {
	return &expr.Queue{Num: queue, Total: 1, Flag: expr.QueueFlagBypass}
}

// compatQueue is that of iptables, for kernels which have only that: the third revision of its NFQUEUE. Its data are
// the number of the queue, how many there are, and flags, filled up to 8 bytes.
func compatQueue(queue uint16) expr.Any {
	const bypass = 1
	info := xt.Unknown{}
	for _, v := range []uint16{queue, 1, bypass, 0} {
		info = binary.NativeEndian.AppendUint16(info, v)
	}
	return &expr.Target{Name: "NFQUEUE", Rev: 3, Info: &info}
}
