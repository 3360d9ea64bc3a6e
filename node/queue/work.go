package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

// WorkConfig says how to work through queued documents.
type WorkConfig struct {
	Slots       int                                       // jobs at once; 0: 1
	Priorities  []doc.Priority                            // most urgent first; nil: doc.Priorities
	AckWait     time.Duration                             // silence after which a job is given to another worker; 0: 5 s
	MaxAttempts int                                       // 0: 5
	Backoff     func(attempt int) time.Duration           // before the attempt after this one; nil: 1 s doubling to 1 min
	Drain       time.Duration                             // for running jobs to end after a stop; 0: 20 s
	OnOutcome   func(job Job, d time.Duration, err error) // after each job, for metrics; nil: none
}

// Job is one delivery of a document that waits to be read.
type Job struct {
	Record      doc.Record // the document's last revision: queued, or reading after an attempt that broke off
	Sequence    uint64     // of the queued revision
	Attempt     int        // 1 for the first; snoozes and stops do not count
	LastAttempt bool       // after a failure of this one it is time to append the failed state
	Exhausted   bool       // the attempts are used up, the last ones without an answer: do not read, append the failed state
}

// everyOther says how often the order of priorities is turned round, so that the
// least urgent is not starved by the others.
const everyOther = 8

// defaultAckWait is short because heartbeats keep a living worker's job: the job of
// a dead one comes again soon.
const defaultAckWait = 5 * time.Second

// worker is one call of Work.
type worker struct {
	q         *Queue
	cfg       WorkConfig
	handle    func(context.Context, Job) error
	consumers map[doc.Priority]jetstream.Consumer
	wake      chan struct{}
	turn      int

	jobs    sync.WaitGroup
	mu      sync.Mutex
	running map[doc.ID]bool
}

// Work gives queued documents to handle, Slots at once, until ctx ends. Then it
// takes no more, lets running jobs end within Drain, cancels them with the cause
// ErrStopped, and returns nil when all have returned.
//
// The handler answers nil when the document is settled or was queued again,
// Snooze or Cancel, or an error: then it is called again after a pause. It must be
// harmless to run twice. It appends the revisions of its document itself; a job
// stays its own until it returns, whatever it appends.
func (q *Queue) Work(ctx context.Context, cfg WorkConfig, handle func(context.Context, Job) error) error {
	w := &worker{q: q, cfg: cfg.withDefaults(), handle: handle, wake: make(chan struct{}, 1), running: map[doc.ID]bool{}}
	if err := q.retry(ctx, w.bind); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("work: %w", err)
	}
	sub, err := q.nc.Subscribe(subjectWake, func(*nats.Msg) { w.nudge() })
	if err != nil {
		return fmt.Errorf("work: %w", unavailable(err))
	}
	defer sub.Unsubscribe()

	jobCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(ErrStopped)
	slots := make(chan struct{}, w.cfg.Slots)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		m := w.fetch(ctx)
		if m == nil {
			break // ctx has ended
		}
		w.jobs.Go(func() {
			defer func() { <-slots }()
			w.deliver(jobCtx, m)
		})
	}
	drained := time.AfterFunc(w.cfg.Drain, func() { cancel(ErrStopped) })
	defer drained.Stop()
	w.jobs.Wait()
	return nil
}

func (c WorkConfig) withDefaults() WorkConfig {
	c.Slots = max(c.Slots, 1)
	if c.Priorities == nil {
		c.Priorities = doc.Priorities
	}
	if c.AckWait <= 0 {
		c.AckWait = defaultAckWait
	}
	if c.MaxAttempts <= 0 {
		c.MaxAttempts = 5
	}
	if c.Backoff == nil {
		c.Backoff = func(attempt int) time.Duration {
			d := min(time.Second<<min(attempt-1, 6), time.Minute)
			return d + rand.N(d/4)
		}
	}
	if c.Drain <= 0 {
		c.Drain = 20 * time.Second
	}
	if c.OnOutcome == nil {
		c.OnOutcome = func(Job, time.Duration, error) {}
	}
	return c
}

func workerName(p doc.Priority) string { return "worker-" + string(p) }

func (q *Queue) workerConsumer(p doc.Priority, ackWait time.Duration) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: workerName(p), FilterSubject: subjectDocs + "." + string(p) + ".*",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait,
		MaxDeliver: -1, MaxAckPending: 10_000,
	}
}

// bind makes the consumers, one a priority, or finds them.
func (w *worker) bind(ctx context.Context) error {
	consumers := map[doc.Priority]jetstream.Consumer{}
	for _, p := range w.cfg.Priorities {
		c, err := w.q.js.CreateOrUpdateConsumer(ctx, logStream, w.q.workerConsumer(p, w.cfg.AckWait))
		if err != nil {
			return fmt.Errorf("make consumer %s: %w", workerName(p), err)
		}
		consumers[p] = c
	}
	w.consumers = consumers
	return nil
}

func (w *worker) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// fetch waits for the most urgent message, or gives nil when ctx ends.
func (w *worker) fetch(ctx context.Context) jetstream.Msg {
	poll := time.NewTicker(idlePoll)
	defer poll.Stop()
	for ctx.Err() == nil {
		m, err := w.first()
		if m != nil {
			return m
		}
		if err != nil && ctx.Err() == nil {
			w.q.log.Warn("fetch work: trying again", "error", err)
			if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, nats.ErrNoResponders) {
				if err := w.q.retry(ctx, w.bind); err != nil {
					return nil // ctx has ended
				}
			}
			pause(ctx, idlePoll/4)
			continue
		}
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-poll.C:
		}
	}
	return nil
}

// first asks the consumers in turn and does not wait.
func (w *worker) first() (jetstream.Msg, error) {
	order := slices.Clone(w.cfg.Priorities)
	if w.turn++; w.turn%everyOther == 0 {
		slices.Reverse(order)
	}
	for _, p := range order {
		got, err := w.consumers[p].FetchNoWait(1)
		if err != nil {
			return nil, err
		}
		for m := range got.Messages() {
			return m, nil
		}
		if err := got.Error(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
