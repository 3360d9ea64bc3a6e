package node

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/recto-edge/recto/node/api"
	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/cache"
	"github.com/recto-edge/recto/node/doc"
)

// documents is the way of the API to documents.
type documents struct{ n *Node }

func (d documents) Submit(ctx context.Context, r io.Reader, dl doc.Delivery) (doc.Receipt, error) {
	receipt, err := d.n.submit(ctx, r, dl)
	if err != nil {
		return receipt, err
	}
	d.n.metrics.Arrived(dl.Channel, receipt.Duplicate)
	if _, ok := d.n.db.Index().Get(receipt.ID); !ok {
		// Accepted, and the log or the index is a moment behind: whoever asks for it
		// next must not hear that it is not there.
		d.n.accepted.Store(receipt.ID, doc.Record{
			Arrival: doc.Arrival{
				ID: receipt.ID, SHA256: receipt.SHA256, Size: receipt.Size, Name: receipt.Name, Channel: dl.Channel,
				Sender: dl.Sender, Type: dl.Type, Priority: dl.Priority, ReceivedAt: time.Now().UTC(),
			},
			State: doc.StateReceived, UpdatedAt: time.Now().UTC(), By: "intake",
		})
	}
	return receipt, nil
}

func (d documents) Get(_ context.Context, id doc.ID) (doc.Record, error) {
	return d.n.known(id)
}

// known gives a document from the index, or as it was accepted when the index
// does not have it yet. Its error is not-found only when the index is whole.
func (n *Node) known(id doc.ID) (doc.Record, error) {
	r, ok, err := n.db.Index().Find(id)
	if ok && err == nil {
		n.accepted.Delete(id)
		return r, nil
	}
	if r, ok := n.accepted.Load(id); ok {
		return r.(doc.Record), nil
	}
	if err != nil || !n.indexWhole() {
		return doc.Record{}, errIndexAnew
	}
	return doc.Record{}, doc.Errorf(doc.NotFound, "there is no document %s", id)
}

var errIndexAnew = doc.Errorf(doc.Unavailable, "this node's index of documents is being made anew from the log: try again in some seconds, or ask another member")

func (d documents) List(_ context.Context, q doc.Query) (doc.List, error) {
	if !d.n.indexWhole() {
		return doc.List{}, errIndexAnew
	}
	list, err := d.n.db.Index().List(q)
	if errors.Is(err, cache.ErrDamaged) {
		err = errIndexAnew
	}
	return list, err
}

func (d documents) Revisions(ctx context.Context, id doc.ID) ([]doc.Record, error) {
	now, err := d.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	revs, err := d.n.archive.revisions(ctx, id)
	if err != nil {
		return nil, err
	}
	// The archive is a moment behind the log.
	if len(revs) == 0 || revs[len(revs)-1].Revision < now.Revision {
		revs = append(revs, now)
	}
	return revs, nil
}

func (d documents) Retry(ctx context.Context, id doc.ID, o api.RetryOptions) (doc.Record, error) {
	now, err := d.Get(ctx, id)
	if err != nil {
		return doc.Record{}, err
	}
	if o.Type != "" {
		if _, err := d.n.types.Get(ctx, o.Type); err != nil {
			return doc.Record{}, &doc.Error{Code: doc.Invalid, Detail: doc.DetailUnknownType, Message: err.Error()}
		}
		now.Type = o.Type
	}
	if !now.State.Settled() {
		return doc.Record{}, doc.Errorf(doc.Conflict, "document %s is %s: wait until it has been read", id, now.State)
	}
	if now, err = d.n.withModel(ctx, now, o.Model); err != nil {
		return doc.Record{}, err
	}
	next, err := now.Next(doc.StateQueued, o.By, time.Now().UTC())
	if err != nil {
		return doc.Record{}, err
	}
	next.Attempts = 0
	if o.Password != "" {
		d.n.secrets.Store(id, o.Password)
		d.n.tellSecret(ctx, secret{id, o.Password})
	}
	seq, err := d.n.appendSeq(ctx, next)
	if err != nil {
		return doc.Record{}, err
	}
	return next, d.n.db.Index().Wait(ctx, seq)
}

