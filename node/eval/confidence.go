package eval

import (
	"cmp"
	"math"
	"slices"
)

const bins = 15

// calibration is the expected calibration error: over bins of equal width, the
// distance of the mean confidence from the share that is right, weighed by size.
func calibration(gs []guess) float64 {
	if len(gs) == 0 {
		return 0
	}
	var n, right [bins]int
	var sum [bins]float64
	for _, g := range gs {
		b := min(int(g.confidence*bins), bins-1)
		b = max(b, 0)
		n[b]++
		sum[b] += g.confidence
		if g.right {
			right[b]++
		}
	}
	e := 0.0
	for b := range bins {
		if n[b] > 0 {
			e += math.Abs(sum[b] - float64(right[b]))
		}
	}
	return e / float64(len(gs))
}

// coverage takes the longest list of the surest guesses with at least the given
// precision. Guesses of equal confidence are taken together or not at all, since
// no threshold can part them.
func coverage(gs []guess, labelled int, precision float64) Coverage {
	c := Coverage{Precision: precision, Threshold: 1}
	sorted := slices.Clone(gs)
	slices.SortStableFunc(sorted, func(a, b guess) int { return cmp.Compare(b.confidence, a.confidence) })
	right := 0
	for i, g := range sorted {
		if g.right {
			right++
		}
		if i+1 < len(sorted) && sorted[i+1].confidence == g.confidence {
			continue
		}
		if float64(right) >= precision*float64(i+1) {
			c.Fields, c.Threshold = i+1, g.confidence
		}
	}
	c.Share = ratio(c.Fields, labelled)
	return c
}
