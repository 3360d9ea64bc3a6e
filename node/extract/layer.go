package extract

import (
	"context"
	"errors"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/decode"
)

// TextLayer gives the pages of a file whose text layer agrees with the picture and
// that hold words, without reading any picture: the true words of a document that
// was born digital. A file without such pages gives none, and so does one that has
// no pages at all.
func (r *Reader) TextLayer(ctx context.Context, in Input) (doc.Reading, error) {
	out := doc.Reading{Pages: []doc.Page{}}
	f, err := decode.Open(ctx, decode.Input{Name: in.Name, R: in.R, Size: in.Size, Password: in.Password}, r.cfg.Limits, r.cfg.PDF)
	if err != nil {
		return out, err
	}
	for n := 1; n <= f.NumPages; n++ {
		p, err := f.Page(ctx, n)
		if ctx.Err() != nil {
			return out, errors.Join(context.Cause(ctx), f.Close())
		}
		if err != nil || !p.TextOK || len(p.Words) == 0 {
			continue // a page that cannot be read has no words to trust
		}
		out.Pages = append(out.Pages, doc.Page{Number: p.Number, Width: p.Width, Height: p.Height, DPI: p.DPI, Source: doc.FromText, Words: p.Words})
	}
	return out, f.Close()
}
