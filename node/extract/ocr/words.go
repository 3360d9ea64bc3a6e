package ocr

import "math"

// line is a line of text as read.
type line struct {
	quad  quad    // as read: w along the text
	unit  float64 // pixels of the page along the line a pixel of its strip
	words []word
	conf  float64 // mean of its characters' posteriors, 0..1
	n     int     // characters
}

// word is a word within a line; x and y are pixels of the strip.
type word struct {
	chars          []char
	text           string
	conf           float64 // geometric mean of its characters' posteriors, 0..1
	x0, y0, x1, y1 float64
}

// spell joins characters to words and measures where their ink is.
func spell(s strip, chars []char) (words []word, conf float64) {
	ink := s.ink()
	cols := columns(ink, s.w)
	layout := layoutOf(chars, cols)
	from := 0
	for i, c := range chars {
		conf += c.p / float64(len(chars))
		if i+1 < len(chars) && !layout.parted(c, chars[i+1]) {
			continue
		}
		left, right := 0.0, float64(s.w)
		if from > 0 {
			_, left = gap(cols, chars[from-1].x, chars[from].x)
		}
		if i+1 < len(chars) {
			right, _ = gap(cols, c.x, chars[i+1].x)
		}
		words = append(words, measure(chars[from:i+1], ink, s.w, left, right))
		from = i + 1
	}
	return words, conf
}

// measure makes one word of chars, its box drawn around the ink between left
// and right.
func measure(chars []char, ink []bool, w int, left, right float64) word {
	out := word{chars: chars}
	out.spell()
	l, r := int(left), min(w, int(math.Ceil(right)))
	x0, x1, y0, y1 := r, l, stripHeight, 0
	for y := range stripHeight {
		for x := l; x < r; x++ {
			if ink[y*w+x] {
				x0, x1 = min(x0, x), max(x1, x+1)
				y0, y1 = min(y0, y), max(y1, y+1)
			}
		}
	}
	if x1 <= x0 || y1-y0 < 4 { // no ink to go by: faint print
		x0, x1, y0, y1 = l, r, stripHeight/8, stripHeight-stripHeight/8
	}
	out.x0, out.x1, out.y0, out.y1 = float64(x0), float64(x1), float64(y0), float64(y1)
	return out
}

// spell sets text and confidence by the word's characters.
func (w *word) spell() {
	var logs float64
	text := make([]rune, len(w.chars))
	for i, c := range w.chars {
		logs += math.Log(math.Max(c.p, 1e-6))
		text[i] = c.r
	}
	w.text, w.conf = string(text), math.Exp(logs/float64(len(w.chars)))
}

// columns counts the ink of each column, away from the upper and lower edge
// where the neighbours' strokes reach in.
func columns(ink []bool, w int) []int {
	cols := make([]int, w)
	for y := stripHeight / 8; y < stripHeight-stripHeight/8; y++ {
		for x := range w {
			if ink[y*w+x] {
				cols[x]++
			}
		}
	}
	return cols
}

// gap gives the longest stretch without ink between a and b, or their middle.
func gap(cols []int, a, b float64) (from, to float64) {
	lo, hi := max(0, int(a)), min(len(cols), int(math.Ceil(b)))
	start := -1
	for x := lo; x <= hi; x++ {
		if x < hi && cols[x] <= 1 {
			if start < 0 {
				start = x
			}
			continue
		}
		if start >= 0 && float64(x-start) > to-from {
			from, to = float64(start), float64(x)
		}
		start = -1
	}
	if to == from {
		return (a + b) / 2, (a + b) / 2
	}
	return from, to
}
