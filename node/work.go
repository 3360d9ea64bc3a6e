package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract"
	"github.com/recto-edge/recto/node/queue"
)

// byWorker is who made a revision that a worker appended.
const byWorker = "worker"

// work reads one document. It is called again for the same document after a
// crash or a failure, so every step of it may be repeated: the answer comes from
// the cache when it was already found, and appending a revision that somebody
// else appended first makes the job look again.
func (n *Node) work(ctx context.Context, job queue.Job) error {
	n.busy.Add(1)
	defer n.busy.Add(-1)
	rec := job.Record
	n.inHand.Store(rec.ID, nil)
	defer n.inHand.Delete(rec.ID)
	rec.Attempts = job.Attempt
	reading, err := rec.Next(doc.StateReading, byWorker, time.Now().UTC())
	if err != nil {
		return queue.Cancel(err)
	}
	if err := n.append(ctx, reading); err != nil {
		return lost(err)
	}
	var out extract.Output
	if job.Exhausted {
		err = doc.Errorf(doc.Internal, "reading this document ended the worker %d times; it is not tried again by itself", job.Attempt)
	} else {
		var done func()
		out, done, err = n.read(ctx, reading)
		defer done() // the parts of an archive are read from it
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // stopped: redelivered, not failed
	}
	for stage, ms := range out.Result.TimingsMS {
		n.metrics.Stage(stage, time.Duration(ms)*time.Millisecond)
	}
	// What was found is recorded even if the node is being stopped meanwhile.
	ctx = context.WithoutCancel(ctx)
	next, retry := n.settle(ctx, reading, out, err, job.LastAttempt || job.Exhausted)
	if retry != nil {
		return retry
	}
	if err := n.append(ctx, next); err != nil {
		n.dropIfErased(ctx, rec)
		return lost(err)
	}
	pages, kind := 0, next.Type
	if next.Result != nil {
		pages, kind = next.Result.Pages, next.Result.Type
	}
	n.metrics.Settled(string(next.State), kind, pages)
	return nil
}

// lost turns the error of an append into the outcome of the job. A conflict means
// that the job saw an older state than the log has: that somebody moved the document
// on, but also that its own revision arrived when no answer did. Only a second look
// tells them apart, so the job comes again and costs no attempt.
func lost(err error) error {
	if doc.CodeOf(err) == doc.Conflict {
		return queue.Snooze(lookAgain)
	}
	return err
}

const lookAgain = time.Second

// append writes the next revision and waits until this node's index has it, so
// that who asks next sees it.
func (n *Node) append(ctx context.Context, r doc.Record) error {
	_, err := n.appendSeq(ctx, r)
	return err
}

func (n *Node) appendSeq(ctx context.Context, r doc.Record) (uint64, error) {
	q := n.queue.Load()
	if q == nil {
		return 0, doc.Errorf(doc.Unavailable, "the document log is not up yet; try again in a moment")
	}
	return q.Append(ctx, r)
}

// settle makes the revision that ends a job, or gives the error with which the
// job is to be repeated.
func (n *Node) settle(ctx context.Context, rec doc.Record, out extract.Output, err error, last bool) (doc.Record, error) {
	now := time.Now().UTC()
	if err == nil && len(out.Parts) > 0 {
		return n.unpack(ctx, rec, out)
	}
	if err == nil {
		to := doc.StateDone
		if out.Result.Route == doc.RouteReview {
			to = doc.StateReview
		}
		next, err := rec.Next(to, byWorker, now)
		next.Result = &out.Result
		n.keepWord(ctx, rec, &next)
		return next, err
	}
	reason := reasonOf(err)
	to := doc.StateFailed
	switch {
	case reason.Detail == doc.DetailPassword:
		to = doc.StateHeld
	case !final(reason.Code) && !last:
		n.log.Warn("reading failed, will be repeated", "id", rec.ID, "attempt", rec.Attempts, "error", err)
		return doc.Record{}, err
	}
	n.log.Warn("document cannot be read", "id", rec.ID, "state", to, "code", reason.Code, "detail", reason.Detail)
	next, err := rec.Next(to, byWorker, now)
	next.Reason = reason
	return next, err
}

