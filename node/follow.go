package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/recto-edge/recto/node/cache"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

// follow keeps the index at the end of the log until ctx ends. A log that turns
// out to be cut is repaired from the archive and followed again. Jobs given to
// whileStill run while nobody writes to the index.
func (n *Node) follow(ctx context.Context, q *queue.Queue) {
	for ctx.Err() == nil {
		inner, cancel := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- q.Follow(inner, n.db.Index().Applied()+1, n.applyRevision) }()
		select {
		case err := <-done:
			cancel()
			n.followEnded(ctx, q, err)
		case <-n.db.Damage(): // found by a reader: the log may be quiet for long
			cancel()
			<-done
			n.followEnded(ctx, q, cache.ErrDamaged)
		case job := <-n.whileStill:
			cancel()
			<-done
			job()
		}
	}
}

// followEnded decides how to go on after following ended by itself.
func (n *Node) followEnded(ctx context.Context, q *queue.Queue, err error) {
	if ctx.Err() != nil || err == nil {
		return
	}
	n.parts.set(partIndex, partDown, err.Error())
	if errors.Is(err, queue.ErrCut) {
		if !n.staysCut(ctx, q) {
			n.showIndex()
			return
		}
		n.log.Warn("the log was cut: repairing it from the files")
		_, err = n.repair(ctx, q, nil)
	}
	if errors.Is(err, cache.ErrDamaged) {
		n.log.Warn("the file of the index is damaged: it is made anew from the log", "error", err)
		err = n.beginIndex(ctx, q)
	}
	if err == nil {
		n.showIndex()
		return
	}
	n.log.Error("the index cannot follow the log, will be tried again in a second", "error", err)
	if pause(ctx, time.Second) {
		n.showIndex()
	}
}

// beginIndex empties the index, to be made anew from the log.
func (n *Node) beginIndex(ctx context.Context, q *queue.Queue) error {
	_, last, err := q.Bounds(ctx)
	if err != nil {
		return fmt.Errorf("begin the index anew: %w", err)
	}
	n.wholeAt.Store(last)
	return n.db.Index().Reset()
}

// indexWhole says whether the index knows all that it knew before it was begun
// anew. Until then, nobody may be told that a document is not there.
func (n *Node) indexWhole() bool { return n.db.Index().Applied() >= n.wholeAt.Load() }

// showIndex shows the index as following the log again.
func (n *Node) showIndex() {
	if n.indexWhole() {
		n.parts.set(partIndex, partOK, "")
		return
	}
	n.parts.set(partIndex, partStarting, "made anew from the log")
}

// cutFor is how long a log with several copies must look cut to be taken for it: a
// copy that takes the lead may need a moment until it shows all that it has.
const cutFor = 10 * time.Second

// staysCut says whether the log ends before what the index has seen, and goes on
// to do so.
func (n *Node) staysCut(ctx context.Context, q *queue.Queue) bool {
	if len(n.others()) == 0 {
		return true
	}
	for end := time.Now().Add(cutFor); time.Now().Before(end); {
		if _, last, err := q.Bounds(ctx); err == nil && last >= n.db.Index().Applied() {
			return false
		}
		if !pause(ctx, time.Second) {
			return false
		}
	}
	return true
}

// still runs fn while nobody writes to the index, and waits for it.
func (n *Node) still(ctx context.Context, fn func() error) error {
	done := make(chan error, 1)
	select {
	case n.whileStill <- func() { done <- fn() }:
		return <-done
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// applyRevision takes one revision into the index and tells watchers.
func (n *Node) applyRevision(seq uint64, r doc.Record) error {
	before, _ := n.db.Index().Get(r.ID)
	if seq != n.db.Index().Applied()+1 {
		n.doubt.Store(true) // what is missing was erased, or lost by the copies that were asked
	}
	if err := n.db.Index().Apply(seq, r); err != nil {
		return err
	}
	if seq == n.wholeAt.Load() {
		n.showIndex()
	}
	if !n.indexWhole() || !n.lately.expect(r.ID, time.Now()) {
		n.doubt.Store(true) // too many to look at one by one
	}
	n.tell(before, r)
	return nil
}

// tell tells those who follow documents on this member of a revision in the index.
func (n *Node) tell(before, r doc.Record) {
	n.learnFrom(before, r)
	n.sources.hear(r)
	n.lately.hear(r, time.Now())
	n.accepted.Delete(r.ID)
	n.live.publish(doc.Event{ID: r.ID, Revision: r.Revision, State: r.State, Name: r.Name, At: r.UpdatedAt})
}

// learnFrom tells learning what was said of a document on another member; what was
// said here it hears at once.
func (n *Node) learnFrom(before, r doc.Record) {
	if _, here := n.reviewing.Load(r.ID); here {
		return
	}
	if r.State == doc.StateErased {
		n.learner.Forget(before)
		return
	}
	n.learner.Heard(r)
}

// readLog starts all that reads the log on this node (the index, the archive and
// the relay of progress) and waits until the index is where the log is now.
func (n *Node) readLog(ctx context.Context, c *crew, q *queue.Queue) error {
	for _, state := range []doc.State{doc.StateReceived, doc.StateQueued, doc.StateReading} {
		if err := n.takeUpWaiting(state); err != nil {
			return err
		}
	}
	c.run(func(ctx context.Context) { n.follow(ctx, q) })
	c.run(func(ctx context.Context) { n.relayEvents(ctx, q) })
	// Every revision becomes an immutable object. The position is kept by the
	// broker; a repaired log is archived again, which changes nothing.
	c.keep(func(ctx context.Context) error {
		return q.Durable(ctx, "archive", n.archived)
	}, func(err error) { n.log.Error("archiving stopped, started again in a second", "error", err) })
	_, last, err := q.Bounds(ctx)
	if err != nil {
		return err
	}
	return n.db.Index().Wait(ctx, last)
}

// takeUpWaiting takes up which documents wait or are being read, as the index knows
// them.
func (n *Node) takeUpWaiting(state doc.State) error {
	query := doc.Query{State: state, Limit: 500}
	for {
		list, err := n.db.Index().List(query)
		if err != nil {
			return err
		}
		for _, s := range list.Documents {
			if r, ok := n.db.Index().Get(s.ID); ok {
				n.sources.hear(r)
				n.lately.hear(r, time.Now())
			}
		}
		if query.Cursor = list.Next; query.Cursor == "" {
			return nil
		}
	}
}

// relayEvents hands progress from all members to this node's watchers.
func (n *Node) relayEvents(ctx context.Context, q *queue.Queue) {
	events, cancel, err := q.SubscribeEvents(256)
	if err != nil {
		n.log.Warn("no progress will be shown", "error", err)
		return
	}
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events:
			if !ok {
				return
			}
			n.live.publish(e)
		}
	}
}
