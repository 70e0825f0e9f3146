package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capsize-dev/capsize/checkers"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/report"
)

// explanation is what of the violations is to be shown and written.
type explanation struct {
	key    string
	oneKey bool
	files  [2]string // by explainedForms; "" where it is not to be written
	force  bool
}

// explainedForms are what the operations of a violation can be written in.
var explainedForms = [2]string{history.FormatJSONL, history.FormatEDN}

func (a *app) explainCommand() *cobra.Command {
	var e explanation
	var r reading
	var o output
	c := &cobra.Command{
		Use:   "explain RUN|FILE",
		Short: "show each violation alone, with the few operations that prove it",
		Long: `explain judges a history again, that of a run or a file that check reads, and
shows each violation alone: what it is called and what that means, the few
operations that prove it on real time, the faults that were on and the nodes
that answered, and what its key kept all the same: how stale its reads were, and
which weaker promises held. Of violations of one name the clearest is shown;
--key shows those of one key.

--jsonl and --edn write these operations, of each key those of its first
violation, as a history of their own, which check judges invalid too. Nothing
else is written.

Exit codes: 0 no violation was found, 1 there are some, 2 usage, 3 none was
found but not everything was decided, 130 interrupted.`,
		Example: `  capsize explain latest-failed
  capsize explain latest-failed --key k7 --jsonl k7.jsonl
  capsize explain history.edn --model cas-register --edn witness.edn`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("explain needs one history, not %d\n"+
					"  do     capsize explain latest-failed, or capsize explain FILE", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			e.oneKey = c.Flags().Changed("key")
			return a.explain(c.Context(), args[0], e, r, o)
		},
		ValidArgsFunction: a.completeRuns(&o),
	}
	o.bind(c)
	c.Flags().StringVar(&e.key, "key", "", "the one key to explain (default: all)")
	c.Flags().StringVar(&e.files[0], "jsonl", "", "write what proves the violations to this file, as capsize does")
	c.Flags().StringVar(&e.files[1], "edn", "",
		"the same as Jepsen does; both are compressed where the name ends in .zst")
	c.Flags().BoolVar(&e.force, "force", false, "replace these files if there are any")
	r.bind(c)
	_ = c.RegisterFlagCompletionFunc("key", a.completeKeys(&r, &o)) // fails only for a flag that is not there
	return c
}

func (a *app) explain(ctx context.Context, ref string, e explanation, r reading, o output) error {
	for _, file := range e.files {
		if err := writable(file, e.force); err != nil {
			return err
		}
	}
	if e.files[0] != "" && e.files[0] == e.files[1] {
		return usagef("%s cannot be both\n  do     --jsonl one file --edn another", e.files[0])
	}
	ctx, s, err := a.read(ctx, ref, r, o.out)
	if err != nil {
		return err
	}
	if e.oneKey {
		if s.History, err = only(s.History, e.key, ref); err != nil {
			return err
		}
	}
	res := s.judge(ctx)
	a.exit = report.Explained(res).Exit
	if ctx.Err() != nil {
		a.exit = ExitInterrupted
	}
	if err := a.presentExplained(res, o); err != nil {
		return err
	}
	return a.writeWitness(ctx, e, s.History, res)
}

func (a *app) presentExplained(res harness.Results, o output) error {
	if o.json {
		return a.printJSON(res)
	}
	in, err := report.Gather(res)
	if err != nil {
		return err
	}
	return report.Explain(a.stdout, in, meaning, report.TextOptions{Width: width(a.stdout), Color: a.styled(a.stdout)})
}

// meaning is what the name of a violation means.
func meaning(name string) string {
	for _, term := range checkers.Vocabulary() {
		if term.Name == name {
			return term.Means
		}
	}
	return ""
}

// only returns the part of a history that is about one key. Faults strike all.
func only(h history.History, key, ref string) (history.History, error) {
	pairs := slices.DeleteFunc(slices.Clone(h.Pairs), func(p history.Pair) bool { return p.Key != key })
	if len(pairs) > 0 {
		h.Pairs = pairs
		return h, nil
	}
	keys := h.Keys()
	if len(keys) == 1 && keys[0] == "" {
		return h, usagef("the operations of %s have no key\n  do     leave --key out", ref)
	}
	near, more := nearKeys(key, keys), ""
	if n := len(keys) - len(near); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return h, usagef("there is no key %q in %s\n  do     one of %s%s", key, ref, strings.Join(near, ", "), more)
}

