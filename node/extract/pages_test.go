package extract

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/decode"
	"github.com/recto-edge/recto/node/extract/structured/symbol"
)

// heightOCR reads the number of a page from the height of its picture.
type heightOCR struct{ reads atomic.Int64 }

func (o *heightOCR) Read(_ context.Context, img image.Image) ([]doc.Word, int, error) {
	o.reads.Add(1)
	return []doc.Word{{Text: fmt.Sprint("page", img.Bounds().Dy()-100)}}, 0, nil
}
func (o *heightOCR) Digests() []string { return nil }

// fakePDF is a file of pages that are pictures; page n is 100+n points high.
type fakePDF struct{ pages int }

func (f fakePDF) Open(context.Context, io.ReaderAt, int64, string) (decode.PDFDocument, error) {
	return f, nil
}
func (f fakePDF) NumPages() int { return f.pages }
func (f fakePDF) Page(_ context.Context, i int) (*decode.PDFPage, error) {
	h := float64(101 + i)
	return &decode.PDFPage{Width: 100, Height: h, Objects: 1, Pictures: []decode.PDFPicture{{Box: decode.PDFRect{X1: 100, Y1: h}, Width: 100, Height: 101 + i, Bits: 8}}}, nil
}
func (f fakePDF) Render(_ context.Context, i, w, h int, _ bool) (image.Image, error) {
	return image.NewGray(image.Rect(0, 0, 100, 101+i)), nil
}
func (f fakePDF) Fields(context.Context, int) ([]decode.PDFField, error) { return nil, nil }
func (f fakePDF) Attachments(context.Context, int, int64) ([]decode.Attachment, int, error) {
	return nil, 0, nil
}
func (f fakePDF) Close() error { return nil }

type noCodes struct{}

func (noCodes) Decode(context.Context, *image.Gray, bool) ([]symbol.Code, error) { return nil, nil }

func sharedInput() Input {
	const body = "%PDF-1.7 pretended"
	return Input{Name: "long.pdf", R: strings.NewReader(body), Size: int64(len(body)), Whole: true}
}

// Whatever helpers do, every page is there once, in order, read by somebody.
func TestPagesAreShared(t *testing.T) {
	t.Parallel()
	const pages = 23
	reader := func() (*Reader, *heightOCR) {
		o := &heightOCR{}
		return New(Config{PDF: fakePDF{pages}, OCR: o, Codes: noCodes{}, Limits: decode.Limits{MaxPages: 100, MaxPixels: 1 << 20}}), o
	}
	good := func(ctx context.Context, numbers []int) ([]doc.Page, error) {
		r, _ := reader()
		return r.Pages(ctx, sharedInput(), numbers)
	}
	for name, helpers := range map[string][]Helper{
		"nobody": nil,
		"two":    {good, good},
		"fails":  {func(context.Context, []int) ([]doc.Page, error) { return nil, errors.New("gone") }},
		"half": {func(ctx context.Context, n []int) ([]doc.Page, error) {
			got, err := good(ctx, n[:1])
			return got, errors.Join(err, errors.New("cut off"))
		}},
		"hangs": {func(ctx context.Context, _ []int) ([]doc.Page, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}},
		"lies": {func(context.Context, []int) ([]doc.Page, error) {
			return []doc.Page{{Number: 99}, {Number: -1}}, errors.New("mad")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := reader()
			in := sharedInput()
			in.Share = func(int) []Helper { return helpers }
			f, err := decode.Open(t.Context(), decode.Input{Name: in.Name, R: in.R, Size: in.Size}, r.cfg.Limits, r.cfg.PDF)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var out doc.Reading
			if err := r.readPages(t.Context(), in, f, newStopwatch(), &out); err != nil {
				t.Fatal(err)
			}
			if len(out.Pages) != pages {
				t.Fatalf("%d pages, want %d", len(out.Pages), pages)
			}
			for i, p := range out.Pages {
				if want := fmt.Sprint("page", i+1); p.Number != i+1 || len(p.Words) != 1 || p.Words[0].Text != want {
					t.Errorf("page %d is %d: %v %v", i+1, p.Number, p.Words, p.Warnings)
				}
			}
		})
	}
}
