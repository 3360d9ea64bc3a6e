package extract

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/decode"
)

// sharedAtOnce is how many pages a helper is given at once: enough that asking
// costs little, few enough that the last ones are not waited for long.
const sharedAtOnce = 4

// pool hands out the pages of one document to those who read them. A page that a
// helper holds is handed out here again when nothing else is left: who is first
// wins, and a late answer changes nothing.
type pool struct {
	mu    sync.Mutex
	pages []doc.Page
	state []pageState
	done  int
	moved chan struct{} // closed and made anew when a page is done or given back
}

type pageState int

const (
	pageWaits pageState = iota
	pageAway            // with a helper
	pageHere            // being read here
	pageDone
)

func newPool(n int) *pool {
	return &pool{pages: make([]doc.Page, n), state: make([]pageState, n), moved: make(chan struct{})}
}

// share gives up to n waiting pages to a helper, from the end: those at the
// front are read here meanwhile.
func (p *pool) share(n int) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []int
	for i := len(p.state) - 1; i >= 0 && len(out) < n; i-- {
		if p.state[i] == pageWaits {
			p.state[i] = pageAway
			out = append(out, i)
		}
	}
	return out
}

// take gives a page to read here, or a channel when there may be one later; -1
// without one means that all are done.
func (p *pool) take() (page int, again <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, want := range []pageState{pageWaits, pageAway} {
		if i := slices.Index(p.state, want); i >= 0 {
			p.state[i] = pageHere
			return i, nil
		}
	}
	if p.done == len(p.state) {
		return -1, nil
	}
	return -1, p.moved
}

// put keeps a page that was read and says how many are done; 0 when it was there.
func (p *pool) put(i int, page doc.Page) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i < 0 || i >= len(p.state) || p.state[i] == pageDone {
		return 0
	}
	p.pages[i], p.state[i] = page, pageDone
	p.done++
	p.wake()
	return p.done
}

// back puts pages that a helper did not read where they can be taken again.
func (p *pool) back(pages []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range pages {
		if p.state[i] == pageAway {
			p.state[i] = pageWaits
		}
	}
	p.wake()
}

func (p *pool) wake() {
	close(p.moved)
	p.moved = make(chan struct{})
}

// readPages reads every page; several at once when in.Parallel says so, and some
// elsewhere when there are helpers.
func (r *Reader) readPages(ctx context.Context, in Input, f *decode.File, sw *stopwatch, out *doc.Reading) error {
	in.batch = f.NumPages > 1 && !in.Whole
	pages := newPool(f.NumPages)
	reading := &pageReader{r: r, in: in, f: f, sw: sw, pool: pages}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var helpers sync.WaitGroup
	var share []Helper
	if in.Share != nil {
		share = in.Share(f.NumPages)
	}
	for _, h := range share {
		helpers.Go(func() { reading.help(ctx, h) })
	}
	g, gctx := errgroup.WithContext(ctx)
	for range min(max(1, in.Parallel), max(1, f.NumPages)) {
		g.Go(func() error { return reading.run(gctx) })
	}
	err := g.Wait()
	stop() // whoever still holds a page that was read here meanwhile
	helpers.Wait()
	if err != nil {
		return err
	}
	out.Pages = pages.pages
	if f.NumPages > 0 && reading.failed == f.NumPages {
		return reading.first // nothing was read at all: an error, not an empty result
	}
	return nil
}

// pageReader reads the pages of one file.
type pageReader struct {
	r    *Reader
	in   Input
	f    *decode.File
	sw   *stopwatch
	pool *pool

	mu     sync.Mutex // a File gives one page at a time
	failed int
	first  error
}

// run reads pages here until none is left.
func (p *pageReader) run(ctx context.Context) error {
	for {
		i, again := p.pool.take()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case again != nil:
			select {
			case <-again:
			case <-ctx.Done():
			}
			continue
		case i < 0:
			return nil
		}
		page, err := p.one(ctx, i+1)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			page = p.fail(i+1, err)
		}
		p.keep(i, page)
	}
}

// one reads page n, 1 for the first.
func (p *pageReader) one(ctx context.Context, n int) (doc.Page, error) {
	p.mu.Lock()
	stop := p.sw.stage("decode")
	page, err := p.f.Page(ctx, n)
	stop()
	p.mu.Unlock()
	if err != nil {
		return doc.Page{}, err
	}
	return p.r.readPage(ctx, p.in, page, &p.mu, p.sw)
}

// fail notes a page that cannot be read: it costs the page and not the document.
func (p *pageReader) fail(n int, err error) doc.Page {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed++
	if p.first == nil {
		p.first = err
	}
	return doc.Page{Number: n, Words: []doc.Word{}, Warnings: []string{"could not be read: " + message(err)}}
}

func (p *pageReader) keep(i int, page doc.Page) {
	if done := p.pool.put(i, page); done > 0 {
		p.in.step("pages", done, p.f.NumPages)
	}
}

// help has pages read elsewhere until none waits, or the helper fails.
func (p *pageReader) help(ctx context.Context, h Helper) {
	for ctx.Err() == nil {
		held := p.pool.share(sharedAtOnce)
		if len(held) == 0 {
			return
		}
		numbers := make([]int, len(held))
		for k, i := range held {
			numbers[k] = i + 1
		}
		got, err := h(ctx, numbers)
		for _, page := range got {
			p.keep(page.Number-1, page)
		}
		p.pool.back(held)
		if err != nil {
			return
		}
	}
}

// Pages reads some pages (1 for the first) of a file, for a member that shares a
// large document. A page that cannot be read is left out: who asked reads it.
func (r *Reader) Pages(ctx context.Context, in Input, numbers []int) ([]doc.Page, error) {
	sw := newStopwatch()
	f, err := decode.Open(ctx, decode.Input{Name: in.Name, R: in.R, Size: in.Size, Password: in.Password}, r.cfg.Limits, r.cfg.PDF)
	if err != nil {
		return nil, err
	}
	in.batch = f.NumPages > 1 && !in.Whole
	p := &pageReader{r: r, in: in, f: f, sw: sw}
	var out []doc.Page
	for _, n := range numbers {
		if n < 1 || n > f.NumPages {
			return out, errors.Join(doc.Errorf(doc.Invalid, "the file has no page %d", n), f.Close())
		}
		page, err := p.one(ctx, n)
		if ctx.Err() != nil {
			return out, errors.Join(context.Cause(ctx), f.Close())
		}
		if err == nil {
			out = append(out, page)
		}
	}
	return out, f.Close()
}
