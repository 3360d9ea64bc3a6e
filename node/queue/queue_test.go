package queue_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/embedded/broker"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir, os.Getenv(childRole))
		return
	}
	goleak.VerifyTestMain(m)
}

const patience = 30 * time.Second

func timeout(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func logger() *slog.Logger {
	var w io.Writer = io.Discard
	if os.Getenv("RECTO_TEST_LOG") != "" {
		w = os.Stderr
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

func openBroker(t testing.TB, dir string) *broker.Broker {
	t.Helper()
	b, err := broker.Open(timeout(t), broker.Config{Dir: dir, ServerName: "n1", ClusterName: "test", Logger: logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// open opens a queue on a broker in dir; mod may change its configuration.
func open(t testing.TB, dir string, mod func(*queue.Config)) (*queue.Queue, *broker.Broker) {
	t.Helper()
	b := openBroker(t, dir)
	cfg := queue.Config{Broker: b, Name: "test", Logger: logger()}
	if mod != nil {
		mod(&cfg)
	}
	q, err := queue.Open(timeout(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q, b
}

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func record(n int) doc.Record {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	return doc.First(doc.Arrival{
		ID: doc.IDFromDigest(sha256.Sum256(b[:])), Name: fmt.Sprint("document ", n), Channel: "test",
		Priority: doc.Normal, Size: 1000, ReceivedAt: epoch,
	})
}

func next(t testing.TB, rec doc.Record, to doc.State, by string) doc.Record {
	t.Helper()
	rec, err := rec.Next(to, by, rec.UpdatedAt.Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func appendOK(t testing.TB, q *queue.Queue, rec doc.Record) uint64 {
	t.Helper()
	seq, err := q.Append(timeout(t), rec)
	if err != nil {
		t.Fatalf("append %s revision %d: %v", rec.ID, rec.Revision, err)
	}
	return seq
}

func wantCode(t testing.TB, err error, want doc.Code) {
	t.Helper()
	if got := doc.CodeOf(err); got != want {
		t.Fatalf("got code %q (%v), want %q", got, err, want)
	}
}

func bounds(t testing.TB, q *queue.Queue) (first, last uint64) {
	t.Helper()
	first, last, err := q.Bounds(timeout(t))
	if err != nil {
		t.Fatal(err)
	}
	return first, last
}

func TestAppendComparesRevisions(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	ctx := timeout(t)
	r1 := record(1)
	_, _, err := q.Latest(ctx, r1.ID)
	wantCode(t, err, doc.NotFound)

	s1 := appendOK(t, q, r1)
	if again := appendOK(t, q, r1); again != s1 {
		t.Fatalf("the same revision again has sequence %d, want %d", again, s1)
	}
	other := r1
	other.Name = "not the same"
	_, err = q.Append(ctx, other)
	wantCode(t, err, doc.Conflict)

	r2 := next(t, r1, doc.StateReading, "worker")
	r3 := next(t, r2, doc.StateDone, "worker")
	_, err = q.Append(ctx, r3)
	wantCode(t, err, doc.Conflict)
	orphan := record(2)
	orphan.Revision = 2
	_, err = q.Append(ctx, orphan)
	wantCode(t, err, doc.Conflict)

	appendOK(t, q, r2)
	s3 := appendOK(t, q, r3)
	// A change of priority changes the subject, not the document.
	r4 := next(t, r3, doc.StateQueued, "anna")
	r4.Priority = doc.High
	s4 := appendOK(t, q, r4)
	for rec, want := range map[*doc.Record]uint64{&r1: s1, &r3: s3, &r4: s4} {
		if got := appendOK(t, q, *rec); got != want {
			t.Errorf("revision %d again has sequence %d, want %d", rec.Revision, got, want)
		}
	}
	late := next(t, r2, doc.StateFailed, "worker")
	_, err = q.Append(ctx, late)
	wantCode(t, err, doc.Conflict)

	got, seq, err := q.Latest(ctx, r1.ID)
	if err != nil || seq != s4 || got.Revision != 4 || got.Priority != doc.High {
		t.Fatalf("latest is revision %d at %d (%v), want 4 at %d", got.Revision, seq, err, s4)
	}
	if first, last := bounds(t, q); first != s1 || last != s4 {
		t.Fatalf("bounds %d-%d, want %d-%d", first, last, s1, s4)
	}
	if err := q.Healthy(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestInvalidAndTooLarge(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	bad := record(1)
	bad.ID = "../../etc"
	_, err := q.Append(timeout(t), bad)
	wantCode(t, err, doc.Invalid)
	_, _, err = q.Latest(timeout(t), "a.>")
	wantCode(t, err, doc.NotFound)
	large := record(1)
	large.Name = string(make([]byte, 2<<20)) // each zero byte takes six in JSON
	_, err = q.Append(timeout(t), large)
	wantCode(t, err, doc.TooLarge)
}

// Concurrent appends share syncs, and each gets its own answer.
func TestConcurrentAppends(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	const n = 300
	seqs := make([]uint64, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			var err error
			if seqs[i], err = q.Append(timeout(t), record(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, seq := range seqs {
		if _, got, err := q.Latest(timeout(t), record(i).ID); err != nil || got != seq {
			t.Fatalf("document %d: latest at %d (%v), answered %d", i, got, err, seq)
		}
	}
	if _, last := bounds(t, q); last != n {
		t.Fatalf("last sequence %d, want %d", last, n)
	}
}

// Of many who append the same revision number exactly one wins; the others get a
// conflict although they share batches with innocent documents, who all succeed.
func TestOneWinnerAmongWriters(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	r1 := record(0)
	appendOK(t, q, r1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won, lost := 0, 0
	for i := range 40 {
		wg.Go(func() {
			_, err := q.Append(timeout(t), next(t, r1, doc.StateReading, fmt.Sprint("writer ", i)))
			mu.Lock()
			defer mu.Unlock()
			switch doc.CodeOf(err) {
			case "":
				won++
			case doc.Conflict:
				lost++
			default:
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := q.Append(timeout(t), record(i+1)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 || lost != 39 {
		t.Fatalf("%d won and %d lost, want 1 and 39", won, lost)
	}
	if _, last := bounds(t, q); last != 42 {
		t.Fatalf("last sequence %d, want 42", last)
	}
}

func TestAppendBatchKeepsChains(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	var recs []doc.Record
	for i := range 100 {
		r1 := record(i)
		r2 := next(t, r1, doc.StateReading, "worker")
		recs = append(recs, r1, r2, next(t, r2, doc.StateDone, "worker"))
	}
	want, err := q.AppendBatch(timeout(t), recs)
	if err != nil {
		t.Fatal(err)
	}
	again, err := q.AppendBatch(timeout(t), recs) // what a rebuild does that was interrupted
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if want[i] == 0 || want[i] != again[i] {
			t.Fatalf("record %d: sequence %d, then %d", i, want[i], again[i])
		}
	}
	if _, last := bounds(t, q); last != 300 {
		t.Fatalf("last sequence %d, want 300", last)
	}
}

func TestFull(t *testing.T) {
	full := false
	q, _ := open(t, t.TempDir(), func(c *queue.Config) { c.MaxBytes = 64 << 10; c.Full = func() bool { return full } })
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		_, err = q.Append(timeout(t), record(n))
	}
	wantCode(t, err, doc.Full)
	if _, last := bounds(t, q); last != uint64(n-1) {
		t.Fatalf("last sequence %d after %d accepted", last, n-1)
	}
	full = true
	_, err = q.Append(timeout(t), record(1001))
	wantCode(t, err, doc.Full)
}

func TestUnavailableWhileBrokerIsAway(t *testing.T) {
	q, b := open(t, t.TempDir(), func(c *queue.Config) { c.Timeout = 300 * time.Millisecond })
	b.Close()
	_, err := q.Append(timeout(t), record(1))
	wantCode(t, err, doc.Unavailable)
	wantCode(t, q.Healthy(timeout(t)), doc.Unavailable) // at once: the append was not answered
	_, _, err = q.Latest(timeout(t), record(1).ID)
	wantCode(t, err, doc.Unavailable)
}

// The broker's limit follows the free space of the disk and may be smaller at the
// next start; a log whose limit follows it stays usable.
func TestLimitsShrink(t *testing.T) {
	dir := t.TempDir()
	for i, limit := range []int64{200 << 20, 100 << 20} {
		b, err := broker.Open(timeout(t), broker.Config{Dir: dir, ServerName: "n1", ClusterName: "test", MaxStore: limit})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		q, err := queue.Open(timeout(t), queue.Config{Broker: b, MaxBytes: limit * 9 / 10})
		if err != nil {
			t.Fatal(err)
		}
		appendOK(t, q, record(i))
		if _, last := bounds(t, q); last != uint64(i+1) {
			t.Fatalf("last sequence %d, want %d", last, i+1)
		}
		q.Close()
		b.Close()
	}
}

func TestLogIDStaysWithTheLog(t *testing.T) {
	dir := t.TempDir()
	q, b := open(t, dir, nil)
	id := q.LogID()
	q.Close()
	b.Close()
	q, b = open(t, dir, nil)
	if q.LogID() != id || id == "" {
		t.Fatalf("log ID %q became %q", id, q.LogID())
	}
	q.Close()
	b.Close()
	if err := os.RemoveAll(dir + "/jetstream"); err != nil {
		t.Fatal(err)
	}
	q, _ = open(t, dir, nil)
	if q.LogID() == id {
		t.Fatal("a new log has the old one's ID")
	}
	if _, last := bounds(t, q); last != 0 {
		t.Fatalf("a deleted log ends at %d", last)
	}
	appendOK(t, q, record(1))
}

func TestEvents(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	events, cancel, err := q.SubscribeEvents(4)
	if err != nil {
		t.Fatal(err)
	}
	want := doc.Event{ID: record(1).ID, State: doc.StateReading, Page: 2, Pages: 3, At: epoch}
	if err := q.PublishEvent(want); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-events:
		if got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	case <-timeout(t).Done():
		t.Fatal("no event")
	}
	cancel()
	cancel()
	if _, ok := <-events; ok {
		t.Fatal("the channel is open after cancel")
	}
}

func TestFollowResumesAndNoticesACut(t *testing.T) {
	q, b := open(t, t.TempDir(), nil)
	for i := range 600 {
		if i%200 == 0 {
			batch := make([]doc.Record, 200)
			for j := range batch {
				batch[j] = record(i + j)
			}
			if _, err := q.AppendBatch(timeout(t), batch); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithCancel(timeout(t))
	defer cancel()
	seen := make(chan uint64, 2000)
	done := make(chan error, 1)
	go func() {
		done <- q.Follow(ctx, 101, func(seq uint64, rec doc.Record) error { seen <- seq; return nil })
	}()
	expect := func(from, to uint64) {
		t.Helper()
		for want := from; want <= to; want++ {
			select {
			case got := <-seen:
				if got != want {
					t.Fatalf("got sequence %d, want %d", got, want)
				}
			case <-ctx.Done():
				t.Fatalf("waited for sequence %d", want)
			}
		}
	}
	expect(101, 600)
	if err := b.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	var err error
	for code := doc.Unavailable; code == doc.Unavailable && ctx.Err() == nil; code = doc.CodeOf(err) {
		_, err = q.Append(ctx, record(600))
	}
	if err != nil {
		t.Fatal(err)
	}
	expect(601, 601)
	if err := q.Healthy(ctx); err != nil {
		t.Fatalf("after a restart of the broker: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	if err := q.Follow(timeout(t), 1, func(uint64, doc.Record) error { return boom }); !errors.Is(err, boom) {
		t.Fatalf("got %v, want the error of fn", err)
	}
	if err := q.Follow(timeout(t), 700, func(uint64, doc.Record) error { return nil }); !errors.Is(err, queue.ErrCut) {
		t.Fatalf("got %v, want ErrCut", err)
	}
}

// A durable consumer gets every revision in order, waits out errors, and goes on
// where it was.
func TestDurable(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	run := func(want int, fn func(seq uint64) error) {
		t.Helper()
		ctx, cancel := context.WithCancel(timeout(t))
		defer cancel()
		n := 0
		err := q.Durable(ctx, "archive", func(_ context.Context, seq uint64, _ doc.Record) error {
			if err := fn(seq); err != nil {
				return err
			}
			if n++; n == want {
				cancel()
			}
			return nil
		})
		if err != nil || n != want {
			t.Fatalf("got %d (%v), want %d", n, err, want)
		}
	}
	for i := range 10 {
		appendOK(t, q, record(i))
	}
	var got []uint64
	failed := false
	run(10, func(seq uint64) error {
		if seq == 5 && !failed {
			failed = true
			return errors.New("not yet")
		}
		got = append(got, seq)
		return nil
	})
	for i, seq := range got {
		if seq != uint64(i+1) {
			t.Fatalf("order %v", got)
		}
	}
	appendOK(t, q, record(10))
	run(1, func(seq uint64) error {
		if seq != 11 {
			t.Errorf("got sequence %d again", seq)
		}
		return nil
	})
}

// streams speaks to a broker as no more than a client.
func streams(t *testing.T, b *broker.Broker) jetstream.JetStream {
	t.Helper()
	user, password := b.Credentials()
	nc, err := nats.Connect("", nats.InProcessServer(b), nats.UserInfo(user, password))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// What was handed out and not answered comes again at once, whatever the clock says.
func TestAgain(t *testing.T) {
	t.Parallel()
	q, b := open(t, t.TempDir(), nil)
	ctx := timeout(t)
	for i := range 3 {
		appendOK(t, q, record(i))
	}
	c, err := streams(t, b).CreateConsumer(ctx, "DOCS", jetstream.ConsumerConfig{Durable: "held", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	take := func() (jetstream.Msg, uint64) {
		m, err := c.Next(jetstream.FetchMaxWait(10 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		meta, err := m.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		return m, meta.Sequence.Stream
	}
	m, first := take()
	if err := m.DoubleAck(ctx); err != nil {
		t.Fatal(err)
	}
	_, second := take() // not answered
	if err := q.Again(ctx); err != nil {
		t.Fatal(err)
	}
	if _, again := take(); again != second || second == first {
		t.Errorf("%d came after %d, %d was not answered", again, first, second)
	}
}

// The oldest work without an answer is told, by lane, and only as long as it has none.
func TestHandedOut(t *testing.T) {
	t.Parallel()
	q, b := open(t, t.TempDir(), nil)
	ctx := timeout(t)
	for i := range 3 {
		appendOK(t, q, record(i))
	}
	for _, lane := range []string{"hi", "hi-bulk", "norm", "norm-bulk", "batch", "batch-bulk"} {
		_, err := streams(t, b).CreateOrUpdateConsumer(ctx, "DOCS", jetstream.ConsumerConfig{
			Durable: "worker-" + lane, FilterSubject: "docs." + lane + ".*", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(ids ...doc.ID) {
		t.Helper()
		out, err := q.HandedOut(ctx)
		var got []doc.ID
		for _, h := range out {
			got = append(got, h.ID)
		}
		if err != nil || !slices.Equal(got, ids) {
			t.Errorf("handed out %v (%v), want %v", got, err, ids)
		}
	}
	want()
	lane := string(record(0).Priority)
	c, err := streams(t, b).Consumer(ctx, "DOCS", "worker-"+lane)
	if err != nil {
		t.Fatal(err)
	}
	var taken []jetstream.Msg
	for range 2 {
		m, err := c.Next(jetstream.FetchMaxWait(10 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, m)
	}
	want(record(0).ID)
	if err := taken[0].DoubleAck(ctx); err != nil {
		t.Fatal(err)
	}
	want(record(1).ID)
	// Only consumers that are named begin again.
	if err := q.Again(ctx, "archive"); err != nil {
		t.Fatal(err)
	}
	if m, err := c.Next(jetstream.FetchMaxWait(10 * time.Second)); err != nil || m.Subject() != "docs."+lane+"."+string(record(2).ID) {
		t.Errorf("another consumer began again: %v %v", m, err)
	}
	if err := q.Again(ctx, "worker-"+lane); err != nil {
		t.Fatal(err)
	}
	m, err := c.Next(jetstream.FetchMaxWait(10 * time.Second))
	if err != nil || m.Subject() != "docs."+lane+"."+string(record(1).ID) {
		t.Fatalf("after it was called back came %v, %v", m, err)
	}
}
