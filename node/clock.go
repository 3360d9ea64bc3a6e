package node

import (
	"context"
	"sync/atomic"
	"time"
)

// clockBack is by how much the wall clock must have gone back between two looks for
// what was handed out before to be handed out again.
const clockBack = 2 * time.Second

// clockPeriod is how often the clock is looked at. It may jump ahead and back within
// seconds, and what was handed out between is missed by whoever looks only before
// and after.
const clockPeriod = 250 * time.Millisecond

// clockWatch notices that the wall clock was put back.
type clockWatch struct {
	seen   bool
	offset time.Duration // of the wall clock from the running time at the last look
	back   atomic.Bool   // it was put back, and nothing has been done about it yet
}

// look takes in what the wall clock shows after so much running time.
func (w *clockWatch) look(wall time.Time, running time.Duration) {
	offset := time.Duration(wall.UnixNano()) - running
	if w.seen && w.offset-offset > clockBack {
		w.back.Store(true)
	}
	w.seen, w.offset = true, offset
}

// watchClock tries, after the wall clock was put back, until the work that waits by
// the old time has been called back.
func (n *Node) watchClock(ctx context.Context) {
	now := time.Now()
	n.clock.look(now, now.Sub(n.began))
	q := n.queue.Load()
	if q == nil || !n.clock.back.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probePeriod)
	defer cancel()
	// Before the call: a clock that is put back once more meanwhile counts again.
	n.clock.back.Store(false)
	if err := q.Again(ctx); err != nil {
		n.clock.back.Store(true)
		n.log.Warn("the clock was put back: work in hand is called back, again in a moment", "error", err)
		pause(ctx, time.Second)
		return
	}
	n.doubt.Store(true)
	n.log.Warn("the clock was put back: work in hand was called back")
}
