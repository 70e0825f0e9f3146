package containers

// Self is the image of a [Process] that is capsize itself.
const Self = "capsize"

// Own is a process that runs a service of capsize itself, one of those that `capsize node` knows, from the program that
// is the harness.
func Own(name, service string, args ...string) Process {
	return Process{Name: name, Image: Self, Command: append([]string{Program, "node", service}, args...)}
}
