package queue_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

func bulkOf(channel string) func(*queue.Config) {
	return func(c *queue.Config) {
		c.Bulk = func(rec doc.Record) bool { return rec.Channel == channel }
	}
}

// order works through all that waits and gives the channels in their order.
func order(t *testing.T, q *queue.Queue) []string {
	t.Helper()
	var got []string
	stop := work(t, q, quick(1), func(_ context.Context, job queue.Job) error {
		got = append(got, job.Record.Channel)
		return nil
	})
	settled(t, q)
	stop()
	return got
}

// A flood does not keep others waiting, gets its share while there are others, and
// everything when there are none.
func TestFairBetweenSources(t *testing.T) {
	q, _ := open(t, t.TempDir(), bulkOf("flood"))
	var recs []doc.Record
	for i := range 60 {
		rec := record(i)
		rec.Channel = "flood"
		if i >= 40 {
			rec.Channel = "other"
		}
		recs = append(recs, rec)
	}
	if _, err := q.AppendBatch(timeout(t), recs); err != nil {
		t.Fatal(err)
	}
	depth, err := q.Depth(timeout(t))
	if err != nil || depth[doc.Normal] != 60 {
		t.Fatalf("%d wait (%v), want 60", depth[doc.Normal], err)
	}
	got := order(t, q)
	if len(got) != 60 {
		t.Fatalf("%d jobs, want 60", len(got))
	}
	mixed := got[:24]
	flood := 0
	for _, channel := range mixed {
		if channel == "flood" {
			flood++
		}
	}
	if flood < 4 || flood > 8 {
		t.Fatalf("%d of the first %d were of the flood: %v", flood, len(mixed), got)
	}
	if slices.Contains(got[30:], "other") {
		t.Fatalf("others waited for the flood: %v", got)
	}
}

// A revision that was appended as one kind is the same revision when it is appended
// again as the other.
func TestLaneIsNoPartOfTheRevision(t *testing.T) {
	var isBulk atomic.Bool
	q, _ := open(t, t.TempDir(), func(c *queue.Config) { c.Bulk = func(doc.Record) bool { return isBulk.Load() } })
	rec := record(1)
	first := appendOK(t, q, rec)
	isBulk.Store(true)
	if again := appendOK(t, q, rec); again != first {
		t.Fatalf("sequence %d, then %d", first, again)
	}
	appendOK(t, q, next(t, rec, doc.StateReading, "worker"))
}

// A worker that may not take work leaves it to others.
func TestWorkerThatTakesNothing(t *testing.T) {
	q, _ := open(t, t.TempDir(), nil)
	var willing atomic.Bool
	asked := make(chan struct{}, 1)
	cfg := quick(1)
	cfg.Take = func() bool {
		select {
		case asked <- struct{}{}:
		default:
		}
		return willing.Load()
	}
	jobs := make(chan string, 10)
	handle := func(who string) func(context.Context, queue.Job) error {
		return func(context.Context, queue.Job) error {
			jobs <- who
			return nil
		}
	}
	work(t, q, cfg, handle("unwilling"))
	receive(t, asked)
	other := work(t, q, quick(1), handle("willing"))
	for i := range 5 {
		appendOK(t, q, record(i))
		if who := receive(t, jobs); who != "willing" {
			t.Fatalf("the %s worker took a job", who)
		}
	}
	other()
	willing.Store(true)
	appendOK(t, q, record(5))
	if who := receive(t, jobs); who != "unwilling" {
		t.Fatalf("the %s worker took a job", who)
	}
}

// A log as it was made before there were lanes for bulk, with consumers that have a
// number of copies of their own, opens and goes on.
func TestOldLogGoesOn(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	b := c.Start(t, "a")
	js := streams(t, b)
	stream := jetstream.StreamConfig{
		Name: "DOCS", Subjects: []string{"docs.*.*"}, Storage: jetstream.FileStorage, Replicas: 1, Discard: jetstream.DiscardNew,
		MaxBytes: 1 << 20, AllowDirect: true, AllowAtomicPublish: true, Metadata: map[string]string{"recto_log": "OLD"},
	}
	if _, err := js.CreateStream(timeout(t), stream); err != nil {
		t.Fatal(err)
	}
	for _, p := range doc.Priorities {
		if _, err := js.CreateConsumer(timeout(t), "DOCS", jetstream.ConsumerConfig{
			Durable: "worker-" + string(p), FilterSubject: "docs." + string(p) + ".*", AckPolicy: jetstream.AckExplicitPolicy,
			AckWait: 5e9, MaxDeliver: -1, MaxAckPending: 10_000, Replicas: 1,
		}); err != nil {
			t.Fatal(err)
		}
	}
	q := c.join("a")
	if q.LogID() != "OLD" {
		t.Fatalf("the log has become %q", q.LogID())
	}
	appendOK(t, q, record(1))
	if got := order(t, q); len(got) != 1 {
		t.Fatalf("%d jobs, want 1", len(got))
	}
	c.join("b")
	c.join("c")
	c.spread("b", 3)
	info, err := js.Consumer(timeout(t), "DOCS", "worker-norm")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(info.CachedInfo().Cluster.Replicas); n != 2 {
		t.Fatalf("the consumer has %d other copies, want 2", n)
	}
	appendOK(t, c.queues["c"], record(2))
	if got := order(t, c.queues["b"]); len(got) != 1 {
		t.Fatalf("%d jobs, want 1", len(got))
	}
}
