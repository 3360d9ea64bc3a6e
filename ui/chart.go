package ui

// tiles is the order of the states on the overview: what waits for a person
// stands where the eye ends.
var tiles = []string{"received", "queued", "reading", "held", "review", "failed", "done"}

// Order gives the states that have a tile.
func (o Overview) Order() []string { return tiles }

// Chart is documents per hour as bars of an SVG.
type Chart struct {
	Width, Height, Middle int
	Top, Sum, Peak        int // of the scale; of all bars; of the highest bar
	Bars                  []Bar
}

// Bar is one hour.
type Bar struct {
	X, Y, H int
	Count   int
	Ago     int // hours
}

const (
	chartHeight = 120
	chartStep   = 20 // of one hour, of which 14 are bar
)

// Chart lays out PerHour. The scale ends at a round number, and an hour with
// documents is never too low to be seen.
func (o Overview) Chart() Chart {
	c := Chart{Width: chartStep * max(1, len(o.PerHour)), Height: chartHeight, Middle: chartHeight / 2}
	for _, n := range o.PerHour {
		c.Sum += n
		c.Peak = max(c.Peak, n)
	}
	c.Top = roundUp(c.Peak)
	for i, n := range o.PerHour {
		h := n * (chartHeight - 2) / c.Top
		if n > 0 {
			h = max(h, 3)
		}
		c.Bars = append(c.Bars, Bar{X: i*chartStep + 3, Y: chartHeight - h, H: h, Count: n, Ago: len(o.PerHour) - 1 - i})
	}
	return c
}

// roundUp gives the end of a scale: a round number with a whole half.
func roundUp(n int) int {
	for step := 1; ; step *= 10 {
		for _, m := range []int{4, 6, 8, 10, 12, 16, 20, 30} {
			if m*step >= n {
				return m * step
			}
		}
	}
}
