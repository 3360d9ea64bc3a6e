package ocr

import (
	"image"
	"image/color"
)

// raster is an image seen upright: turned by quarter turns without being
// copied. Only the windows asked for are ever unpacked, so a scan of 35
// megapixels costs its own pixels and no more.
type raster struct {
	img  image.Image
	turn int // degrees clockwise: 0, 90, 180, 270
}

// size is the width and height of the upright image in pixels.
func (r raster) size() (w, h int) {
	b := r.img.Bounds()
	if r.turn == 90 || r.turn == 270 {
		return b.Dy(), b.Dx()
	}
	return b.Dx(), b.Dy()
}

// patch is a packed piece of an image, three bytes (red, green, blue) a pixel.
type patch struct {
	w, h int
	pix  []uint8
}

// window unpacks the part of the upright image within rect (cut to the image),
// made smaller by averaging blocks of by×by pixels. Pixels at the right and
// lower edge that do not fill a block are left out unless there would be none.
func (r raster) window(rect image.Rectangle, by int) patch {
	w, h := r.size()
	rect = rect.Intersect(image.Rect(0, 0, w, h))
	if rect.Empty() {
		return patch{}
	}
	p := shrink(r.img, r.source(rect, w, h), by)
	return p.turned(r.turn)
}

// source maps a rectangle of the upright image to the image as stored.
func (r raster) source(q image.Rectangle, w, h int) image.Rectangle {
	switch r.turn {
	case 90:
		q = image.Rect(q.Min.Y, w-q.Max.X, q.Max.Y, w-q.Min.X)
	case 180:
		q = image.Rect(w-q.Max.X, h-q.Max.Y, w-q.Min.X, h-q.Min.Y)
	case 270:
		q = image.Rect(h-q.Max.Y, q.Min.X, h-q.Min.Y, q.Max.X)
	}
	return q.Add(r.img.Bounds().Min)
}

// turned gives p turned clockwise.
func (p patch) turned(degrees int) patch {
	if degrees == 0 {
		return p
	}
	q := patch{w: p.w, h: p.h, pix: make([]uint8, len(p.pix))}
	if degrees != 180 {
		q.w, q.h = p.h, p.w
	}
	for y := range p.h {
		for x := range p.w {
			u, v := p.w-1-x, p.h-1-y
			switch degrees {
			case 90:
				u, v = p.h-1-y, x
			case 270:
				u, v = y, p.w-1-x
			}
			copy(q.pix[(v*q.w+u)*3:][:3], p.pix[(y*p.w+x)*3:][:3])
		}
	}
	return q
}

// shrink unpacks rect of img, averaging blocks of by×by pixels.
func shrink(img image.Image, rect image.Rectangle, by int) patch {
	by = max(1, min(by, rect.Dx(), rect.Dy()))
	p := patch{w: rect.Dx() / by, h: rect.Dy() / by}
	p.pix = make([]uint8, p.w*p.h*3)
	sums := make([]uint32, p.w*3)
	add, convert := adder(img)
	n := uint32(by * by)
	for y := range p.h {
		clear(sums)
		for k := range by {
			add(sums, rect.Min.X, rect.Min.Y+y*by+k, by)
		}
		row := p.pix[y*p.w*3:][:p.w*3]
		for i, s := range sums {
			if n > 1 { // dividing takes longer than all the rest
				s = (s + n/2) / n
			}
			row[i] = uint8(s)
		}
		if convert {
			for i := 0; i < len(row); i += 3 {
				row[i], row[i+1], row[i+2] = color.YCbCrToRGB(row[i], row[i+1], row[i+2])
			}
		}
	}
	return p
}

