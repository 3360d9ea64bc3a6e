package eval

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
)

// size of a chart in units; the page draws it at up to one and a half times that.
const (
	chartW = 440
	chartH = 320
)

var tenths = []float64{0, 0.2, 0.4, 0.6, 0.8, 1}

// bar draws how a field went as one bar of shares: right, wrong, missed, unasked.
func bar(t turnout) template.HTML {
	const w, h = 100, 6
	d := drawAs("none", w, h, fmt.Sprintf("%s: %d right, %d wrong, %d missed, %d without a label", t.Name, t.Right, t.Wrong, t.Missed, t.Unasked))
	all := float64(max(1, t.Right+t.Wrong+t.Missed+t.Unasked))
	x := 0.0
	for _, p := range []struct {
		class string
		n     int
		what  string
	}{{"f-good", t.Right, "right"}, {"f-bad", t.Wrong, "wrong"}, {"f-dim", t.Missed, "missed"}, {"f-warn", t.Unasked, "without a label"}} {
		width := w * float64(p.n) / all
		d.rect(p.class, x, 0, width, h, fmt.Sprintf("%d %s", p.n, p.what))
		x += width
	}
	return d.done()
}

// reliabilityChart draws confidence against what came true: a bar a bin as high as
// the share that is right, a dot at its mean confidence, and how many there are.
func reliabilityChart(r Reliability) template.HTML {
	d := draw(chartW, chartH, fmt.Sprintf("Reliability of %s: %d predictions, calibration error %.3f", r.Name, r.N, r.ECE))
	const counts = 46 // height of the bars that count, below
	p := &plot{d, 48, 24, chartW - 22, chartH - 40 - counts, 0, 1, 0, 1}
	for _, v := range tenths {
		p.line("grid", p.left, p.y(v), p.right, p.y(v))
		p.text("tick", "end", p.left-6, p.y(v)+4, percent(v))
		p.text("tick", "middle", p.x(v), chartH-22, percent(v))
	}
	p.text("name", "start", 4, 12, "share that is right")
	p.text("name", "end", p.right, chartH-4, "confidence")
	most := 0
	for _, b := range r.Bins {
		most = max(most, b.N)
	}
	base := chartH - 38.0
	for _, b := range r.Bins {
		right := ratio(b.Right, b.N)
		says := fmt.Sprintf("confidence %.3f on average, %.3f right: %d of %d", b.Confidence, right, b.Right, b.N)
		width := p.x(b.To) - p.x(b.From) - 2
		p.rect("f-soft", p.x(b.From)+1, p.y(right), width, p.bottom-p.y(right), says)
		p.line("s-gap", p.x(b.Confidence), p.y(right), p.x(b.Confidence), p.y(b.Confidence))
		high := math.Max(1.5, (counts-18)*float64(b.N)/float64(most))
		p.rect("f-dim", p.x(b.From)+1, base-high, width, high, says)
		p.text("count", "middle", (p.x(b.From)+p.x(b.To))/2, base-high-3, strconv.Itoa(b.N))
	}
	p.line("s-ideal", p.x(0), p.y(0), p.x(1), p.y(1))
	for _, b := range r.Bins {
		p.dot("f-accent", p.x(b.Confidence), p.y(ratio(b.Right, b.N)), 4, "")
	}
	p.line("axis", p.left, p.bottom, p.right, p.bottom)
	return d.done()
}

