package ocr

import (
	"context"
	"fmt"
	"image"
	"math"
)

// What the detector's map of probabilities must show to count as a line.
// Measured on receipts; see models/README.md.
const (
	inkAt   = 0.3 // a pixel belongs to text above this
	keepAt  = 0.5 // a line is kept when its pixels have this mean
	unclip  = 1.8 // the net marks the core of a line; this widens it to the whole
	minSide = 3   // pixels of the map: thinner specks are dust
)

// find gives the lines of text on the upright image.
func (e *Engine) find(ctx context.Context, r raster) ([]quad, error) {
	w, h := r.size()
	tw, th := detectorSize(w, h, e.cfg.DetectorSide)
	in := detectorInput(r, tw, th)
	out, shape, err := e.cfg.Detector.Run(ctx, in, []int64{1, 3, int64(th), int64(tw)})
	if err != nil {
		return nil, fmt.Errorf("detect text: %w", err)
	}
	if len(shape) != 4 || int(shape[2]) != th || int(shape[3]) != tw || len(out) != tw*th {
		return nil, fmt.Errorf("detect text: net answers with shape %v to an image of %d×%d", shape, tw, th)
	}
	return quads(out, tw, th, float64(w)/float64(tw), float64(h)/float64(th)), nil
}

// detectorSize is the size at which the detector sees an image of w×h pixels:
// at most side long, multiples of 32 as the net demands.
func detectorSize(w, h, side int) (tw, th int) {
	ratio := math.Min(1, float64(side)/float64(max(w, h)))
	round := func(n int) int { return max(32, int(math.Round(float64(n)*ratio/32))*32) }
	return round(w), round(h)
}

// detectorInput is the whole image at tw×th pixels, normalised as the net was
// trained: planes blue, green, red.
func detectorInput(r raster, tw, th int) []float32 {
	w, h := r.size()
	p := r.window(image.Rect(0, 0, w, h), max(1, min(w/tw, h/th)))
	mean := [3]float32{0.485, 0.456, 0.406}
	std := [3]float32{0.229, 0.224, 0.225}
	dst := make([]float32, 3*tw*th)
	cols := make([]tap, tw)
	for x := range cols {
		cols[x] = tapAt((float64(x)+0.5)*float64(p.w)/float64(tw)-0.5, p.w)
	}
	for y := range th {
		row := tapAt((float64(y)+0.5)*float64(p.h)/float64(th)-0.5, p.h)
		top, low := p.pix[row.i*p.w*3:][:p.w*3], p.pix[row.j*p.w*3:][:p.w*3]
		for c := range 3 {
			out := dst[(c*th+y)*tw:][:tw]
			shift := 2 - c // blue first
			for x, col := range cols {
				i, j := col.i*3+shift, col.j*3+shift
				out[x] = (between(top[i], top[j], low[i], low[j], col.f, row.f)/255 - mean[c]) / std[c]
			}
		}
	}
	return dst
}

// tap is a place between two pixels: f of the way from i to j.
type tap struct {
	i, j int
	f    float32
}

func tapAt(at float64, n int) tap {
	at = math.Max(0, math.Min(at, float64(n-1)))
	i := int(at)
	return tap{i, min(i+1, n-1), float32(at - float64(i))}
}

// quads turns the map of probabilities, w×h, into rectangles around lines,
// scaled to the page by sx and sy.
func quads(prob []float32, w, h int, sx, sy float64) []quad {
	s := newScan(prob, w, h)
	var out []quad
	for at := range prob {
		edge := s.blob(at)
		if edge == nil {
			continue
		}
		q := enclosing(hull(edge))
		if math.Min(q.w, q.h) < minSide {
			continue
		}
		if q.score = s.mean(q); q.score < keepAt {
			continue
		}
		d := q.w * q.h * unclip / (q.w + q.h)
		q.w, q.h = q.w+d, q.h+d
		ux, uy := math.Cos(q.angle)*sx, math.Sin(q.angle)*sy
		vx, vy := -math.Sin(q.angle)*sx, math.Cos(q.angle)*sy
		out = append(out, quad{
			cx: (q.cx + 0.5) * sx, cy: (q.cy + 0.5) * sy,
			w: q.w * math.Hypot(ux, uy), h: q.h * math.Hypot(vx, vy),
			angle: math.Atan2(uy, ux), score: q.score,
		})
	}
	return out
}

// scan walks a map of probabilities blob by blob.
type scan struct {
	prob        []float32
	w, h        int
	seen        []bool
	left, right []int // of the blob in hand, per row; left < 0: no pixel
	stack       []int
}

func newScan(prob []float32, w, h int) *scan {
	s := &scan{prob: prob, w: w, h: h, seen: make([]bool, len(prob)), left: make([]int, h), right: make([]int, h)}
	for y := range s.left {
		s.left[y] = -1
	}
	return s
}

// blob gives the outermost pixels, row by row, of the text that touches pixel
// at, or nil when there is none or it was given before.
func (s *scan) blob(at int) []point {
	if s.seen[at] || s.prob[at] <= inkAt {
		return nil
	}
	s.seen[at] = true
	s.stack = append(s.stack[:0], at)
	top, bottom := s.h, -1
	for len(s.stack) > 0 {
		p := s.stack[len(s.stack)-1]
		s.stack = s.stack[:len(s.stack)-1]
		y, x := p/s.w, p%s.w
		top, bottom = min(top, y), max(bottom, y)
		if s.left[y] < 0 {
			s.left[y], s.right[y] = x, x
		}
		s.left[y], s.right[y] = min(s.left[y], x), max(s.right[y], x)
		for v := max(0, y-1); v <= min(s.h-1, y+1); v++ {
			for u := max(0, x-1); u <= min(s.w-1, x+1); u++ {
				if q := v*s.w + u; !s.seen[q] && s.prob[q] > inkAt {
					s.seen[q] = true
					s.stack = append(s.stack, q)
				}
			}
		}
	}
	edge := make([]point, 0, 2*(bottom-top+1))
	for y := top; y <= bottom; y++ {
		edge = append(edge, point{float64(s.left[y]), float64(y)}, point{float64(s.right[y]), float64(y)})
		s.left[y] = -1
	}
	return edge
}

// mean is the mean probability of the pixels inside q.
func (s *scan) mean(q quad) float64 {
	sin, cos := math.Sincos(q.angle)
	hw := (q.w*math.Abs(cos) + q.h*math.Abs(sin)) / 2
	hh := (q.w*math.Abs(sin) + q.h*math.Abs(cos)) / 2
	var sum float64
	n := 0
	for y := max(0, int(q.cy-hh)); y <= min(s.h-1, int(q.cy+hh)+1); y++ {
		for x := max(0, int(q.cx-hw)); x <= min(s.w-1, int(q.cx+hw)+1); x++ {
			dx, dy := float64(x)-q.cx, float64(y)-q.cy
			if math.Abs(dx*cos+dy*sin) <= q.w/2+0.01 && math.Abs(dy*cos-dx*sin) <= q.h/2+0.01 {
				sum += float64(s.prob[y*s.w+x])
				n++
			}
		}
	}
	return sum / float64(max(1, n))
}
