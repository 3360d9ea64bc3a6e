package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

// Restore brings an archived revision back to a log that lost it, and says
// whether it had. A log that knows this revision of the document, or a later one,
// is left as it is. Unlike Append it does not ask for the predecessor, which the
// archive has and the log may not.
//
// Several members may restore at once.
func (q *Queue) Restore(ctx context.Context, rec doc.Record) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	for {
		restored, err := q.restore(ctx, rec)
		if lostRace(err) && pause(ctx, findAgain) {
			continue // another member was faster: look again
		}
		if err != nil {
			return false, fmt.Errorf("restore %s revision %d: %w", rec.ID, rec.Revision, unavailable(err))
		}
		return restored, nil
	}
}

func (q *Queue) restore(ctx context.Context, rec doc.Record) (bool, error) {
	last, err := q.last(ctx, rec.ID)
	if errors.Is(err, errNone) {
		last, err = entry{}, nil
	}
	if err != nil {
		return false, err
	}
	if last.seq > 0 && last.revision >= rec.Revision {
		return false, nil
	}
	m, err := q.encode(rec)
	if err != nil {
		return false, err
	}
	if rec.State == doc.StateReading {
		// The queued revision whose message was the job may be lost: this is the job.
		m.Subject = subjectDocs + "." + q.waitingLane(rec) + "." + string(rec.ID)
	}
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(last.seq, 10))
	m.Header.Set(jetstream.ExpectedLastSubjSeqSubjHeader, ofDocument(rec.ID))
	_, err = q.publish(ctx, m)
	return err == nil, err
}
