package containers

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestErrorsOfTheEngineAreExplained(t *testing.T) {
	c := &Cluster{}
	for message, words := range map[string]string{
		"write /var/lib/docker/x: no space left on device":                              "make room",
		"could not find an available, non-overlapping IPv4 address pool among defaults": "capsize clean",
		`The container name "/x" is already in use by container "y"`:                    "capsize clean",
		"driver failed: Bind for 127.0.0.1:1 failed: port is already allocated":         "run again",
		"OCI runtime create failed: operation not permitted":                            "NET_ADMIN",
	} {
		cause := errors.New(message)
		err := c.explain(context.Background(), cause)
		if !errors.Is(err, cause) || !strings.Contains(err.Error(), "\n  why    ") || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: explained as\n%v", message, err)
		}
	}
	if err := c.explain(context.Background(), context.Canceled); err != context.Canceled { //nolint:errorlint // the same
		t.Errorf("what needs no explanation got one: %v", err)
	}
}

// A log is shown on a terminal, and may hold anything.
func TestPrintable(t *testing.T) {
	got := printable("a\x1b[31mb\r\n\tc\x7f\u0085")
	if strings.ContainsAny(got, "\x1b\r\x7f\u0085") || !strings.Contains(got, "\n\tc") {
		t.Errorf("%q", got)
	}
}
