package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

const (
	maxBatch      = 256     // revisions in one sync
	maxBatchBytes = 8 << 20 // of revisions in one sync
	minBatch      = 24      // fewer are faster one by one: a batch costs about twenty single ones
)

// pending is a revision on its way to the log.
type pending struct {
	id   doc.ID
	msg  *nats.Msg
	done chan answer
}

type answer struct {
	seq uint64
	err error
}

// Append appends one revision and returns its sequence when it is synced. It
// needs the document's last revision to be rec.Revision-1 and answers Conflict
// otherwise. A revision that stands in the log already with the same bytes is no
// conflict: the answer is its sequence. Unavailable leaves open whether it was
// appended; repeating is safe. Full means no room, and nothing was appended.
// Concurrent appends share a sync.
func (q *Queue) Append(ctx context.Context, rec doc.Record) (uint64, error) {
	seqs, err := q.AppendBatch(ctx, []doc.Record{rec})
	return seqs[0], err
}

// AppendBatch appends many revisions with few syncs, as if by Append one after
// the other: revisions of one document may follow each other. It is not all or
// nothing. The sequence of each that did not go in is 0, and the error joins
// theirs; after Full or Unavailable it does not go on.
func (q *Queue) AppendBatch(ctx context.Context, recs []doc.Record) ([]uint64, error) {
	seqs := make([]uint64, len(recs))
	var errs []error
	for start := 0; start < len(recs); {
		n := distinct(recs[start:])
		for i, a := range q.appendDistinct(ctx, recs[start:start+n]) {
			seqs[start+i] = a.seq
			if a.err != nil {
				errs = append(errs, fmt.Errorf("append %s revision %d: %w", recs[start+i].ID, recs[start+i].Revision, a.err))
			}
		}
		start += n
		if len(errs) > 0 {
			if code := doc.CodeOf(errs[len(errs)-1]); code == doc.Full || code == doc.Unavailable {
				break
			}
		}
	}
	return seqs, errors.Join(errs...)
}

// distinct says how many of recs, from the first, are of different documents: a
// revision has to wait for the sequence of its predecessor.
func distinct(recs []doc.Record) int {
	seen := make(map[doc.ID]bool, len(recs))
	for i, rec := range recs {
		if seen[rec.ID] || i == maxBatch {
			return i
		}
		seen[rec.ID] = true
	}
	return len(recs)
}

// appendDistinct appends revisions of different documents.
func (q *Queue) appendDistinct(ctx context.Context, recs []doc.Record) []answer {
	answers := make([]answer, len(recs))
	waiting := make([]*pending, len(recs))
	for i, rec := range recs {
		waiting[i], answers[i] = q.submit(ctx, rec)
	}
	for i, p := range waiting {
		if p == nil {
			continue
		}
		select {
		case answers[i] = <-p.done:
		case <-ctx.Done():
			answers[i].err = unavailable(context.Cause(ctx))
		}
		if lostRace(answers[i].err) {
			answers[i].seq, answers[i].err = q.find(ctx, p.id, recs[i].Revision, p.msg.Data, true)
		}
	}
	return answers
}

// submit hands a revision to the committer, or answers at once.
func (q *Queue) submit(ctx context.Context, rec doc.Record) (*pending, answer) {
	m, err := q.encode(rec)
	if err != nil {
		return nil, answer{err: err}
	}
	if q.cfg.Full() {
		return nil, answer{err: doc.Errorf(doc.Full, "no room left on the disk of the document log")}
	}
	var expect uint64
	for expect == 0 && rec.Revision > 1 {
		last, err := q.lastWhere(ctx, rec.ID, func(e entry) bool { return e.revision == rec.Revision-1 })
		switch {
		case errors.Is(err, errNone), err == nil && last.revision != rec.Revision-1:
			seq, err := q.find(ctx, rec.ID, rec.Revision, m.Data, false)
			if errors.Is(err, errAgain) {
				continue
			}
			return nil, answer{seq, err}
		case err != nil:
			return nil, answer{err: err}
		}
		expect = last.seq
	}
	// A check that covers all lanes of the document, and for ever: a message ID
	// would cover its window only, and hide a different revision of that number.
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(expect, 10))
	m.Header.Set(jetstream.ExpectedLastSubjSeqSubjHeader, ofDocument(rec.ID))
	p := &pending{id: rec.ID, msg: m, done: make(chan answer, 1)}
	select {
	case q.appends <- p:
		return p, answer{}
	case <-ctx.Done():
		return nil, answer{err: unavailable(context.Cause(ctx))}
	case <-q.stopped.Done():
		return nil, answer{err: unavailable(ErrStopped)}
	}
}
