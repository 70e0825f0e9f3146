package harnesstest

import (
	"fmt"
	"testing"
)

// rule is a sentence of a contract. A kit's failures carry it, so that nobody needs to look it up.
type rule string

// broken fails t: what was seen, and the rule that it breaks.
func (r rule) broken(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Errorf("%s\n    rule: %s", fmt.Sprintf(format, args...), string(r))
}

// fatal ends t, where nothing more can be learnt.
func (r rule) fatal(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Fatalf("%s\n    rule: %s", fmt.Sprintf(format, args...), string(r))
}
