package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

// How far the archive and the readers are in the log is kept by the broker, and when
// that changes hands it may be ahead of what was done: a revision that was just being
// handed out is then handed out to nobody, and nothing tells of it. So the member with
// the duty looks whether what came is archived after a while, and whether somebody
// still has what waits to be read. Every member remembers what came, because the duty
// may become its own.

const (
	latelyPeriod = 5 * time.Second
	offerPeriod  = 30 * time.Second
	// archivedAfter is how long after its last revision a document should be archived.
	archivedAfter = 30 * time.Second
	// latelyKept is for how long a member without the duty remembers what to look for.
	latelyKept = 10 * time.Minute
	// latelyMost is how many documents are looked for. More come lately only to a member
	// that catches up; then everything is compared.
	latelyMost = 1 << 16
	// offerMost is how many waiting documents are looked at each time, those that have
	// not moved for longest.
	offerMost = 16
)

// lately is when the last revision of documents came: of those that nobody has seen in
// the archive yet, and of those that wait or are being read.
type lately struct {
	mu         sync.Mutex
	unarchived map[doc.ID]time.Time
	unsettled  map[doc.ID]time.Time
}

func newLately() *lately {
	return &lately{unarchived: map[doc.ID]time.Time{}, unsettled: map[doc.ID]time.Time{}}
}

// hear takes in a revision.
func (l *lately) hear(r doc.Record, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.State.Settled() {
		delete(l.unsettled, r.ID)
	} else {
		l.unsettled[r.ID] = now
	}
}

// expect has a document looked for in the archive, or says that there is no room.
func (l *lately) expect(id doc.ID, now time.Time) (room bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.unarchived[id]; !known && len(l.unarchived) >= latelyMost {
		return false
	}
	l.unarchived[id] = now
	return true
}

// due gives the documents of unarchived whose last revision came before a time, with
// that.
func (l *lately) due(before time.Time) map[doc.ID]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[doc.ID]time.Time{}
	for id, came := range l.unarchived {
		if came.Before(before) {
			out[id] = came
		}
	}
	return out
}

// archived drops a document from unarchived, unless another revision came since.
func (l *lately) archived(id doc.ID, came time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unarchived[id].Equal(came) {
		delete(l.unarchived, id)
	}
}

// oldest gives at most n of the unsettled documents whose last revision came before a
// time, those that have not moved for longest.
func (l *lately) oldest(before time.Time, n int) []doc.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []doc.ID
	for id, came := range l.unsettled {
		if came.Before(before) {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, func(a, b doc.ID) int { return l.unsettled[a].Compare(l.unsettled[b]) })
	return out[:min(n, len(out))]
}

// archiveLate archives what should be archived by now and is not.
func (n *Node) archiveLate(ctx context.Context) {
	q := n.queue.Load()
	if q == nil {
		return
	}
	ctx, done, mine := n.onDuty(ctx)
	if !mine {
		for id, came := range n.lately.due(time.Now().Add(-latelyKept)) {
			n.lately.archived(id, came) // by whoever had the duty
		}
		return
	}
	defer done()
	if err := n.archiveDue(ctx, q, time.Now().Add(-archivedAfter)); err != nil && ctx.Err() == nil {
		n.log.Warn("it cannot be told whether all is archived, again in a moment", "error", err)
	}
}

// archiveDue looks whether documents whose last revision came before a time are
// archived, and archives what is missing.
func (n *Node) archiveDue(ctx context.Context, q *queue.Queue, before time.Time) error {
	for id, came := range n.lately.due(before) {
		if err := n.archiveIfMissing(ctx, q, id); err != nil {
			return err // when members are away the others fail, too
		}
		n.lately.archived(id, came)
	}
	return nil
}

func (n *Node) archiveIfMissing(ctx context.Context, q *queue.Queue, id doc.ID) error {
	now, known := n.db.Index().Get(id)
	if !known {
		return nil
	}
	have, err := n.archive.numbers(ctx, id)
	if err != nil || have[now.Revision] && (now.State == doc.StateErased || uint64(len(have)) >= now.Revision) {
		return err
	}
	return n.archiveAgain(ctx, q, id)
}

// offerAgain has documents handed out again that wait and that nobody has.
func (n *Node) offerAgain(ctx context.Context) {
	q := n.queue.Load()
	waiting := n.lately.oldest(time.Now().Add(-overdueAfter), offerMost)
	if q == nil || len(waiting) == 0 {
		return
	}
	ctx, done, mine := n.onDuty(ctx)
	if !mine {
		return
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, offerPeriod)
	defer cancel()
	again, err := q.Reoffer(ctx, waiting)
	if err != nil {
		n.log.Debug("what waits cannot be looked at, again in a moment", "error", err)
	} else if len(again) > 0 {
		n.log.Warn("documents that nobody had are handed out again", "documents", again)
	}
}
