package queue_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

func quick(slots int) queue.WorkConfig {
	return queue.WorkConfig{
		Slots: slots, AckWait: time.Second, MaxAttempts: 3, Drain: 50 * time.Millisecond,
		Backoff: func(int) time.Duration { return 10 * time.Millisecond },
	}
}

// work runs Work until stop is called, which waits for it.
func work(t *testing.T, q *queue.Queue, cfg queue.WorkConfig, h func(context.Context, queue.Job) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(timeout(t))
	done := make(chan error, 1)
	go func() { done <- q.Work(ctx, cfg, h) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-timeout(t).Done():
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// settled waits until no document is queued or being read.
func settled(t *testing.T, q *queue.Queue) {
	t.Helper()
	ctx := timeout(t)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for none := 0; none < 5; {
		depth, err := q.Depth(ctx)
		if err != nil {
			t.Fatal(err)
		}
		// Before the workers have made their consumers there is nothing to count, and
		// one that is being made counts nothing for a moment.
		none++
		if len(depth) != len(doc.Priorities) || depth[doc.High]+depth[doc.Normal]+depth[doc.Batch] > 0 {
			none = 0
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("still waiting: %v", depth)
		}
	}
}

// Every kind of answer, and how often the handler is called for it.
func TestOutcomes(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	boom := errors.New("boom")
	cases := []struct {
		name     string
		answer   func(call int, job queue.Job) error
		attempts []int // Job.Attempt of each call
	}{
		{"nil", func(int, queue.Job) error { return nil }, []int{1}},
		{"error then nil", func(call int, _ queue.Job) error {
			if call == 1 {
				return boom
			}
			return nil
		}, []int{1, 2}},
		{"error to the end", func(_ int, job queue.Job) error {
			if job.LastAttempt {
				return nil // the failed state is appended
			}
			return boom
		}, []int{1, 2, 3}},
		{"error after the end", func(_ int, job queue.Job) error {
			if job.Exhausted {
				return nil
			}
			return boom
		}, []int{1, 2, 3, 4}},
		{"panic", func(call int, _ queue.Job) error {
			if call == 1 {
				panic("oh")
			}
			return nil
		}, []int{1, 2}},
		{"snooze does not count", func(call int, _ queue.Job) error {
			if call <= 4 {
				return queue.Snooze(5 * time.Millisecond)
			}
			return nil
		}, []int{1, 1, 1, 1, 1}},
		{"snooze between errors", func(call int, _ queue.Job) error {
			switch call {
			case 1, 3:
				return boom
			case 2:
				return queue.Snooze(5 * time.Millisecond)
			}
			return nil
		}, []int{1, 2, 2, 3}},
		{"cancel", func(int, queue.Job) error { return queue.Cancel(boom) }, []int{1}},
	}
	var mu sync.Mutex
	got := map[doc.ID][]int{}
	byID := map[doc.ID]int{}
	for i := range cases {
		rec := record(i)
		byID[rec.ID] = i
		appendOK(t, q, rec)
	}
	stop := work(t, q, quick(2), func(_ context.Context, job queue.Job) error {
		mu.Lock()
		id := job.Record.ID
		got[id] = append(got[id], job.Attempt)
		call := len(got[id])
		mu.Unlock()
		return cases[byID[id]].answer(call, job)
	})
	settled(t, q)
	stop()
	for i, c := range cases {
		if calls := got[record(i).ID]; !slices.Equal(calls, c.attempts) {
			t.Errorf("%s: attempts %v, want %v", c.name, calls, c.attempts)
		}
	}
}

// Revisions that are not the document's last never reach the handler, and those
// that are not queued are no work.
func TestOnlyTheLatestIsWork(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	erased := record(1)
	appendOK(t, q, erased)
	appendOK(t, q, next(t, erased, doc.StateErased, "anna"))
	broken := record(2) // a worker died while it read
	appendOK(t, q, broken)
	appendOK(t, q, next(t, broken, doc.StateReading, "worker"))
	again := record(3) // queued twice: one job, of the last
	appendOK(t, q, again)
	r2 := next(t, again, doc.StateReading, "worker")
	appendOK(t, q, r2)
	r3 := next(t, r2, doc.StateQueued, "anna")
	seq := appendOK(t, q, r3)

	var mu sync.Mutex
	got := map[doc.ID][]queue.Job{}
	stop := work(t, q, quick(1), func(_ context.Context, job queue.Job) error {
		mu.Lock()
		defer mu.Unlock()
		got[job.Record.ID] = append(got[job.Record.ID], job)
		return nil
	})
	settled(t, q)
	stop()
	if n := len(got[erased.ID]); n != 0 {
		t.Errorf("an erased document was given out %d times", n)
	}
	if jobs := got[broken.ID]; len(jobs) != 1 || jobs[0].Record.State != doc.StateReading || jobs[0].Record.Revision != 2 {
		t.Errorf("broken off: %+v, want one job with revision 2", jobs)
	}
	if jobs := got[again.ID]; len(jobs) != 1 || jobs[0].Record.Revision != 3 || jobs[0].Sequence != seq {
		t.Errorf("queued again: %+v, want one job with revision 3", jobs)
	}
}

// A stop lets a job end in time, cancels one that does not with the cause
// ErrStopped, and the job comes back with the same attempt.
func TestStopDoesNotCount(t *testing.T) {
	dir := t.TempDir()
	q, _ := open(t, dir, nil)
	appendOK(t, q, record(1))
	for range 4 { // more often than there are attempts
		entered := make(chan int, 1)
		var cause error
		stop := work(t, q, quick(1), func(ctx context.Context, job queue.Job) error {
			entered <- job.Attempt
			<-ctx.Done()
			cause = context.Cause(ctx)
			return ctx.Err()
		})
		if attempt := receive(t, entered); attempt != 1 {
			t.Fatalf("attempt %d after stops only", attempt)
		}
		stop()
		if !errors.Is(cause, queue.ErrStopped) {
			t.Fatalf("cancelled with %v, want ErrStopped", cause)
		}
	}
}

// A job that takes longer than AckWait stays with its worker.
func TestHeartbeatKeepsTheJob(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	appendOK(t, q, record(1))
	cfg := quick(2)
	cfg.AckWait = 300 * time.Millisecond
	calls := make(chan struct{}, 10)
	stop := work(t, q, cfg, func(ctx context.Context, _ queue.Job) error {
		calls <- struct{}{}
		long := time.NewTimer(4 * cfg.AckWait)
		defer long.Stop()
		<-long.C
		return nil
	})
	receive(t, calls)
	settled(t, q)
	stop()
	if len(calls) > 0 {
		t.Fatalf("called %d times more", len(calls))
	}
}

func TestUrgentFirst(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	order := []doc.Priority{doc.Batch, doc.Normal, doc.High, doc.Batch, doc.Normal, doc.High}
	for i, p := range order {
		rec := record(i)
		rec.Priority = p
		appendOK(t, q, rec)
	}
	var got []doc.Priority
	stop := work(t, q, quick(1), func(_ context.Context, job queue.Job) error {
		got = append(got, job.Record.Priority)
		return nil
	})
	settled(t, q)
	stop()
	want := []doc.Priority{doc.High, doc.High, doc.Normal, doc.Normal, doc.Batch, doc.Batch}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// Batch documents go on while urgent ones keep coming.
func TestNothingStarves(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	slow := record(0)
	slow.Priority = doc.Batch
	appendOK(t, q, slow)
	for i := range 20 {
		rec := record(i + 1)
		rec.Priority = doc.High
		appendOK(t, q, rec)
	}
	var got []doc.ID
	stop := work(t, q, quick(1), func(_ context.Context, job queue.Job) error {
		got = append(got, job.Record.ID)
		return nil
	})
	settled(t, q)
	stop()
	if at := slices.Index(got, slow.ID); at < 0 || at > 10 {
		t.Fatalf("the batch document came at place %d of %d", at, len(got))
	}
}

// What was appended while workers wait is given out at once.
func TestWorkWakesUp(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	jobs := make(chan queue.Job, 1)
	work(t, q, quick(1), func(_ context.Context, job queue.Job) error {
		jobs <- job
		return nil
	})
	for i := range 5 {
		appendOK(t, q, record(i))
		if got := receive(t, jobs); got.Record.ID != record(i).ID {
			t.Fatalf("got %s", got.Record.ID)
		}
	}
}

// A document that was being read when the log was lost is work again, also when
// the archive gives back nothing but its last revision.
func TestRestoredReadingIsWork(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	rec := next(t, record(1), doc.StateReading, "worker")
	for i, want := range []bool{true, false} {
		if got, err := q.Restore(timeout(t), rec); err != nil || got != want {
			t.Fatalf("restore %d: %v, %v; want %v", i, got, err, want)
		}
	}
	jobs := make(chan queue.Job, 1)
	work(t, q, quick(1), func(_ context.Context, job queue.Job) error {
		jobs <- job
		return nil
	})
	if job := receive(t, jobs); job.Record.Revision != 2 || job.Record.State != doc.StateReading {
		t.Fatalf("got %+v", job)
	}
}

// What its consumer takes for answered, and was not, is handed out again; what is
// settled, or still to be answered, stays as it is.
func TestReoffer(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	const passed, done, held, documents = 0, 1, 2, 3
	jobs := make(chan queue.Job, 8)
	let := make(chan struct{})
	stop := work(t, q, quick(documents), func(ctx context.Context, job queue.Job) error {
		jobs <- job
		switch job.Record.ID {
		case record(done).ID:
			_, err := q.Append(ctx, next(t, job.Record, doc.StateReading, "worker"))
			if err == nil {
				_, err = q.Append(ctx, next(t, next(t, job.Record, doc.StateReading, "worker"), doc.StateDone, "worker"))
			}
			return err
		case record(held).ID:
			<-let
		}
		return nil // passed: the consumer is told that it is done
	})
	var ids []doc.ID
	for i := range documents {
		appendOK(t, q, record(i))
		ids = append(ids, record(i).ID)
	}
	for range documents {
		receive(t, jobs)
	}
	ids = append(ids, record(99).ID) // the log does not know it
	var again []doc.ID
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ctx := timeout(t); len(again) == 0; <-tick.C { // the answers are on their way; ctx ends it
		var err error
		if again, err = q.Reoffer(ctx, ids); err != nil {
			t.Fatal(err)
		}
	}
	if want := []doc.ID{record(passed).ID}; !slices.Equal(again, want) {
		t.Fatalf("offered again %v, want %v", again, want)
	}
	if job := receive(t, jobs); job.Record.ID != record(passed).ID {
		t.Errorf("handed out %s", job.Record.ID)
	}
	close(let)
	settled(t, q)
	stop()
}
