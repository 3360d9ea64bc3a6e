package ocr

import (
	"math"
	"sort"
	"strings"
	"unicode"
)

// The recogniser knows blanks badly: its space class peaks between words but
// seldom wins. A small logistic model, trained by models/blanks.py, weighs that
// peak against the gap in the ink and the kinds of characters around it.

// features of the place between characters a and b, in the order of the weights.
func (l layout) features(a, b char) [featureCount]float64 {
	from, to := gap(l.cols, a.x, b.x)
	peak := math.Log(math.Max(b.space, 1e-6))
	ink := (to - from) / stripHeight
	f := [featureCount]float64{
		peak, math.Max(0, peak-math.Log(math.Max(1-b.space, 1e-3))), // above even odds, logarithms tell little
		ink, ink - l.gap, (b.x - a.x) / l.pitch, (b.x - a.x) / stripHeight, peak * ink,
	}
	f[places+kind(a.r)], f[places+kinds+kind(b.r)] = 1, 1
	if unicode.IsLower(a.r) && unicode.IsUpper(b.r) {
		f[places+2*kinds] = 1
	}
	if kind(a.r) == kind(b.r) && kind(a.r) < 2 {
		f[places+2*kinds+1+kind(a.r)] = 1
	}
	return f
}

const (
	places       = 7 // features of the place itself
	kinds        = 7
	featureCount = places + 2*kinds + 3
)

// kind sorts characters by how they attract blanks.
func kind(r rune) int {
	switch {
	case unicode.IsLetter(r):
		return 0
	case unicode.IsDigit(r):
		return 1
	case r == '.' || r == ',':
		return 2
	case r == ':' || r == ';':
		return 3
	case strings.ContainsRune("([{", r):
		return 4
	case strings.ContainsRune(")]}", r):
		return 5
	}
	return 6
}

// layout is how the characters of a line stand.
type layout struct {
	cols  []int   // ink a column
	pitch float64 // median distance between neighbouring characters, in pixels
	gap   float64 // median gap in the ink between them, in heights of the strip
}

func layoutOf(chars []char, cols []int) layout {
	l := layout{cols: cols, pitch: 1}
	if len(chars) < 2 {
		return l
	}
	var steps, gaps []float64
	for i := 1; i < len(chars); i++ {
		steps = append(steps, chars[i].x-chars[i-1].x)
		from, to := gap(cols, chars[i-1].x, chars[i].x)
		gaps = append(gaps, (to-from)/stripHeight)
	}
	sort.Float64s(steps)
	sort.Float64s(gaps)
	l.pitch, l.gap = math.Max(1, steps[len(steps)/2]), gaps[len(gaps)/2]
	return l
}

// parted says whether a blank stands between a and the next character b.
func (l layout) parted(a, b char) bool {
	sum := blankBias
	for i, v := range l.features(a, b) {
		sum += blankWeights[i] * v
	}
	return sum > 0
}
