package extract

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"slices"
	"strings"
	"sync"

	"golang.org/x/image/draw"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/decode"
	"github.com/recto-edge/recto/node/extract/ocr"
	"github.com/recto-edge/recto/node/extract/split"
	"github.com/recto-edge/recto/node/extract/structured/mrz"
	"github.com/recto-edge/recto/node/extract/structured/symbol"
)

// readPage reads one decoded page: its words from the text layer when that can
// be trusted, else from the picture, and the codes on it. file guards what the
// page still needs of its file.
func (r *Reader) readPage(ctx context.Context, in Input, page *decode.Page, file *sync.Mutex, sw *stopwatch) (doc.Page, error) {
	out := doc.Page{
		Number: page.Number, Width: page.Width, Height: page.Height, DPI: page.DPI, Rotation: page.Rotation,
		Blank: page.Blank, Source: doc.FromText, Words: page.Words, Warnings: page.Warnings, Form: formOf(page),
	}
	if page.Dropped > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%d words of the text layer cannot be seen on the page and were left out", page.Dropped))
	}
	useText := page.TextOK && !in.PictureOnly
	// A separator sheet is made of bars and few words, drawn or scanned.
	sheet := in.batch && len(page.Words) <= split.SheetWords
	if useText && len(codePlaces(page)) == 0 && !sheet {
		return out, nil // nothing on it but text: no picture is painted for it
	}
	file.Lock()
	stop := sw.stage("render")
	img, err := page.Image(ctx)
	stop()
	file.Unlock()
	if err != nil {
		return out, err
	}
	places := []image.Rectangle{img.Bounds()}
	if useText && !sheet {
		places = codePlaces(page)
	} else if useText {
		// its words are known, and codes may stand anywhere
	} else if err := r.recognise(ctx, img, &out, sw); err != nil {
		return out, err
	}
	defer sw.stage("symbols")()
	if in.batch {
		findPatches(img, &out)
	}
	for _, place := range places {
		if err := r.findCodes(ctx, img, place, &out); err != nil {
			// The words are worth having without the codes.
			out.Warnings = append(out.Warnings, "codes on the page could not be looked for: "+err.Error())
			break
		}
	}
	return out, nil
}

// findPatches looks for the bars of separator sheets.
func findPatches(img image.Image, out *doc.Page) {
	whole := img.Bounds()
	for _, s := range split.Patches(img) {
		s.Box = turn(s.Box, out.Turned, whole.Dx(), whole.Dy())
		out.Symbols = append(out.Symbols, s)
	}
}

// A code is not smaller than minCode pixels across, and a picture that covers
// more than half of a page of text is its background.
const minCode = 40

// codePlaces gives where images stand on a page of text that may hold a code.
func codePlaces(page *decode.Page) []image.Rectangle {
	var out []image.Rectangle
	for _, b := range page.Pictures {
		if b.W() >= minCode && b.H() >= minCode/2 && 2*b.W()*b.H() <= page.Width*page.Height {
			quiet := minCode / 4 // a code needs some white around it
			out = append(out, image.Rect(b[0]-quiet, b[1]-quiet, b[2]+quiet, b[3]+quiet).Intersect(image.Rect(0, 0, page.Width, page.Height)))
		}
	}
	return out
}

// twoToned says whether a picture is mostly light and dark with little between,
// as a printed code is and most logos and photographs are not. Every third pixel
// of every third row is asked.
func twoToned(img image.Image) bool {
	const most = 0.3 // of all pixels may lie between
	b := img.Bounds()
	dark, between, all := 0, 0, 0
	for y := b.Min.Y; y < b.Max.Y; y += 3 {
		for x := b.Min.X; x < b.Max.X; x += 3 {
			switch luma := color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y; {
			case luma < 80:
				dark++
			case luma < 176:
				between++
			}
			all++
		}
	}
	return 10*dark > all && float64(between) <= most*float64(all)
}

