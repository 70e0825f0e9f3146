package harness_test

import (
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

func TestNearest(t *testing.T) {
	names := []string{"register", "append", "set", "partition", "pause"}
	for word, want := range map[string]string{
		"regsiter": "register", "register": "register", "apend": "append", "st": "set", "puase": "pause",
		"part": "partition", "REGISTER": "register", "pa": "", "p": "",
		"partiton": "partition", "quux": "", "": "", "elephants": "",
	} {
		if got := harness.Nearest(word, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := harness.Nearest("x", nil); got != "" {
		t.Errorf("among no candidates %q was the nearest", got)
	}
}
