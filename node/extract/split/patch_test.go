package split_test

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/recto-edge/recto/node/extract/split"
)

// bars gives the widths of a patch code's bars in modules, leading edge first.
var bars = map[string][4]float64{
	"1": {2.5, 2.5, 1, 1}, "2": {2.5, 1, 1, 2.5}, "3": {2.5, 1, 2.5, 1}, "4": {1, 2.5, 2.5, 1}, "6": {1, 1, 2.5, 2.5}, "T": {1, 2.5, 1, 2.5},
}

// sheet draws a patch code across an A4 sheet: its leading edge inches from the
// edge of the sheet, turned by degrees, with noise grey levels up and down.
type sheet struct {
	code    string
	dpi     float64
	edge    float64
	length  float64 // of the bars, inches
	degrees float64
	noise   int
	paper   uint8
	spread  float64 // inches by which bars are wider than they should be, on each side
	side    string  // top, bottom, left, right
}

func (s sheet) draw() *image.Gray {
	w, h := int(8.27*s.dpi), int(11.69*s.dpi)
	img := image.NewGray(image.Rect(0, 0, w, h))
	rng := rand.New(rand.NewPCG(1, uint64(s.dpi)))
	sin, cos := math.Sincos(s.degrees * math.Pi / 180)
	for py := range h {
		for px := range w {
			x, y := (float64(px)-float64(w)/2)/s.dpi, (float64(py)-float64(h)/2)/s.dpi
			x, y = x*cos+y*sin, y*cos-x*sin
			v := int(s.paper)
			if s.ink(x, y) {
				v = 30
			}
			if s.noise > 0 {
				v += rng.IntN(2*s.noise) - s.noise
			}
			img.SetGray(px, py, color.Gray{Y: uint8(min(max(v, 0), 255))})
		}
	}
	return img
}

// ink says whether the place x, y inches from the middle of the sheet is printed.
func (s sheet) ink(x, y float64) bool {
	across, in := x, y+11.69/2
	switch s.side {
	case "bottom":
		in = 11.69/2 - y
	case "left":
		across, in = y, x+8.27/2
	case "right":
		across, in = y, 8.27/2-x
	}
	if math.Abs(across) > s.length/2 {
		return false
	}
	at := s.edge
	for _, b := range bars[s.code] {
		if in > at-s.spread && in < at+0.08*b+s.spread {
			return true
		}
		at += 0.08 * (b + 1)
	}
	return false
}

func TestPatches(t *testing.T) {
	plain := sheet{code: "T", dpi: 150, edge: 0.5, length: 4, paper: 255}
	cases := map[string]sheet{}
	for code := range bars {
		s := plain
		s.code = code
		cases["patch "+code] = s
	}
	for _, dpi := range []float64{75, 100, 200, 300} {
		s := plain
		s.dpi = dpi
		cases[fmt.Sprintf("%v dpi", dpi)] = s
	}
	for _, side := range []string{"bottom", "left", "right"} {
		s := plain
		s.side = side
		cases["along the "+side] = s
	}
	for name, change := range map[string]func(*sheet){
		"turned 2 degrees":        func(s *sheet) { s.degrees = 2 },
		"turned 5 degrees":        func(s *sheet) { s.degrees = -5 },
		"noisy":                   func(s *sheet) { s.noise = 60 },
		"noisy, coarse, turned":   func(s *sheet) { s.noise, s.dpi, s.degrees = 50, 100, 2 },
		"coloured paper":          func(s *sheet) { s.paper = 150 },
		"short bars":              func(s *sheet) { s.length = 1 },
		"bars all over the sheet": func(s *sheet) { s.length = 8 },
		"thick ink":               func(s *sheet) { s.spread = 0.015 },
		"thin ink":                func(s *sheet) { s.spread = -0.015 },
	} {
		s := plain
		change(&s)
		cases[name] = s
	}
	for name, s := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := split.Patches(s.draw())
			if len(found) != 1 || found[0].Text != s.code {
				t.Fatalf("found %v, want one patch %s", found, s.code)
			}
			b := found[0].Box
			if long := float64(max(b.W(), b.H())) / s.dpi; math.Abs(long-min(s.length, 8.27)) > 0.35 {
				t.Errorf("its bars are %.2f inches long, want %.2f", long, s.length)
			}
		})
	}
}

func TestPatchesAreNotImagined(t *testing.T) {
	blankPage := sheet{code: "T", dpi: 100, length: 0, paper: 255, noise: 40}
	grid := image.NewGray(image.Rect(0, 0, 1000, 1400)) // a table of thick lines
	stripes := image.NewGray(grid.Rect)                 // bars of one width
	for y := range 1400 {
		for x := range 1000 {
			v := uint8(255)
			if y%60 < 6 || x%100 < 6 {
				v = 0
			}
			grid.SetGray(x, y, color.Gray{Y: v})
			v = 255
			if y%20 < 10 {
				v = 0
			}
			stripes.SetGray(x, y, color.Gray{Y: v})
		}
	}
	ladder := image.NewGray(grid.Rect) // a large bar code: the same bars, with more beside them
	for i := range ladder.Pix {
		ladder.Pix[i] = 255
	}
	at := 300
	for i, w := range []int{8, 8, 20, 8, 8, 8, 20, 8, 8, 20, 20, 8, 8, 8, 8, 8, 20, 8, 20, 8, 8, 20, 8, 8, 20} {
		for y := at; y < at+w; y++ {
			for x := 200; x < 800 && i%2 == 0; x++ {
				ladder.SetGray(x, y, color.Gray{})
			}
		}
		at += w
	}
	for name, img := range map[string]image.Image{"a bar code": ladder, "noise": blankPage.draw(), "a table": grid, "stripes": stripes, "tiny": image.NewGray(image.Rect(0, 0, 20, 20)), "black": image.NewGray(image.Rect(0, 0, 900, 900))} {
		if found := split.Patches(img); len(found) != 0 {
			t.Errorf("%s: found %v", name, found)
		}
	}
}
