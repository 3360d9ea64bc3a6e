package blob

import (
	"context"
	"io"
	"time"
)

// pace spreads work in the background over time.
type pace struct {
	rate int64 // bytes/s
	next time.Time
}

func newPace(rate int64) *pace { return &pace{rate: rate} }

// wait comes back when n more bytes may be moved.
func (p *pace) wait(ctx context.Context, n int64) error {
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	until := p.next
	p.next = p.next.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
	return sleep(ctx, until.Sub(now))
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func readerAt(r io.ReaderAt, size int64) io.Reader { return io.NewSectionReader(r, 0, size) }
