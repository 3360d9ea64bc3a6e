package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/recto-edge/recto/node/doc"
)

const (
	readBatch = 256         // revisions asked for at once
	readWait  = time.Second // for an answer that a restarting broker may have lost
)

// Follow calls fn for every revision from sequence from on (0: the first), in the
// order of the log, as they come, until ctx ends (then it answers nil) or fn
// fails (then that error). Broker trouble is waited out. It answers ErrCut when
// the log ends before from-1, now or later: it was cut, and what fn built is of
// another log. It keeps nothing itself; fn stores the sequence with its effect.
//
// It reads from any copy, this member's own first, and passes over a sequence only
// when the leader says that it was erased.
func (q *Queue) Follow(ctx context.Context, from uint64, fn func(seq uint64, rec doc.Record) error) error {
	wake := make(chan struct{}, 1)
	sub, err := q.nc.Subscribe(subjectWake, func(*nats.Msg) {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return fmt.Errorf("follow: %w", unavailable(err))
	}
	defer sub.Unsubscribe()

	poll := time.NewTicker(idlePoll)
	defer poll.Stop()
	from = max(from, 1)
	for ctx.Err() == nil {
		read, err := q.readOn(ctx, from)
		for _, e := range read {
			rec, err := e.record()
			if err == nil {
				err = fn(e.seq, rec)
			}
			if err != nil {
				return err
			}
			from = e.seq + 1
		}
		switch {
		case errors.Is(err, ErrCut):
			return err
		case err != nil && ctx.Err() == nil:
			q.log.Warn("follow the log: trying again", "from", from, "error", err)
		case len(read) > 0:
			continue // until nothing is left
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-poll.C:
		}
	}
	return nil
}

// readOn gives the revisions from sequence from on, without a hole, or none when
// the log ends there. With an error come those that were read before it.
func (q *Queue) readOn(ctx context.Context, from uint64) ([]entry, error) {
	read, err := q.read(ctx, from)
	whole := make([]entry, 0, len(read))
	for _, e := range read {
		missing, err := q.between(ctx, from, e.seq)
		whole = append(whole, missing...)
		if errors.Is(err, errNone) { // it is less far than this copy: a leader of yesterday
			err = unavailable(errors.New("the leader of the log lags behind a copy"))
		}
		if err != nil || len(missing) == readBatch {
			return whole, err
		}
		whole = append(whole, e)
		from = e.seq + 1
	}
	if err != nil || len(whole) > 0 {
		return whole, err
	}
	try, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	s, err := q.state(try)
	if err != nil {
		return nil, err
	}
	if last := s.State.Last; last+1 < from {
		return nil, fmt.Errorf("follow from sequence %d of a log that ends at %d: %w", from, last, ErrCut)
	}
	read, err = q.between(ctx, from, s.State.Last+1)
	if errors.Is(err, errNone) { // the last ones were erased
		err = nil
	}
	return read, err
}

// between gives what the leader has from sequence from on and before to, at most
// readBatch, and errNone when it has nothing any more: a copy that skips them may lag
// or be damaged.
func (q *Queue) between(ctx context.Context, from, to uint64) (out []entry, err error) {
	for from < to && len(out) < readBatch {
		try, cancel := context.WithTimeout(ctx, readWait)
		e, err := q.get(try, logStream, getRequest{Seq: from, Next: subjectDocs + ".>"})
		cancel()
		if err != nil {
			return out, err
		}
		if e.seq >= to {
			return out, nil
		}
		out = append(out, e)
		from = e.seq + 1
	}
	return out, nil
}

type batchRequest struct {
	getRequest
	Batch int `json:"batch"`
}

// read gives up to readBatch revisions from sequence from on, as one copy has them.
// With an error come those that were read before it.
func (q *Queue) read(ctx context.Context, from uint64) ([]entry, error) {
	inbox := q.nc.NewInbox()
	sub, err := q.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, unavailable(err)
	}
	defer sub.Unsubscribe()
	request, err := json.Marshal(batchRequest{getRequest{Seq: from, Next: subjectDocs + ".>"}, readBatch})
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	if err := q.nc.PublishRequest("$JS.API.DIRECT.GET."+logStream, inbox, request); err != nil {
		return nil, unavailable(err)
	}
	var out []entry
	for {
		next, cancel := context.WithTimeout(ctx, readWait)
		m, err := sub.NextMsgWithContext(next)
		cancel()
		if err != nil {
			return out, unavailable(err)
		}
		switch status := m.Header.Get("Status"); status {
		case "":
		case "204", "404": // end of the batch; nothing there
			return out, nil
		default:
			return out, unavailable(fmt.Errorf("read the log: %s %s", status, m.Header.Get("Description")))
		}
		e, err := entryOf(m)
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
}
