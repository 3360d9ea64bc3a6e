package decode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/recto-edge/recto/node/doc"
)

// PageCopier is a PDFDocument that can give some of its pages as a PDF of their
// own. Pages are counted from 0; the same pages give the same bytes every time.
// A PDF of more than limit bytes is an error.
type PageCopier interface {
	Extract(ctx context.Context, pages []int, limit int) ([]byte, error)
}

// PagesOf gives some pages of a file (1 for the first) as a file of their own, a
// PDF whose bytes depend on nothing but theirs. The pages of a PDF stay as they
// are; of other formats they become pictures. It is made when the part is opened,
// as long as in.R can be read; its Size is not known before.
func PagesOf(in Input, kind Kind, limits Limits, engine PDF, name string, pages []int) Part {
	limits = limits.withDefaults()
	return Part{Name: name, Kind: KindPDF, open: func() (io.ReadCloser, error) {
		ctx, cancel := context.WithTimeout(context.Background(), limits.FileTimeout)
		defer cancel()
		var b []byte
		err := guard("take pages of "+in.Name, func() (err error) {
			if kind == KindPDF {
				b, err = copyPages(ctx, in, limits, engine, pages)
			} else {
				b, err = paintPages(ctx, in, limits, engine, pages)
			}
			return err
		})
		if err != nil {
			return nil, explain(ctx, err)
		}
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

func copyPages(ctx context.Context, in Input, limits Limits, engine PDF, pages []int) ([]byte, error) {
	d, err := engine.Open(ctx, in.R, in.Size, in.Password)
	if err != nil {
		return nil, err
	}
	copier, ok := d.(PageCopier)
	if !ok {
		return nil, errors.Join(doc.Errorf(doc.Unavailable, "this PDF engine cannot take pages out of a file"), d.Close())
	}
	zeroBased := make([]int, len(pages))
	for i, n := range pages {
		zeroBased[i] = n - 1
	}
	b, err := copier.Extract(ctx, zeroBased, int(limits.MaxUnpacked))
	return b, errors.Join(err, d.Close())
}

// paintPages makes a PDF of the pictures of pages.
func paintPages(ctx context.Context, in Input, limits Limits, engine PDF, pages []int) ([]byte, error) {
	f, err := Open(ctx, in, limits, engine)
	if err != nil {
		return nil, err
	}
	var w pictureBook
	for _, n := range pages {
		if err = w.add(ctx, f, n); err != nil {
			err = fmt.Errorf("page %d: %w", n, err)
			break
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return w.bytes(), nil
}
