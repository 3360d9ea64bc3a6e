package ocr

import (
	"context"
	"sort"
)

// page is one page while it is read.
type page struct {
	e     *Engine
	r     raster
	quads []quad
	done  map[int]line // lines read while looking for the orientation, by index of quad
}

const (
	sure   = 0.85 // lines read the right way up have a mean posterior above this
	poor   = 0.5  // below this a line is not text: a logo, a stamp, a stroke
	probes = 5    // lines tried to tell up from down
)

func (p *page) find(ctx context.Context) (err error) {
	p.quads, err = p.e.find(ctx, p.r)
	p.done = map[int]line{}
	return err
}

// upright finds out which side is up and turns the page. On a page that is
// upright already it costs nothing: the lines it tries have to be read anyway.
func (p *page) upright(ctx context.Context) error {
	if sideways(p.quads) {
		p.r.turn = 90
		if err := p.find(ctx); err != nil {
			return err
		}
	}
	sample := p.sample()
	up, err := p.try(ctx, sample, false)
	if err != nil {
		return err
	}
	if mean(up) >= sure || len(sample) == 0 {
		p.keep(sample, up)
		return nil
	}
	down, err := p.try(ctx, sample, true)
	if err != nil {
		return err
	}
	if mean(down) <= mean(up) {
		p.keep(sample, up)
		return nil
	}
	w, h := p.r.size()
	p.r.turn = (p.r.turn + 180) % 360
	for i, q := range p.quads {
		p.quads[i] = q.turned180(w, h)
	}
	for i, l := range down {
		l.quad = p.quads[sample[i]].along(false)
		down[i] = l
	}
	p.keep(sample, down)
	return nil
}

// sideways says whether most of the text runs up or down.
func sideways(quads []quad) bool {
	var tall, wide float64
	for _, q := range quads {
		switch {
		case q.h >= 1.5*q.w:
			tall += q.w * q.h
		case q.w >= 1.5*q.h:
			wide += q.w * q.h
		}
	}
	return tall > wide
}

// sample picks the lines that tell most: longer than a word, not too long to
// be quick, and clearly found.
func (p *page) sample() []int {
	var at []int
	for i, q := range p.quads {
		if !q.tall() {
			at = append(at, i)
		}
	}
	worth := func(i int) float64 {
		q := p.quads[i]
		long := q.w / q.h
		if long > 12 {
			long = 24 - long
		}
		return long * q.score
	}
	sort.SliceStable(at, func(i, j int) bool { return worth(at[i]) > worth(at[j]) })
	return at[:min(probes, len(at))]
}

func (p *page) try(ctx context.Context, sample []int, flipped bool) ([]line, error) {
	out := make([]line, len(sample))
	for k, i := range sample {
		l, err := p.e.readLine(ctx, p.r, p.quads[i].along(flipped))
		if err != nil {
			return nil, err
		}
		out[k] = l
	}
	return out, nil
}

func (p *page) keep(sample []int, lines []line) {
	for k, i := range sample {
		p.done[i] = lines[k]
	}
}

// mean is the mean confidence, every character counting the same.
func mean(lines []line) float64 {
	var sum float64
	n := 0
	for _, l := range lines {
		sum += l.conf * float64(l.n)
		n += l.n
	}
	return sum / float64(max(1, n))
}

// read reads all lines that were not read yet and drops what is not text.
func (p *page) read(ctx context.Context) ([]line, error) {
	var out []line
	for i, q := range p.quads {
		l, ok := p.done[i]
		if !ok {
			var err error
			if l, err = p.e.readLine(ctx, p.r, q.along(false)); err != nil {
				return nil, err
			}
			if q.tall() && l.conf < sure { // text set sideways may run either way
				other, err := p.e.readLine(ctx, p.r, q.along(true))
				if err != nil {
					return nil, err
				}
				if other.conf > l.conf {
					l = other
				}
			}
		}
		if l.n > 0 && l.conf >= poor {
			out = append(out, l)
		}
	}
	return out, nil
}
