package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/recto-edge/recto/node/doc"
)

// deliver turns a message into a job, runs it, and answers the broker. An answer
// that gets lost means a redelivery.
func (w *worker) deliver(ctx context.Context, m *nats.Msg) {
	job, id, err := w.job(ctx, m)
	switch {
	case err != nil:
		w.q.log.Warn("look at work: it comes again", "document", id, "error", err)
		w.later(m, id, w.cfg.AckWait)
		return
	case job == nil: // stale: a later revision made it pointless
		w.settle(m.Ack(), id)
		return
	case !w.claim(id): // redelivered to the process that still works on it
		w.giveBack(ctx, m, id, w.cfg.AckWait)
		return
	}
	defer w.release(id)
	start := time.Now()
	err = w.run(ctx, m, *job)
	w.answer(ctx, m, *job, err)
	w.cfg.OnOutcome(*job, time.Since(start), err)
}

// job makes the job of a message, or nil when the message is stale: the document
// has a later revision that is not just the sign of an attempt.
func (w *worker) job(ctx context.Context, m *nats.Msg) (*Job, doc.ID, error) {
	meta, err := m.Metadata()
	if err != nil {
		return nil, "", fmt.Errorf("read delivery: %w", err)
	}
	token := entry{seq: meta.Sequence.Stream, subject: m.Subject, body: m.Data}
	rec, err := token.record()
	if err != nil {
		return nil, "", err
	}
	// A copy that lags shows an older state, whose job ends with a Conflict; it must
	// not show less than the job itself. What comes again may have got on by itself,
	// unheard: there only the leader is asked.
	last, err := w.q.lastWhere(ctx, rec.ID, func(e entry) bool { return e.seq >= token.seq && meta.NumDelivered == 1 })
	if err != nil {
		return nil, rec.ID, fmt.Errorf("latest: %w", err)
	}
	attempt := int(meta.NumDelivered)
	if last.seq != token.seq {
		if rec, err = last.record(); err != nil {
			return nil, rec.ID, err
		}
		if rec.State != doc.StateReading {
			return nil, rec.ID, nil
		}
		begun, queued, err := w.since(ctx, rec.ID, token.seq, last.seq)
		if queued || err != nil {
			return nil, rec.ID, err
		}
		// The broker syncs its count late; what was appended is certain.
		attempt = max(attempt, begun+1)
	}
	if attempt > 1 {
		attempt = max(1, attempt-w.given(ctx, rec.ID, token.seq))
	}
	return &Job{
		Record: rec, Sequence: token.seq, Attempt: attempt,
		LastAttempt: attempt >= w.cfg.MaxAttempts, Exhausted: attempt > w.cfg.MaxAttempts,
	}, rec.ID, nil
}

// since counts the attempts that were begun after the queued revision at seq, and
// says whether the document was queued again; then that revision's own message is
// the job.
func (w *worker) since(ctx context.Context, id doc.ID, seq, last uint64) (begun int, queued bool, err error) {
	for seq < last {
		e, err := w.q.next(ctx, id, seq+1)
		if err != nil {
			return 0, false, err
		}
		if e.waiting() {
			return 0, true, nil
		}
		begun++ // each attempt begins with one revision, reading
		seq = e.seq
	}
	return begun, false, nil
}

func (w *worker) claim(id doc.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running[id] {
		return false
	}
	w.running[id] = true
	return true
}

func (w *worker) release(id doc.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, id)
}

// run calls the handler while telling the broker that the job is in progress.
func (w *worker) run(ctx context.Context, m *nats.Msg, job Job) error {
	beat, stop := context.WithCancel(context.Background())
	w.jobs.Go(func() {
		for pause(beat, w.cfg.AckWait/3) {
			if err := m.InProgress(); err != nil {
				w.q.log.Warn("tell that work is in progress", "document", job.Record.ID, "error", err)
			}
		}
	})
	defer stop()
	return w.call(ctx, job)
}

// call is the one place where a handler's panic ends.
func (w *worker) call(ctx context.Context, job Job) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p := &PanicError{Value: v, Stack: debug.Stack()}
			w.q.log.Error("handler panicked", "document", job.Record.ID, "attempt", job.Attempt, "stack", string(p.Stack))
			err = p
		}
	}()
	return w.handle(ctx, job)
}

// answer tells the broker what the handler's answer means.
func (w *worker) answer(ctx context.Context, m *nats.Msg, job Job, err error) {
	id := job.Record.ID
	var nap snooze
	var off cancelled
	switch {
	case err == nil:
		w.settle(m.Ack(), id)
	case errors.As(err, &nap):
		w.giveBack(ctx, m, id, nap.d)
	case errors.As(err, &off):
		w.q.log.Warn("work is cancelled", "document", id, "attempt", job.Attempt, "error", off.err)
		w.settle(m.Ack(), id)
	case ctx.Err() != nil:
		w.giveBack(ctx, m, id, 0)
	default:
		// Also after the last attempt: a document must not be left without a state
		// that says why, and to append that is what failed then.
		wait := w.cfg.Backoff(job.Attempt)
		w.q.log.Warn("work failed: it comes again", "document", id, "attempt", job.Attempt, "wait", wait, "error", err)
		w.later(m, id, wait)
	}
}

// later lets the job come again after d, and wakes the worker then.
func (w *worker) later(m *nats.Msg, id doc.ID, d time.Duration) {
	if d <= 0 {
		w.settle(m.Nak(), id)
		return
	}
	w.settle(m.NakWithDelay(d), id)
	if d < time.Minute { // for the others the poll is soon enough
		time.AfterFunc(d+time.Millisecond, w.nudge)
	}
}

func (w *worker) settle(err error, id doc.ID) {
	if err != nil {
		w.q.log.Warn("answer for work: it comes again", "document", id, "error", err)
	}
}

// giveBack lets the job come again after d without counting the attempt.
func (w *worker) giveBack(ctx context.Context, m *nats.Msg, id doc.ID, d time.Duration) {
	ctx = context.WithoutCancel(ctx)
	if meta, err := m.Metadata(); err == nil {
		seq := meta.Sequence.Stream
		w.addGiven(ctx, id, given{Sequence: seq, Count: w.given(ctx, id, seq) + 1})
	}
	w.later(m, id, d)
}

// given counts the deliveries of a queued revision that are no attempts. The
// broker counts them all, and a record of our own outlives the process.
type given struct {
	Sequence uint64 `json:"seq"`
	Count    int    `json:"count"`
}

func (w *worker) given(ctx context.Context, id doc.ID, seq uint64) int {
	e, err := w.q.get(ctx, stateStream, getRequest{Last: subjectGiven + string(id)})
	if err != nil {
		if !errors.Is(err, errNone) {
			w.q.log.Warn("read uncounted attempts", "document", id, "error", err)
		}
		return 0
	}
	var g given
	if err := json.Unmarshal(e.body, &g); err != nil || g.Sequence != seq {
		return 0
	}
	return g.Count
}

func (w *worker) addGiven(ctx context.Context, id doc.ID, g given) {
	m := nats.NewMsg(subjectGiven + string(id))
	body, err := json.Marshal(g)
	if err == nil {
		m.Data = body
		_, err = w.q.publish(ctx, m)
	}
	if err != nil {
		w.q.log.Warn("an attempt is counted that should not be", "document", id, "error", err)
	}
}
