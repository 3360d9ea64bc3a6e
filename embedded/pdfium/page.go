package pdfium

import (
	"context"
	"fmt"
	"math"
)

// Rect is a rectangle on an upright page, in points (1/72 inch), origin top
// left of the visible page, y downwards.
type Rect struct{ X0, Y0, X1, Y1 float64 }

// W is the width in points.
func (r Rect) W() float64 { return r.X1 - r.X0 }

// H is the height in points.
func (r Rect) H() float64 { return r.Y1 - r.Y0 }

// Has says whether the point x, y lies in r.
func (r Rect) Has(x, y float64) bool { return x >= r.X0 && x <= r.X1 && y >= r.Y0 && y <= r.Y1 }

// Union gives the smallest rectangle around both; a zero Rect adds nothing.
func (r Rect) Union(o Rect) Rect {
	if r == (Rect{}) {
		return o
	}
	if o == (Rect{}) {
		return r
	}
	return Rect{math.Min(r.X0, o.X0), math.Min(r.Y0, o.Y0), math.Max(r.X1, o.X1), math.Max(r.Y1, o.Y1)}
}

// Picture is an image painted on a page.
type Picture struct {
	Box           Rect
	Width, Height int  // native pixels, turned as the page shows them
	Bits          int  // per pixel as stored: 1 for fax, 8 for grey, 24 for colour; 0 when unknown
	order         int  // in painting order, among all objects
	clear         bool // lets what is below shine through
}

// Page is what can be known of a page without rendering it.
type Page struct {
	Width, Height float64 // points, upright
	Pictures      []Picture
	Words         []Word
	Objects       int // painted objects seen; 0 means an empty page
}

// geometry turns PDF user space into the upright page: the visible box and
// the page's /Rotate.
type geometry struct {
	l, b, r, t float64
	turn       int // quarter turns clockwise
}

func (g geometry) size() (w, h float64) {
	if g.turn%2 == 1 {
		return g.t - g.b, g.r - g.l
	}
	return g.r - g.l, g.t - g.b
}

func (g geometry) point(x, y float64) (float64, float64) {
	switch g.turn {
	case 1:
		return y - g.b, x - g.l
	case 2:
		return g.r - x, y - g.b
	case 3:
		return g.t - y, g.r - x
	}
	return x - g.l, g.t - y
}

func (g geometry) rect(l, b, r, t float64) Rect {
	x0, y0 := g.point(l, b)
	x1, y1 := g.point(r, t)
	return Rect{math.Min(x0, x1), math.Min(y0, y1), math.Max(x0, x1), math.Max(y0, y1)}
}

// geometry reads the current page's box and turn.
func (d *Document) geometry(in *instance) (geometry, error) {
	ok, err := in.quick("FPDF_GetPageBoundingBox", uint64(d.page), in.out(0, 4))
	if err != nil {
		return geometry{}, err
	}
	g := geometry{l: in.float32At(0), t: in.float32At(1), r: in.float32At(2), b: in.float32At(3)}
	turn, err := in.quick("FPDFPage_GetRotation", uint64(d.page))
	if err != nil {
		return geometry{}, err
	}
	g.turn = int(int32(turn)) & 3
	if ok == 0 || g.r <= g.l || g.t <= g.b {
		return geometry{}, fmt.Errorf("%w: it has no area", ErrPage)
	}
	return g, nil
}

