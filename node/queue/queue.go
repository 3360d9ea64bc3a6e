// Package queue owns the document log: the stream DOCS, one message a revision of
// a document's record, and all who read it. It guarantees that a revision is
// appended only after its predecessor and once, that what Append answered is
// synced, and that work is delivered until it is settled. It never carries the
// bytes of a document, and it is not the truth: a lost or damaged log is appended
// again from the archive.
package queue

import (
	"context"
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
	Credentials() (user, password string)       // of the account that holds the log
	SystemCredentials() (user, password string) // of the one that administers the servers
}

// Config says how to open a Queue.
type Config struct {
	Broker   Broker
	Name     string        // of this node, for the server's list of connections
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
	nc, err := connect(cfg.Broker, user, password, cfg.Name, cfg.Logger)
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

// connect connects to this member's server, and again whenever it was restarted.
func connect(b Broker, user, password, name string, log *slog.Logger) (*nats.Conn, error) {
	return nats.Connect("", nats.InProcessServer(b), nats.UserInfo(user, password), nats.Name(name),
		nats.MaxReconnects(-1), nats.ReconnectWait(reconnect), nats.ReconnectJitter(reconnect, reconnect),
		// A server that is being told of new members may turn a connection away.
		nats.RetryOnFailedConnect(true), nats.IgnoreAuthErrorAbort(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("broker connection", "error", err)
		}))
}

// Close ends the connection. Work, Follow and Durable must have returned.
func (q *Queue) Close() error {
	q.stop()
	q.owned.Wait()
	q.nc.Close()
	return nil
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
