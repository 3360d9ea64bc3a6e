package decode_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/recto-edge/recto/embedded/pdfium"
	"github.com/recto-edge/recto/node/extract/decode"
)

// engine is shared by the tests: compiling PDFium takes seconds.
var engine *pdfium.Engine

func TestMain(m *testing.M) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	engine = pdfium.New(pdfium.Config{CacheDir: filepath.Join(cache, "recto", "pdfium")})
	code := m.Run()
	if err := engine.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "close pdf engine:", err)
		code = 1
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// port shows the engine as decode wants to see it, as the composition root does.
type port struct{ e *pdfium.Engine }

func (p port) Open(ctx context.Context, r io.ReaderAt, size int64, password string) (decode.PDFDocument, error) {
	d, err := p.e.Open(ctx, pdfium.Source{R: r, Size: size, Password: password})
	if err != nil {
		return nil, err
	}
	return portDocument{d}, nil
}

type portDocument struct{ *pdfium.Document }

func (d portDocument) Page(ctx context.Context, i int) (*decode.PDFPage, error) {
	p, err := d.Document.Page(ctx, i)
	if err != nil {
		return nil, err
	}
	out := &decode.PDFPage{Width: p.Width, Height: p.Height, Objects: p.Objects}
	for _, x := range p.Pictures {
		out.Pictures = append(out.Pictures, decode.PDFPicture{Box: decode.PDFRect(x.Box), Width: x.Width, Height: x.Height, Bits: x.Bits})
	}
	for _, w := range p.Words {
		out.Words = append(out.Words, decode.PDFWord{
			Text: w.Text, Box: decode.PDFRect(w.Box), Baseline: w.Baseline, Size: w.Size, Angle: w.Angle,
			Luma: w.Luma, Broken: w.Broken,
			Invisible: w.Hidden&(pdfium.Invisible|pdfium.Covered) != 0,
			Misplaced: w.Hidden&(pdfium.Tiny|pdfium.OffPage) != 0,
		})
	}
	return out, nil
}

func (d portDocument) Fields(ctx context.Context, i int) ([]decode.PDFField, error) {
	fields, err := d.Document.Fields(ctx, i)
	out := make([]decode.PDFField, len(fields))
	for k, f := range fields {
		out[k] = decode.PDFField{Name: f.Name, Value: f.Value, Box: decode.PDFRect(f.Box)}
	}
	return out, err
}

func (d portDocument) Attachments(ctx context.Context, count int, limit int64) (files []decode.Attachment, omitted int, err error) {
	all, err := d.Document.Attachments(ctx, count, limit)
	for _, a := range all {
		if a.Omitted {
			omitted++
			continue
		}
		files = append(files, decode.Attachment{Name: a.Name, Data: a.Data})
	}
	return files, omitted, err
}