// findCodes looks for codes in one part of the picture.
func (r *Reader) findCodes(ctx context.Context, img image.Image, place image.Rectangle, out *doc.Page) error {
	whole := img.Bounds()
	part := img
	if sub, ok := img.(interface {
		SubImage(image.Rectangle) image.Image
	}); ok && place != whole {
		part = sub.SubImage(place.Add(whole.Min))
		if !twoToned(part) {
			return nil
		}
	}
	found, err := symbol.Find(ctx, r.cfg.Codes, part)
	if err != nil {
		return err
	}
	shift := part.Bounds().Min.Sub(whole.Min)
	for _, s := range found {
		for i := range s.Box {
			s.Box[i] += [2]int{shift.X, shift.Y}[i%2]
		}
		s.Box = turn(s.Box, out.Turned, whole.Dx(), whole.Dy())
		out.Symbols = append(out.Symbols, s)
	}
	return nil
}

// recognise reads the words of the picture and turns the page upright.
func (r *Reader) recognise(ctx context.Context, img image.Image, out *doc.Page, sw *stopwatch) error {
	defer sw.stage("ocr")()
	words, rotation, err := r.cfg.OCR.Read(ctx, img)
	if err != nil {
		return fmt.Errorf("recognise page %d: %w", out.Number, err)
	}
	out.Source, out.Words = doc.FromOCR, words
	if out.Words == nil {
		out.Words = []doc.Word{}
	}
	if rotation%180 != 0 {
		out.Width, out.Height = out.Height, out.Width
	}
	out.Rotation = (out.Rotation + rotation) % 360
	out.Turned = rotation
	out.Blank = out.Blank || len(words) == 0
	return r.lookCloser(ctx, img, out)
}

// closer is how much larger a machine-readable zone is looked at again, and
// smallZone the width in pixels above which that shows nothing new.
const (
	closer    = 2
	smallZone = 1600
)

// lookCloser reads a machine-readable zone a second time, enlarged: its lines have
// no words a reader could guess from, and each wrong character costs a field.
func (r *Reader) lookCloser(ctx context.Context, img image.Image, out *doc.Page) error {
	band, ok := mrz.Band(*out)
	if !ok || band.W() > smallZone {
		return nil
	}
	if out.Turned != 0 {
		img = ocr.Upright(img, out.Turned)
	}
	from := image.Rect(band[0], band[1], band[2], band[3]).Add(img.Bounds().Min)
	large := image.NewRGBA(image.Rect(0, 0, closer*from.Dx(), closer*from.Dy()))
	draw.CatmullRom.Scale(large, large.Rect, img, from, draw.Src, nil)
	words, turned, err := r.cfg.OCR.Read(ctx, large)
	if err != nil {
		return fmt.Errorf("look closer at the zone of page %d: %w", out.Number, err)
	}
	if turned != 0 {
		return nil // not what it seemed
	}
	for _, w := range words {
		for i := range w.Box {
			w.Box[i] = w.Box[i]/closer + band[i%2]
		}
		out.Zone = append(out.Zone, w)
	}
	return nil
}

// zones gives the pages in the forms in which a machine-readable zone may be
// read best: as they are, and with what a closer look found.
func zones(pages []doc.Page) []doc.Page {
	out := slices.Clone(pages)
	for _, p := range pages {
		if len(p.Zone) > 0 {
			p.Words = p.Zone
			out = append(out, p)
		}
	}
	return out
}

// turn gives the place of box after its w×h picture was turned clockwise.
func turn(b doc.Box, degrees, w, h int) doc.Box {
	switch degrees {
	case 90:
		return doc.Box{h - b[3], b[0], h - b[1], b[2]}
	case 180:
		return doc.Box{w - b[2], h - b[3], w - b[0], h - b[1]}
	case 270:
		return doc.Box{b[1], w - b[2], b[3], w - b[0]}
	}
	return b
}

// formOf gives the filled-in form fields of a page as fields.
func formOf(page *decode.Page) []doc.Field {
	var out []doc.Field
	for _, f := range page.Fields {
		name := slug(f.Name)
		if name == "" || strings.TrimSpace(f.Value) == "" {
			continue
		}
		box := f.Box
		out = append(out, doc.Field{
			Name: name, Value: strings.TrimSpace(f.Value), Raw: f.Value, Type: doc.Text, Confidence: 1,
			Page: f.Page, Box: &box, Source: doc.FromForm, Method: "form",
		})
	}
	return out
}

// slug makes a field name of what a form calls its field.
func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	out := strings.Trim(b.String(), "_")
	if out != "" && (out[0] < 'a' || out[0] > 'z') {
		out = "field_" + out
	}
	return out[:min(len(out), 63)]
}
