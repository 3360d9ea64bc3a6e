package decode

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/recto-edge/recto/node/doc"
)

// guard runs fn and turns a panic of a decoder into an error.
func guard(what string, fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = damaged(fmt.Errorf("%s: panic: %v", what, r))
		}
	}()
	return fn()
}

func damaged(cause error) error {
	return doc.Unreadable(doc.DetailDamaged, "the file is damaged and cannot be read; send it again, or scan it again", cause)
}

func unsupported(what string) error {
	return doc.Unreadable(doc.DetailUnsupported,
		what+"; Recto reads PDF, JPEG, PNG, TIFF, WebP, e-invoice XML, ZIP and e-mail", nil)
}

func tooManyPages(have, limit int) error {
	return doc.Unreadable(doc.DetailTooManyPgs,
		fmt.Sprintf("the document has %d pages or more, the limit is %d; split it, or raise the limit", have, limit), nil)
}

func tooManyPixels(w, h, limit int) error {
	return doc.Unreadable(doc.DetailTooManyPx,
		fmt.Sprintf("the picture has %d x %d pixels, the limit is %d million; scan it at 300 dpi, or raise the limit",
			w, h, limit/1_000_000), nil)
}

// explain makes an error that a person understands of any error of a decoder.
func explain(ctx context.Context, err error) error {
	var known *doc.Error
	if errors.As(err, &known) {
		return err
	}
	var told interface{ Reason() string }
	reason := ""
	if errors.As(err, &told) {
		reason = told.Reason()
	}
	switch {
	case reason == "password":
		return doc.Unreadable(doc.DetailPassword, "the file is encrypted; give its password and retry", err)
	case reason == "memory":
		return doc.Unreadable(doc.DetailDamaged, "the file needs more memory than one file may have; it may be made to do harm", err)
	case reason == "timeout" || ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return doc.Unreadable(doc.DetailTimeout, "reading took longer than one file may take; it may be made to do harm", err)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case reason == "closed":
		return &doc.Error{Code: doc.Unavailable, Message: "the PDF engine is stopping; retry later", Err: err}
	}
	return damaged(err)
}

// within reads r as long as ctx lives, in small bites: a decoder that works long
// on few bytes is stopped at its next read.
type within struct {
	ctx context.Context
	r   io.Reader
}

const bite = 512

func (w within) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p[:min(len(p), bite)])
}

func noPages() error {
	return doc.Unreadable(doc.DetailNoPages, "the document has no pages", nil)
}
