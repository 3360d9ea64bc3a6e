package ocr

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"testing"
)

// TestTrimmed: blank paper before and behind the print is cut off, none of the print is,
// and the strip knows what it shows, whichever way up it is read.
func TestTrimmed(t *testing.T) {
	t.Parallel()
	img := image.NewGray(image.Rect(0, 0, 600, 48))
	draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(200, 12, 300, 36), image.Black, image.Point{}, draw.Src)
	faint := image.Rect(300, 12, 340, 36) // a third of the contrast
	draw.Draw(img, faint, image.NewUniform(color.Gray{170}), image.Point{}, draw.Src)
	for name, angle := range map[string]float64{"upright": 0, "on its head": math.Pi} {
		whole := cut(raster{img: img}, quad{cx: 300, cy: 24, w: 600, h: 48, angle: angle}, 1)
		s := whole.trimmed()
		if s.w%8 != 0 || len(s.data) != 3*s.w*stripHeight || len(s.gray) != s.w*stripHeight {
			t.Fatalf("%s: %d pixels wide with %d and %d values", name, s.w, len(s.data), len(s.gray))
		}
		x0, _, x1, _ := s.quad.bounds(0, 0, s.quad.w, s.quad.h)
		if x0 > 200-margin+1e-6 || x1 < 340+margin-1e-6 || x1-x0 > 140+2*margin+8+1e-6 {
			t.Errorf("%s: shows %.1f to %.1f, print is from 200 to 340", name, x0, x1)
		}
		q := s.quad
		q.w -= 1e-6 // a hair more would be a column more
		again := cut(raster{img: img}, q, 1)
		for i := range s.gray {
			if d := int(s.gray[i]) - int(again.gray[i]); d < -1 || d > 1 {
				t.Fatalf("%s: what it shows is not where it says: value %d is %d, and %d there", name, i, s.gray[i], again.gray[i])
			}
		}
	}
	blank := cut(raster{img: img}, quad{cx: 80, cy: 24, w: 160, h: 48}, 1)
	if s := blank.trimmed(); s.w < stripMin {
		t.Errorf("blank paper: %d pixels wide", s.w)
	}
}
