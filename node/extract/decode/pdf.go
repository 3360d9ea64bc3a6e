package decode

import (
	"context"
	"fmt"
	"image"
	"math"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// scanPixels is to how many pixels a scan in a PDF is reduced when it has more:
// A3 at 300 dpi.
const scanPixels = 18_000_000

// hugeImage is how many times the pixel limit an image within a page may have:
// it is reduced while it is painted, but every pixel costs time.
const hugeImage = 8

// minDPI is the coarsest picture worth reading; a page that needs a coarser one
// to stay within the pixel limit is refused.
const minDPI = 36

// pdfPages reads the pages of a PDF.
type pdfPages struct {
	d      PDFDocument
	limits Limits
}

func (f *File) openPDF(ctx context.Context, in Input, engine PDF) error {
	if engine == nil {
		return &doc.Error{Code: doc.Unavailable, Message: "there is no PDF engine here"}
	}
	d, err := engine.Open(ctx, in.R, in.Size, in.Password)
	if err != nil {
		return err
	}
	f.pages = &pdfPages{d: d, limits: f.limits}
	f.NumPages = d.NumPages()
	switch {
	case f.NumPages == 0:
		return noPages()
	case f.NumPages > f.limits.MaxPages:
		return tooManyPages(f.NumPages, f.limits.MaxPages)
	}
	files, omitted, err := d.Attachments(ctx, f.limits.MaxParts, f.limits.MaxUnpacked)
	if err != nil {
		f.Warnings = append(f.Warnings, "the list of attached files is damaged; they were left out")
	}
	if omitted > 0 {
		f.Warnings = append(f.Warnings, fmt.Sprintf("%d attached files are too large or damaged and were left out", omitted))
	}
	f.Attachments = files
	return nil
}

func (p *pdfPages) close() error { return p.d.Close() }

func (p *pdfPages) page(ctx context.Context, n int) (*Page, error) {
	src, err := p.d.Page(ctx, n-1)
	if err != nil {
		return nil, err
	}
	for _, pic := range src.Pictures {
		if most := hugeImage * p.limits.MaxPixels; pic.Width > most || pic.Height > most || pic.Width*pic.Height > most {
			return nil, tooManyPixels(pic.Width, pic.Height, most)
		}
	}
	pg := &Page{}
	dpi, gray := p.resolution(src, pg)
	if dpi < minDPI {
		return nil, doc.Unreadable(doc.DetailTooManyPx, fmt.Sprintf(
			"the page is %.0f x %.0f cm large, which is too large to be read", src.Width/72*2.54, src.Height/72*2.54), nil)
	}
	width, height := pixels(src.Width, dpi), pixels(src.Height, dpi)
	pg.DPI = dpi
	turned := 0
	pg.render = func(ctx context.Context) (image.Image, error) {
		ctx, cancel := context.WithTimeout(ctx, p.limits.PageTimeout)
		defer cancel()
		img, err := p.d.Render(ctx, n-1, width, height, gray)
		if err != nil {
			return nil, err
		}
		return turn(img, turned), nil
	}
	pg.Width, pg.Height = width, height

	layer, err := p.agree(ctx, n, src)
	if err != nil {
		return nil, err
	}
	pg.Dropped, pg.Blank, pg.TextOK = layer.dropped, layer.blank, layer.ok
	if layer.warning != "" {
		pg.Warnings = append(pg.Warnings, layer.warning)
	}
	if pg.TextOK {
		turned = (360 - layer.angle) % 360
		pg.Rotation = turned
		if turned%180 == 90 {
			pg.Width, pg.Height = height, width
		}
		place := placer{scale: dpi / 72, width: float64(width), height: float64(height), turn: turned}
		pg.Words = lines(layer.words, place)
		for _, pic := range src.Pictures {
			if b := place.box(pic.Box); b.W() >= 8 && b.H() >= 8 {
				pg.Pictures = append(pg.Pictures, b)
			}
		}
	}
	p.fields(ctx, n, pg, placer{scale: dpi / 72, width: float64(width), height: float64(height), turn: turned})
	return pg, nil
}

func (p *pdfPages) fields(ctx context.Context, n int, pg *Page, place placer) {
	fields, err := p.d.Fields(ctx, n-1)
	if err != nil {
		pg.Warnings = append(pg.Warnings, "the form on this page is damaged; its fields were not read")
		return
	}
	for _, f := range fields {
		pg.Fields = append(pg.Fields, FormField{Name: f.Name, Value: strings.TrimSpace(f.Value), Page: n, Box: place.box(f.Box)})
	}
}

func pixels(points, dpi float64) int { return max(1, int(math.Ceil(points*dpi/72-0.01))) }

// resolution decides how finely a page is painted: a scan at its own
// resolution, since painting it finer adds nothing, and anything else at the
// usual one; both within the pixel limit.
func (p *pdfPages) resolution(src *PDFPage, pg *Page) (dpi float64, gray bool) {
	dpi = p.limits.DPI
	area := src.Width * src.Height / 72 / 72
	if pic, ok := scan(src); ok {
		own := math.Max(float64(pic.Width)/(pic.Box.X1-pic.Box.X0), float64(pic.Height)/(pic.Box.Y1-pic.Box.Y0)) * 72
		dpi = math.Min(math.Min(own, p.limits.MaxDPI), math.Sqrt(scanPixels/area))
		gray = pic.Bits == 1 && src.Objects == 1
	}
	if most := math.Sqrt(float64(p.limits.MaxPixels) * 0.99 / area); dpi > most {
		dpi = most
		pg.Warnings = append(pg.Warnings, fmt.Sprintf("the page is so large that it was read at %.0f dpi", dpi))
	}
	return dpi, gray
}

// scan finds the picture that is the page: one that covers nearly all of it.
func scan(src *PDFPage) (PDFPicture, bool) {
	for _, pic := range src.Pictures {
		w := math.Min(pic.Box.X1, src.Width) - math.Max(pic.Box.X0, 0)
		h := math.Min(pic.Box.Y1, src.Height) - math.Max(pic.Box.Y0, 0)
		if w > 0 && h > 0 && w*h >= 0.8*src.Width*src.Height && pic.Width > 1 && pic.Height > 1 {
			return pic, true
		}
	}
	return PDFPicture{}, false
}

// placer turns points on a page into pixels of its upright picture.
type placer struct {
	scale         float64
	width, height float64 // pixels before turning
	turn          int     // degrees clockwise
}

func (t placer) point(x, y float64) (float64, float64) {
	x, y = x*t.scale, y*t.scale
	switch t.turn {
	case 90:
		return t.height - y, x
	case 180:
		return t.width - x, t.height - y
	case 270:
		return y, t.width - x
	}
	return x, y
}

// box gives the pixels that r touches, cut at the page's edges.
func (t placer) box(r PDFRect) doc.Box {
	x0, y0 := t.point(r.X0, r.Y0)
	x1, y1 := t.point(r.X1, r.Y1)
	w, h := t.width, t.height
	if t.turn%180 == 90 {
		w, h = h, w
	}
	at := func(v, limit float64) int { return int(math.Min(math.Max(v, 0), limit)) }
	return doc.Box{
		at(math.Floor(math.Min(x0, x1)), w), at(math.Floor(math.Min(y0, y1)), h),
		at(math.Ceil(math.Max(x0, x1)), w), at(math.Ceil(math.Max(y0, y1)), h),
	}
}
