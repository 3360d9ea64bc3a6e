package ocr

import (
	"math"
	"sort"
)

// rows sorts lines into rows of the page, top to bottom, each from left to
// right. Pieces on one baseline share a row even when a column gap is between
// them: a label and its amount belong together.
func rows(lines []line) [][]line {
	skew := medianAngle(lines)
	sin, cos := math.Sincos(-skew)
	level := func(l line) (u, v float64) {
		return l.quad.cx*cos - l.quad.cy*sin, l.quad.cx*sin + l.quad.cy*cos
	}
	sorted := append([]line(nil), lines...)
	sort.SliceStable(sorted, func(i, j int) bool {
		_, a := level(sorted[i])
		_, b := level(sorted[j])
		return a < b
	})
	var out [][]line
	for _, l := range sorted {
		if r := home(out, l, level); r >= 0 {
			out[r] = append(out[r], l)
		} else {
			out = append(out, []line{l})
		}
	}
	for _, r := range out {
		sort.SliceStable(r, func(i, j int) bool {
			a, _ := level(r[i])
			b, _ := level(r[j])
			return a < b
		})
	}
	return out
}

// home is the row that l belongs to: one of the last few, whose nearest piece
// is level with l and does not stand above or below it; -1 for none.
func home(out [][]line, l line, level func(line) (u, v float64)) int {
	u, v := level(l)
	for r := len(out) - 1; r >= max(0, len(out)-4); r-- {
		var next *line
		least := math.Inf(1)
		for i := range out[r] {
			if a, _ := level(out[r][i]); math.Abs(a-u) < least {
				next, least = &out[r][i], math.Abs(a-u)
			}
		}
		_, b := level(*next)
		if math.Abs(b-v) < 0.5*math.Min(next.quad.h, l.quad.h) && least > 0.4*math.Min(next.quad.w, l.quad.w) {
			return r
		}
	}
	return -1
}

// medianAngle is how far most of the text is off level, in radians; long lines
// count more.
func medianAngle(lines []line) float64 {
	type vote struct{ angle, weight float64 }
	var votes []vote
	var total float64
	for _, l := range lines {
		if a := math.Remainder(l.quad.angle, 2*math.Pi); math.Abs(a) < math.Pi/6 {
			votes = append(votes, vote{a, l.quad.w})
			total += l.quad.w
		}
	}
	sort.Slice(votes, func(i, j int) bool { return votes[i].angle < votes[j].angle })
	var sum float64
	for _, v := range votes {
		if sum += v.weight; sum >= total/2 {
			return v.angle
		}
	}
	return 0
}
