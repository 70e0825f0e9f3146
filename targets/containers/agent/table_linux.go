package agent

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The table and its chains. Packets that arrive run through arrive, where they are hurt, and those that are left
// through arrived, where they are counted: a packet that waited in a queue enters there. Packets that leave run through
// leave.
const (
	tableName = "capsize"

	chainArrive  = "arrive"
	chainOwn     = "own"     // of arrive: the agents' packets, which are hurt but not counted
	chainInside  = "inside"  // of arrive: what clients send, while they are cut
	chainArrived = "arrived" // one step after arrive
	chainLeave   = "leave"
	chainOutside = "outside" // of leave: what goes to clients
)

// ruleBuffer is for a transaction and its answers, of which there is one for each rule.
const ruleBuffer = 4 << 20

// table is the agent's table in the kernel. It is used by one at a time.
type table struct {
	conn   *nftables.Conn // kept between transactions: to close one takes the kernel several milliseconds
	table  *nftables.Table
	chains map[string]*nftables.Chain
}

// rule is what a rule does, in the kernel's terms, and where.
type rule struct {
	chain string
	exprs []expr.Any
}

// makeTable makes the table anew: what an earlier agent left in this namespace goes.
func makeTable() (*table, error) {
	t := &table{
		table:  &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet},
		chains: map[string]*nftables.Chain{},
	}
	c, err := t.dial()
	if err != nil {
		return nil, fmt.Errorf("reach nftables: %w", err)
	}
	c.AddTable(t.table)
	c.DelTable(t.table) // which is an error where there is none, hence the line before
	c.AddTable(t.table)
	raw := *nftables.ChainPriorityRaw
	t.hook(c, chainArrive, nftables.ChainHookPrerouting, raw)
	t.hook(c, chainArrived, nftables.ChainHookPrerouting, raw+1)
	t.hook(c, chainLeave, nftables.ChainHookOutput, raw)
	for _, name := range []string{chainOwn, chainInside, chainOutside} {
		t.chains[name] = c.AddChain(&nftables.Chain{Name: name, Table: t.table})
	}
	if err := t.commit(c); err != nil {
		return nil, fmt.Errorf("make an nftables table: %w%s", err, whyNot(err))
	}
	return t, nil
}

// dial returns the connection to the kernel.
func (t *table) dial() (*nftables.Conn, error) {
	if t.conn != nil {
		return t.conn, nil
	}
	c, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		return errors.Join(c.SetReadBuffer(ruleBuffer), c.SetWriteBuffer(ruleBuffer))
	}))
	if err == nil {
		t.conn = c
	}
	return c, err
}

// commit ends a transaction. After an error the connection is made anew, because answers may still be under way on it.
func (t *table) commit(c *nftables.Conn) error {
	err := c.Flush()
	if err != nil {
		t.hangUp()
	}
	return err
}

func (t *table) hangUp() {
	if t.conn != nil {
		_ = t.conn.CloseLasting()
		t.conn = nil
	}
}

func (t *table) hook(c *nftables.Conn, name string, hook *nftables.ChainHook, priority nftables.ChainPriority) {
	t.chains[name] = c.AddChain(&nftables.Chain{
		Name: name, Table: t.table, Type: nftables.ChainTypeFilter, Hooknum: hook,
		Priority: nftables.ChainPriorityRef(priority),
	})
}

// whyNot adds what an error of nftables probably means.
func whyNot(err error) string {
	switch {
	case errors.Is(err, unix.EPERM):
		return " (the agent needs CAP_NET_ADMIN in its network namespace)"
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EINVAL):
		return " (the kernel was probably built without nf_tables, or without its inet family)"
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EOPNOTSUPP):
		return " (the kernel was probably built without this part of nftables)"
	}
	return ""
}

// replace puts rules in the place of all there are, in one transaction. The chains and counters stay, and so does what
// waits in queues: to remove a hook would empty them.
func (t *table) replace(rules []rule) error {
	c, err := t.dial()
	if err != nil {
		return err
	}
	for _, name := range []string{chainArrive, chainOwn, chainInside, chainArrived, chainLeave, chainOutside} {
		c.FlushChain(t.chains[name])
	}
	for _, r := range rules {
		c.AddRule(&nftables.Rule{Table: t.table, Chain: t.chains[r.chain], Exprs: r.exprs})
	}
	if err := t.commit(c); err != nil {
		return fmt.Errorf("replace the rules: %w%s", err, whyNot(err))
	}
	return nil
}

// addCounters makes counters, and leaves alone those that exist.
func (t *table) addCounters(names []string) error {
	c, err := t.dial()
	if err != nil {
		return err
	}
	for _, name := range names {
		c.AddObj(&nftables.NamedObj{
			Table: t.table, Name: name, Type: nftables.ObjTypeCounter, Obj: &expr.Counter{},
		})
	}
	if err := t.commit(c); err != nil {
		return fmt.Errorf("make counters: %w%s", err, whyNot(err))
	}
	return nil
}

// readCounters returns the bytes of each counter.
func (t *table) readCounters() (map[string]int64, error) {
	c, err := t.dial()
	if err != nil {
		return nil, err
	}
	objects, err := c.GetNamedObjects(t.table)
	if err != nil {
		t.hangUp()
		return nil, fmt.Errorf("read the counters: %w", err)
	}
	counted := map[string]int64{}
	for _, o := range objects {
		named, ok := o.(*nftables.NamedObj)
		if !ok || named.Table == nil || named.Table.Name != tableName {
			continue
		}
		if counter, ok := named.Obj.(*expr.Counter); ok {
			counted[strings.TrimRight(named.Name, "\x00")] = int64(counter.Bytes)
		}
	}
	return counted, nil
}

func (t *table) remove() error {
	c, err := t.dial()
	if err != nil {
		return err
	}
	defer t.hangUp()
	c.DelTable(t.table)
	return c.Flush()
}
