package eval

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// drawing is an SVG in the making. Its colours are classes of the page's style, so
// that they follow light and dark.
type drawing struct {
	strings.Builder
	w, h float64
}

// draw begins a drawing of w times h units that says about itself what label does.
func draw(w, h float64, label string) *drawing { return drawAs("xMidYMid", w, h, label) }

// drawAs is draw for a place of other proportions: xMidYMid keeps those of the
// drawing, none stretches it.
func drawAs(fit string, w, h float64, label string) *drawing {
	d := &drawing{w: w, h: h}
	fmt.Fprintf(d, `<svg viewBox="0 0 %s %s" preserveAspectRatio="%s" role="img" aria-label="%s">`, num(w), num(h), fit, html.EscapeString(label))
	return d
}

// done gives the drawing. All text in it was escaped on the way in.
func (d *drawing) done() template.HTML {
	d.WriteString("</svg>")
	return template.HTML(d.String()) //nolint:gosec // made here, of escaped text and numbers
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(d, `<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, num(x1), num(y1), num(x2), num(y2))
}

// rect draws a box that tells title when pointed at; "" tells nothing.
func (d *drawing) rect(class string, x, y, w, h float64, title string) {
	fmt.Fprintf(d, `<rect class="%s" x="%s" y="%s" width="%s" height="%s">%s</rect>`, class, num(x), num(y), num(max(w, 0)), num(max(h, 0)), titled(title))
}

func (d *drawing) dot(class string, x, y, r float64, title string) {
	fmt.Fprintf(d, `<circle class="%s" cx="%s" cy="%s" r="%s">%s</circle>`, class, num(x), num(y), num(r), titled(title))
}

// text writes s with its anchor (start, middle, end) at x, y.
func (d *drawing) text(class, anchor string, x, y float64, s string) {
	fmt.Fprintf(d, `<text class="%s" text-anchor="%s" x="%s" y="%s">%s</text>`, class, anchor, num(x), num(y), html.EscapeString(s))
}

// path draws a line through points x, y, x, y …
func (d *drawing) path(class string, at []float64) {
	if len(at) < 2 {
		return
	}
	fmt.Fprintf(d, `<polyline class="%s" points="`, class)
	for i := 0; i+1 < len(at); i += 2 {
		fmt.Fprintf(d, "%s,%s ", num(at[i]), num(at[i+1]))
	}
	d.WriteString(`"/>`)
}

func titled(s string) string {
	if s == "" {
		return ""
	}
	return "<title>" + html.EscapeString(s) + "</title>"
}

// num writes a coordinate: a tenth of a unit is finer than can be seen.
func num(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.1f", v), "0"), ".")
}

// plot is the inner field of a drawing with two axes.
type plot struct {
	*drawing
	left, top, right, bottom float64 // of the field, in units of the drawing
	x0, x1, y0, y1           float64 // what its edges stand for
}

func (p *plot) x(v float64) float64 { return p.left + (v-p.x0)/(p.x1-p.x0)*(p.right-p.left) }
func (p *plot) y(v float64) float64 { return p.bottom - (v-p.y0)/(p.y1-p.y0)*(p.bottom-p.top) }

// axes draws grid lines with their values, formatted by fx and fy, and the names
// of the axes.
func (p *plot) axes(xs, ys []float64, fx, fy func(float64) string, nameX, nameY string) {
	for _, v := range ys {
		p.line("grid", p.left, p.y(v), p.right, p.y(v))
		p.text("tick", "end", p.left-6, p.y(v)+4, fy(v))
	}
	for _, v := range xs {
		p.line("grid", p.x(v), p.top, p.x(v), p.bottom)
		p.text("tick", "middle", p.x(v), p.bottom+16, fx(v))
	}
	p.line("axis", p.left, p.bottom, p.right, p.bottom)
	p.text("name", "end", p.right, p.h-4, nameX)
	p.text("name", "start", 4, 12, nameY)
}

// percent writes a share as a whole percentage.
func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

// count as a whole number.
func whole(v float64) string { return fmt.Sprintf("%.0f", v) }

// scale gives about n round steps from 0 to at least top.
func scale(top float64, n int) []float64 {
	if top <= 0 {
		return []float64{0, 1}
	}
	step := math.Pow(10, math.Floor(math.Log10(top/float64(n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*step*float64(n) >= top {
			step *= m
			break
		}
	}
	step = max(step, 1)
	out := []float64{0}
	for v := step; ; v += step {
		out = append(out, v)
		if v >= top {
			return out
		}
	}
}
