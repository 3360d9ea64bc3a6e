package decode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"io"

	"golang.org/x/image/tiff"
)

// tiffPages reads the pages of a TIFF. Most are handed to x/image/tiff, which
// knows only the first page: it is shown a file whose header points to the page
// asked for. JPEG in TIFF, which it does not know, is put together here.
type tiffPages struct {
	t      *tiffFile
	dirs   []uint32
	limits Limits
}

func (f *File) openTIFF(in Input) error {
	t, err := readTIFF(in.R, in.Size)
	if err != nil {
		return err
	}
	dirs, warning := t.pages(f.limits.MaxPages)
	if warning != "" {
		f.Warnings = append(f.Warnings, warning)
	}
	if len(dirs) == 0 {
		if warning != "" {
			return damaged(errTIFF)
		}
		return noPages()
	}
	f.NumPages = len(dirs)
	f.pages = &tiffPages{t: t, dirs: dirs, limits: f.limits}
	return nil
}

func (p *tiffPages) close() error { return nil }

func (p *tiffPages) page(ctx context.Context, n int) (*Page, error) {
	d, _, err := p.t.dir(p.dirs[n-1])
	if err != nil {
		return nil, err
	}
	w, h := int(d.uint(tagWidth)), int(d.uint(tagLength))
	if err := p.limits.checkPixels(w, h); err != nil {
		return nil, err
	}
	var img image.Image
	switch c := d.uint(tagCompression); c {
	case compressionJPEG, compressionOldJPG:
		img, err = p.jpegPage(ctx, d, w, h)
	default:
		img, err = tiff.Decode(&overlay{within: ctx, t: p.t, first: p.dirs[n-1]})
	}
	if err != nil {
		var unknown tiff.UnsupportedError
		if errors.As(err, &unknown) {
			return nil, unsupported("this TIFF uses " + string(unknown))
		}
		return nil, fmt.Errorf("decode tiff: %w", err)
	}
	pg := &Page{}
	img = plain(img)
	x, y := d.dpi()
	img, pg.DPI = square(img, x, y, p.limits)
	img, pg.Rotation = orient(img, int(d.uint(tagOrientation)))
	pg.setImage(img)
	return pg, nil
}

// square stretches a fax, whose pixels are higher than wide.
func square(img image.Image, x, y float64, l Limits) (image.Image, float64) {
	b := img.Bounds()
	g, ok := img.(*image.Gray)
	if !ok || y <= 0 || x < 1.5*y || x > 4*y {
		return img, max(x, y)
	}
	h := int(float64(b.Dy()) * x / y)
	if l.checkPixels(b.Dx(), h) != nil {
		return img, x
	}
	out := image.NewGray(image.Rect(0, 0, b.Dx(), h))
	for row := range h {
		from := row * b.Dy() / h
		copy(out.Pix[row*out.Stride:(row+1)*out.Stride], g.Pix[from*g.Stride:from*g.Stride+b.Dx()])
	}
	return out, x
}

// overlay shows a TIFF whose first directory is another one, as long as the
// context lives.
type overlay struct {
	within context.Context
	t      *tiffFile
	first  uint32
}

// ReadAt implements io.ReaderAt.
func (o *overlay) ReadAt(p []byte, off int64) (int, error) {
	if err := o.within.Err(); err != nil {
		return 0, err
	}
	n, err := o.t.r.ReadAt(p, off)
	var link [4]byte
	o.t.order.PutUint32(link[:], o.first)
	for i := range link {
		if at := 4 + int64(i) - off; at >= 0 && at < int64(n) {
			p[at] = link[i]
		}
	}
	return n, err
}

// Read implements io.Reader, which x/image/tiff asks for but does not use.
func (o *overlay) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }

// jpegPage puts a page together from strips or tiles that are JPEGs.
func (p *tiffPages) jpegPage(ctx context.Context, d directory, w, h int) (image.Image, error) {
	if off := d.uint(tagOldJPEG); off != 0 && d.uint(tagCompression) == compressionOldJPG {
		b, err := p.block(off, d.uint(tagOldJPEGLength))
		if err != nil {
			return nil, err
		}
		return decodeBlock(ctx, b, w, h)
	}
	bw, bh := w, h
	offsets, counts := d.uints(tagStripOffsets), d.uints(tagStripCounts)
	if rows := int(d.uint(tagRowsPerStrip)); rows > 0 && rows < h {
		bh = rows
	}
	if tw := int(d.uint(tagTileWidth)); tw > 0 {
		bw, bh = tw, int(d.uint(tagTileLength))
		offsets, counts = d.uints(tagTileOffsets), d.uints(tagTileCounts)
	}
	if err := p.limits.checkPixels(bw, bh); err != nil {
		return nil, err
	}
	across := (w + bw - 1) / bw
	if n := across * ((h + bh - 1) / bh); len(offsets) < n || len(counts) < n {
		return nil, fmt.Errorf("%w: %d blocks, %d needed", errTIFF, len(offsets), n)
	}
	tables, _ := d.bytes(tagJPEGTables)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range across * ((h + bh - 1) / bh) {
		b, err := p.block(offsets[i], counts[i])
		if err != nil {
			return nil, err
		}
		img, err := decodeBlock(ctx, whole(b, tables, d.uint(tagPhotometric) == 2), bw, bh)
		if err != nil {
			return nil, err
		}
		at := image.Pt(i%across*bw, i/across*bh)
		draw.Draw(out, img.Bounds().Sub(img.Bounds().Min).Add(at), img, img.Bounds().Min, draw.Src)
	}
	return out, nil
}

func (p *tiffPages) block(off, n uint32) ([]byte, error) {
	if int64(off)+int64(n) > p.t.size || n < 4 {
		return nil, fmt.Errorf("%w: block outside the file", errTIFF)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(io.NewSectionReader(p.t.r, int64(off), int64(n)), b)
	return b, err
}

// whole makes a JPEG that stands alone of a block and the tables it shares with
// others. An Adobe marker says that RGB is meant.
func whole(b, tables []byte, rgb bool) []byte {
	out := []byte{0xff, 0xd8}
	if rgb {
		out = append(out, 0xff, 0xee, 0, 14)
		out = append(out, "Adobe\x00\x64\x00\x00\x00\x00\x00"...)
	}
	if len(tables) > 4 {
		out = append(out, tables[2:len(tables)-2]...)
	}
	return append(out, b[2:]...)
}

// decodeBlock decodes a JPEG that may be no larger than its place.
func decodeBlock(ctx context.Context, b []byte, w, h int) (image.Image, error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if c.Width > w+64 || c.Height > h+64 {
		return nil, fmt.Errorf("%w: block of %d x %d in a place of %d x %d", errTIFF, c.Width, c.Height, w, h)
	}
	return jpeg.Decode(within{ctx, bytes.NewReader(b)})
}
