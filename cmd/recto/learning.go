package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
)

// runReview corrects a document, see corrects.
func runReview(ctx context.Context, s streams, args []string) error {
	var in doc.Correction
	var asJSON bool
	c, rest, err := talk(s, "review", args, 1, -1, func(fs *flag.FlagSet) {
		fs.BoolVar(&in.Approve, "approve", false, "everything that is not named is right as it stands")
		fs.StringVar(&in.Type, "type", "", "what the document really is")
		fs.Uint64Var(&in.Revision, "revision", 0, "refuse when the document has another revision by now")
		fs.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if bad := corrects(&in, rest[1:]); bad != "" {
		_, _ = fmt.Fprintf(s.err, "recto review: %q: use FIELD=VALUE, FIELD+=VALUE for each value of a repeated field, or FIELD= when the document has no such value\n", bad)
		return errUsage
	}
	r, err := c.Review(ctx, doc.ID(rest[0]), in)
	if err != nil {
		return err
	}
	return printRecord(s, r, asJSON)
}

// corrects takes in FIELD=VALUE, FIELD= for "there is none", and FIELD+=VALUE for each value of a
// repeated field. It gives the argument that is none of these.
func corrects(in *doc.Correction, args []string) (bad string) {
	in.Fields, in.Values = map[string]*string{}, map[string][]string{}
	for _, a := range args {
		name, value, ok := strings.Cut(a, "=")
		each, more := strings.CutSuffix(name, "+")
		switch {
		case !ok || name == "" || more && (each == "" || value == ""):
			return a
		case more:
			in.Values[each] = append(in.Values[each], value)
		case value == "":
			in.Fields[name] = nil
		default:
			in.Fields[name] = &value
		}
	}
	return ""
}

func runErase(ctx context.Context, s streams, args []string) error {
	c, ids, err := talk(s, "erase", args, 1, -1, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, id := range ids {
		if _, err := c.Erase(ctx, doc.ID(id)); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		fmt.Fprintf(s.out, "%s is erased\n", id)
	}
	return nil
}

func runModels(ctx context.Context, s streams, args []string) error {
	var asJSON bool
	c, rest, err := talk(s, "models", args, 1, 3, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	var l doc.ModelList
	switch {
	case len(rest) == 1:
		l, err = c.Models(ctx, rest[0])
	case len(rest) == 2 && rest[1] == "train":
		l, err = c.Train(ctx, rest[0])
	case len(rest) == 3 && rest[1] == "activate":
		l, err = c.Activate(ctx, rest[0], rest[2])
	default:
		fmt.Fprintln(s.err, "recto models: use TYPE, TYPE train or TYPE activate DIGEST")
		return errUsage
	}
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(s.out, l)
	}
	return printModels(s.out, l)
}

func printModels(out io.Writer, l doc.ModelList) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODEL\tSTATE\tDOCUMENTS\tVENDORS\tMADE\tWHY\t")
	for _, m := range l.Models {
		made := ""
		if !m.MadeAt.IsZero() {
			made = m.MadeAt.Local().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t\n", shortDigest(m.Digest), m.State, m.Documents, m.Vendors, made, m.Why)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(l.Labels) > 0 {
		fmt.Fprintln(w, "\nFIELD\tLABEL\tLED TO THE VALUE\t\t")
		for _, x := range l.Labels {
			learned := ""
			if x.Learned {
				learned = "learned"
			}
			fmt.Fprintf(w, "%s\t%s\t%d of %d\t%s\t\n", x.Field, x.Label, x.Right, x.Of, learned)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	t := l.Training
	fmt.Fprintf(out, "%s to learn from, %d since the last training; training: %s", plural(l.Reviewed, "reviewed document"), t.Reviews, t.State)
	if t.Stage != "" {
		fmt.Fprintf(out, ", %s %d/%d", t.Stage, t.Done, t.Of)
	}
	fmt.Fprintln(out)
	if t.Error != "" {
		fmt.Fprintln(out, "note: the last training made no model:", t.Error)
	}
	if t.LeftOut > 0 {
		fmt.Fprintln(out, "note:", plural(t.LeftOut, "reviewed document"), "without a readable page left out")
	}
	if l.Warning != "" {
		fmt.Fprintln(out, "note:", l.Warning)
	}
	return nil
}

// shortDigest is enough of a digest to name a model.
func shortDigest(d string) string {
	if _, hex, ok := strings.Cut(d, "@sha256:"); ok && len(hex) > 12 {
		return hex[:12]
	}
	return d
}

func runTargets(ctx context.Context, s streams, args []string) error {
	var asJSON bool
	c, rest, err := talk(s, "targets", args, 1, -1, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "print JSON, with what reliability plots are drawn from")
	})
	if err != nil {
		return err
	}
	defer c.Close()
	r, err := c.Targets(ctx, rest[0])
	if err == nil && len(rest) > 1 {
		r, err = setTargets(ctx, s, c, r, rest[1:])
	}
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(s.out, r)
	}
	for _, p := range r.Promises {
		name := p.Field
		if name == "" {
			name = "all other fields"
			if len(r.Promises) == 1 {
				name = "all fields"
			}
		}
		fmt.Fprintf(s.out, "%s: at most %.4g wrong in 100 accepted\n", name, 100*(1-p.Target.Precision))
		printPromise(s.out, "vendors never confirmed", p.New.Promise)
		printPromise(s.out, "known vendors", p.Known.Promise)
	}
	return nil
}

func printPromise(w io.Writer, what string, p doc.Promise) {
	from := ""
	if p.Threshold <= 1 {
		from = fmt.Sprintf("Accepted from %.1f %% on. ", 100*p.Threshold)
	}
	fmt.Fprintf(w, "  %s: %s%s\n", what, from, p.Why)
}

// setTargets puts FIELD=PRECISION, or PRECISION alone for all fields without one;
// FIELD= takes a field's own target away.
func setTargets(ctx context.Context, s streams, c *client.Client, r doc.TargetReport, args []string) (doc.TargetReport, error) {
	t := r.Targets
	if t.Fields == nil {
		t.Fields = map[string]doc.Target{}
	}
	for _, a := range args {
		name, value, own := strings.Cut(a, "=")
		if !own {
			name, value = "", a
		}
		if own && value == "" {
			delete(t.Fields, name)
			continue
		}
		p, err := strconv.ParseFloat(value, 64)
		if err != nil {
			fmt.Fprintf(s.err, "recto targets: %q: use PRECISION or FIELD=PRECISION, as 0.99\n", a)
			return r, errUsage
		}
		target := t.Default
		if own {
			if old, ok := t.Fields[name]; ok {
				target = old
			}
			target.Precision = p
			t.Fields[name] = target
			continue
		}
		t.Default.Precision = p
	}
	return c.PutTargets(ctx, r.Type, t)
}
