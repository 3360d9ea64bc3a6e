package decode

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// picture is a file that is one image: JPEG, PNG, WebP or JPEG 2000.
type picture struct {
	in     Input
	kind   Kind
	limits Limits
	engine PDF
}

func (p *picture) close() error { return nil }

func (p *picture) page(ctx context.Context, _ int) (*Page, error) {
	about := p.about()
	pg := &Page{DPI: about.dpi}
	img, err := p.decode(ctx)
	if err != nil && (p.kind == KindJP2 || p.kind == KindJPEG && about.width > 0) {
		var again error
		if img, again = p.throughPDF(ctx, about); again != nil {
			return nil, errors.Join(err, again)
		}
		if p.kind == KindJPEG {
			pg.Warnings = append(pg.Warnings, "the JPEG is not quite in order; parts of the picture may be missing")
		}
	}
	if img == nil {
		return nil, err
	}
	img, pg.Rotation = orient(img, about.orientation)
	pg.setImage(img)
	return pg, nil
}

func (p *Page) setImage(img image.Image) {
	p.image = img
	p.Width, p.Height = img.Bounds().Dx(), img.Bounds().Dy()
}

// about is what the file says of itself beside its pixels.
type about struct {
	dpi           float64
	orientation   int // EXIF: 1 to 8
	width, height int // of a JPEG or JPEG 2000
	components    int
	adobe         bool
}

func (p *picture) about() about {
	r := io.NewSectionReader(p.in.R, 0, p.in.Size)
	switch p.kind {
	case KindJPEG:
		return aboutJPEG(r)
	case KindPNG:
		return aboutPNG(r)
	case KindJP2:
		return aboutJP2(r)
	}
	return about{orientation: 1}
}

// decode reads the pixels with Go's decoders, after looking at the declared size.
func (p *picture) decode(ctx context.Context) (image.Image, error) {
	var config func(io.Reader) (image.Config, error)
	var decode func(io.Reader) (image.Image, error)
	switch p.kind {
	case KindJPEG:
		config, decode = jpeg.DecodeConfig, jpeg.Decode
	case KindPNG:
		config, decode = png.DecodeConfig, png.Decode
	case KindWebP:
		config, decode = webp.DecodeConfig, webp.Decode
	default:
		return nil, fmt.Errorf("no decoder for %s", p.kind)
	}
	open := func() io.Reader {
		return within{ctx, io.NewSectionReader(p.in.R, 0, p.in.Size)}
	}
	c, err := config(open())
	if err != nil {
		return nil, fmt.Errorf("read %s header: %w", p.kind, err)
	}
	if err := p.limits.checkPixels(c.Width, c.Height); err != nil {
		return nil, err
	}
	img, err := decode(open())
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", p.kind, err)
	}
	return plain(img), nil
}

// checkPixels refuses a declared size over the limit, or with nothing in it.
func (l Limits) checkPixels(w, h int) error {
	if w <= 0 || h <= 0 {
		return damaged(fmt.Errorf("declared size is %d x %d", w, h))
	}
	if w > l.MaxPixels || h > l.MaxPixels || w*h > l.MaxPixels {
		return tooManyPixels(w, h, l.MaxPixels)
	}
	return nil
}

// throughPDF lets PDFium decode what Go refuses, by wrapping it into a page.
func (p *picture) throughPDF(ctx context.Context, a about) (image.Image, error) {
	if p.engine == nil || a.width == 0 {
		return nil, errors.New("no second decoder")
	}
	if err := p.limits.checkPixels(a.width, a.height); err != nil {
		return nil, err
	}
	r, size := wrap(p.in, p.kind, a)
	d, err := p.engine.Open(ctx, r, size, "")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	page, err := d.Page(ctx, 0)
	if err != nil {
		return nil, err
	}
	if len(page.Pictures) == 0 || page.Pictures[0].Width == 0 {
		return nil, fmt.Errorf("second decoder finds no picture")
	}
	return d.Render(ctx, 0, a.width, a.height, a.components == 1)
}

// plain turns any image into *image.Gray, *image.RGBA (opaque, on white) or
// *image.YCbCr.
func plain(img image.Image) image.Image {
	switch m := img.(type) {
	case *image.Gray, *image.YCbCr:
		return img
	case *image.RGBA:
		if m.Opaque() {
			return img
		}
	case *image.Gray16:
		return plainGray(m)
	case *image.Paletted:
		if grayOnly(m.Palette) {
			return plainGray(m)
		}
	}
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		row := out.Pix[y*out.Stride : (y+1)*out.Stride]
		for x := range b.Dx() {
			r, g, bl, a := img.At(b.Min.X+x, b.Min.Y+y).RGBA()
			rest := 0xffff - a // white shines through
			row[4*x] = uint8((r + rest) >> 8)
			row[4*x+1] = uint8((g + rest) >> 8)
			row[4*x+2] = uint8((bl + rest) >> 8)
			row[4*x+3] = 0xff
		}
	}
	return out
}

func plainGray(img image.Image) *image.Gray {
	b := img.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	at := func(x, y int) uint8 { r, _, _, _ := img.At(x, y).RGBA(); return uint8(r >> 8) }
	if p, ok := img.(*image.Paletted); ok {
		var luma [256]uint8
		for i, c := range p.Palette {
			r, _, _, _ := c.RGBA()
			luma[i] = uint8(r >> 8)
		}
		at = func(x, y int) uint8 { return luma[p.ColorIndexAt(x, y)] }
	}
	for y := range b.Dy() {
		for x := range b.Dx() {
			out.Pix[y*out.Stride+x] = at(b.Min.X+x, b.Min.Y+y)
		}
	}
	return out
}

func grayOnly(p color.Palette) bool {
	for _, c := range p {
		if r, g, b, a := c.RGBA(); r != g || g != b || a != 0xffff {
			return false
		}
	}
	return true
}
