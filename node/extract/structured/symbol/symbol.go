// Package symbol finds barcodes and two-dimensional codes on page images and
// reads what payment and trade codes mean.
//
// It guarantees that a page is looked at in bounded time and memory whatever
// its size, and that a code that cannot be told from print by chance is left
// out. The decoding itself is behind Decoder; this package opens nothing.
package symbol

import (
	"context"
	"image"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
	"golang.org/x/image/draw"
)

// Code is one code as a Decoder gives it.
type Code struct {
	Format  string // as ZXing writes it: "QR Code", "EAN-13"
	GS1     bool   // the text is a GS1 element string
	Text    string
	Corners [4]image.Point
}

// Decoder finds codes in a grey image whose bounds begin at 0, 0:
// two-dimensional ones however they are turned, linear ones upright or upside
// down. With harder it looks closer.
type Decoder interface {
	Decode(ctx context.Context, img *image.Gray, harder bool) ([]Code, error)
}

// most pixels that are looked at: more of them do not make codes of scans
// easier to read, only slower. An A4 page of 250 dpi stays as it is.
const most = 6 << 20

// Find gives the codes on a page, each with its Box in pixels of img. Format is
// ZXing's name in lower case with underscores (qr_code, code_128, ean_13), with
// gs1_ before it when the content is a GS1 element string. An error is the
// decoder's, or that of ctx.
func Find(ctx context.Context, decoder Decoder, img image.Image) ([]doc.Symbol, error) {
	gray, scale := prepare(img)
	codes, err := decoder.Decode(ctx, gray, true)
	if err != nil {
		return nil, err
	}
	// Linear codes along the edge of a page stand sideways.
	sideways, err := decoder.Decode(ctx, turned(gray), false)
	if err != nil {
		return nil, err
	}
	codes = append(codes, turnedBack(sideways, gray.Rect.Dy())...)
	var out []doc.Symbol
	for _, c := range codes {
		if c.Text == "" || weak(c) {
			continue
		}
		format := strings.NewReplacer(" ", "_", "-", "_", "/", "_").Replace(strings.ToLower(c.Format))
		if c.GS1 && !strings.HasPrefix(format, "databar") {
			format = "gs1_" + format
		}
		s := doc.Symbol{Format: format, Text: c.Text, Box: box(c.Corners, scale, img.Bounds())}
		if !slices.ContainsFunc(out, func(o doc.Symbol) bool { return o.Format == s.Format && o.Text == s.Text && overlap(o.Box, s.Box) }) {
			out = append(out, s)
		}
	}
	return out, nil
}

// turned gives img turned by 90 degrees clockwise.
func turned(img *image.Gray) *image.Gray {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := image.NewGray(image.Rect(0, 0, h, w))
	for y := range h {
		row := img.Pix[y*img.Stride : y*img.Stride+w]
		for x, v := range row {
			out.Pix[x*out.Stride+h-1-y] = v
		}
	}
	return out
}

// turnedBack gives codes of a turned image the corners they have in the image
// itself, which is height pixels high.
func turnedBack(codes []Code, height int) []Code {
	for i := range codes {
		for n, p := range codes[i].Corners {
			codes[i].Corners[n] = image.Pt(p.Y, height-1-p.X)
		}
	}
	return codes
}

func overlap(a, b doc.Box) bool {
	return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

// prepare makes a grey copy of img on white, halved until it has at most the
// most pixels, and says by what its coordinates are to be multiplied.
func prepare(img image.Image) (*image.Gray, int) {
	b := img.Bounds()
	scale := 1
	for (b.Dx()/scale)*(b.Dy()/scale) > most {
		scale *= 2
	}
	gray := image.NewGray(image.Rect(0, 0, max(b.Dx()/scale, 1), max(b.Dy()/scale, 1)))
	if src, ok := img.(*image.Gray); ok && scale == 1 {
		for y := range b.Dy() {
			copy(gray.Pix[y*gray.Stride:], src.Pix[y*src.Stride:y*src.Stride+b.Dx()])
		}
		return gray, 1
	}
	draw.Draw(gray, gray.Rect, image.White, image.Point{}, draw.Src)
	if scale == 1 {
		draw.Draw(gray, gray.Rect, img, b.Min, draw.Over)
		return gray, 1
	}
	draw.ApproxBiLinear.Scale(gray, gray.Rect, img, b, draw.Over, nil)
	return gray, scale
}

func box(corners [4]image.Point, scale int, bounds image.Rectangle) doc.Box {
	r := image.Rectangle{Min: corners[0], Max: corners[0]}
	for _, c := range corners[1:] {
		r.Min.X, r.Min.Y = min(r.Min.X, c.X), min(r.Min.Y, c.Y)
		r.Max.X, r.Max.Y = max(r.Max.X, c.X), max(r.Max.Y, c.Y)
	}
	w, h := bounds.Dx(), bounds.Dy()
	return doc.Box{clamp(r.Min.X*scale, w), clamp(r.Min.Y*scale, h), clamp((r.Max.X+1)*scale, w), clamp((r.Max.Y+1)*scale, h)}
}

func clamp(v, most int) int { return max(0, min(v, most)) }

// weak says whether a reading may be chance: old linear codes have no check
// digit, and print that looks like a few bars is found on many a page.
func weak(c Code) bool {
	switch strings.ToLower(c.Format) {
	case "codabar":
		return len(c.Text) < 7
	case "itf", "telepen", "telepen alpha", "telepen numeric":
		return len(c.Text) < 6
	case "code 39", "code 39 standard", "code 39 extended":
		return len(c.Text) < 3
	}
	return false
}
