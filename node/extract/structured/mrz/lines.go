package mrz

import (
	"cmp"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// textLine is one printed line that may belong to a zone.
type textLine struct {
	text       string // of A-Z, 0-9 and < only
	box        doc.Box
	confidence float64 // mean of its words
}

// maxCandidates bounds what is tried on one page: a zone has three lines at
// most, and text that is all capitals must not cost minutes.
const maxCandidates = 40

// candidates gives the lines of a page that look like a zone's, top to bottom.
func candidates(p doc.Page) []textLine {
	var out []textLine
	for _, words := range printedLines(p) {
		l, ok := asZone(words)
		if ok {
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(a, b textLine) int { return cmp.Compare(a.box[1]+a.box[3], b.box[1]+b.box[3]) })
	if len(out) > maxCandidates {
		out = out[len(out)-maxCandidates:] // the zone is the last thing on a document
	}
	return out
}

// printedLines groups the words of a page into lines: those the reader put on
// one line, and pieces of lines that stand side by side.
func printedLines(p doc.Page) [][]doc.Word {
	byLine := map[int][]doc.Word{}
	var order []int
	for _, w := range p.Words {
		if byLine[w.Line] == nil {
			order = append(order, w.Line)
		}
		byLine[w.Line] = append(byLine[w.Line], w)
	}
	var pieces [][]doc.Word
	for _, n := range order {
		words := byLine[n]
		slices.SortStableFunc(words, func(a, b doc.Word) int { return cmp.Compare(a.Box[0], b.Box[0]) })
		pieces = append(pieces, words)
	}
	slices.SortStableFunc(pieces, func(a, b []doc.Word) int { return cmp.Compare(a[0].Box[0], b[0].Box[0]) })
	var lines [][]doc.Word
	for _, piece := range pieces {
		joined := false
		for i, line := range lines {
			if beside(line[len(line)-1].Box, piece[0].Box) {
				lines[i], joined = append(line, piece...), true
				break
			}
		}
		if !joined {
			lines = append(lines, piece)
		}
	}
	return lines
}

// beside says whether b goes on where a ends: right of it, at the same height,
// as large, and no further away than a few characters.
func beside(a, b doc.Box) bool {
	middle := (b[1] + b[3]) / 2
	return middle > a[1]+a.H()/4 && middle < a[3]-a.H()/4 && b[0] >= a[2]-a.H()/2 && b[0]-a[2] < 4*a.H() && b.H() < 2*a.H() && a.H() < 2*b.H()
}

// asZone cleans a line and says whether it may belong to a zone: long enough,
// hardly anything that does not occur in one, and either fillers or many digits.
func asZone(words []doc.Word) (textLine, bool) {
	var l textLine
	var text strings.Builder
	odd := 0
	for _, w := range words {
		clean, n := clean(w.Text)
		text.WriteString(clean)
		odd += n
		l.box = l.box.Union(w.Box)
		l.confidence += w.Confidence / float64(len(words))
	}
	l.text = text.String()
	n := len(l.text)
	if n < 20 || n > 56 || odd*8 > n {
		return l, false
	}
	fillers, digits := strings.Count(l.text, "<"), 0
	for i := range n {
		if l.text[i] >= '0' && l.text[i] <= '9' {
			digits++
		}
	}
	return l, fillers >= 2 || fillers+digits >= 12
}

// clean maps what OCR makes of a zone's characters to A-Z, 0-9 and <, and
// counts the characters that cannot occur in one and are dropped.
func clean(s string) (string, int) {
	var b strings.Builder
	odd := 0
	for _, r := range s {
		switch {
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '<':
			b.WriteRune(r)
		case r == '«' || r == '≪' || r == '《':
			b.WriteString("<<")
		case strings.ContainsRune("‹〈＜≤⟨≺˂ᐸ≲({[", r):
			b.WriteByte('<')
		case r == 'k' || r == 'c' || r == 'e' || r == 'x':
			b.WriteByte('<') // small letters do not occur; these are fillers misread
		case r >= 'a' && r <= 'z':
			b.WriteRune(r - 'a' + 'A')
			odd++
		case r == '€':
			b.WriteByte('<')
		case strings.ContainsRune(" .,'’`-_·:;*\"°~", r):
		case r == '|' || r == '!' || r == ']':
			b.WriteByte('I')
		default:
			odd++
		}
	}
	return b.String(), odd
}
