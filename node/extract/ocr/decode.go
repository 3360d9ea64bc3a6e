package ocr

import (
	"math"
	"slices"
)

// char is one character as decoded, and where.
type char struct {
	r     rune
	p     float64 // posterior at its peak, 0..1
	x     float64 // centre in pixels of the strip
	space float64 // highest posterior of the space class between the character before and this one

	plain  rune    // the letter without its mark, where r has one; else 0
	plainP float64 // posterior of plain at the peak of r
}

// decode turns the recogniser's answer, steps×classes posteriors with the blank
// as class 0, into characters: of each run of the same class only one remains.
// The space is no character here: the net peaks at it between words but often
// stays below the blank, so its posterior is kept for split to judge.
func decode(post []float32, classes int, charset []rune, step float64) []char {
	spaceClass := len(charset) // the last class, see New
	var out []char
	before, space := 0, 0.0
	for t := 0; (t+1)*classes <= len(post); t++ {
		row := post[t*classes : (t+1)*classes]
		best := 0
		for c, p := range row {
			if p > row[best] {
				best = c
			}
		}
		space = math.Max(space, float64(row[spaceClass]))
		p, x := float64(row[best]), (float64(t)+0.5)*step
		switch {
		case best == 0 || best == spaceClass:
		case best != before:
			out = append(out, char{r: charset[best-1], p: p, x: x, space: space})
			out[len(out)-1].unmark(row, charset)
			space = 0
		default: // the same character goes on; its peak counts
			if last := &out[len(out)-1]; p > last.p {
				last.p, last.x = p, x
				last.unmark(row, charset)
			}
			space = 0
		}
		before = best
	}
	return out
}

// unmark remembers how likely the net thinks the letter without its mark; row
// are the posteriors at the letter's peak.
func (c *char) unmark(row []float32, charset []rune) {
	plain, ok := plains[c.r]
	if !ok {
		return
	}
	c.plain = plain
	if i := slices.Index(charset, plain); i >= 0 {
		c.plainP = float64(row[i+1])
	}
}
