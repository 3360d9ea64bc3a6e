package ocr

import (
	"bytes"
	"image"
	"image/color"
	"testing"
)

// speckled is a 7×5 image in which every pixel differs, as each kind decoders make.
func speckled() map[string]image.Image {
	box := image.Rect(3, 2, 10, 7) // an origin other than 0,0
	gray, rgba, any := image.NewGray(box), image.NewRGBA(box), image.NewNRGBA(box)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			v := uint8(10 + 7*(x-3) + 49*(y-2)/2)
			gray.SetGray(x, y, color.Gray{v})
			rgba.SetRGBA(x, y, color.RGBA{v, v, v, 255})
			any.SetNRGBA(x, y, color.NRGBA{v, v, v, 255})
		}
	}
	return map[string]image.Image{"gray": gray, "rgba": rgba, "other": any}
}

func TestWindowTurns(t *testing.T) {
	t.Parallel()
	for name, img := range speckled() {
		for _, turn := range []int{0, 90, 180, 270} {
			r := raster{img, turn}
			w, h := r.size()
			whole := r.window(image.Rect(0, 0, w, h), 1)
			// The pixel that stands upper left after turning clockwise.
			first := map[int]image.Point{0: {3, 2}, 90: {3, 6}, 180: {9, 6}, 270: {9, 2}}[turn]
			want, _, _, _ := img.At(first.X, first.Y).RGBA()
			if got := whole.pix[0]; got != uint8(want>>8) {
				t.Errorf("%s turned %d: first pixel %d, want %d", name, turn, got, want>>8)
			}
			// A part is the same as the part of the whole.
			part := r.window(image.Rect(1, 2, 4, 4), 1)
			for y := range part.h {
				if !bytes.Equal(part.pix[y*part.w*3:][:part.w*3], whole.pix[((y+2)*w+1)*3:][:part.w*3]) {
					t.Errorf("%s turned %d: row %d of a part differs", name, turn, y)
				}
			}
			// Upright gives the same pixels as an image of its own.
			up := Upright(img, turn)
			if turn != 0 && up.Bounds() != image.Rect(0, 0, w, h) {
				t.Errorf("%s turned %d: bounds %v", name, turn, up.Bounds())
			}
			again := raster{up, 0}.window(image.Rect(0, 0, w, h), 1)
			if !bytes.Equal(again.pix, whole.pix) {
				t.Errorf("%s turned %d: Upright differs from the turned view", name, turn)
			}
		}
	}
}

func TestWindowAverages(t *testing.T) {
	t.Parallel()
	img := image.NewGray(image.Rect(0, 0, 4, 2))
	copy(img.Pix, []uint8{0, 100, 10, 10, 100, 200, 10, 30})
	p := raster{img, 0}.window(img.Rect, 2)
	if p.w != 2 || p.h != 1 || p.pix[0] != 100 || p.pix[3] != 15 {
		t.Errorf("got %+v, want 2×1 with 100 and 15", p)
	}
}

func TestYCbCrIsConverted(t *testing.T) {
	t.Parallel()
	img := image.NewYCbCr(image.Rect(0, 0, 4, 4), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = 120
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 90, 200
	}
	r, g, b := color.YCbCrToRGB(120, 90, 200)
	if p := (raster{img, 0}).window(img.Rect, 2); !bytes.Equal(p.pix[:3], []uint8{r, g, b}) {
		t.Errorf("got %v, want %v", p.pix[:3], []uint8{r, g, b})
	}
}

func TestBlank(t *testing.T) {
	t.Parallel()
	page := func(draw func(*image.Gray)) *image.Gray {
		g := image.NewGray(image.Rect(0, 0, 1240, 1754))
		for i := range g.Pix {
			g.Pix[i] = uint8(225 + i%7) // paper is never even
		}
		if draw != nil {
			draw(g)
		}
		return g
	}
	bar := func(w, h int) func(*image.Gray) {
		return func(g *image.Gray) {
			for y := range h {
				for x := range w {
					g.SetGray(600+x, 800+y, color.Gray{20})
				}
			}
		}
	}
	tests := []struct {
		name string
		img  image.Image
		want bool
	}{
		{"paper", page(nil), true},
		{"a speck", page(bar(2, 2)), true},
		{"a page number", page(bar(4, 18)), false},
		{"a line", page(bar(500, 3)), false},
		{"all black", image.NewGray(image.Rect(0, 0, 500, 500)), true},
		{"no pixels", image.NewGray(image.Rectangle{}), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Blank(tt.img); got != tt.want {
				t.Errorf("Blank = %v, want %v", got, tt.want)
			}
		})
	}
}
