package ocr

import (
	"math"
	"sort"
)

type point struct{ x, y float64 }

// quad is a rotated rectangle in pixels of the upright image. Its long axis, as
// a rule, runs along the text; angle is the direction of the w side in radians,
// within 45° of horizontal.
type quad struct {
	cx, cy, w, h, angle float64
	score               float64 // the detector's mean probability inside, 0..1
}

// tall says that the text seems to run up or down the page.
func (q quad) tall() bool { return q.h >= 1.5*q.w }

// along gives q as seen by a reader: with its w side along the text. A tall
// quad is read from bottom to top, as most text set sideways is; flipped turns
// the reading direction around.
func (q quad) along(flipped bool) quad {
	if q.tall() {
		q.w, q.h, q.angle = q.h, q.w, q.angle-math.Pi/2
	}
	if flipped {
		q.angle += math.Pi
	}
	return q
}

// at maps a place in q, u along and v across it from its upper left corner as
// read, to the page.
func (q quad) at(u, v float64) point {
	s, c := math.Sincos(q.angle)
	u, v = u-q.w/2, v-q.h/2
	return point{q.cx + u*c - v*s, q.cy + u*s + v*c}
}

// bounds is the upright rectangle around the part of q from u0,v0 to u1,v1.
func (q quad) bounds(u0, v0, u1, v1 float64) (x0, y0, x1, y1 float64) {
	x0, y0, x1, y1 = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range [4]point{q.at(u0, v0), q.at(u1, v0), q.at(u0, v1), q.at(u1, v1)} {
		x0, y0 = math.Min(x0, p.x), math.Min(y0, p.y)
		x1, y1 = math.Max(x1, p.x), math.Max(y1, p.y)
	}
	return x0, y0, x1, y1
}

// turned gives q on the page turned by 180°; w and h are the page's.
func (q quad) turned180(w, h int) quad {
	q.cx, q.cy = float64(w)-q.cx, float64(h)-q.cy
	return q
}

// hull is the convex hull of p, which it reorders.
func hull(p []point) []point {
	sort.Slice(p, func(i, j int) bool { return p[i].x < p[j].x || p[i].x == p[j].x && p[i].y < p[j].y })
	if len(p) < 3 {
		return p
	}
	turn := func(o, a, b point) float64 { return (a.x-o.x)*(b.y-o.y) - (a.y-o.y)*(b.x-o.x) }
	var h []point
	half := func(q point, from int) {
		for len(h) >= from+2 && turn(h[len(h)-2], h[len(h)-1], q) <= 0 {
			h = h[:len(h)-1]
		}
		h = append(h, q)
	}
	for _, q := range p {
		half(q, 0)
	}
	lower := len(h) - 1
	for i := len(p) - 2; i >= 0; i-- {
		half(p[i], lower)
	}
	return h[:len(h)-1]
}

// enclosing is the rectangle of least area around a convex hull, its angle
// within 45° of horizontal.
func enclosing(h []point) quad {
	if len(h) == 0 {
		return quad{}
	}
	best := quad{cx: h[0].x, cy: h[0].y}
	least := math.Inf(1)
	for i := range h {
		dx, dy := h[(i+1)%len(h)].x-h[i].x, h[(i+1)%len(h)].y-h[i].y
		l := math.Hypot(dx, dy)
		if l == 0 {
			continue
		}
		dx, dy = dx/l, dy/l
		u0, u1, v0, v1 := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
		for _, p := range h {
			u, v := p.x*dx+p.y*dy, p.y*dx-p.x*dy
			u0, u1 = math.Min(u0, u), math.Max(u1, u)
			v0, v1 = math.Min(v0, v), math.Max(v1, v)
		}
		if area := (u1 - u0) * (v1 - v0); area < least {
			least = area
			cu, cv := (u0+u1)/2, (v0+v1)/2
			best = quad{cx: cu*dx - cv*dy, cy: cu*dy + cv*dx, w: u1 - u0, h: v1 - v0, angle: math.Atan2(dy, dx)}
		}
	}
	for best.angle > math.Pi/4 {
		best.angle -= math.Pi / 2
		best.w, best.h = best.h, best.w
	}
	for best.angle <= -math.Pi/4 {
		best.angle += math.Pi / 2
		best.w, best.h = best.h, best.w
	}
	return best
}
