package eval

import (
	"cmp"
	"math"
	"slices"
)

const bins = 15

// reliability sorts guesses into bins of equal width and gives the expected
// calibration error: the distance of the mean confidence of a bin from the share
// that is right, weighed by size (Naeini et al., "Obtaining well calibrated
// probabilities using Bayesian binning", 2015).
func reliability(name string, gs []guess) Reliability {
	r := Reliability{Name: name, N: len(gs), Bins: []Bin{}}
	var all [bins]Bin
	for _, g := range gs {
		b := &all[max(0, min(int(g.confidence*bins), bins-1))]
		b.N++
		b.Confidence += g.confidence
		if g.right {
			b.Right++
		}
	}
	for i, b := range all {
		if b.N == 0 {
			continue
		}
		r.ECE += math.Abs(b.Confidence-float64(b.Right)) / float64(len(gs))
		b.From, b.To = float64(i)/bins, float64(i+1)/bins
		b.Confidence /= float64(b.N)
		r.Bins = append(r.Bins, b)
	}
	return r
}

// coverage takes the longest list of the surest guesses with at least the given
// precision.
func coverage(curve []Point, labelled int, precision float64) Coverage {
	c := Coverage{Precision: precision, Threshold: 1}
	for _, p := range curve {
		if p.Precision >= precision {
			c.Fields, c.Threshold = p.Fields, p.Threshold
		}
	}
	c.Share = ratio(c.Fields, labelled)
	return c
}

// curve gives a point for each confidence that occurs, surest first. Guesses of
// equal confidence are taken together, since no threshold can part them.
func curve(gs []guess, labelled int) []Point {
	out := []Point{}
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
		out = append(out, Point{Threshold: g.confidence, Fields: i + 1, Share: ratio(i+1, labelled), Precision: ratio(right, i+1)})
	}
	return out
}

// maxPoints bounds the curve in a report; what is left out lies between two
// points that are there.
const maxPoints = 200

func thin(points []Point) []Point {
	if len(points) <= maxPoints {
		return points
	}
	out := make([]Point, 0, maxPoints)
	for i := range maxPoints {
		out = append(out, points[i*(len(points)-1)/(maxPoints-1)])
	}
	return out
}

// thresholds are those whose cost is told.
var thresholds = [...]float64{0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995}

// costs tells what each threshold costs: missed is how many labelled fields each
// document lacks.
func costs(gs []guess, missed []int) []Cost {
	out := make([]Cost, 0, len(thresholds))
	for _, t := range thresholds {
		c := Cost{Threshold: t}
		look := slices.Clone(missed) // fields to look at, by document
		for _, g := range gs {
			switch {
			case g.confidence < t:
				look[g.document]++
			case g.right:
				c.Accepted++
			default:
				c.Accepted++
				c.Errors++
			}
		}
		for _, n := range look {
			c.Review += n
			if n == 0 {
				c.Straight++
			}
		}
		c.Lower = Lower(c.Accepted-c.Errors, c.Accepted)
		out = append(out, c)
	}
	return out
}