// final says whether an error of this code stays when the job is repeated.
func final(c doc.Code) bool {
	return c == doc.Invalid || c == doc.TooLarge || c == doc.NotFound
}

func reasonOf(err error) *doc.Error {
	var e *doc.Error
	if errors.As(err, &e) {
		return &doc.Error{Code: e.Code, Detail: e.Detail, Message: e.Message}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return doc.Unreadable(doc.DetailTimeout, "reading took longer than this node allows (limits.file_timeout); retry, or raise the limit", nil)
	}
	return &doc.Error{Code: doc.Internal, Message: "reading failed for a reason that is ours, not the file's: " + err.Error()}
}

// Channels of documents that were found inside others.
const (
	fromArchive = "archive"
	fromBatch   = "batch"
)

// unpack delivers what an archive, e-mail or batch holds as documents of their
// own, each durable before the parent is done.
func (n *Node) unpack(ctx context.Context, rec doc.Record, out extract.Output) (doc.Record, error) {
	next, err := rec.Next(doc.StateDone, byWorker, time.Now().UTC())
	if err != nil {
		return next, err
	}
	next.Children = nil // read again, it holds the same ones
	channel := fromArchive
	if out.Result.Split != nil {
		channel = fromBatch
	}
	for _, part := range out.Parts {
		receipt, err := n.deliver(ctx, part, doc.Delivery{
			Name: part.Name, Channel: channel, Sender: rec.Sender, Type: cmp.Or(part.Type, rec.Type),
			Priority: rec.Priority, Parent: rec.ID, Traceparent: rec.Traceparent,
		})
		if err != nil {
			return doc.Record{}, fmt.Errorf("unpack: %w", err)
		}
		if part.Reading != nil {
			n.reading.remember(receipt.SHA256, *part.Reading)
		}
		next.Children = append(next.Children, receipt.ID)
	}
	next.Result = &out.Result
	return next, nil
}

func (n *Node) deliver(ctx context.Context, part extract.Part, d doc.Delivery) (doc.Receipt, error) {
	r, err := part.Open()
	if err != nil {
		return doc.Receipt{}, err
	}
	defer r.Close()
	return n.submit(ctx, r, d)
}

// read opens the original and reads it, or finds the answer in the cache.
// The caller calls done when it needs the original no more.
func (n *Node) read(ctx context.Context, rec doc.Record) (out extract.Output, done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Limits.FileTimeout)
	defer cancel()
	in, done, err := n.input(ctx, rec)
	if err != nil {
		return extract.Output{}, func() {}, err
	}
	in.Whole = rec.Channel == fromBatch || rec.Split == doc.SplitNever // a document of a batch is one already
	in.Progress = func(stage string, page, pages int) {
		n.progress(doc.Event{ID: rec.ID, Revision: rec.Revision, State: rec.State, Name: rec.Name, Stage: stage, Page: page, Pages: pages, At: time.Now().UTC()})
	}
	in.Share = func(pages int) []extract.Helper { return n.helpers(in, pages) }
	out, err = n.reading.read(ctx, in)
	return out, done, err
}

func (n *Node) openOriginal(ctx context.Context, sum string) (blob.File, error) {
	key, err := blob.OriginalKeyHex(sum)
	if err != nil {
		return nil, err
	}
	return n.store.Open(ctx, key)
}

// progress tells watchers on every member; it is a courtesy and may get lost.
func (n *Node) progress(e doc.Event) {
	if q := n.queue.Load(); q != nil {
		if err := q.PublishEvent(e); err == nil {
			return
		}
	}
	n.live.publish(e)
}
