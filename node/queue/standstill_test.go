package queue

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/embedded/broker"
	"github.com/recto-edge/recto/node/doc"
)

func TestStandstill(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return begin.Add(d) }
	var s standstill
	for _, step := range []struct {
		at      time.Duration
		waiting int
		floor   uint64
		want    bool
	}{
		{0, 2, 5, false},
		{stuckAfter - time.Second, 9, 5, false}, // others come meanwhile
		{stuckAfter, 9, 5, true},
		{stuckAfter + time.Second, 9, 5, false}, // it was moved a moment ago
		{2*stuckAfter - time.Second, 1, 7, false},
		{3*stuckAfter - 2*time.Second, 1, 7, false}, // not for long enough since the last answer
		{4 * stuckAfter, 0, 7, false},               // nothing waits
		{4*stuckAfter + time.Second, 1, 7, false},   // handed out a moment ago
		{5*stuckAfter + time.Second, 1, 7, true},
	} {
		if got := s.stuck(at(step.at), step.waiting, step.floor); got != step.want {
			t.Errorf("after %s: stuck %v, want %v", step.at, got, step.want)
		}
	}
}

func TestStandstillIsLookedAtNowAndThen(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var s standstill
	var got []time.Duration
	for d := time.Duration(0); d <= 2*durableWait; d += time.Second {
		if s.due(begin.Add(d)) {
			got = append(got, d)
		}
	}
	if len(got) != 4 || got[0] != durableWait/2 {
		t.Errorf("looked after %v", got)
	}
}

// What waits by a clock that was wrong comes again, though others are answered.
func TestUnstick(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b, err := broker.Open(ctx, broker.Config{Dir: t.TempDir(), ServerName: "n1", ClusterName: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	q, err := Open(ctx, Config{Broker: b, Name: "test", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	for i := range byte(2) {
		if _, err := q.Append(ctx, doc.First(doc.Arrival{ID: doc.IDFromDigest([32]byte{i}), Priority: doc.Normal})); err != nil {
			t.Fatal(err)
		}
	}
	c, err := q.js.CreateConsumer(ctx, logStream, jetstream.ConsumerConfig{Durable: "held", AckPolicy: jetstream.AckExplicitPolicy, AckWait: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	take := func() (jetstream.Msg, uint64) {
		t.Helper()
		m, err := c.Next(jetstream.FetchMaxWait(20 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		meta, err := m.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		return m, meta.Sequence.Stream
	}
	_, lost := take()
	m, _ := take()
	if err := m.DoubleAck(ctx); err != nil {
		t.Fatal(err)
	}
	s := standstill{since: time.Now().Add(-stuckAfter)}
	q.unstick(ctx, c, &s)
	if _, again := take(); lost != 1 || again != lost {
		t.Errorf("%d was not answered, %d came again", lost, again)
	}
}
