package node

import (
	"context"
	"errors"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

// The log tells every member which documents there are, and what is to be archived.
// It may lead past a revision: a copy that lost some answers as if they had been
// erased, and whoever makes an index from it hears of no loss; a broker's position
// may run ahead of what was done. Revisions are numbered without gaps, so index and
// archive prove each other: what one has and the other lacks was passed over.

const (
	comparePeriod = time.Hour        // when nothing gives reason to doubt
	comparePause  = 10 * time.Second // between two looks for a reason
)

// keepComparing compares index and archive after a start, after whatever gives
// reason to doubt them, and now and then.
func (n *Node) keepComparing(ctx context.Context) {
	last, failed := time.Now(), false
	n.doubt.Store(true)
	for pause(ctx, comparePause) {
		q := n.queue.Load()
		if q == nil || !n.indexWhole() || !n.doubt.Swap(false) && time.Since(last) < comparePeriod {
			continue
		}
		if err := n.compare(ctx, q); err != nil {
			n.doubt.Store(true)
			if !failed && ctx.Err() == nil { // said once: a member that is away keeps it from ending
				n.log.Warn("index and archive cannot be compared, again in a moment", "error", err)
			}
			failed = true
			continue
		}
		last, failed = time.Now(), false
	}
}

// compare finds documents of which the index is behind the archive, or the archive
// lacks what the log has, and brings them. What was appended a moment ago may look
// like it; so each is looked at again.
func (n *Node) compare(ctx context.Context, q *queue.Queue) error {
	behind, unkept, err := n.differences(ctx)
	if err != nil {
		return err
	}
	if len(behind) > 0 {
		_, last, err := q.Bounds(ctx)
		if err != nil {
			return err
		}
		if err := n.db.Index().Wait(ctx, last); err != nil {
			return err
		}
	}
	var failed []error // one that cannot be read keeps no other from being brought
	for _, id := range behind {
		failed = append(failed, n.hearOf(ctx, q, id))
	}
	for _, id := range unkept {
		failed = append(failed, n.archiveAgain(ctx, q, id))
	}
	return errors.Join(failed...)
}

// differences walks index and archive side by side, both in the order of documents.
func (n *Node) differences(ctx context.Context) (behind, unkept []doc.ID, err error) {
	next := n.inOrder()
	now, more, err := next()
	if err != nil {
		return nil, nil, err
	}
	step := func() (err error) { now, more, err = next(); return err }
	err = n.archive.each(ctx, func(h held) error {
		for more && now.ID < h.id {
			unkept = append(unkept, now.ID)
			if err := step(); err != nil {
				return err
			}
		}
		switch {
		case !more || now.ID != h.id:
			behind = append(behind, h.id)
			return nil
		case now.Revision < h.last:
			behind = append(behind, h.id)
		case now.Revision > h.last, now.Revision > h.revisions && now.State != doc.StateErased:
			unkept = append(unkept, h.id)
		}
		return step()
	})
	for err == nil && more {
		unkept = append(unkept, now.ID)
		err = step()
	}
	return behind, unkept, err
}

// inOrder gives the documents of the index one after the other.
func (n *Node) inOrder() func() (doc.Record, bool, error) {
	var page []doc.Record
	var last doc.ID
	return func() (doc.Record, bool, error) {
		if len(page) == 0 {
			var err error
			if page, err = n.db.Index().After(last, 100); err != nil || len(page) == 0 {
				return doc.Record{}, false, err
			}
		}
		r := page[0]
		page, last = page[1:], r.ID
		return r, true, nil
	}
}

// hearOf brings the last archived revision of a document to the log, when that has
// lost it, and what the log then has to the index.
func (n *Node) hearOf(ctx context.Context, q *queue.Queue, id doc.ID) error {
	revs, err := n.archive.revisions(ctx, id)
	if err != nil || len(revs) == 0 {
		return err
	}
	last := revs[len(revs)-1]
	before, _ := n.db.Index().Get(id)
	if before.Revision >= last.Revision {
		return nil
	}
	restored, err := q.Restore(ctx, last)
	if err != nil {
		return err
	}
	now, _, err := q.Latest(ctx, id) // the archive may be a moment behind it
	if err != nil {
		return err
	}
	n.log.Warn("the log did not tell this member of a revision that is archived", "document", id,
		"archived", last.Revision, "index", before.Revision, "log", now.Revision, "lost by the log", restored)
	if err := n.db.Index().Amend(now); err != nil {
		return err
	}
	n.tell(before, now)
	return nil
}

// archiveAgain archives the revisions of a document that the log has and the archive
// lacks.
func (n *Node) archiveAgain(ctx context.Context, q *queue.Queue, id doc.ID) error {
	have, err := n.archive.numbers(ctx, id)
	if err != nil {
		return err
	}
	added := 0
	err = q.Revisions(ctx, id, func(seq uint64, r doc.Record) error {
		if have[r.Revision] {
			return nil
		}
		added++
		n.log.Info("a revision is archived that was not yet", "document", id, "revision", r.Revision)
		return n.archived(ctx, seq, r)
	})
	if err != nil || added == 0 {
		return err
	}
	// Erased meanwhile: what was written now goes, too.
	now, seq, err := q.Latest(ctx, id)
	if err == nil && now.State == doc.StateErased {
		err = n.archived(ctx, seq, now)
	}
	return err
}
