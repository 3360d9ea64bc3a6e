// Package queue owns the document log: the stream DOCS, one message a revision of
// a document's record, and all who read it. It guarantees that a revision is
// appended only after its predecessor and once, that what Append answered is
// synced, and that work is delivered until it is settled. It never carries the
// bytes of a document, and it is not the truth: a lost or damaged log is appended
// again from the archive.
package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/doc"
)

// Names in the broker. They are part of the data format.
const (
	logStream    = "DOCS"
	stateStream  = "STATE"         // one last message a key: probe, deliveries that do not count
	subjectDocs  = "docs"          // docs.<lane>.<document ID>
	subjectProbe = "state.probe"   //
	subjectGiven = "state.given."  // + document ID
	subjectWake  = "live.log"      // something was appended
	subjectEvent = "live.event"    // doc.Event as JSON
	logIDKey     = "recto_log"     // stream metadata: the identity of this log
	maxMessage   = 4<<20 - 64<<10  // bytes of a record, leaving room for headers
	defaultWait  = 5 * time.Second // for one answer of the broker
	idlePoll     = time.Second     // when no wake-up came: redeliveries, other members
	reconnect    = 50 * time.Millisecond
)

// Broker is where the server is.
type Broker interface {
	InProcessConn() (net.Conn, error)
	Credentials() (user, password string)
}

// Config says how to open a Queue.
type Config struct {
	Broker   Broker
	Name     string        // of this node, for the server's list of connections
	Replicas int           // copies of the log; 0: 1
	MaxBytes int64         // of the log, below what the broker may store, because JetStream stops as a whole there; 0: no limit
	Timeout  time.Duration // for one answer of the broker; 0: 5 s
	Full     func() bool   // says that the disk is at its reserve: appends are refused; nil: never
	Logger   *slog.Logger
}

// Queue is the open log. Its methods may be called from any goroutine.
type Queue struct {
	cfg   Config
	log   *slog.Logger
	nc    *nats.Conn
	js    jetstream.JetStream
	logID string

	appends chan *pending
	silent  atomic.Bool // the last commit was not answered
	stop    context.CancelFunc
	stopped context.Context
	owned   sync.WaitGroup
}

// Open connects to the broker and makes the streams if they are not there. It
// repeats until ctx ends while the broker does not answer.
func Open(ctx context.Context, cfg Config) (*Queue, error) {
	cfg.Replicas = max(cfg.Replicas, 1)
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultWait
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Full == nil {
		cfg.Full = func() bool { return false }
	}
	user, password := cfg.Broker.Credentials()
	nc, err := nats.Connect("", nats.InProcessServer(cfg.Broker), nats.UserInfo(user, password), nats.Name(cfg.Name),
		nats.MaxReconnects(-1), nats.ReconnectWait(reconnect), nats.ReconnectJitter(reconnect, reconnect),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			cfg.Logger.Warn("broker connection", "error", err)
		}))
	if err != nil {
		return nil, fmt.Errorf("open queue: %w", unavailable(err))
	}
	q := &Queue{cfg: cfg, log: cfg.Logger, nc: nc, appends: make(chan *pending, maxBatch)}
	nc.SetReconnectHandler(func(*nats.Conn) { q.silent.Store(false) })
	if q.js, err = jetstream.New(nc); err == nil {
		err = q.makeStreams(ctx)
	}
	if err == nil {
		err = q.realignConsumers(ctx)
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("open queue: %w", err)
	}
	q.stopped, q.stop = context.WithCancel(context.Background())
	q.owned.Go(q.commitLoop)
	return q, nil
}

// Close ends the connection. Work, Follow and Durable must have returned.
func (q *Queue) Close() error {
	q.stop()
	q.owned.Wait()
	q.nc.Close()
	return nil
}

func (q *Queue) makeStreams(ctx context.Context) error {
	maxBytes := q.cfg.MaxBytes
	if maxBytes <= 0 {
		maxBytes = -1
	}
	docs := jetstream.StreamConfig{
		Name: logStream, Subjects: []string{subjectDocs + ".*.*"},
		Storage: jetstream.FileStorage, Replicas: q.cfg.Replicas,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, MaxBytes: maxBytes,
		AllowDirect: true, AllowAtomicPublish: true,
		Metadata: map[string]string{logIDKey: rand.Text()},
	}
	state := jetstream.StreamConfig{
		Name: stateStream, Subjects: []string{"state.>"},
		Storage: jetstream.FileStorage, Replicas: q.cfg.Replicas,
		MaxMsgsPerSubject: 1, MaxAge: 7 * 24 * time.Hour, AllowDirect: true,
	}
	return q.retry(ctx, func(ctx context.Context) error {
		if s, err := q.js.Stream(ctx, logStream); err == nil {
			docs.Metadata[logIDKey] = s.CachedInfo().Config.Metadata[logIDKey]
		} else if !errors.Is(err, jetstream.ErrStreamNotFound) {
			return err
		}
		for _, stream := range []jetstream.StreamConfig{docs, state} {
			if err := q.ensure(ctx, stream); err != nil {
				return fmt.Errorf("make stream %s: %w", stream.Name, err)
			}
		}
		q.logID = docs.Metadata[logIDKey]
		return q.makeConsumers(ctx)
	})
}

