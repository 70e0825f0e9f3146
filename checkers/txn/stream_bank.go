package txn

import (
	"strconv"

	"github.com/capsize-dev/capsize/harness/history"
)

// bankStream judges a bank line by line, exactly: each read by itself or, where nobody said what the balances add up
// to, beside the first one. Its suspects are reads, by the lines that called them.
type bankStream struct {
	rules BankRules
	open  map[int]history.Op // calls, by process
	first string             // the first read, where the rules have no total
	total int64              // what is expected, once something is
	known bool
	wrong []string
	unfit bool
	news  bool
}

func newBankStream(rules BankRules) *bankStream {
	return &bankStream{rules: rules, open: map[int]history.Op{}, total: rules.Total, known: rules.Total != 0}
}

func (s *bankStream) Add(op history.Op) {
	s.news = true
	call, waiting := s.open[op.Process]
	delete(s.open, op.Process)
	b := bank{rules: s.rules}
	switch {
	case s.unfit:
	case op.Type == history.Invoke:
		b.pairs = []history.Pair{{F: op.F, Index: op.Index, Input: op.Value, Outcome: history.Info}}
		s.unfit = b.read() != nil
		s.open[op.Process] = history.Op{Index: op.Index, F: op.F}
	case waiting && op.Type == history.OK && call.F == "read":
		read, err := balances(op.Value)
		if err != nil {
			s.unfit = true
			return
		}
		s.look(read, strconv.Itoa(call.Index))
	}
}

func (s *bankStream) look(read statement, name string) {
	if !s.known {
		s.known, s.total, s.first = true, read.total, name
	}
	off := read.total != s.total
	if off && s.first != "" {
		s.wrong = append(s.wrong, s.first)
	}
	if off || read.below != nil && !s.rules.Overdraft {
		s.wrong = append(s.wrong, name)
	}
}

// Suspects names reads that are wrong, or everything where something is no operation of a bank.
func (s *bankStream) Suspects() (wrong, unclear []string) {
	if s.unfit && s.news {
		unclear = []string{everything}
	}
	wrong, s.wrong, s.news = s.wrong, nil, false
	return wrong, unclear
}

// Narrow keeps the suspects alone: whether a read is wrong shows without what was transferred.
func (*bankStream) Narrow(names map[string]bool) func(*history.Op) bool {
	open := map[int]bool{}
	return func(op *history.Op) bool {
		if op.Type == history.Invoke {
			open[op.Process] = names[everything] || names[strconv.Itoa(op.Index)]
		}
		return open[op.Process]
	}
}
