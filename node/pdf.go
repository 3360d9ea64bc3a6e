package node

import (
	"context"
	"image"
	"io"

	"github.com/recto-edge/recto/embedded/pdfium"
	"github.com/recto-edge/recto/node/extract/decode"
)

// pdfEngine is PDFium as decode wants a PDF engine: neither knows the other.
type pdfEngine struct{ *pdfium.Engine }

// Open implements decode.PDF.
func (e pdfEngine) Open(ctx context.Context, r io.ReaderAt, size int64, password string) (decode.PDFDocument, error) {
	d, err := e.Engine.Open(ctx, pdfium.Source{R: r, Size: size, Password: password})
	if err != nil {
		return nil, err
	}
	return pdfDocument{d}, nil
}

type pdfDocument struct{ d *pdfium.Document }

func (p pdfDocument) NumPages() int { return p.d.NumPages() }
func (p pdfDocument) Close() error  { return p.d.Close() }

func (p pdfDocument) Render(ctx context.Context, i, width, height int, gray bool) (image.Image, error) {
	return p.d.Render(ctx, i, width, height, gray)
}

func (p pdfDocument) Page(ctx context.Context, i int) (*decode.PDFPage, error) {
	page, err := p.d.Page(ctx, i)
	if err != nil {
		return nil, err
	}
	out := &decode.PDFPage{Width: page.Width, Height: page.Height, Objects: page.Objects}
	for _, pic := range page.Pictures {
		out.Pictures = append(out.Pictures, decode.PDFPicture{Box: decode.PDFRect(pic.Box), Width: pic.Width, Height: pic.Height, Bits: pic.Bits})
	}
	for _, w := range page.Words {
		out.Words = append(out.Words, decode.PDFWord{
			Text: w.Text, Box: decode.PDFRect(w.Box), Baseline: w.Baseline, Size: w.Size, Angle: w.Angle, Luma: w.Luma,
			Invisible: w.Hidden&(pdfium.Invisible|pdfium.Covered) != 0,
			Misplaced: w.Hidden&(pdfium.Tiny|pdfium.OffPage) != 0,
			Broken:    w.Broken,
		})
	}
	return out, nil
}

func (p pdfDocument) Fields(ctx context.Context, i int) ([]decode.PDFField, error) {
	if !p.d.HasForm() {
		return nil, nil
	}
	fs, err := p.d.Fields(ctx, i)
	if err != nil {
		return nil, err
	}
	out := make([]decode.PDFField, 0, len(fs))
	for _, f := range fs {
		out = append(out, decode.PDFField{Name: f.Name, Value: f.Value, Box: decode.PDFRect(f.Box)})
	}
	return out, nil
}

// Extract implements decode.PageCopier.
func (p pdfDocument) Extract(ctx context.Context, pages []int, limit int) ([]byte, error) {
	return p.d.Extract(ctx, pages, limit)
}

func (p pdfDocument) Attachments(ctx context.Context, count int, limit int64) (files []decode.Attachment, omitted int, err error) {
	as, err := p.d.Attachments(ctx, count, limit)
	if err != nil {
		return nil, 0, err
	}
	for _, a := range as {
		if a.Omitted {
			omitted++
			continue
		}
		files = append(files, decode.Attachment{Name: a.Name, Data: a.Data})
	}
	return files, omitted, nil
}
