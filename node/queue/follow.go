package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

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
		read, err := q.read(ctx, from)
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
		if err != nil && ctx.Err() == nil {
			q.log.Warn("follow the log: trying again", "from", from, "error", err)
		}
		if err == nil && len(read) > 0 {
			continue // until nothing is left
		}
		if err == nil {
			if err := q.notCut(ctx, from); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-poll.C:
		}
	}
	return nil
}

// notCut answers ErrCut when the log ends before from-1.
func (q *Queue) notCut(ctx context.Context, from uint64) error {
	try, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	_, last, err := q.Bounds(try)
	if err != nil {
		return nil // not known; the next round asks again
	}
	if last+1 < from {
		return fmt.Errorf("follow from sequence %d of a log that ends at %d: %w", from, last, ErrCut)
	}
	return nil
}

// read gives up to readBatch revisions from sequence from on. With an error come
// those that were read before it.
func (q *Queue) read(ctx context.Context, from uint64) ([]entry, error) {
	inbox := q.nc.NewInbox()
	sub, err := q.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, unavailable(err)
	}
	defer sub.Unsubscribe()
	request, err := json.Marshal(nextRequest{Seq: from, Subject: subjectDocs + ".>", Batch: readBatch})
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

// Durable calls fn for every revision in the log, old and new, until ctx ends. The
// position called name is kept by the broker and shared by all members that use
// it. Revisions come in order, one at a time; after a crash or when another member
// takes over some come again, and then an earlier revision may come after a later
// one. An error of fn is waited out: the same revision comes until it succeeds.
func (q *Queue) Durable(ctx context.Context, name string, fn func(ctx context.Context, seq uint64, rec doc.Record) error) error {
	var consumer jetstream.Consumer
	bind := func(ctx context.Context) (err error) {
		consumer, err = q.js.CreateOrUpdateConsumer(ctx, logStream, jetstream.ConsumerConfig{
			Durable: name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 10 * time.Second,
			MaxDeliver: -1, MaxAckPending: readBatch,
		})
		return err
	}
	for bound := false; ctx.Err() == nil; {
		if !bound {
			if err := q.retry(ctx, bind); err != nil {
				break // ctx has ended
			}
			bound = true
		}
		err := q.fetchFor(ctx, consumer, func(m jetstream.Msg) { q.take(ctx, name, m, fn) })
		if err != nil && ctx.Err() == nil {
			q.log.Warn("read for a durable consumer: trying again", "consumer", name, "error", err)
			bound = false
			pause(ctx, idlePoll/4)
		}
	}
	return nil
}

// fetchFor waits a while for messages and gives them to take.
func (q *Queue) fetchFor(ctx context.Context, consumer jetstream.Consumer, take func(jetstream.Msg)) error {
	wait, cancel := context.WithTimeout(ctx, idlePoll)
	defer cancel()
	got, err := consumer.Fetch(readBatch/4, jetstream.FetchContext(wait))
	if err != nil {
		return err
	}
	for m := range got.Messages() {
		take(m)
	}
	if err := got.Error(); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
		return err
	}
	return nil
}

// take repeats fn for one message until it succeeds or ctx ends.
func (q *Queue) take(ctx context.Context, name string, m jetstream.Msg, fn func(context.Context, uint64, doc.Record) error) {
	meta, err := m.Metadata()
	if err != nil {
		q.log.Error("read delivery", "consumer", name, "error", err)
		return
	}
	rec, err := entry{seq: meta.Sequence.Stream, body: m.Data()}.record()
	if err != nil {
		q.log.Error("a revision cannot be read and is passed over", "consumer", name, "error", err)
		if err := m.Term(); err != nil {
			q.log.Warn("pass over a revision", "consumer", name, "error", err)
		}
		return
	}
	for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 3*time.Second) {
		if err = fn(ctx, meta.Sequence.Stream, rec); err == nil {
			if err = m.Ack(); err != nil {
				q.log.Warn("acknowledge: it comes again", "consumer", name, "error", err)
			}
			return
		}
		if ctx.Err() == nil {
			q.log.Warn("durable consumer failed: trying again", "consumer", name, "seq", meta.Sequence.Stream, "wait", wait, "error", err)
			if err := m.InProgress(); err != nil {
				q.log.Warn("tell that work is in progress", "consumer", name, "error", err)
			}
		}
		pause(ctx, wait)
	}
	if err := m.Nak(); err != nil {
		q.log.Debug("give back", "consumer", name, "seq", strconv.FormatUint(meta.Sequence.Stream, 10), "error", err)
	}
}