// content is the way of the API to bytes and pages.
type content struct{ n *Node }

func (c content) Original(ctx context.Context, id doc.ID) (api.Original, error) {
	r, err := documents(c).Get(ctx, id)
	if err != nil {
		return api.Original{}, err
	}
	f, err := c.n.openOriginal(ctx, r.SHA256)
	if err != nil {
		return api.Original{}, err
	}
	head := make([]byte, 512)
	k, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return api.Original{}, errors.Join(err, f.Close())
	}
	return api.Original{
		Body: bodyOf{blob.Reader(f), f}, Size: f.Size(), Name: r.Name,
		ContentType: http.DetectContentType(head[:k]), SHA256: r.SHA256,
	}, nil
}

type bodyOf struct {
	io.Reader
	io.Closer
}

func (c content) Page(ctx context.Context, id doc.ID, n int) (doc.Page, error) {
	r, err := documents(c).Get(ctx, id)
	if err != nil {
		return doc.Page{}, err
	}
	if r.Result == nil {
		return doc.Page{}, doc.Errorf(doc.Conflict, "document %s has not been read yet (%s)", id, r.State)
	}
	reading, err := c.n.pagesOf(ctx, r)
	if err != nil {
		return doc.Page{}, err
	}
	if n < 1 || n > len(reading.Pages) {
		return doc.Page{}, doc.Errorf(doc.NotFound, "document %s has no page %d", id, n)
	}
	return reading.Pages[n-1], nil
}

func (c content) PageImage(ctx context.Context, id doc.ID, n, width int) ([]byte, error) {
	r, err := documents(c).Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return c.n.pageImage(ctx, r, n, width)
}

// events is the way of the API to changes.
type events struct{ n *Node }

func (e events) Subscribe(ctx context.Context, id doc.ID) (<-chan doc.Event, error) {
	return e.n.live.subscribe(ctx, id), nil
}

func (e events) Wait(ctx context.Context, id doc.ID) (doc.Record, error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	changes := e.n.live.subscribe(inner, id) // before looking, so that nothing is missed between
	for {
		r, err := e.n.known(id)
		if err == nil && r.State.Settled() {
			return r, nil
		}
		if _, open := <-changes; !open {
			return r, err
		}
	}
}

// status is what the node says of itself.
type status struct{ n *Node }

func (s status) Overview(context.Context) (doc.Overview, error) {
	return s.n.db.Index().Overview(time.Now().UTC())
}

func (s status) Missing() []string { return s.n.parts.missing() }

func (s status) Status(context.Context) (api.NodeStatus, error) {
	missing := s.n.parts.missing()
	return api.NodeStatus{
		Node: s.n.id.Node, Name: s.n.cfg.memberName(), Cluster: s.n.id.Cluster, Version: s.n.build.Version, Commit: s.n.build.Commit,
		StartedAt: s.n.started, Ready: len(missing) == 0, Missing: missing, Engines: s.n.parts.engines(),
		Models: s.n.reading.Models(),
		Limits: api.Limits{MaxBytes: s.n.cfg.Limits.MaxBytes, MaxPages: s.n.cfg.Limits.MaxPages, MaxPixels: int64(s.n.cfg.Limits.MaxPixels)},
	}, nil
}

// maintenance is the way of the API to copies of everything.
type maintenance struct{ n *Node }

func (m maintenance) Backup(ctx context.Context, w io.Writer) error { return m.n.Backup(ctx, w) }

func (m maintenance) Restore(ctx context.Context, r io.Reader) (api.Restored, error) {
	out, err := m.n.Restore(ctx, r)
	return api.Restored(out), err
}

// Interfaces of the API that the node keeps.
var (
	_ api.Documents = documents{}
	_ api.Content   = content{}
	_ api.Events    = events{}
	_ api.Status    = status{}

	_ api.Maintenance = maintenance{}
	_ api.Types       = typeBook{}
	_ api.Reviews     = reviews{}
	_ api.Models      = models{}
	_ auth.Store      = controlState{}
)
