package extract

import (
	"bytes"
	"context"
	"errors"
	"image"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/decode"
	"github.com/recto-edge/recto/node/extract/ocr"
)

// Picture gives page n (1 for the first) as JPEG, at most width pixels wide (0:
// as it was read), turned clockwise by turned degrees as reading its words asked
// for (doc.Page.Turned).
func (r *Reader) Picture(ctx context.Context, in Input, n, turned, width int) ([]byte, error) {
	f, err := decode.Open(ctx, decode.Input{Name: in.Name, R: in.R, Size: in.Size, Password: in.Password}, r.cfg.Limits, r.cfg.PDF)
	if err != nil {
		return nil, err
	}
	img, err := pagePicture(ctx, f, n)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if turned != 0 {
		img = ocr.Upright(img, turned)
	}
	var out bytes.Buffer
	if err := decode.EncodeJPEG(&out, img, width); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func pagePicture(ctx context.Context, f *decode.File, n int) (image.Image, error) {
	if f.NumPages == 0 {
		return nil, doc.Errorf(doc.NotFound, "this document has no pages to show: its data is all there is")
	}
	p, err := f.Page(ctx, n)
	if err != nil {
		return nil, err
	}
	return p.Image(ctx)
}
