// Package broker owns the NATS server that runs inside the process: JetStream on
// disk, clustered from the first start with one member, so that growing to three
// later moves no data. It guarantees that what JetStream acknowledged is synced,
// that nobody but this process can connect, and that a failure to start is an
// error and not an exit. It never speaks the client's side of the protocol: that
// is done through InProcessConn.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/recto-edge/recto/embedded/durable"
)

// MaxPayload is the largest message, in bytes.
const MaxPayload = 4 << 20

// ErrClosed is what a closed broker answers.
var ErrClosed = errors.New("broker is closed")

// Config says where a broker keeps its data and what it is called.
type Config struct {
	Dir         string // holds everything JetStream writes; made if absent
	ServerName  string // the node's ID; must not change while Dir is kept
	ClusterName string // the same on all members
	MaxStore    int64  // bytes JetStream may use; 0: the disk, to be guarded by Storage
	Reserve     int64  // bytes of the disk to leave free; 0: 1 GiB, but at most a tenth of the disk
	Logger      *slog.Logger
}

// Broker is a running server. Its methods may be called from any goroutine.
type Broker struct {
	cfg   Config
	creds credentials

	mu     sync.Mutex
	run    *running // nil while stopped
	closed bool
}

// Open starts the server and waits until JetStream answers, or ctx ends. The
// first start in a directory takes as long as any other.
func Open(ctx context.Context, cfg Config) (*Broker, error) {
	if cfg.ServerName == "" || cfg.ClusterName == "" || cfg.Dir == "" {
		return nil, errors.New("open broker: directory, server name and cluster name are needed")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Dir = filepath.Clean(cfg.Dir)
	if err := durable.MkdirAll(cfg.Dir); err != nil {
		return nil, fmt.Errorf("open broker: %w", err)
	}
	orphans, err := seedMeta(cfg.Dir, cfg.ServerName)
	if err != nil {
		return nil, fmt.Errorf("open broker: seed: %w", err)
	}
	if orphans {
		cfg.Logger.Warn("streams have lost their meta group and will be removed: rebuild the log")
	}
	b := &Broker{cfg: cfg, creds: newCredentials()}
	if err := b.Restart(ctx); err != nil {
		return nil, fmt.Errorf("open broker: %w", err)
	}
	return b, nil
}

// Restart stops the server, if it runs, and starts it again in this process. It
// is the cure when JetStream switched itself off because the disk was full.
// Clients reconnect through InProcessConn.
func (b *Broker) Restart(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	b.run.stop()
	b.run = nil
	for try := 1; ; try++ {
		run, err := start(ctx, b.cfg, b.creds)
		if err == nil {
			b.run = run
			return nil
		}
		if try == portTries || !strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
			return err
		}
	}
}

// portTries is how often a start chooses another port when somebody took the one
// it had found free: the route's port must be known before it is bound. The
// server says so in words only.
const portTries = 5

// Close stops the server and waits for it. It may be called again.
func (b *Broker) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.run.stop()
	b.run = nil
	return nil
}

func (b *Broker) current() (*running, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	if b.run == nil {
		return nil, errors.New("broker is not running")
	}
	return b.run, nil
}

// InProcessConn gives one end of a connection to the server that does not pass
// through the network; nats.go takes a Broker as its in-process server.
func (b *Broker) InProcessConn() (net.Conn, error) {
	run, err := b.current()
	if err != nil {
		return nil, err
	}
	return run.server.InProcessConn()
}

// Credentials gives the user of the application's account. They are made anew for
// each Broker and good for in-process connections only.
func (b *Broker) Credentials() (user, password string) { return "app", b.creds.app }

// SystemCredentials gives the user of the system account, for membership changes.
func (b *Broker) SystemCredentials() (user, password string) { return "sys", b.creds.sys }

// ClientURL is where the server listens for clients, on loopback. Nobody may
// connect there; it exists because the server needs it.
func (b *Broker) ClientURL() string {
	run, err := b.current()
	if err != nil {
		return ""
	}
	return run.server.ClientURL()
}

// Health says whether JetStream is up with all its streams. It does not notice a
// full disk before JetStream does: a write probe does.
func (b *Broker) Health() error {
	run, err := b.current()
	if err != nil {
		return err
	}
	if h := run.server.Healthz(nil); h.Status != "ok" {
		return fmt.Errorf("jetstream: %s", h.Error)
	}
	return nil
}

// running is one life of the server and its anchor.
type running struct {
	server  *server.Server
	anchor  *server.Server
	starter sync.WaitGroup
}

// start starts a server with its anchor and waits until JetStream is healthy.
func start(ctx context.Context, cfg Config, creds credentials) (*running, error) {
	opts, err := options(cfg, creds)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("configure server: %w", err)
	}
	log := newLogger(cfg.Logger)
	s.SetLogger(log, cfg.Logger.Enabled(ctx, slog.LevelDebug), false)
	run := &running{server: s}
	run.starter.Go(s.Start)
	if err := run.await(ctx, log, func() bool { return s.ReadyForConnections(time.Millisecond) }); err != nil {
		run.stop()
		return nil, fmt.Errorf("start server: %w", err)
	}
	if run.anchor, err = startAnchor(cfg.ServerName, opts.LeafNode.Port, creds.anchor); err != nil {
		run.stop()
		return nil, err
	}
	run.starter.Go(run.anchor.Start)
	if err := run.await(ctx, log, func() bool { return answers(s) }); err != nil {
		err = errors.Join(err, healthError(s))
		run.stop()
		return nil, fmt.Errorf("wait for jetstream: %w", err)
	}
	return run, nil
}

// answers says whether the JetStream API would do what it is asked. A new leader
// drops requests and knows no place for a stream until it has heard of itself.
func answers(s *server.Server) bool {
	if s.Healthz(nil).Status != "ok" {
		return false
	}
	if s.JetStreamIsLeader() {
		return len(s.JetStreamClusterPeers()) > 0
	}
	js, err := s.Jsz(nil)
	return err == nil && js.Meta != nil && js.Meta.Leader != "" && js.Meta.Leader != s.Name()
}

func healthError(s *server.Server) error {
	if h := s.Healthz(nil); h.Error != "" {
		return errors.New(h.Error)
	}
	return nil
}

// await polls, because the server offers nothing to wait for.
func (r *running) await(ctx context.Context, log *logger, ready func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-log.fatal:
			return err
		case <-tick.C:
		}
	}
	return nil
}

func (r *running) stop() {
	if r == nil {
		return
	}
	r.server.Shutdown()
	r.server.WaitForShutdown()
	if r.anchor != nil {
		r.anchor.Shutdown()
		r.anchor.WaitForShutdown()
	}
	r.starter.Wait()
}
