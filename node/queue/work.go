package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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
	Take        func() bool                               // says whether to take another job now, asked before each and once a second; nil: always
}

// Job is one delivery of a document that waits to be read.
type Job struct {
	Record      doc.Record // the document's last revision: queued, or reading after an attempt that broke off
	Sequence    uint64     // of the queued revision
	Attempt     int        // 1 for the first; snoozes and stops do not count
	LastAttempt bool       // after a failure of this one it is time to append the failed state
	Exhausted   bool       // the attempts are used up, the last ones without an answer: do not read, append the failed state
}

// defaultAckWait is short because heartbeats keep a living worker's job: the job of
// a dead one comes again soon.
const defaultAckWait = 5 * time.Second

// worker is one call of Work.
type worker struct {
	q      *Queue
	cfg    WorkConfig
	handle func(context.Context, Job) error
	wake   chan struct{}
	turn   int

	inbox     string
	delivered chan *nats.Msg // answers to fetches
	asked     int

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
	w := &worker{
		q: q, cfg: cfg.withDefaults(), handle: handle, running: map[doc.ID]bool{},
		wake: make(chan struct{}, 1), inbox: q.nc.NewInbox(), delivered: make(chan *nats.Msg, 64),
	}
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
	answers, err := q.nc.ChanSubscribe(w.inbox+".*", w.delivered)
	if err != nil {
		return fmt.Errorf("work: %w", unavailable(err))
	}
	defer answers.Unsubscribe()

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
	if c.Take == nil {
		c.Take = func() bool { return true }
	}
	return c
}

func workerName(lane string) string { return "worker-" + lane }

func (q *Queue) workerConsumer(lane string, ackWait time.Duration) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: workerName(lane), FilterSubject: subjectDocs + "." + lane + ".*",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait,
		MaxDeliver: -1, MaxAckPending: 10_000,
	}
}

// bind makes the consumers, one a lane, or finds them.
func (w *worker) bind(ctx context.Context) error {
	for _, lane := range lanes(w.cfg.Priorities) {
		if _, err := w.q.js.CreateOrUpdateConsumer(ctx, logStream, w.q.workerConsumer(lane, w.cfg.AckWait)); err != nil {
			return fmt.Errorf("make consumer %s: %w", workerName(lane), err)
		}
	}
	return nil
}

func (w *worker) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// fetch waits for the most urgent message, or gives nil when ctx ends.
func (w *worker) fetch(ctx context.Context) *nats.Msg {
	poll := time.NewTicker(idlePoll)
	defer poll.Stop()
	for ctx.Err() == nil {
		m, err := w.first(ctx)
		if m != nil {
			return m
		}
		if err != nil && ctx.Err() == nil {
			w.q.log.Warn("fetch work: trying again", "error", err)
			if errors.Is(err, nats.ErrNoResponders) { // nobody leads the consumer, or it is gone
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

// first asks the consumers in turn and does not wait for a message to come.
func (w *worker) first(ctx context.Context) (*nats.Msg, error) {
	if !w.cfg.Take() {
		return nil, nil
	}
	w.turn++
	for _, lane := range inTurn(w.cfg.Priorities, w.turn) {
		m, err := w.pull(ctx, lane)
		if m != nil || err != nil {
			return m, err
		}
	}
	return nil, nil
}

// fetchWait is how long a consumer may take to say whether it has something.
const fetchWait = 2 * time.Second

// pull asks one consumer for a message, and gives nil when it has none. All answers
// come to one inbox, so that a message that comes too late for its question is the
// answer to the next one, and no delivery counts as an attempt that was none.
func (w *worker) pull(ctx context.Context, lane string) (*nats.Msg, error) {
	w.asked++
	reply := fmt.Sprint(w.inbox, ".", w.asked)
	subject := "$JS.API.CONSUMER.MSG.NEXT." + logStream + "." + workerName(lane)
	if err := w.q.nc.PublishRequest(subject, reply, []byte(`{"batch":1,"no_wait":true}`)); err != nil {
		return nil, err
	}
	late := time.NewTimer(fetchWait)
	defer late.Stop()
	for {
		select {
		case m := <-w.delivered:
			switch status := m.Header.Get("Status"); {
			case status == "" && m.Reply != "":
				return m, nil
			case m.Subject != reply, status == "100": // of an earlier question; a sign of life
			case status == "503":
				return nil, nats.ErrNoResponders
			case status == "404", status == "408":
				return nil, nil
			default:
				return nil, fmt.Errorf("fetch from %s: %s %s", workerName(lane), status, m.Header.Get("Description"))
			}
		case <-late.C:
			return nil, fmt.Errorf("fetch from %s: no answer", workerName(lane))
		case <-ctx.Done():
			return nil, nil
		}
	}
}
