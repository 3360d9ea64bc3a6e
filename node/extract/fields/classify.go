package fields

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Generic is the name of the type that anything can be.
const Generic = "generic"

var (
	mrzLine   = regexp.MustCompile(`^[A-Z0-9<«]{28,46}$`)
	centsForm = regexp.MustCompile(`\d[.,]\s?\d\d\b`)
	startWord = regexp.MustCompile(`[\p{L}\d]+`)
)

// Classify says which of types a reading most likely is, and how sure that is,
// 0..1. A reading that speaks for none is generic, if that type is among them.
func Classify(reading doc.Reading, types []doc.Type) (name string, confidence float64) {
	l := newLayout(reading)
	type vote struct {
		name  string
		score float64
	}
	var votes []vote
	text := foldedText(l)
	for _, t := range types {
		if t.Name == Generic {
			continue
		}
		votes = append(votes, vote{t.Name, keywordScore(t, text) + shapeScore(t, l)})
	}
	slices.SortStableFunc(votes, func(a, b vote) int { return cmp.Compare(b.score, a.score) })
	generic := slices.ContainsFunc(types, func(t doc.Type) bool { return t.Name == Generic })
	switch {
	case len(votes) == 0 && generic:
		return Generic, 1
	case len(votes) == 0:
		return "", 0
	case votes[0].score < 1.2 && generic:
		return Generic, 0.5
	}
	next := 0.0
	if len(votes) > 1 {
		next = max(votes[1].score, 0)
	}
	lead := votes[0].score - next
	return votes[0].name, round(1 / (1 + math.Exp(-lead)))
}

// foldedText is the document's words with blanks around each, for whole-word search.
func foldedText(l *layout) string {
	var b strings.Builder
	b.WriteByte(' ')
	for _, r := range l.rows {
		if r.page > 1 {
			break
		}
		for _, w := range startWord.FindAllString(r.text, -1) {
			b.WriteString(squash(w))
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// keywordScore counts the type's words on the document; words of several parts
// say more than single ones.
func keywordScore(t doc.Type, text string) float64 {
	s := 0.0
	for _, k := range t.Keywords {
		var form strings.Builder
		form.WriteByte(' ')
		n := 0
		for _, w := range startWord.FindAllString(k, -1) {
			form.WriteString(squash(w))
			form.WriteByte(' ')
			n++
		}
		if n > 0 && strings.Contains(text, form.String()) {
			s += 0.5 + 0.3*float64(min(n-1, 2))
		}
	}
	return s
}

// shapeScore is what the page's shape says: receipts are narrow, invoices have
// the shape of a sheet and seldom a short text, identity papers have lines of
// "<<<".
func shapeScore(t doc.Type, l *layout) float64 {
	if len(l.pages) == 0 {
		return 0
	}
	p := l.pages[0]
	sheet := p.Width > 0 && p.Height > 0 && float64(p.Height)/float64(p.Width) > 1.25 && float64(p.Height)/float64(p.Width) < 1.6
	switch {
	case hasField(t, "mrz"):
		return 6 * float64(min(mrzLines(l), 2))
	case narrow(l) && has2(t, "paid", "change") && amounts(l) >= 2:
		return 1.5
	case !narrow(l) && sheet && hasField(t, "line_items"):
		return 0.8
	}
	return 0
}

// amounts counts what has the form of money on the first page.
func amounts(l *layout) int {
	n := 0
	for _, r := range l.rows {
		if r.page == 0 {
			n += len(centsForm.FindAllString(r.text, -1))
		}
	}
	return n
}

func mrzLines(l *layout) int {
	n := 0
	for _, r := range l.rows {
		s := strings.ReplaceAll(strings.ReplaceAll(r.text, " ", ""), "\t", "")
		if mrzLine.MatchString(s) && strings.Count(s, "<") >= 3 {
			n++
		}
	}
	return n
}

// narrow says whether the text of the first page is one narrow column, as on a
// receipt, however large the page is it lies on.
func narrow(l *layout) bool {
	var b doc.Box
	widest := 0
	for _, r := range l.rows {
		if r.page == 0 {
			b = b.Union(r.box)
			widest = max(widest, r.box.W())
		}
	}
	if b.Empty() {
		return false
	}
	return float64(widest) < 45*float64(l.height[0]) && float64(b.H()) > 0.8*float64(b.W())
}

func hasField(t doc.Type, name string) bool {
	_, ok := t.Field(name)
	return ok
}

func has2(t doc.Type, a, b string) bool { return hasField(t, a) && hasField(t, b) }
