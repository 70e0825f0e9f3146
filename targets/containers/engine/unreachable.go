package engine

import (
	"strings"
)

// Kind is what came of looking for an engine in a place.
type Kind int

// The kinds, the one that says most last.
const (
	Absent Kind = iota // nothing is there
	Dead               // a socket is there, or a port, but nobody listens
	Other              // see Try.What
	Hung               // somebody listens, but does not answer
	TooOld             // an engine is there that is too old
	Denied             // an engine may be there, but not for this user

	fine Kind = -1 // an engine is there
)

// Try is one place where an engine was looked for.
type Try struct {
	Where string // DOCKER_HOST, /var/run/docker.sock
	What  string // what came of it, in a few words
	Kind  Kind
}

// Unreachable says that there is no engine to work with. It is an error of the environment, and its text is for a
// person: what was tried, what came of it, and what to do.
type Unreachable struct{ Tried []Try }

// Error is a message of several lines.
func (u *Unreachable) Error() string {
	lead := "  tried  "
	width := 100 - len(lead)
	var lines []string
	for _, t := range u.Tried {
		text := t.Where + " (" + t.What + ")"
		last := len(lines) - 1
		if last < 0 || len(lines[last])+len(" · ")+len(text) > width {
			lines = append(lines, text)
			continue
		}
		lines[last] += " · " + text
	}
	return "Docker is not reachable.\n" + lead + strings.Join(lines, "\n"+strings.Repeat(" ", len(lead))) +
		"\n  do     " + u.advice() + "\n  more   capsize doctor"
}

// Kind returns what says most about why.
func (u *Unreachable) Kind() Kind {
	worst := Absent
	for _, t := range u.Tried {
		worst = max(worst, t.Kind)
	}
	return worst
}

func (u *Unreachable) advice() string {
	const without = ", or run without it:  capsize run raft"
	switch u.Kind() {
	case Denied:
		return "join the group of the socket, as in  sudo usermod -aG docker $USER  and log in again" + without
	case TooOld:
		return "update Docker" + without
	case Hung:
		return "restart Docker, it hangs" + without
	case Other:
		return "see to what is said above" + without
	case Dead:
		return "start Docker, it ended and left its socket" + without
	default:
		return "start Docker" + without
	}
}
