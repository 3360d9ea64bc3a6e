package queue

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

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
