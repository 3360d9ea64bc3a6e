package eval

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes r as tables for a person, with at most misses lines of what
// was missed; less than 0 means all.
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
	for _, c := range r.Coverage {
		fmt.Fprintf(&b, "coverage at %.0f %% precision: %.3f (%d fields, confidence from %.3f)\n", 100*c.Precision, c.Share, c.Fields, c.Threshold)
	}
	fmt.Fprintf(&b, "calibration error (ECE): %.3f\naccepted: %d, of these wrong (silent errors): %d\n", r.ECE, r.Accepted, r.SilentErrors)
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "not read: %s: %s (%s)\n", f.ID, f.Error, f.Link)
	}
	shown := r.Misses
	if misses >= 0 && len(shown) > misses {
		shown = shown[:misses]
	}
	for _, m := range shown {
		fmt.Fprintf(&b, "miss: %s %s: label %q, got %q (%.2f) %s\n", m.ID, m.Field, m.Label, m.Got, m.Confidence, m.Link)
	}
	if n := len(r.Misses) - len(shown); n > 0 {
		fmt.Fprintf(&b, "and %d more misses\n", n)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func writeTally(w io.Writer, t Tally) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t\n", t.Name, t.Labelled, t.Predicted, t.Right, t.Precision, t.Recall, t.F1, t.StrictF1)
}
