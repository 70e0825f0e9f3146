// Package cli is the command line of capsize, as a library: a program with targets of its own calls [Main] with a
// longer [Catalogue] and has every command.
//
//	func main() {
//	    catalogue := cli.Catalogue{Targets: append(targets.All(), mydb.Target{}), Workloads: workloads.All()}
//	    os.Exit(cli.Main(context.Background(), catalogue, os.Args[1:]))
//	}
//
// What the commands promise, each tested by a script in testdata:
//
//   - stdout carries results only; progress and logs go to stderr, and the redrawn view only to a terminal;
//   - no escape byte reaches a pipe; NO_COLOR and TERM=dumb are honoured;
//   - the exit code is the verdict (see [Exit]), and only a violation found is 1;
//   - the first Ctrl-C heals, stops, checks what was recorded and writes the report; the second stops at once.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/report"
)

// Catalogue is what the commands can run. The order is the order of the lists.
type Catalogue struct {
	Targets   []harness.Target
	Workloads []harness.Workload
}

// The exit codes. Of several runs the first in the order 1, 4, 3, 5, 0 counts.
const (
	ExitValid       = 0
	ExitViolation   = 1 // a violation was found; nothing else ever exits 1
	ExitUsage       = 2 // a wrong command line, plan or file; also what Go exits with when the tool itself crashes
	ExitUnknown     = 3 // undecided, or the run proves nothing
	ExitEnvironment = 4 // the run itself failed: a node did not start, the disk is full
	ExitThreshold   = 5 // correct, but a threshold failed
	ExitInterrupted = 130
)

// app is one use of the command line: its streams and what it can run.
type app struct {
	catalogue Catalogue
	stdout    io.Writer
	stderr    io.Writer
	color     string // auto, always, never
	verbose   bool
	exit      int // what a command that did its work decided
}

// collectAt is how much garbage may gather, in percent of what is in use. A history of hundreds of thousands of
// operations is held while it is judged, beside the cluster under test: half of the usual costs little time and saves
// much memory.
const collectAt = 30

// Main runs one command line and returns the exit code.
func Main(ctx context.Context, catalogue Catalogue, args []string) int {
	a := &app{catalogue: catalogue, stdout: os.Stdout, stderr: os.Stderr}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		return a.complain(err)
	}
	return a.exit
}

// interruptible ends the context at the first interrupt. After that the signal is no longer caught, so that the second
// one ends the program at once; the nodes of a local cluster die with it.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "capsize",
		Short: "turn a cluster over on purpose and report how it behaved",
		Long: `capsize starts a clustered datastore, drives concurrent clients against it,
injects partitions, pauses and crashes, records what every client saw, and
decides from that record alone whether the promises held.

Begin with:  capsize demo`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q%s\n  do     capsize --help lists the commands", args[0],
					didYouMean(args[0], []string{"run", "demo", "check", "explain", "export", "ls", "show", "list",
						"doctor", "clean", "images", "version", "completion"}))
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return flagError(c, err) })
	root.PersistentFlags().StringVar(&a.color, "color", "auto", "colour the output: auto, always or never")
	root.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "log what the harness does to stderr")
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		if a.color != "auto" && a.color != "always" && a.color != "never" {
			return usagef("--color is auto, always or never, not %q", a.color)
		}
		return fromEnvironment(c)
	}
	root.AddCommand(a.runCommand(), a.demoCommand(), a.checkCommand(), a.explainCommand(), a.exportCommand(),
		a.lsCommand(), a.showCommand(), a.listCommand(), a.doctorCommand(), a.cleanCommand(), a.imagesCommand(),
		a.versionCommand())
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages |",
		fmt.Sprintf(".FlagUsagesWrapped %d |", helpWidth)))
	for _, c := range append(root.Commands(), root) {
		c.Long = folded(c.Long, helpWidth)
	}
	return root
}

// helpWidth is how wide the help is on every screen, so that it reads the same wherever it is quoted.
const helpWidth = 80

// folded breaks the lines of each paragraph anew. A line that begins with a space stays as it is.
func folded(text string, width int) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, paragraph := range paragraphs {
		if strings.HasPrefix(paragraph, " ") {
			continue
		}
		var line, out []string
		length := 0
		for _, word := range strings.Fields(paragraph) {
			if n := len([]rune(word)); length+n+len(line) > width && len(line) > 0 {
				out, line, length = append(out, strings.Join(line, " ")), nil, 0
			}
			line, length = append(line, word), length+len([]rune(word))
		}
		paragraphs[i] = strings.Join(append(out, strings.Join(line, " ")), "\n")
	}
	return strings.Join(paragraphs, "\n\n")
}

// fromEnvironment gives every flag that was not typed the value of its variable: --op-timeout is CAPSIZE_OP_TIMEOUT.
func fromEnvironment(c *cobra.Command) (err error) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		name := "CAPSIZE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, set := os.LookupEnv(name)
		if f.Changed || !set || f.Name == "help" {
			return
		}
		if e := c.Flags().Set(f.Name, value); e != nil {
			err = errors.Join(err, usagef("%s=%q: %v", name, value, e))
		}
	})
	return err
}

// usageError is a mistake in what the user typed or gave to read.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

func flagError(c *cobra.Command, err error) error {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	word := err.Error()
	if at := strings.Index(word, "--"); at >= 0 {
		word, _, _ = strings.Cut(word[at:], " ")
	}
	return usagef("%v%s\n  do     %s --help lists the flags", err, didYouMean(word, names), c.CommandPath())
}

// didYouMean returns " (did you mean x?)" for the name that a word was probably meant to be, or "" where none is near.
func didYouMean(word string, names []string) string {
	if near := harness.Nearest(word, names); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", near)
	}
	return ""
}

// complain tells an error to a person and returns its exit code.
func (a *app) complain(err error) int {
	code := ExitEnvironment
	var usage usageError
	if errors.As(err, &usage) || errors.Is(err, harness.ErrRefused) {
		code = ExitUsage
	}
	if errors.Is(err, context.Canceled) {
		code = ExitInterrupted
	}
	fmt.Fprintf(a.stderr, "! %v\n  exit %d\n", err, code)
	return code
}

// exitCode is the exit code of a judged run: the same as its reports print.
func exitCode(res harness.Results) int { return report.OutcomeOf(res).Exit }

// printJSON prints one value as a person can read it too.
func (a *app) printJSON(v any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// styled reports whether colour may be written to a stream.
func (a *app) styled(w io.Writer) bool {
	switch {
	case a.color == "always":
		return true
	case a.color == "never", os.Getenv("NO_COLOR") != "", os.Getenv("TERM") == "dumb":
		return false
	case os.Getenv("CLICOLOR_FORCE") != "" && os.Getenv("CLICOLOR_FORCE") != "0":
		return true
	}
	return isTerminal(w)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is that of the terminal, or 80 where there is none; never more than reads well.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns >= 40 {
			return min(columns, 100)
		}
	}
	return 80
}