// smallReliability is reliabilityChart for one of many fields: dots as large as
// what they stand for.
func smallReliability(r Reliability) template.HTML {
	const side = 160
	d := draw(side, side, fmt.Sprintf("Reliability of %s: %d predictions, calibration error %.3f", r.Name, r.N, r.ECE))
	p := &plot{d, 6, 6, side - 6, side - 6, 0, 1, 0, 1}
	p.rect("frame", p.left, p.top, p.right-p.left, p.bottom-p.top, "")
	p.line("grid", p.x(0.5), p.top, p.x(0.5), p.bottom)
	p.line("grid", p.left, p.y(0.5), p.right, p.y(0.5))
	p.line("s-ideal", p.x(0), p.y(0), p.x(1), p.y(1))
	for _, b := range r.Bins {
		right := ratio(b.Right, b.N)
		size := 2.5 + 8*math.Sqrt(float64(b.N)/float64(max(r.N, 1)))
		p.dot("f-accent part", p.x(b.Confidence), p.y(right), size, fmt.Sprintf("confidence %.3f on average, %.3f right: %d of %d", b.Confidence, right, b.Right, b.N))
	}
	return d.done()
}

// coverageChart draws the share of right ones against the share of labelled fields
// that are accepted, surest first.
func coverageChart(points []Point) template.HTML {
	d := draw(chartW, chartH, "Precision of the surest fields against their share")
	low := 1.0
	for _, p := range points {
		if p.Fields >= 10 { // the first few jump
			low = min(low, p.Precision)
		}
	}
	low = math.Max(0, math.Floor(20*(low-0.01))/20)
	most := 1.0
	for _, p := range points {
		most = max(most, p.Share)
	}
	p := &plot{d, 48, 24, chartW - 22, chartH - 40, 0, most, low, 1}
	step := 0.05
	for (1-low)/step > 6.5 {
		step *= 2
	}
	var ys []float64
	for v := 1.0; v > low-0.001; v -= step {
		ys = append(ys, v)
	}
	p.axes(tenths, ys, percent, percent, "share of all labelled fields that is accepted", "precision")
	if low < 0.99 {
		p.line("s-goal", p.left, p.y(0.99), p.right, p.y(0.99))
		p.text("goal", "start", p.left+4, p.y(0.99)+13, "99 %")
	}
	var at []float64
	for _, q := range points {
		at = append(at, p.x(q.Share), p.y(max(q.Precision, low)))
	}
	p.path("s-line", at)
	for i, q := range points {
		if i%max(1, len(points)/40) == 0 || i == len(points)-1 {
			p.dot("f-accent tip", p.x(q.Share), p.y(max(q.Precision, low)), 2.5,
				fmt.Sprintf("confidence from %.3f: %d fields, %.3f right", q.Threshold, q.Fields, q.Precision))
		}
	}
	return d.done()
}

// costChart draws the errors let through against the fields to look at, a dot a
// threshold.
func costChart(costs []Cost) template.HTML {
	d := draw(chartW, chartH, "Errors let through against fields to look at")
	reviews, errors := 0, 0
	for _, c := range costs {
		reviews, errors = max(reviews, c.Review), max(errors, c.Errors)
	}
	xs, ys := scale(float64(reviews), 5), scale(float64(errors), 5)
	p := &plot{d, 48, 24, chartW - 22, chartH - 40, 0, xs[len(xs)-1], 0, ys[len(ys)-1]}
	p.axes(xs, ys, whole, whole, "fields to look at", "errors let through")
	var at []float64
	for _, c := range costs {
		at = append(at, p.x(float64(c.Review)), p.y(float64(c.Errors)))
	}
	p.path("s-line", at)
	lastX, lastY := math.Inf(-1), math.Inf(-1)
	for _, c := range costs {
		x, y := p.x(float64(c.Review)), p.y(float64(c.Errors))
		p.dot("f-accent", x, y, 4, fmt.Sprintf("threshold %s: %d to look at, %d errors let through", short(c.Threshold), c.Review, c.Errors))
		if math.Hypot(x-lastX, y-lastY) > 34 { // names that would touch are left out
			anchor, dx := "start", 8.0
			if x > p.right-50 {
				anchor, dx = "end", -8
			}
			p.text("count", anchor, x+dx, y-6, short(c.Threshold))
			lastX, lastY = x, y
		}
	}
	return d.done()
}

// short writes a threshold without trailing zeros.
func short(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
