package node

import (
	"context"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

// The broker hands work out again when nobody has answered for a while, by the wall
// clock of whoever led the consumer when it was handed out. When that clock was ahead
// and its member has been started anew since, nobody sees a clock go back, and the
// document would be read only at the time to which the clock had jumped.

const (
	overduePeriod = 5 * time.Second
	// overdueAfter is how long what was handed out may be in nobody's hands: longer than
	// the longest pause between two attempts, which is a minute.
	overdueAfter = 90 * time.Second
)

// overdue is since when what was handed out and not answered is in nobody's hands.
type overdue struct{ since map[queue.HandedOut]time.Time }

// look takes in what is handed out now and gives the consumers of what has been in
// nobody's hands for too long. A reader that members share answers in moments: what it
// was given counts as in nobody's hands, and coming again does it no harm.
func (o *overdue) look(now time.Time, out []queue.HandedOut, reads func(doc.ID) bool) (late []string) {
	since := map[queue.HandedOut]time.Time{}
	for _, h := range out {
		if h.Work && reads(h.ID) {
			continue
		}
		from, known := o.since[h]
		if !known {
			from = now
		}
		if now.Sub(from) >= overdueAfter {
			late, from = append(late, h.Consumer), now
		}
		since[h] = from
	}
	o.since = since
	return late
}

// callOverdue calls back what nobody has. It is the leading member's duty; done twice it
// does no harm.
func (n *Node) callOverdue(ctx context.Context) {
	q := n.queue.Load()
	if q == nil {
		return
	}
	ctx, done, mine := n.onDuty(ctx)
	if !mine {
		n.overdue.since = nil
		return
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, overduePeriod)
	defer cancel()
	out, err := q.HandedOut(ctx)
	if err != nil {
		return // the broker does not answer: there is nothing to call back either
	}
	late := n.overdue.look(time.Now(), out, n.inHands())
	if len(late) == 0 {
		return
	}
	if err := q.Again(ctx, late...); err != nil {
		n.log.Warn("what nobody has is called back, again later", "consumers", late, "error", err)
		return
	}
	n.doubt.Store(true)
	n.log.Warn("what nobody had was called back", "consumers", late)
}

// inHands gives a function that says whether some member that is up reads a document.
// A member of a version that does not say what it reads may read any while it is busy.
func (n *Node) inHands() func(doc.ID) bool {
	held, unknown := map[doc.ID]bool{}, false
	for _, id := range n.handsHere() {
		held[id] = true
	}
	for _, m := range n.others() {
		h, up := n.peers.of(m.ID)
		if !up {
			continue
		}
		unknown = unknown || h.Reading == nil && h.Busy > 0
		for _, id := range h.Reading {
			held[id] = true
		}
	}
	return func(id doc.ID) bool { return unknown || held[id] }
}

// handsHere gives the documents that this member has in hand.
func (n *Node) handsHere() []doc.ID {
	out := []doc.ID{}
	n.inHand.Range(func(id, _ any) bool {
		out = append(out, id.(doc.ID))
		return true
	})
	return out
}
