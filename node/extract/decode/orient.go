package decode

import "image"

// orient applies an EXIF orientation and gives the degrees clockwise it turned.
func orient(img image.Image, orientation int) (image.Image, int) {
	switch orientation {
	case 2:
		return mapped(img, false, true, false), 0
	case 3:
		return mapped(img, false, true, true), 180
	case 4:
		return mapped(img, false, false, true), 0
	case 5:
		return mapped(img, true, false, false), 90
	case 6:
		return mapped(img, true, true, false), 90
	case 7:
		return mapped(img, true, true, true), 270
	case 8:
		return mapped(img, true, false, true), 270
	}
	return img, 0
}

// turn rotates by 0, 90, 180 or 270 degrees clockwise.
func turn(img image.Image, degrees int) image.Image {
	out, _ := orient(img, map[int]int{90: 6, 180: 3, 270: 8}[degrees])
	return out
}

// mapped makes a new image: first the axes are swapped, then columns and rows
// run backwards as asked.
func mapped(img image.Image, swap, flipX, flipY bool) image.Image {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if swap {
		w, h = h, w
	}
	// source gives the pixel that becomes x, y.
	source := func(x, y int) (int, int) {
		if flipX {
			x = w - 1 - x
		}
		if flipY {
			y = h - 1 - y
		}
		if swap {
			return b.Min.X + y, b.Min.Y + x
		}
		return b.Min.X + x, b.Min.Y + y
	}
	if g, ok := img.(*image.Gray); ok {
		out := image.NewGray(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				sx, sy := source(x, y)
				out.Pix[y*out.Stride+x] = g.Pix[g.PixOffset(sx, sy)]
			}
		}
		return out
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	at := rgba(img)
	for y := range h {
		for x := range w {
			sx, sy := source(x, y)
			o := y*out.Stride + 4*x
			out.Pix[o], out.Pix[o+1], out.Pix[o+2] = at(sx, sy)
			out.Pix[o+3] = 0xff
		}
	}
	return out
}

// rgba gives fast access to the colours of an opaque image.
func rgba(img image.Image) func(x, y int) (r, g, b uint8) {
	switch m := img.(type) {
	case *image.RGBA:
		return func(x, y int) (uint8, uint8, uint8) {
			o := m.PixOffset(x, y)
			return m.Pix[o], m.Pix[o+1], m.Pix[o+2]
		}
	case *image.YCbCr:
		return func(x, y int) (uint8, uint8, uint8) {
			c := m.YCbCrAt(x, y)
			r, g, b, _ := c.RGBA()
			return uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)
		}
	}
	return func(x, y int) (uint8, uint8, uint8) {
		r, g, b, _ := img.At(x, y).RGBA()
		return uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)
	}
}
