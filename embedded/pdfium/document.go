package pdfium

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// inMemory is the largest file copied whole into an instance; larger ones are
// read block by block through the host.
const inMemory = 16 << 20

// Source is the bytes of a PDF. R is read as long as the document is open.
type Source struct {
	R        io.ReaderAt
	Size     int64
	Password string
}

// Document is an open PDF. Its methods may be called by several goroutines; one
// works at a time.
type Document struct {
	e   *Engine
	src Source

	mu     sync.Mutex // held during a call
	pages  int
	form   bool
	closed bool

	// The instance and what lives in it. Changed by the holder of mu, or by the
	// engine while the document is idle and under the engine's lock.
	in      *instance
	doc     uint32
	data    uint32
	page    uint32
	index   int // of page
	formEnv uint32
}

// Open opens a PDF. It gives ErrPassword, ErrFormat, ErrMemory, ErrTimeout or
// ErrTrapped for files that cannot be opened. The caller closes the document.
func (e *Engine) Open(ctx context.Context, src Source) (*Document, error) {
	d := &Document{e: e, src: src, index: -1}
	err := d.do(ctx, func(in *instance) error {
		n, err := in.long(ctx, "FPDF_GetPageCount", uint64(d.doc))
		if err != nil {
			return err
		}
		d.pages = max(int(int32(n)), 0)
		kind, err := in.long(ctx, "FPDF_GetFormType", uint64(d.doc))
		d.form = kind != 0
		return err
	})
	if err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("open pdf: %w", err)
	}
	return d, nil
}

// NumPages is what the document says it has; a lie is found out at the page.
func (d *Document) NumPages() int { return d.pages }

// HasForm says whether the document has form fields.
func (d *Document) HasForm() bool { return d.form }

// Close gives the instance back. It may be called twice.
func (d *Document) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	d.e.mu.Lock()
	defer d.e.mu.Unlock()
	for i, x := range d.e.idle {
		if x == d {
			d.e.idle = append(d.e.idle[:i], d.e.idle[i+1:]...)
			d.drop()
			d.e.live--
			close(d.e.free)
			d.e.free = make(chan struct{})
			break
		}
	}
	return nil
}

// drop ends the document's instance.
func (d *Document) drop() {
	if d.in != nil {
		d.in.close()
	}
	d.in, d.doc, d.data, d.page, d.index, d.formEnv = nil, 0, 0, 0, -1, 0
}

// do runs fn with an instance in which the document is open, and drops the
// instance if fn broke it.
func (d *Document) do(ctx context.Context, fn func(*instance) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if err := d.e.lend(ctx, d); err != nil {
		return err
	}
	defer d.e.giveBack(d)
	if d.in == nil {
		in, err := d.e.newInstance(ctx)
		if err != nil {
			return err
		}
		d.in = in
		if err := d.load(ctx, in); err != nil {
			d.drop()
			return err
		}
	}
	err := fn(d.in)
	if d.in.dead {
		d.drop()
	}
	return err
}

// load opens the document in a fresh instance.
func (d *Document) load(ctx context.Context, in *instance) error {
	var password uint32
	if d.src.Password != "" {
		p, err := in.put(ctx, append([]byte(d.src.Password), 0))
		if err != nil {
			return err
		}
		defer in.free(p)
		password = p
	}
	doc, err := d.loadBytes(ctx, in, password)
	if err != nil {
		return err
	}
	if d.doc = uint32(doc); d.doc != 0 {
		return nil
	}
	code, err := in.quick("FPDF_GetLastError")
	switch {
	case err != nil:
		return err
	case code == 4: // FPDF_ERR_PASSWORD
		return ErrPassword
	case code == 5: // FPDF_ERR_SECURITY
		return fmt.Errorf("%w: unknown encryption", ErrFormat)
	}
	return ErrFormat
}

func (d *Document) loadBytes(ctx context.Context, in *instance, password uint32) (uint64, error) {
	if d.src.Size > inMemory {
		files, ok := in.owner.GetImplementation().(customReader)
		if !ok {
			return 0, errors.New("go-pdfium reads files elsewhere")
		}
		in.file = &source{io.NewSectionReader(d.src.R, 0, d.src.Size)}
		access, _, err := files.CreateFileAccessReader(d.src.Size, in.file)
		if err != nil {
			return 0, err
		}
		return in.long(ctx, "FPDF_LoadCustomDocument", *access, uint64(password))
	}
	p, err := in.alloc(ctx, uint64(max(d.src.Size, 1)))
	if err != nil {
		return 0, err
	}
	d.data = p
	view, ok := in.mem.Read(p, uint32(d.src.Size))
	if !ok {
		return 0, ErrMemory
	}
	if n, err := d.src.R.ReadAt(view, 0); n < len(view) {
		return 0, fmt.Errorf("read pdf: %w", err)
	}
	return in.long(ctx, "FPDF_LoadMemDocument", uint64(p), uint64(d.src.Size), uint64(password))
}

// open makes page i (0 for the first) the current one.
func (d *Document) open(ctx context.Context, in *instance, i int) error {
	if d.index == i {
		return nil
	}
	if err := d.closePage(ctx, in); err != nil {
		return err
	}
	p, err := in.long(ctx, "FPDF_LoadPage", uint64(d.doc), uint64(uint32(i)))
	if err != nil {
		return err
	}
	if uint32(p) == 0 {
		return ErrPage
	}
	d.page, d.index = uint32(p), i
	if d.formEnv != 0 {
		_, err = in.long(ctx, "FORM_OnAfterLoadPage", p, uint64(d.formEnv))
	}
	return err
}

func (d *Document) closePage(ctx context.Context, in *instance) error {
	if d.page == 0 {
		return nil
	}
	if d.formEnv != 0 {
		if _, err := in.long(ctx, "FORM_OnBeforeClosePage", uint64(d.page), uint64(d.formEnv)); err != nil {
			return err
		}
	}
	_, err := in.long(ctx, "FPDF_ClosePage", uint64(d.page))
	d.page, d.index = 0, -1
	return err
}
