package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/recto-edge/recto/node/doc"
)

// commitLoop is the one goroutine that writes to the log. What arrives while a
// sync is under way shares the next one.
func (q *Queue) commitLoop() {
	var kept []*pending // second revisions of a document, for the next round
	for {
		batch, rest, ok := q.gather(kept)
		if !ok {
			return
		}
		q.commit(batch)
		kept = rest
		// One wake-up for the batch; those who read look for themselves.
		if err := q.nc.Publish(subjectWake, nil); err != nil {
			q.log.Debug("wake readers", "error", err)
		}
	}
}

// gather waits for a revision and takes what else is there, one a document.
func (q *Queue) gather(kept []*pending) (batch, rest []*pending, ok bool) {
	if len(kept) == 0 {
		select {
		case p := <-q.appends:
			kept = append(kept, p)
		case <-q.stopped.Done():
			q.refuse()
			return nil, nil, false
		}
	}
	seen, bytes := map[doc.ID]bool{}, 0
	take := func(p *pending) {
		if seen[p.id] || len(batch) == maxBatch || (len(batch) > 0 && bytes+len(p.msg.Data) > maxBatchBytes) {
			rest = append(rest, p)
			return
		}
		seen[p.id] = true
		bytes += len(p.msg.Data)
		batch = append(batch, p)
	}
	for _, p := range kept {
		take(p)
	}
	for len(batch)+len(rest) < maxBatch {
		select {
		case p := <-q.appends:
			take(p)
		default:
			return batch, rest, true
		}
	}
	return batch, rest, true
}

// refuse answers those who came while the queue closed.
func (q *Queue) refuse() {
	for {
		select {
		case p := <-q.appends:
			p.done <- answer{err: unavailable(ErrStopped)}
		default:
			return
		}
	}
}

// commit writes a batch and answers each. One revision that lost a race spoils an
// atomic batch for all; then they go one by one.
func (q *Queue) commit(batch []*pending) {
	if len(batch) >= minBatch {
		last, err := q.publishBatch(batch)
		q.heard(err)
		var api *apiError
		if err == nil || !errors.As(err, &api) {
			for i, p := range batch {
				if err == nil {
					p.done <- answer{seq: last - uint64(len(batch)-1-i)}
				} else {
					p.done <- answer{err: err}
				}
			}
			return
		}
		q.log.Debug("batch was refused: one by one", "error", err, "size", len(batch))
	}
	var lost error // the log answers no more: the others need not wait for it in turn
	for _, p := range batch {
		if lost != nil {
			p.done <- answer{err: lost}
			continue
		}
		p.msg.Header.Del(headerBatch)
		p.msg.Header.Del(headerBatchSeq)
		p.msg.Header.Del(headerBatchCommit)
		seq, err := q.publish(context.Background(), p.msg)
		if !q.heard(err) {
			lost = err
		}
		p.done <- answer{seq, err}
	}
}

// heard notes, and says, whether the log answered, be it with a refusal.
func (q *Queue) heard(err error) bool {
	var api *apiError
	answered := err == nil || errors.As(err, &api)
	q.silent.Store(!answered)
	return answered
}

// Headers of an atomic batch.
const (
	headerBatch       = "Nats-Batch-Id"
	headerBatchSeq    = "Nats-Batch-Sequence"
	headerBatchCommit = "Nats-Batch-Commit"
)

// publishBatch writes all or none of batch with one sync and gives the sequence
// of the last. They follow each other without gaps.
func (q *Queue) publishBatch(batch []*pending) (last uint64, err error) {
	id := rand.Text()
	for i, p := range batch {
		p.msg.Header.Set(headerBatch, id)
		p.msg.Header.Set(headerBatchSeq, strconv.Itoa(i+1))
		m := p.msg
		switch i {
		case len(batch) - 1:
			m.Header.Set(headerBatchCommit, "1")
			return q.publish(context.Background(), m)
		case 0:
			// The first is answered when the batch is open, or says why it is not.
			if err := q.openBatch(m); err != nil {
				return 0, err
			}
		default:
			if err := q.nc.PublishMsg(m); err != nil {
				return 0, unavailable(err)
			}
		}
	}
	return 0, nil
}

func (q *Queue) openBatch(m *nats.Msg) error {
	reply, err := q.request(context.Background(), m)
	if err != nil {
		return err
	}
	if len(reply.Data) == 0 {
		return nil
	}
	if _, err := stored(reply.Data); err != nil {
		return err
	}
	return unavailable(errors.New("the broker stored the first of a batch alone"))
}
