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
func features(a, b char, cols []int, pitch float64) [featureCount]float64 {
	from, to := gap(cols, a.x, b.x)
	peak := math.Log(math.Max(b.space, 1e-6))
	ink := (to - from) / stripHeight
	var f [featureCount]float64
	f[0], f[1], f[2], f[3], f[4] = peak, ink, (b.x-a.x)/pitch, (b.x-a.x)/stripHeight, peak*ink
	f[5+kind(a.r)], f[5+kinds+kind(b.r)] = 1, 1
	if unicode.IsLower(a.r) && unicode.IsUpper(b.r) {
		f[5+2*kinds] = 1
	}
	if kind(a.r) == kind(b.r) && kind(a.r) < 2 {
		f[6+2*kinds+kind(a.r)] = 1
	}
	return f
}

const (
	kinds        = 7
	featureCount = 5 + 2*kinds + 3
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

// pitch is the median distance between neighbouring characters.
func pitch(chars []char) float64 {
	d := make([]float64, 0, len(chars))
	for i := 1; i < len(chars); i++ {
		d = append(d, chars[i].x-chars[i-1].x)
	}
	if len(d) == 0 {
		return 1
	}
	sort.Float64s(d)
	return math.Max(1, d[len(d)/2])
}

// parted says whether a blank stands between a and the next character b.
func parted(a, b char, cols []int, pitch float64) bool {
	sum := blankBias
	for i, v := range features(a, b, cols, pitch) {
		sum += blankWeights[i] * v
	}
	return sum > 0
}
