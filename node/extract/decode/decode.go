// Package decode turns the bytes of a file into pages: upright pictures, and the
// words of a text layer where it can be trusted.
//
// It owns the knowledge of formats: PDF, JPEG, PNG, TIFF, WebP and JPEG 2000
// become pages, ZIP and e-mail become parts, XML is only recognised. It goes by
// content, never by a file's name.
//
// It guarantees that no file can do more than fail: declared sizes are checked
// before anything is allocated, every walk over pages, parts and nested archives
// is bounded by Limits, and each page and each opening has a deadline. What
// cannot be read gives a *doc.Error that says what is wrong in a person's words;
// a damaged page costs that page, never the document.
//
// # Why there is no sandbox process
//
// PDF, JPEG 2000 and JPEGs that Go refuses are read by PDFium inside WebAssembly:
// its memory is capped, it sees no files and no network, and a fault ends an
// instance. All other decoders are Go, therefore memory-safe; the worst they can
// do is to panic (recovered here), to allocate (bounded by the declared size,
// checked first) or to take long (they read through a reader that ends with the
// deadline). A child process would add only a bound on the Go heap, which the
// pixel limit gives.
//
// It never writes, never reaches the network, and trusts no text that a reader
// of the printed page would not see.
package decode

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Kind is a family of formats.
type Kind string

// The kinds.
const (
	KindPDF     Kind = "pdf"
	KindJPEG    Kind = "jpeg"
	KindPNG     Kind = "png"
	KindTIFF    Kind = "tiff"
	KindWebP    Kind = "webp"
	KindJP2     Kind = "jpeg2000"
	KindXML     Kind = "xml"     // no pages: an e-invoice, read by who knows it
	KindArchive Kind = "archive" // a ZIP: parts and no pages
	KindMail    Kind = "mail"    // parts and no pages
)

// Input is a file to decode. R is read as long as the File or its Parts are used.
type Input struct {
	Name     string // a label for messages; never decides anything
	R        io.ReaderAt
	Size     int64 // bytes
	Password string
}

// Limits says what one file may cost. A zero field means its default.
type Limits struct {
	MaxPages    int           // 2,000
	MaxPixels   int           // of a page: 50,000,000
	MaxParts    int           // files in an archive or e-mail, and attachments: 1,000
	MaxDepth    int           // archives in archives: 3
	MaxUnpacked int64         // bytes of all parts or attachments together: 256 MiB
	PageTimeout time.Duration // to decode one page: 30 s
	FileTimeout time.Duration // to open a file, and in all for pages that fail: 60 s
	DPI         float64       // of the picture of a page that is no scan: 200
	MaxDPI      float64       // of the picture of a scan in a PDF; finer ones are reduced: 300
}

func (l Limits) withDefaults() Limits {
	set(&l.MaxPages, 2_000)
	set(&l.MaxPixels, 50_000_000)
	set(&l.MaxParts, 1_000)
	set(&l.MaxDepth, 3)
	set(&l.MaxUnpacked, 256<<20)
	set(&l.PageTimeout, 30*time.Second)
	set(&l.FileTimeout, time.Minute)
	set(&l.DPI, 200)
	set(&l.MaxDPI, 300)
	return l
}

func set[T int | int64 | float64 | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

// File is an opened file.
type File struct {
	Kind        Kind
	NumPages    int
	Parts       []Part       // of an archive or e-mail
	Attachments []Attachment // embedded in a PDF
	Warnings    []string     // about the file as a whole

	limits Limits
	pages  pager
	lost   time.Duration // spent on pages that failed or were slow
}

// Attachment is a file embedded in a PDF.
type Attachment struct {
	Name string // as the PDF calls it; may hold anything, a path too: a label, never a path
	Data []byte
}

// FormField is a filled-in field of a PDF form.
type FormField struct {
	Name  string
	Value string // text, chosen option, or "true" and "false" for a check box
	Page  int    // 1 for the first
	Box   doc.Box
}

// pager is a format's way to its pages; n is 1 for the first.
type pager interface {
	page(ctx context.Context, n int) (*Page, error)
	close() error
}

// Open recognises and opens a file. Its errors are *doc.Error with a Detail:
// empty, unsupported, damaged, password, no_pages, too_many_pages,
// too_many_pixels, nested_too_deep or timeout. The caller closes the File.
func Open(ctx context.Context, in Input, limits Limits, engine PDF) (*File, error) {
	limits = limits.withDefaults()
	if in.Size == 0 {
		return nil, doc.Unreadable(doc.DetailEmpty, "the file is empty", nil)
	}
	ctx, cancel := context.WithTimeout(ctx, limits.FileTimeout)
	defer cancel()
	f := &File{limits: limits}
	err := guard("open "+in.Name, func() error { return f.open(ctx, in, engine) })
	if err != nil {
		_ = f.Close()
		return nil, explain(ctx, err)
	}
	if f.NumPages > limits.MaxPages {
		_ = f.Close()
		return nil, tooManyPages(f.NumPages, limits.MaxPages)
	}
	return f, nil
}

func (f *File) open(ctx context.Context, in Input, engine PDF) (err error) {
	if f.Kind, err = sniff(in.R, in.Size); err != nil {
		return err
	}
	switch f.Kind {
	case KindPDF:
		return f.openPDF(ctx, in, engine)
	case KindTIFF:
		return f.openTIFF(in)
	case KindArchive, KindMail:
		f.Parts, f.Warnings, err = unpack(ctx, in, f.Kind, f.limits)
		return err
	case KindXML:
		return nil
	default:
		f.NumPages = 1
		f.pages = &picture{in: in, kind: f.Kind, limits: f.limits, engine: engine}
		return nil
	}
}

// Page decodes page n (1 for the first). An error concerns this page only, is a
// *doc.Error, and the other pages can still be had. Pages may be asked for in any
// order, by one goroutine at a time.
func (f *File) Page(ctx context.Context, n int) (*Page, error) {
	if f.pages == nil || n < 1 || n > f.NumPages {
		return nil, doc.Errorf(doc.NotFound, "there is no page %d", n)
	}
	if f.lost >= f.limits.FileTimeout {
		return nil, doc.Unreadable(doc.DetailTimeout,
			fmt.Sprintf("page %d was not read: earlier pages took too long", n), nil)
	}
	pctx, cancel := context.WithTimeout(ctx, f.limits.PageTimeout)
	defer cancel()
	start := time.Now()
	var p *Page
	err := guard(fmt.Sprintf("decode page %d", n), func() (err error) {
		p, err = f.pages.page(pctx, n)
		return err
	})
	if took := time.Since(start); err != nil || took > f.limits.PageTimeout/4 {
		f.lost += took
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("decode page %d: %w", n, context.Cause(ctx))
		}
		return nil, explain(pctx, err)
	}
	p.Number = n
	return p, nil
}

// Close frees what the file holds. It may be called twice.
func (f *File) Close() error {
	if f.pages == nil {
		return nil
	}
	return f.pages.close()
}
