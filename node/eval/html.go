package eval

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"path/filepath"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// Picture gives the part of a page around region as JPEG, a few hundred pixels
// wide, and which part of the page it shows, in pixels of the page.
type Picture func(ctx context.Context, id string, page int, region doc.Box) (jpeg []byte, shown doc.Box, err error)

// PageOptions say what the page of a report shows.
type PageOptions struct {
	Title    string  // what was measured
	How      string  // how, in a few words: the type, from pictures or as sent
	Made     string  // when
	Picture  Picture // nil: no pictures of misses
	Pictures int     // at most so many; 0: 24
	Rows     int     // misses listed at most; 0: 500
}

const (
	somePictures = 24
	someRows     = 500
	maxPicture   = 256 << 10 // bytes of a picture: a larger one is left out
)

//go:embed page.html.tmpl
var pageText string

// WriteHTML writes the report as one page that needs nothing else: style, plots
// and pictures are inside, and there is no script. A miss whose picture cannot be
// had is shown without one; that is counted on the page.
func (r Report) WriteHTML(ctx context.Context, w io.Writer, o PageOptions) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"percent": percent1, "f3": func(v float64) string { return fmt.Sprintf("%.3f", v) },
		"signed": func(v float64) string { return fmt.Sprintf("%+.3f", v) },
		"short":  short, "base": filepath.Base,
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	v, err := r.view(ctx, o)
	if err != nil {
		return err
	}
	if err := t.Execute(w, v); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// percent1 writes a share with one digit after the point.
func percent1(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }

// view is what the page's template shows.
type view struct {
	Report
	PageOptions
	Turnouts    []turnout
	Reliability template.HTML
	Curve       template.HTML
	Cost        template.HTML
	Small       []small
	Shown       []shown
	NoPicture   int
	MissRows    []Miss
	MoreMisses  int
	DoubtRows   []Doubt
	MoreDoubts  int
	PerDocument float64 // seconds
	At99        *Coverage
}

// turnout is how one field went over all documents, with its bar.
type turnout struct {
	Tally
	Right, Wrong, Missed, Unasked int
	Bar                           template.HTML
}

// small is a field's own reliability.
type small struct {
	Reliability
	Plot template.HTML
}

// shown is a miss with the picture of its place.
type shown struct {
	Miss
	Picture template.HTML
}

func (r Report) view(ctx context.Context, o PageOptions) (view, error) {
	if o.Pictures == 0 {
		o.Pictures = somePictures
	}
	if o.Rows == 0 {
		o.Rows = someRows
	}
	v := view{Report: r, PageOptions: o, PerDocument: r.Seconds / float64(max(r.Documents, 1))}
	for _, t := range append(slices.Clone(r.Fields), r.Micro) {
		v.Turnouts = append(v.Turnouts, r.turnout(t))
	}
	if len(r.Reliable) > 0 {
		v.Reliability = reliabilityChart(r.Reliable[0])
		for _, f := range r.Reliable[1:] {
			v.Small = append(v.Small, small{f, smallReliability(f)})
		}
	}
	if len(r.Curve) > 0 {
		v.Curve = coverageChart(r.Curve)
		v.Cost = costChart(r.Costs)
	}
	for i := range r.Coverage {
		if r.Coverage[i].Precision == 0.99 {
			v.At99 = &r.Coverage[i]
		}
	}
	worst := worstFirst(r.Misses)
	v.MissRows = worst[:min(len(worst), o.Rows)]
	v.MoreMisses = len(worst) - len(v.MissRows)
	v.DoubtRows = r.Doubts[:min(len(r.Doubts), o.Rows)]
	v.MoreDoubts = len(r.Doubts) - len(v.DoubtRows)
	if o.Picture == nil {
		return v, nil
	}
	return v, v.takePictures(ctx, worst)
}

