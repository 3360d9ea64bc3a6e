package ocr

import (
	"image"
	"math"
)

const (
	stripHeight = 48   // pixels, as the recogniser was trained
	stripMin    = 16   // narrowest strip
	stripMax    = 3200 // widest: some 250 characters
)

// strip is one line of text cut out and turned level.
type strip struct {
	w    int       // pixels, a multiple of 8; the height is stripHeight
	data []float32 // planes blue, green, red, -1..1
	gray []uint8   // for measuring ink
}

// cut samples the line q as read (see quad.along) from the full-size image,
// drawn out by stretch along the text.
func cut(r raster, q quad, stretch float64) strip {
	w := int(math.Ceil(stripHeight * q.w / math.Max(q.h, 1) * stretch))
	w = (max(stripMin, min(stripMax, w)) + 7) / 8 * 8
	s := strip{w: w, data: make([]float32, 3*w*stripHeight), gray: make([]uint8, w*stripHeight)}

	x0, y0, x1, y1 := q.bounds(0, 0, q.w, q.h)
	rect := image.Rect(int(x0)-1, int(y0)-1, int(x1)+2, int(y1)+2)
	pw, ph := r.size()
	rect = rect.Intersect(image.Rect(0, 0, pw, ph))
	by := max(1, int(q.h/stripHeight))
	p := r.window(rect, by)
	if p.w == 0 || p.h == 0 {
		return s
	}
	// One step along and one across the strip, in pixels of the patch.
	scale := 1 / float64(by)
	sin, cos := math.Sincos(q.angle)
	du, dv := q.w/float64(w)*scale, q.h/stripHeight*scale
	first := q.at(0.5*q.w/float64(w), 0.5*q.h/stripHeight)
	ox, oy := (first.x-float64(rect.Min.X))*scale-0.5, (first.y-float64(rect.Min.Y))*scale-0.5
	plane := w * stripHeight
	for y := range stripHeight {
		fv := float64(y) * dv
		px, py := ox-fv*sin, oy+fv*cos
		for x := range w {
			fu := float64(x) * du
			red, green, blue := p.sample(px+fu*cos, py+fu*sin)
			i := y*w + x
			s.data[i] = blue/127.5 - 1
			s.data[plane+i] = green/127.5 - 1
			s.data[2*plane+i] = red/127.5 - 1
			s.gray[i] = uint8(0.299*red + 0.587*green + 0.114*blue)
		}
	}
	return s
}

// sample is the colour at x,y between pixel centres; outside, that of the edge.
func (p patch) sample(x, y float64) (red, green, blue float32) {
	x = max(0, min(x, float64(p.w-1)))
	y = max(0, min(y, float64(p.h-1)))
	ix, iy := int(x), int(y)
	fx, fy := float32(x-float64(ix)), float32(y-float64(iy))
	a := (iy*p.w + ix) * 3
	b, down := a+3, p.w*3
	if ix == p.w-1 {
		b = a
	}
	if iy == p.h-1 {
		down = 0
	}
	top, topNext := p.pix[a:a+3:a+3], p.pix[b:b+3:b+3]
	low, lowNext := p.pix[a+down:a+down+3:a+down+3], p.pix[b+down:b+down+3:b+down+3]
	return between(top[0], topNext[0], low[0], lowNext[0], fx, fy),
		between(top[1], topNext[1], low[1], lowNext[1], fx, fy),
		between(top[2], topNext[2], low[2], lowNext[2], fx, fy)
}

// between is the value fx of the way from left to right and fy of the way down, among the
// values of four pixels.
func between(upperLeft, upperRight, lowerLeft, lowerRight uint8, fx, fy float32) float32 {
	top := float32(upperLeft) + (float32(upperRight)-float32(upperLeft))*fx
	low := float32(lowerLeft) + (float32(lowerRight)-float32(lowerLeft))*fx
	return top + (low-top)*fy
}

// ink says which pixels of the strip are print: darker than Otsu's threshold,
// or lighter where light print stands on a dark ground.
func (s strip) ink() []bool {
	at := otsu(s.gray)
	out := make([]bool, len(s.gray))
	dark := 0
	for i, v := range s.gray {
		if v <= at {
			out[i] = true
			dark++
		}
	}
	if dark > len(out)/2 {
		for i := range out {
			out[i] = !out[i]
		}
	}
	return out
}

// otsu is the grey level that best parts g into two classes.
func otsu(g []uint8) uint8 {
	var hist [256]int
	var sum float64
	for _, v := range g {
		hist[v]++
		sum += float64(v)
	}
	var below, best float64
	n, at := 0, 128
	for i, k := range hist {
		n += k
		below += float64(i * k)
		if n == 0 || n == len(g) {
			continue
		}
		d := below/float64(n) - (sum-below)/float64(len(g)-n)
		if v := float64(n) * float64(len(g)-n) * d * d; v > best {
			best, at = v, i
		}
	}
	return uint8(at)
}