// ensure makes a stream, or brings it to cfg. One that is there stays as it is when
// the broker has less room by now than the streams were promised: it is more use
// with an old limit than closed.
func (q *Queue) ensure(ctx context.Context, cfg jetstream.StreamConfig) error {
	_, err := q.js.CreateOrUpdateStream(ctx, cfg)
	var refused *jetstream.APIError
	if errors.As(err, &refused) && refused.ErrorCode == errStorageResources {
		if _, there := q.js.Stream(ctx, cfg.Name); there == nil {
			q.log.Warn("the limits of a stream stay as they are: the broker may store less", "stream", cfg.Name)
			return nil
		}
	}
	return err
}

// makeConsumers makes those of the workers, so that what waits is counted before
// the first worker starts.
func (q *Queue) makeConsumers(ctx context.Context) error {
	for _, p := range doc.Priorities {
		_, err := q.js.Consumer(ctx, logStream, workerName(p))
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			_, err = q.js.CreateConsumer(ctx, logStream, q.workerConsumer(p, defaultAckWait))
		}
		if err != nil {
			return fmt.Errorf("make consumer %s: %w", workerName(p), err)
		}
	}
	return nil
}

// realignConsumers moves back the consumers of a log that was cut: they would
// wait for sequences that have been given to other revisions by then.
func (q *Queue) realignConsumers(ctx context.Context) error {
	return q.retry(ctx, func(ctx context.Context) error {
		s, err := q.js.Stream(ctx, logStream)
		if err != nil {
			return err
		}
		last := s.CachedInfo().State.LastSeq
		consumers := s.ListConsumers(ctx)
		for info := range consumers.Info() {
			if info.Delivered.Stream <= last && info.AckFloor.Stream <= last {
				continue
			}
			q.log.Warn("the log was cut: a consumer is moved back", "consumer", info.Name, "from", info.Delivered.Stream, "to", last)
			if _, err := s.ResetConsumerToSequence(ctx, info.Name, last+1); err != nil {
				return fmt.Errorf("reset consumer %s: %w", info.Name, err)
			}
		}
		return consumers.Err()
	})
}

// retry repeats a call of the broker with the time limit of one, until it
// succeeds or ctx ends.
func (q *Queue) retry(ctx context.Context, call func(context.Context) error) error {
	wait := 10 * time.Millisecond
	for {
		try, cancel := context.WithTimeout(ctx, min(q.cfg.Timeout, time.Second))
		err := call(try)
		cancel()
		if err == nil {
			return nil
		}
		if !pause(ctx, wait) {
			return unavailable(errors.Join(err, context.Cause(ctx)))
		}
		wait = min(2*wait, time.Second)
	}
}

// pause waits for d and says whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// LogID is the identity of this log. Whatever was derived from a log with another
// ID has to be derived anew: its sequences mean something else.
func (q *Queue) LogID() string { return q.logID }

// Bounds gives the first and last sequence in the log; last is 0 for a log that
// never held anything.
func (q *Queue) Bounds(ctx context.Context) (first, last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	s, err := q.js.Stream(ctx, logStream)
	if err != nil {
		return 0, 0, fmt.Errorf("bounds of the log: %w", unavailable(err))
	}
	state := s.CachedInfo().State
	return state.FirstSeq, state.LastSeq, nil
}

// Healthy writes a probe and says what went wrong. It notices what the server's
// own health does not: a lost quorum, and a log that switched itself off because a
// write failed. That one answers nothing any more, while everything around it is
// well; only a restart of the broker brings it back.
func (q *Queue) Healthy(ctx context.Context) error {
	if q.silent.Load() {
		return doc.Errorf(doc.Unavailable, "the document log did not answer the last append: restart the broker")
	}
	m := nats.NewMsg(subjectProbe)
	m.Data = []byte(time.Now().UTC().Format(time.RFC3339Nano))
	if _, err := q.publish(ctx, m); err != nil {
		return fmt.Errorf("write probe: %w", err)
	}
	return nil
}

// Depth counts the documents of each priority that are queued or being read.
func (q *Queue) Depth(ctx context.Context) (map[doc.Priority]int, error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout)
	defer cancel()
	depth := map[doc.Priority]int{}
	for _, p := range doc.Priorities {
		c, err := q.js.Consumer(ctx, logStream, workerName(p))
		if err != nil {
			return nil, fmt.Errorf("depth: %w", unavailable(err))
		}
		info := c.CachedInfo()
		depth[p] = int(info.NumPending) + info.NumAckPending
	}
	return depth, nil
}