// Size gives the size of page i (0 for the first) in points, upright.
func (d *Document) Size(ctx context.Context, i int) (w, h float64, err error) {
	err = d.do(ctx, func(in *instance) error {
		if err := d.open(ctx, in, i); err != nil {
			return err
		}
		g, err := d.geometry(in)
		w, h = g.size()
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("size of page %d: %w", i+1, err)
	}
	return w, h, nil
}

// Page reads size, pictures and words of page i (0 for the first).
func (d *Document) Page(ctx context.Context, i int) (*Page, error) {
	p := &Page{}
	err := d.do(ctx, func(in *instance) error {
		if err := d.open(ctx, in, i); err != nil {
			return err
		}
		g, err := d.geometry(in)
		if err != nil {
			return err
		}
		p.Width, p.Height = g.size()
		s := &survey{d: d, in: in, g: g, order: map[uint32]int{}}
		if err := s.page(); err != nil {
			return err
		}
		p.Pictures, p.Objects = s.pictures, s.seen
		p.Words, err = d.words(ctx, in, g, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read page %d: %w", i+1, err)
	}
	return p, nil
}

// Limits of the walk over a page's objects. Of a group with more objects the
// first and the last half of the limit are looked at, since pictures that
// matter lie under or over everything else.
const (
	maxObjects = 4_000
	maxDepth   = 8
)

// Kinds of page objects, as PDFium numbers them.
const (
	objText  = 1
	objImage = 3
	objForm  = 5
)

// survey walks the objects of a page in painting order.
type survey struct {
	d        *Document
	in       *instance
	g        geometry
	order    map[uint32]int // text objects by handle
	pictures []Picture
	seen     int
}

// matrix is a PDF transformation: x' = a x + c y + e, y' = b x + d y + f.
type matrix struct{ a, b, c, d, e, f float64 }

func (m matrix) apply(x, y float64) (float64, float64) {
	return m.a*x + m.c*y + m.e, m.b*x + m.d*y + m.f
}

// then gives the transformation that applies m first and n after it.
func (m matrix) then(n matrix) matrix {
	e, f := n.apply(m.e, m.f)
	return matrix{
		m.a*n.a + m.b*n.c, m.a*n.b + m.b*n.d,
		m.c*n.a + m.d*n.c, m.c*n.b + m.d*n.d, e, f,
	}
}

func (s *survey) page() error {
	n, err := s.in.quick("FPDFPage_CountObjects", uint64(s.d.page))
	if err != nil {
		return err
	}
	return s.walk("FPDFPage_GetObject", s.d.page, int(int32(n)), matrix{a: 1, d: 1}, 0)
}

func (s *survey) walk(get string, parent uint32, n int, m matrix, depth int) error {
	skipped := max(0, n-maxObjects)
	for k := 0; k < n-skipped && s.seen < 2*maxObjects; k++ {
		i := k
		if k >= maxObjects/2 {
			i += skipped
		}
		obj, err := s.in.quick(get, uint64(parent), uint64(i))
		if err != nil {
			return err
		}
		if uint32(obj) == 0 {
			continue
		}
		kind, err := s.in.quick("FPDFPageObj_GetType", obj)
		if err != nil {
			return err
		}
		s.seen++
		switch kind {
		case objText:
			s.order[uint32(obj)] = s.seen
		case objImage:
			err = s.picture(obj, m)
		case objForm:
			if depth < maxDepth {
				err = s.group(obj, m, depth)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) group(obj uint64, m matrix, depth int) error {
	own, err := s.matrix(obj)
	if err != nil {
		return err
	}
	n, err := s.in.quick("FPDFFormObj_CountObjects", obj)
	if err != nil {
		return err
	}
	return s.walk("FPDFFormObj_GetObject", uint32(obj), int(int32(n)), own.then(m), depth+1)
}

func (s *survey) matrix(obj uint64) (matrix, error) {
	ok, err := s.in.quick("FPDFPageObj_GetMatrix", obj, s.in.out(0, 4))
	if err != nil || ok == 0 {
		return matrix{a: 1, d: 1}, err
	}
	f := s.in.float32At
	return matrix{f(0), f(1), f(2), f(3), f(4), f(5)}, nil
}

// picture notes an image: the unit square under its matrix.
func (s *survey) picture(obj uint64, m matrix) error {
	own, err := s.matrix(obj)
	if err != nil {
		return err
	}
	if _, err = s.in.quick("FPDFImageObj_GetImagePixelSize", obj, s.in.out(0, 4), s.in.out(1, 4)); err != nil {
		return err
	}
	p := Picture{Width: int(s.in.uint32At(0)), Height: int(s.in.uint32At(1)), order: s.seen}
	see, err := s.in.quick("FPDFPageObj_HasTransparency", obj)
	if err != nil {
		return err
	}
	p.clear = see != 0
	if ok, err := s.in.quick("FPDFImageObj_GetImageMetadata", obj, uint64(s.d.page), s.in.out(0, 4)); err != nil {
		return err
	} else if ok != 0 {
		p.Bits = int(s.in.uint32At(4))
	}
	all := own.then(m)
	for _, c := range [][2]float64{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		x, y := s.g.point(all.apply(c[0], c[1]))
		p.Box = p.Box.Union(Rect{x, y, x + 1e-6, y + 1e-6})
	}
	sideways := math.Abs(all.b)+math.Abs(all.c) > math.Abs(all.a)+math.Abs(all.d)
	if sideways != (s.g.turn%2 == 1) {
		p.Width, p.Height = p.Height, p.Width
	}
	s.pictures = append(s.pictures, p)
	return nil
}
