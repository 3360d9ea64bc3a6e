package decode

import (
	"cmp"
	"math"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// lines puts words into reading order: words on one baseline are a line, lines
// go from top to bottom and words from left to right.
func lines(words []PDFWord, place placer) []doc.Word {
	type placed struct {
		w        doc.Word
		baseline float64
		height   float64
		line     int
	}
	all := make([]placed, 0, len(words))
	for _, w := range words {
		b := place.box(w.Box)
		_, base := place.point(w.Box.X0, w.Baseline)
		if place.turn != 0 {
			base = float64(b[3])
		}
		all = append(all, placed{
			w:        doc.Word{Text: w.Text, Box: b, Confidence: 1},
			baseline: base,
			height:   math.Max(w.Size*place.scale, float64(min(b.W(), b.H()))),
		})
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.baseline, b.baseline) })
	line, sum, n := -1, 0.0, 0
	var height float64
	for i := range all {
		w := &all[i]
		if n == 0 || w.baseline-sum/float64(n) > 0.35*math.Min(height, w.height) {
			line, sum, n, height = line+1, 0, 0, w.height
		}
		sum, n, height = sum+w.baseline, n+1, math.Max(height, w.height)
		w.line = line
	}
	slices.SortStableFunc(all, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.w.Box[0], b.w.Box[0]))
	})
	out := make([]doc.Word, len(all))
	for i, w := range all {
		w.w.Line = w.line
		out[i] = w.w
	}
	return out
}
