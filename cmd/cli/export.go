package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

// export is what is to be written, and where.
type export struct {
	format      string // of what is read
	independent bool
	to          string
	file        string // "" or "-" is stdout
	force       bool
}

// suffixes tell the format by the end of a file's name.
var suffixes = [...]struct{ suffix, format string }{
	{".jsonl", history.FormatJSONL}, {".edn", history.FormatEDN}, {".json", history.FormatElle},
	{".log", history.FormatLog},
}

func (a *app) exportCommand() *cobra.Command {
	var e export
	var o output
	c := &cobra.Command{
		Use:   "export RUN|FILE",
		Short: "write a history in the form of another tool",
		Long: `export reads a history, that of a run or a file that check reads, and writes
it in another form: capsize's own (jsonl), Jepsen's (edn), a log of Jepsen's
(log), Elle's (elle), or that of porcupine's key-value tests (porcupine), each
also compressed (jsonl.zst). The end of the file's name tells the form where
--to does not.

What is written reads the same. What a form has no room for is refused, and
nothing is written: porcupine's holds reads, writes and appends of texts, and no
times. Faults are in edn and log, as what Jepsen's nemesis did; the other forms
have no place for them, and those of a run are in its faults.jsonl.`,
		Example: `  capsize export latest --to edn -o history.edn
  capsize export latest -o history.jsonl.zst
  capsize export history.edn --independent --to jsonl | head`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("export needs one history to write, not %d\n"+
					"  do     capsize export latest --to edn -o history.edn", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.export(c.Context(), args[0], o.out, e)
		},
		ValidArgsFunction: a.completeRuns(&o),
	}
	c.Flags().StringVar(&o.out, "out", store.DefaultOut, "the folder where runs are kept, a folder each")
	c.Flags().StringVar(&e.to, "to", "", "the form to write: "+strings.Join(history.WriteFormats(), ", ")+
		" (default: by the end of the file's name)")
	c.Flags().StringVarP(&e.file, "output", "o", "", "the file to write (default: stdout)")
	c.Flags().BoolVar(&e.force, "force", false, "replace the file if there is one")
	c.Flags().StringVar(&e.format, "format", "",
		"how FILE is written: "+strings.Join(formatNames(), ", ")+" (default: guessed)")
	c.Flags().BoolVar(&e.independent, "independent", false,
		"values are [key value], as jepsen.independent writes them (default: guessed)")
	words := func(list []string) cobra.CompletionFunc {
		return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
	}
	_ = c.RegisterFlagCompletionFunc("to", words(history.WriteFormats())) // fails only for a flag that is not there
	_ = c.RegisterFlagCompletionFunc("format", words(formatNames()))
	return c
}

func (a *app) export(ctx context.Context, ref, out string, e export) error {
	if e.file == "-" {
		e.file = ""
	}
	if err := e.settle(ref); err != nil {
		return err
	}
	if e.file == "" && strings.HasSuffix(e.to, ".zst") && isTerminal(a.stdout) {
		return usagef("%s is compressed, which a terminal cannot show\n  do     capsize export %s -o history.%s",
			e.to, quoted(ref), e.to)
	}
	h, err := a.readExport(ref, out, e)
	if err != nil {
		return err
	}
	if e.file == "" {
		err = history.Write(a.stdout, h, e.to)
	} else {
		err = replaceWith(ctx, e.file, func(w io.Writer) error { return history.Write(w, h, e.to) })
	}
	var cannot *history.CannotHold
	if errors.As(err, &cannot) {
		return usagef("%v\n  do     capsize export %s --to %s", err, quoted(ref), cannot.Instead)
	}
	if err == nil && e.file != "" {
		fmt.Fprintf(a.stderr, "wrote %d operations to %s (%s)\n", len(h.Pairs), e.file, e.to)
	}
	return err
}

// settle decides the form, and whether the file may be written.
func (e *export) settle(ref string) error {
	forms := history.WriteFormats()
	if e.to == "" {
		name, packed := strings.CutSuffix(e.file, ".zst")
		for _, s := range suffixes {
			if strings.HasSuffix(name, s.suffix) {
				e.to = s.format
			}
		}
		if e.to == "" {
			return usagef("export does not know which form to write\n  do     capsize export %s --to %s", quoted(ref),
				strings.Join(forms, "|"))
		}
		if packed {
			e.to += ".zst"
		}
	}
	if !slices.Contains(forms, e.to) {
		return usagef("there is no form %q to write%s\n  do     one of %s", e.to, didYouMean(e.to, forms),
			strings.Join(forms, ", "))
	}
	info, err := os.Stat(e.file)
	switch {
	case e.file == "" || err != nil:
		return nil
	case !info.Mode().IsRegular():
		return usagef("%s is no ordinary file, so it is not replaced\n  do     -o FILE, or - for stdout", e.file)
	case !e.force:
		return usagef("%s exists\n  do     another name, or --force to replace it", e.file)
	}
	return nil
}

// readExport reads what is to be exported: a file, or the history and the faults of a run.
func (a *app) readExport(ref, out string, e export) (history.History, error) {
	if info, err := os.Stat(ref); err == nil && info.Mode().IsRegular() {
		if folder, ok := runOf(ref); ok {
			return a.readRunExport(folder, e)
		}
		return a.readForeign(ref, e)
	}
	folder, err := store.Resolve(out, ref)
	if err != nil {
		return history.History{}, noHistory(ref, err)
	}
	return a.readRunExport(folder, e)
}

func (a *app) readRunExport(folder store.Folder, e export) (history.History, error) {
	h, err := a.readForeign(folder.Path(store.HistoryFile), e)
	if err != nil {
		return h, err
	}
	if h.Strikes, err = history.ReadStrikesFile(folder.Path(store.FaultsFile)); err != nil {
		return h, usagef("%v", err)
	}
	a.noteFaults(h, e, "those of the run are in "+folder.Path(store.FaultsFile))
	return h, nil
}

// noteFaults says on stderr that the faults are not written, where the form has no place for them.
func (a *app) noteFaults(h history.History, e export, instead string) {
	if n := len(h.Strikes); n > 0 && !history.HoldsFaults(e.to) {
		fmt.Fprintf(a.stderr, "note: %d faults are not written: %s has no place for them (%s)\n", n, e.to, instead)
	}
}

// readForeign reads a file, and says on stderr what was guessed or given up.
func (a *app) readForeign(path string, e export) (history.History, error) {
	h, _, err := history.ReadFile(path, history.ReadOptions{Format: e.format, Independent: e.independent})
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return h, usagef("%v", err)
		}
		return h, usagef("%v\n  do     capsize list formats names the forms it reads (--format)", err)
	}
	for _, note := range h.Notes {
		fmt.Fprintf(a.stderr, "note: %s\n", note)
	}
	a.noteFaults(h, e, "edn and log have")
	return h, nil
}

// replaceWith writes a file under another name and puts it in its place in one step, or not at all.
func replaceWith(ctx context.Context, path string, write func(io.Writer) error) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if errors.Is(err, fs.ErrNotExist) {
		return usagef("there is no folder %s to write %s to\n  do     mkdir -p %s", filepath.Dir(path),
			filepath.Base(path), quoted(filepath.Dir(path)))
	}
	if err != nil {
		return err
	}
	err = write(temp)
	if err == nil {
		err = errors.Join(ctx.Err(), temp.Chmod(0o644))
	}
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
