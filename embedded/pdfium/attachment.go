package pdfium

import (
	"context"
	"fmt"
)

// Attachment is a file embedded in a document.
type Attachment struct {
	Name    string // as the document calls it; may hold anything, a path too
	Data    []byte
	Omitted bool // larger than what was left of the limit, or damaged; Data is nil
}

// maxName is the longest name or field value read, in bytes of UTF-16.
const maxName = 64 << 10

// Attachments reads the embedded files, in the document's order: at most count
// of them and at most limit bytes in all. What does not fit is Omitted.
func (d *Document) Attachments(ctx context.Context, count int, limit int64) ([]Attachment, error) {
	n, err := d.countAttachments(ctx)
	if err != nil {
		return nil, fmt.Errorf("count attachments: %w", err)
	}
	var all []Attachment
	for i := range min(n, count) {
		var a Attachment
		// A broken one costs the instance, and the next goes on in a new one.
		err := d.do(ctx, func(in *instance) error { return d.attachment(ctx, in, i, limit, &a) })
		if ctx.Err() != nil {
			return all, fmt.Errorf("read attachments: %w", context.Cause(ctx))
		}
		if err != nil {
			a.Omitted, a.Data = true, nil
		}
		limit -= int64(len(a.Data))
		all = append(all, a)
	}
	return all, nil
}

func (d *Document) countAttachments(ctx context.Context) (n int, err error) {
	err = d.do(ctx, func(in *instance) error {
		r, err := in.long(ctx, "FPDFDoc_GetAttachmentCount", uint64(d.doc))
		n = max(int(int32(r)), 0)
		return err
	})
	return n, err
}

func (d *Document) attachment(ctx context.Context, in *instance, i int, limit int64, a *Attachment) error {
	h, err := in.long(ctx, "FPDFDoc_GetAttachment", uint64(d.doc), uint64(i))
	if err != nil {
		return err
	}
	if uint32(h) == 0 {
		a.Omitted = true
		return nil
	}
	a.Name, err = in.utf16Text(ctx, maxName, func(buf, size uint64) (uint64, error) {
		return in.long(ctx, "FPDFAttachment_GetName", h, buf, size)
	})
	if err != nil {
		return err
	}
	ok, err := in.long(ctx, "FPDFAttachment_GetFile", h, 0, 0, in.out(0, 4))
	if err != nil {
		return err
	}
	size := in.uint32At(0)
	if ok == 0 || int64(size) > limit {
		a.Omitted = true
		return nil
	}
	if size == 0 {
		return nil
	}
	buf, err := in.alloc(ctx, uint64(size))
	if err != nil {
		return err
	}
	defer in.free(buf)
	if ok, err = in.long(ctx, "FPDFAttachment_GetFile", h, uint64(buf), uint64(size), in.out(0, 4)); err != nil {
		return err
	}
	if ok == 0 {
		a.Omitted = true
		return nil
	}
	a.Data, err = in.take(buf, int(size))
	return err
}
