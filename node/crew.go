package node

import (
	"context"
	"sync"
	"time"
)

// crew is the goroutines of one part of the node: they end together, and whoever
// closes the part waits for them first.
type crew struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func newCrew() *crew {
	c := &crew{}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// run starts fn, which returns soon after its context ends.
func (c *crew) run(fn func(context.Context)) {
	c.wg.Go(func() { fn(c.ctx) })
}

// every runs fn at once and again after each period.
func (c *crew) every(period time.Duration, fn func(context.Context)) {
	c.run(func(ctx context.Context) {
		for {
			fn(ctx)
			if !pause(ctx, period) {
				return
			}
		}
	})
}

// keep runs fn again a second after it failed; said is told why.
func (c *crew) keep(fn func(context.Context) error, said func(error)) {
	c.run(func(ctx context.Context) {
		for {
			err := fn(ctx)
			if err == nil || ctx.Err() != nil {
				return
			}
			said(err)
			if !pause(ctx, time.Second) {
				return
			}
		}
	})
}

// stop ends all and waits for them.
func (c *crew) stop() {
	c.cancel()
	c.wg.Wait()
}

// pause waits and says whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