// nearKeys returns a few keys, those first that were probably meant.
func nearKeys(key string, keys []string) []string {
	const enough = 5
	left := slices.Clone(keys)
	var near []string
	for len(near) < enough && len(left) > 0 {
		at := max(0, slices.Index(left, harness.Nearest(key, left)))
		near = append(near, fmt.Sprintf("%.60q", left[at]))
		left = slices.Delete(left, at, at+1)
	}
	return near
}

// writable says why a file may not be written; "" is no file.
func writable(file string, force bool) error {
	info, err := os.Stat(file)
	switch {
	case file == "-":
		return usagef("explain prints the violations to stdout, so the history needs a file\n" +
			"  do     --jsonl witness.jsonl")
	case file == "" || err != nil:
		return nil
	case !info.Mode().IsRegular():
		return usagef("%s is no ordinary file, so it is not replaced\n  do     the name of a file", file)
	case !force:
		return usagef("%s exists\n  do     another name, or --force to replace it", file)
	}
	return nil
}

// writeWitness writes what proves the violations as histories of their own.
func (a *app) writeWitness(ctx context.Context, e explanation, h history.History, res harness.Results) error {
	witness, proved := witnessOf(h, res.Anomalies)
	for i, file := range e.files {
		if file == "" {
			continue
		}
		if proved == 0 {
			fmt.Fprintf(a.stderr, "%s was not written: there is no violation to prove\n", file)
			continue
		}
		form := explainedForms[i]
		if strings.HasSuffix(file, ".zst") {
			form += ".zst"
		}
		err := replaceWith(ctx, file, func(w io.Writer) error { return history.Write(w, witness, form) })
		var cannot *history.CannotHold
		if errors.As(err, &cannot) {
			return usagef("%v\n  do     --jsonl FILE", err)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stderr, "wrote %d operations, which prove %d of the violations, to %s (%s)\n"+
			"  do     capsize check %s%s\n", len(witness.Pairs), proved, file, form, quoted(file), modelFlag(res))
	}
	return nil
}

// modelFlag has a part of a history judged as the whole was: less of it may look like something else.
func modelFlag(res harness.Results) string {
	for _, c := range res.Checks {
		if model, ok := c.Stats["model"].(string); ok {
			return " --model " + model
		}
	}
	return ""
}

// witnessOf returns the operations that prove the violations, of each key those of the first, and of how many. What a
// violation shows of an operation is all that is kept of it: of a long list that was read perhaps the beginning.
func witnessOf(h history.History, anomalies []harness.AnomalyResult) (witness history.History, proved int) {
	seen := map[string]bool{}
	for _, a := range anomalies {
		if seen[a.Key] {
			continue
		}
		seen[a.Key] = true
		for _, op := range a.Ops {
			at, found := slices.BinarySearchFunc(h.Pairs, op.Index, func(p history.Pair, index int) int {
				return cmp.Compare(p.Index, index)
			})
			if found {
				p := h.Pairs[at]
				p.Output = op.Output
				witness.Pairs = append(witness.Pairs, p)
			}
		}
	}
	slices.SortFunc(witness.Pairs, func(p, q history.Pair) int { return cmp.Compare(p.Index, q.Index) })
	return witness, len(seen)
}

// completeKeys offers the keys of the history that was typed.
func (a *app) completeKeys(r *reading, o *output) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		const enough = 1000
		if len(args) != 1 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		_, s, err := a.read(c.Context(), args[0], *r, o.out)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		keys := slices.DeleteFunc(s.History.Keys(), func(key string) bool { // what a shell would not take as it is
			return strconv.Quote(key) != `"`+key+`"`
		})
		return keys[:min(len(keys), enough)], cobra.ShellCompDirectiveNoFileComp
	}
}
