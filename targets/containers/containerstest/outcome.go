package containerstest

import (
	"errors"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

// ErrAny stands, as what is wanted, for any error of which nobody knows whether the call had an effect.
var ErrAny = errors.New("unknown")

// Outcome holds the error of a call against what is wanted: nil, [ErrAny], or an error that it must wrap. It must say as
// much as that one, and no more, of whether the call had an effect and whether its condition held.
func Outcome(t testing.TB, err, want error) {
	t.Helper()
	says := func(what error) bool { return errors.Is(err, what) == errors.Is(want, what) }
	same := errors.Is(err, want) && says(harness.ErrNotApplied) && says(harness.ErrUnmet)
	switch {
	case want == nil && err != nil:
		t.Errorf("got %v", err)
	case want == ErrAny && (err == nil || errors.Is(err, harness.ErrNotApplied)):
		t.Errorf("got %v, want an error of which nobody knows", err)
	case want != nil && want != ErrAny && !same:
		t.Errorf("got %v, want %v", err, want)
	}
}
