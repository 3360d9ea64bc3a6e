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
	subjectProbe = "state.probe."  // + node
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
	Name     string        // of this node: one word
	MaxBytes int64         // of the log, below what the broker may store, because JetStream stops as a whole there; 0: no limit
	Timeout  time.Duration // for one answer of the broker; 0: 5 s
	Full     func() bool   // says that the disk is at its reserve: appends are refused; nil: never
	// Bulk says of a revision that is to be queued whether its source has many
	// waiting already: it then waits in a second lane, which gets a quarter of the
	// work of its priority as long as others wait. nil: never.
	Bulk   func(doc.Record) bool
	Logger *slog.Logger
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
	if cfg.Name == "" {
		cfg.Name = "node"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Bulk == nil {
		cfg.Bulk = func(doc.Record) bool { return false }
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