// turnout counts the marks of a field; of all fields together for the micro tally.
func (r Report) turnout(t Tally) turnout {
	out := turnout{Tally: t}
	for _, m := range r.Marks.Documents {
		for i, name := range r.Marks.Fields {
			if i >= len(m.Marks) || t.Name != name && t.Name != r.Micro.Name {
				continue
			}
			switch m.Marks[i] | ('a' - 'A') { // in lower case, accepted or not
			case markRight:
				out.Right++
			case markWrong:
				out.Wrong++
			case markMissed:
				out.Missed++
			case markUnasked:
				out.Unasked++
			}
		}
	}
	out.Bar = bar(out)
	return out
}

// worstFirst puts what was accepted and is wrong first, then what was surest.
func worstFirst(misses []Miss) []Miss {
	out := slices.Clone(misses)
	slices.SortStableFunc(out, func(a, b Miss) int {
		if a.Accepted != b.Accepted {
			if a.Accepted {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.Confidence, a.Confidence)
	})
	return out
}

// takePictures adds pictures of the worst misses that stand somewhere on a page.
// They are taken document by document, since opening one costs more than a picture
// of it, and shown worst first.
func (v *view) takePictures(ctx context.Context, worst []Miss) error {
	var chosen []int
	for i, m := range worst {
		if page, _ := region(m); page > 0 && len(chosen) < v.Pictures {
			chosen = append(chosen, i)
		}
	}
	slices.SortStableFunc(chosen, func(a, b int) int { return cmp.Compare(worst[a].ID, worst[b].ID) })
	pictures := map[int]template.HTML{}
	for _, i := range chosen {
		page, box := region(worst[i])
		jpeg, part, err := v.PageOptions.Picture(ctx, worst[i].ID, page, box)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil || len(jpeg) > maxPicture || part.Empty() {
			v.NoPicture++
			continue
		}
		pictures[i] = overlay(worst[i], page, jpeg, part)
	}
	for i, m := range worst {
		if p, ok := pictures[i]; ok {
			v.Shown = append(v.Shown, shown{m, p})
		}
	}
	return nil
}

// A label's place is shown with what was got when both are within near pixels from
// top to bottom, and a picture is about proportion times as wide as it is high.
const (
	near       = 240
	proportion = 1.8
)

// region gives the page and the part of it that shows a miss: what was got, with
// the place of the label when it is near; else the place of the label alone. Page
// 0 means there is nothing to show.
func region(m Miss) (page int, part doc.Box) {
	switch {
	case m.Box != nil && m.Page > 0:
		page, part = m.Page, *m.Box
		if m.LabelBox != nil && m.LabelPage == m.Page {
			if both := part.Union(*m.LabelBox); both.H() <= max(near, 6*part.H()) {
				part = both
			}
		}
	case m.LabelBox != nil:
		page, part = m.LabelPage, *m.LabelBox
	}
	if part.Empty() {
		return 0, doc.Box{}
	}
	pad := max(30, min(5*part.H()/2, 120)) // the lines around say what it is
	part = doc.Box{part[0] - 2*pad, part[1] - pad, part[2] + 2*pad, part[3] + pad}
	wide, high := max(0, int(proportion*float64(part.H()))-part.W()), max(0, int(float64(part.W())/proportion)-part.H())
	part = doc.Box{part[0] - wide/2, part[1] - high/2, part[2] + wide/2, part[3] + high/2}
	return page, doc.Box{max(0, part[0]), max(0, part[1]), part[2], part[3]}
}

// overlay draws the boxes of a miss over the picture of a part of its page.
func overlay(m Miss, page int, jpeg []byte, part doc.Box) template.HTML {
	w, h := float64(part.W()), float64(part.H())
	d := draw(w, h, "The place on page "+fmt.Sprint(page)+" of "+m.ID)
	fmt.Fprintf(d, `<image width="%s" height="%s" preserveAspectRatio="none" href="data:image/jpeg;base64,%s"/>`, num(w), num(h), base64.StdEncoding.EncodeToString(jpeg))
	around := math.Max(2, w/250)
	box := func(class string, b *doc.Box, at int) {
		if b != nil && at == page {
			d.rect(class, float64(b[0]-part[0])-around, float64(b[1]-part[1])-around, float64(b.W())+2*around, float64(b.H())+2*around, "")
		}
	}
	box("box-label", m.LabelBox, m.LabelPage)
	box("box-got", m.Box, m.Page)
	return d.done()
}
