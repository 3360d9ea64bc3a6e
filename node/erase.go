package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/cache"
	"github.com/recto-edge/recto/node/doc"
)

// Erase removes a document for good. The tombstone goes into the log first; from
// then on the document is erased whatever happens, and what is left of it is
// removed here and by the archive, which comes back to it after a crash.
func (r reviews) Erase(ctx context.Context, id doc.ID, by string) (doc.Record, error) {
	n := r.n
	now, err := documents(r).Get(ctx, id)
	if err != nil || now.State == doc.StateErased {
		return now, err
	}
	next, err := now.Next(doc.StateErased, by, time.Now().UTC())
	if err != nil {
		return doc.Record{}, err
	}
	next = tombstone(next)
	n.reviewing.Store(id, true)
	defer n.reviewing.Delete(id)
	seq, err := n.appendSeq(ctx, next)
	if err != nil {
		return doc.Record{}, err
	}
	n.secrets.Delete(id)
	if err := n.db.Index().Wait(ctx, seq); err != nil {
		return doc.Record{}, err
	}
	n.learner.Forget(now)
	return next, n.forget(ctx, seq, next)
}

// tombstone is what stays of a record: which bytes it was, and when and by whom
// it was erased.
func tombstone(r doc.Record) doc.Record {
	return doc.Record{
		Arrival: doc.Arrival{
			ID: r.ID, SHA256: r.SHA256, Size: r.Size, Channel: r.Channel, Priority: r.Priority, Parent: r.Parent, ReceivedAt: r.ReceivedAt,
		},
		Revision: r.Revision, State: r.State, UpdatedAt: r.UpdatedAt, By: r.By,
	}
}

// forget removes everything that is kept of an erased document but its tombstone,
// which is at seq in the log. It may be repeated.
func (n *Node) forget(ctx context.Context, seq uint64, r doc.Record) error {
	original, err := blob.OriginalKeyHex(r.SHA256)
	if err != nil {
		return err
	}
	err = errors.Join(
		n.store.Delete(ctx, original),
		n.archive.forget(ctx, r),
		n.dropDerived(r.SHA256),
	)
	if err != nil {
		return fmt.Errorf("erase document %s: %w", r.ID, err)
	}
	q := n.queue.Load()
	if q == nil {
		return doc.Errorf(doc.Unavailable, "the document log is not up yet; try again in a moment")
	}
	n.erasing.Lock()
	defer n.erasing.Unlock()
	if err := q.Erase(ctx, r.ID, seq); err != nil {
		return err
	}
	return n.markLog(ctx, q) // these gaps are no damage
}

// dropIfErased removes what reading a document left behind that was erased
// meanwhile.
func (n *Node) dropIfErased(ctx context.Context, r doc.Record) {
	if now, ok := n.db.Index().Get(r.ID); !ok || now.State != doc.StateErased {
		return
	}
	if err := n.dropDerived(r.SHA256); err != nil {
		n.log.Error("what was read of an erased document is still in the cache", "id", r.ID, "error", err)
	}
}

// dropDerived removes what the cache holds of a document's bytes.
func (n *Node) dropDerived(sum string) error {
	var errs []error
	for _, kind := range []cache.Kind{cache.Readings, cache.Results, cache.Renders} {
		errs = append(errs, n.db.Values().Forget(kind, sum+"/"))
	}
	return errors.Join(errs...)
}

// forgetErased removes what a restored backup brought back of erased documents.
func (n *Node) forgetErased(ctx context.Context) error {
	q := n.queue.Load()
	query := doc.Query{State: doc.StateErased, Limit: 500}
	for {
		list, err := n.db.Index().List(query)
		if err != nil {
			return err
		}
		for _, s := range list.Documents {
			rec, seq, err := q.Latest(ctx, s.ID)
			if err == nil && rec.State == doc.StateErased {
				err = n.forget(ctx, seq, rec)
			}
			if err != nil {
				return err
			}
		}
		if query.Cursor = list.Next; query.Cursor == "" {
			return nil
		}
	}
}

// archived keeps a revision as an object. An erased document loses all others.
func (n *Node) archived(ctx context.Context, seq uint64, r doc.Record) error {
	if err := n.archive.put(ctx, r); err != nil || r.State != doc.StateErased {
		return err
	}
	return n.forget(ctx, seq, r)
}

// forget removes the intake records of an erased document and its revisions but
// the last.
func (a archive) forget(ctx context.Context, r doc.Record) error {
	var gone []string
	last := fmt.Sprintf("%s%s/%010d-", recordsPrefix, r.ID, r.Revision)
	err := a.store.List(ctx, recordsPrefix+string(r.ID)+"/", "", func(i blob.Info) error {
		if !strings.HasPrefix(i.Key, last) {
			gone = append(gone, i.Key)
		}
		return nil
	})
	if err == nil { // the same bytes may have come on any day
		err = a.store.List(ctx, arrivals, "", func(i blob.Info) error {
			if strings.HasPrefix(path.Base(i.Key), string(r.ID)+"-") {
				gone = append(gone, i.Key)
			}
			return nil
		})
	}
	for _, key := range gone {
		err = errors.Join(err, a.store.Delete(ctx, key))
	}
	return err
}

// submit is the way in for everything that comes to this node. The same bytes as
// an erased document are not taken in again.
func (n *Node) submit(ctx context.Context, r io.Reader, d doc.Delivery) (doc.Receipt, error) {
	receipt, err := n.intake.Submit(ctx, r, d)
	if err != nil || receipt.State != doc.StateErased {
		return receipt, err
	}
	err = doc.Errorf(doc.Conflict, "these bytes were erased as document %s: they are not taken in again", receipt.ID)
	q := n.queue.Load()
	if q == nil {
		return doc.Receipt{}, err
	}
	rec, seq, known := q.Latest(ctx, receipt.ID)
	if known == nil {
		known = n.forget(ctx, seq, rec)
	}
	return doc.Receipt{}, errors.Join(err, known)
}
