package eval

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes r as tables for a person, with at most misses lines of what
// was missed; less than 0 means all. A comparison comes last.
func (r Report) WriteText(w io.Writer, misses int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d documents, %d could not be read, %.1f s (%.2f s each)\n\n", r.Documents, r.Unread, r.Seconds, r.Seconds/float64(max(r.Documents, 1)))
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "field\tlabels\tfound\tright\tprecision\trecall\tF1\tstrict F1\t")
	for _, t := range append(append([]Tally{}, r.Fields...), r.Micro) {
		writeTally(tw, t)
	}
	if len(r.Tables) > 0 {
		fmt.Fprintln(tw, "\t\t\t\t\t\t\t\t")
		for _, t := range r.Tables {
			writeTally(tw, t)
		}
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	b.WriteByte('\n')
	if w := r.Words; w != nil {
		fmt.Fprintf(&b, "words of %d documents: recall %.3f, precision %.3f, F1 %.3f; character error %.2f %% (%.2f %% without blanks)\n", w.Documents, w.Recall, w.Precision, w.F1, 100*w.CER, 100*w.InkCER)
	}
	r.Part.writeText(&b)
	for _, p := range r.Parts {
		fmt.Fprintf(&b, "\n%s vendors: %d documents, F1 %.3f\n", p.Name, p.Of, p.Micro.F1)
		p.writeText(&b)
	}
	r.writeMisses(&b, misses)
	if r.Comparison != nil {
		r.Comparison.writeText(&b)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (p Part) writeText(b *strings.Builder) {
	for _, c := range p.Coverage {
		fmt.Fprintf(b, "coverage at %.0f %% precision: %.3f (%d fields, confidence from %.3f)\n", 100*c.Precision, c.Share, c.Fields, c.Threshold)
	}
	fmt.Fprintf(b, "calibration error (ECE): %.3f\n", p.ECE)
	fmt.Fprintf(b, "accepted: %d, of these wrong (silent errors): %d", p.Accepted, p.SilentErrors)
	if p.Accepted > 0 {
		fmt.Fprintf(b, "; precision %.4f, at least %.4f with 95 %% confidence; coverage %.3f", p.AcceptedPrecision, p.AcceptedLower, p.AcceptedShare)
	}
	b.WriteByte('\n')
}

// writeMisses writes what was not read, what is doubted, and what was missed.
func (r Report) writeMisses(b *strings.Builder, misses int) {
	for _, f := range r.Failures {
		fmt.Fprintf(b, "not read: %s: %s (%s)\n", f.ID, f.Error, f.Link)
	}
	if n := len(r.Doubts); n > 0 {
		fmt.Fprintf(b, "%d labels whose value is not found on the document (doubts); they count as they stand\n", n)
	}
	shown := r.Misses
	if misses >= 0 && len(shown) > misses {
		shown = shown[:misses]
	}
	for _, m := range shown {
		doubt := ""
		if m.Doubt {
			doubt = "label in doubt, "
		}
		fmt.Fprintf(b, "miss: %s %s: %slabel %q, got %q (%.2f) %s\n", m.ID, m.Field, doubt, m.Label, m.Got, m.Confidence, m.Link)
	}
	if n := len(r.Misses) - len(shown); n > 0 {
		fmt.Fprintf(b, "and %d more misses\n", n)
	}
}

// maxTurns bounds the lists of what turned in the text; the JSON has all.
const maxTurns = 20

func (c Comparison) writeText(b *strings.Builder) {
	fmt.Fprintf(b, "\ncompared with the earlier report over %d common documents", c.Common)
	if c.OnlyBefore+c.OnlyAfter > 0 {
		fmt.Fprintf(b, " (%d only before, %d only now: left out)", c.OnlyBefore, c.OnlyAfter)
	}
	b.WriteString("\n\n")
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "field\tF1 before\tnow\tdifference\t95 % interval\tfixed\tbroken\tMcNemar p\t\t")
	for _, f := range append(append([]Change{}, c.Fields...), c.Micro) {
		verdict := ""
		if f.Sure() {
			verdict = "sure"
		}
		fmt.Fprintf(tw, "%s\t%.3f\t%.3f\t%+.3f\t%+.3f … %+.3f\t%d\t%d\t%.3f\t%s\t\n", f.Name, f.Before, f.After, f.Difference, f.Low, f.High, f.Fixed, f.Broken, f.P, verdict)
	}
	_ = tw.Flush() // a strings.Builder takes everything
	fmt.Fprintf(b, "\nECE %.3f, now %.3f; accepted %d, now %d; silent errors %d, now %d\n", c.ECE[0], c.ECE[1], c.Accepted[0], c.Accepted[1], c.SilentErrors[0], c.SilentErrors[1])
	if c.CER[0] > 0 && c.CER[1] > 0 {
		fmt.Fprintf(b, "character error %.2f %%, now %.2f %%\n", 100*c.CER[0], 100*c.CER[1])
	}
	writeTurns(b, "fixed", c.Fixed)
	writeTurns(b, "broken", c.Broken)
}

func writeTurns(b *strings.Builder, what string, turns []Turn) {
	for i, t := range turns {
		if i == maxTurns {
			fmt.Fprintf(b, "and %d more %s\n", len(turns)-i, what)
			return
		}
		fmt.Fprintf(b, "%s: %s %s\n", what, t.ID, t.Field)
	}
}

func writeTally(w io.Writer, t Tally) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t\n", t.Name, t.Labelled, t.Predicted, t.Right, t.Precision, t.Recall, t.F1, t.StrictF1)
}
