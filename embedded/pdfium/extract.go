package pdfium

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/klippa-app/go-pdfium/requests"
)

// Extract gives a PDF of the named pages (0 for the first) in that order. The
// same pages of the same file give the same bytes, today and on another machine.
// Bookmarks, attachments and form actions of the document stay behind. Limit is
// the most bytes it may have; ErrMemory when it would have more.
func (d *Document) Extract(ctx context.Context, pages []int, limit int) ([]byte, error) {
	out := &bounded{limit: limit}
	err := d.do(ctx, func(in *instance) error {
		return in.guarded(ctx, "extract pages", func() error { return d.copyPages(in, pages, out) })
	})
	if out.over {
		return nil, fmt.Errorf("extract pages: %w", ErrMemory)
	}
	if err != nil {
		return nil, fmt.Errorf("extract pages: %w", err)
	}
	return settle(out.Bytes()), nil
}

// copyPages goes through go-pdfium's own functions, which know how PDFium hands
// out what it writes; for that the file is opened a second time.
func (d *Document) copyPages(in *instance, pages []int, out *bounded) (err error) {
	open := &requests.OpenDocument{FileReader: &source{sectionOf(d.src)}, FileReaderSize: d.src.Size}
	if d.src.Password != "" {
		open.Password = &d.src.Password
	}
	from, err := in.owner.OpenDocument(open)
	if err != nil {
		return err
	}
	defer func() {
		_, again := in.owner.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: from.Document})
		err = errors.Join(err, again)
	}()
	to, err := in.owner.FPDF_CreateNewDocument(&requests.FPDF_CreateNewDocument{})
	if err != nil {
		return err
	}
	defer func() {
		_, again := in.owner.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: to.Document})
		err = errors.Join(err, again)
	}()
	if _, err := in.owner.FPDF_ImportPagesByIndex(&requests.FPDF_ImportPagesByIndex{Source: from.Document, Destination: to.Document, PageIndices: pages}); err != nil {
		return err
	}
	_, err = in.owner.FPDF_SaveAsCopy(&requests.FPDF_SaveAsCopy{Document: to.Document, FileWriter: out})
	return err
}

// guarded runs fn, which calls the module by other ways than long, with the same
// bounds.
func (in *instance) guarded(ctx context.Context, name string, fn func() error) error {
	ctx, cancel := context.WithTimeout(ctx, in.timeout)
	defer cancel()
	stopped := make(chan struct{})
	unwatch := context.AfterFunc(ctx, func() {
		in.memory.brake()
		close(stopped)
	})
	err := fn()
	if !unwatch() {
		<-stopped
		in.dead = true
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return fmt.Errorf("%s: %w", name, ErrTimeout)
		}
		return fmt.Errorf("%s: %w", name, context.Cause(ctx))
	}
	if err != nil {
		in.dead = true // it may have trapped: the next call gets a new instance
		return fmt.Errorf("%w: %v", ErrFormat, err)
	}
	return nil
}

// bounded is a buffer that refuses to grow over its limit.
type bounded struct {
	bytes.Buffer
	limit int
	over  bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.limit {
		b.over = true
		return 0, ErrMemory
	}
	return b.Buffer.Write(p)
}

var (
	fileID   = regexp.MustCompile(`/ID ?\[ ?<([0-9A-Fa-f]{32})> ?<([0-9A-Fa-f]{32})> ?\]`)
	dateForm = regexp.MustCompile(`/CreationDate ?\(D:(\d{14})`)
)

// settle makes bytes that PDFium wrote independent of where and when it wrote
// them: the file's identifier is made from its content, the date is always the
// same. Nothing changes its place, so that the table of objects still holds.
func settle(b []byte) []byte {
	if m := dateForm.FindSubmatchIndex(b); m != nil {
		copy(b[m[2]:m[3]], time.Unix(0, 0).UTC().Format("20060102150405"))
	}
	m := fileID.FindSubmatchIndex(tailOf(b))
	if m == nil {
		return b
	}
	shift := len(b) - len(tailOf(b))
	for i := 2; i < 6; i += 2 {
		copy(b[shift+m[i]:shift+m[i+1]], bytes.Repeat([]byte{'0'}, 32))
	}
	sum := sha256.Sum256(b)
	for i := 2; i < 6; i += 2 {
		hex.Encode(b[shift+m[i]:shift+m[i+1]], sum[:16])
	}
	return b
}

// tailOf is where the trailer stands.
func tailOf(b []byte) []byte { return b[max(0, len(b)-4096):] }

func sectionOf(s Source) *io.SectionReader { return io.NewSectionReader(s.R, 0, s.Size) }
