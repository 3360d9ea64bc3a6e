package decode

import "image"

// uncovered gives the share of the ink on the page that lies in no word's box
// and in no small picture. Rules and solid areas are not counted: they are what
// forms and tables are made of.
func (v *view) uncovered(words []PDFWord, pictures []PDFPicture) float64 {
	ink := v.ink()
	total := 0
	for _, is := range ink.Pix {
		total += int(is)
	}
	if total == 0 {
		return 0
	}
	wipe := func(b image.Rectangle) {
		for y := b.Min.Y; y < b.Max.Y; y++ {
			clear(ink.Pix[y*ink.Stride+b.Min.X : y*ink.Stride+b.Max.X])
		}
	}
	for _, w := range words {
		wipe(v.box(w.Box, 2))
	}
	page := v.img.Rect.Dx() * v.img.Rect.Dy()
	for _, p := range pictures {
		if b := v.box(p.Box, 1); b.Dx()*b.Dy() < page/4 {
			wipe(b)
		}
	}
	left := 0
	for _, is := range ink.Pix {
		left += int(is)
	}
	return float64(left) / float64(total)
}

// cell is the side of the squares in which paper is told from ink, and rule the
// length from which a straight stroke is a ruled line and no letter.
const (
	cell = 16
	rule = 30
)

// ink marks with 1 the pixels that differ from the ground around them and are
// not part of a ruled line.
func (v *view) ink() *image.Gray {
	w, h := v.img.Rect.Dx(), v.img.Rect.Dy()
	out := image.NewGray(v.img.Rect)
	for y0 := 0; y0 < h; y0 += cell {
		for x0 := 0; x0 < w; x0 += cell {
			v.inkIn(image.Rect(x0, y0, min(x0+cell, w), min(y0+cell, h)), out)
		}
	}
	across := make([]bool, len(out.Pix))
	for y := range h {
		runs(w, func(x int) int { return y*out.Stride + x }, out.Pix, across)
	}
	for x := range w {
		runs(h, func(y int) int { return y*out.Stride + x }, out.Pix, across)
	}
	for i, is := range across {
		if is {
			out.Pix[i] = 0
		}
	}
	return out
}

// inkIn marks the ink in one cell, whose ground is its middle brightness.
func (v *view) inkIn(b image.Rectangle, out *image.Gray) {
	var count [256]int
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for _, g := range v.img.Pix[y*v.img.Stride+b.Min.X : y*v.img.Stride+b.Max.X] {
			count[g]++
		}
	}
	ground, below := 0, 0
	for half := b.Dx() * b.Dy() / 2; below+count[ground] <= half; ground++ {
		below += count[ground]
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if d := int(v.img.Pix[y*v.img.Stride+x]) - ground; d > 2*contrast || d < -2*contrast {
				out.Pix[y*out.Stride+x] = 1
			}
		}
	}
}

// runs marks the ruled lines along n pixels of a row or column.
func runs(n int, at func(int) int, ink []uint8, mark []bool) {
	start := 0
	for i := 0; i <= n; i++ {
		if i < n && ink[at(i)] == 1 {
			continue
		}
		if i-start >= rule {
			for k := start; k < i; k++ {
				mark[at(k)] = true
			}
		}
		start = i + 1
	}
}