// adder gives a function that adds the pixels of row y from x0 on to sums, by
// pixels to a cell of three, quickly for the kinds of image that decoders make.
// convert says that the sums are Y, Cb and Cr.
func adder(img image.Image) (add func(sums []uint32, x0, y, by int), convert bool) {
	switch m := img.(type) {
	case *image.Gray:
		return func(sums []uint32, x0, y, by int) {
			row := m.Pix[m.PixOffset(x0, y):]
			for c, i := 0, 0; c < len(sums); c += 3 {
				var s uint32
				for _, v := range row[i : i+by] {
					s += uint32(v)
				}
				i += by
				sums[c] += s
				sums[c+1] += s
				sums[c+2] += s
			}
		}, false
	case *image.RGBA:
		return func(sums []uint32, x0, y, by int) { addQuads(sums, m.Pix[m.PixOffset(x0, y):], by) }, false
	case *image.YCbCr:
		return func(sums []uint32, x0, y, by int) { addYCbCr(sums, m, x0, y, by) }, true
	default:
		return func(sums []uint32, x0, y, by int) { addAny(sums, m, x0, y, by) }, false
	}
}

// addQuads lays transparent pixels on white paper; colours come multiplied by
// their opacity.
func addQuads(sums []uint32, row []uint8, by int) {
	i := 0
	for c := 0; c < len(sums); c += 3 {
		for range by {
			q := row[i : i+4 : i+4]
			white := 0xff - uint32(q[3])
			sums[c] += uint32(q[0]) + white
			sums[c+1] += uint32(q[1]) + white
			sums[c+2] += uint32(q[2]) + white
			i += 4
		}
	}
}

// addYCbCr finds a row's place in the planes once: asking the image for every
// pixel took longer than adding.
func addYCbCr(sums []uint32, m *image.YCbCr, x0, y, by int) {
	luma := m.Y[m.YOffset(x0, y):]
	half := 0 // by how many bits chroma is coarser from left to right
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		half = 1
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
		half = 2
	}
	base := m.COffset(m.Rect.Min.X, y) - m.Rect.Min.X>>half
	i := 0
	for c := 0; c < len(sums); c += 3 {
		for range by {
			o := base + (x0+i)>>half
			sums[c] += uint32(luma[i])
			sums[c+1] += uint32(m.Cb[o])
			sums[c+2] += uint32(m.Cr[o])
			i++
		}
	}
}

// addAny lays transparent pixels on white paper.
func addAny(sums []uint32, m image.Image, x0, y, by int) {
	x := x0
	for c := 0; c < len(sums); c += 3 {
		for range by {
			r, g, b, a := m.At(x, y).RGBA()
			white := 0xffff - a
			sums[c] += (r + white) >> 8
			sums[c+1] += (g + white) >> 8
			sums[c+2] += (b + white) >> 8
			x++
		}
	}
}

// Upright gives img turned by rotation degrees clockwise (0, 90, 180 or 270),
// as an image of its own; img itself when there is nothing to turn.
func Upright(img image.Image, rotation int) image.Image {
	rotation = ((rotation % 360) + 360) % 360
	if rotation == 0 || rotation%90 != 0 {
		return img
	}
	r := raster{img, rotation}
	w, h := r.size()
	if g, ok := img.(*image.Gray); ok {
		out := image.NewGray(image.Rect(0, 0, w, h))
		r.fill(func(x, y, sx, sy int) { out.Pix[y*out.Stride+x] = g.Pix[g.PixOffset(sx, sy)] })
		return out
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	const band = 64 // rows unpacked at a time
	for y := 0; y < h; y += band {
		p := r.window(image.Rect(0, y, w, min(h, y+band)), 1)
		for i := range p.w * p.h {
			o := out.Pix[(y*w+i)*4:][:4]
			copy(o, p.pix[i*3:][:3])
			o[3] = 0xff
		}
	}
	return out
}

// fill calls set for every pixel of the upright image with where it is stored.
func (r raster) fill(set func(x, y, sx, sy int)) {
	w, h := r.size()
	for y := range h {
		for x := range w {
			s := r.source(image.Rect(x, y, x+1, y+1), w, h).Min
			set(x, y, s.X, s.Y)
		}
	}
}
