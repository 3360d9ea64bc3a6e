// Package broker owns the NATS server that runs inside the process: JetStream on
// disk, clustered from the first start with one member, so that growing to three
// later moves no data. It guarantees that what JetStream acknowledged is synced,
// that nobody but this process can connect, and that a failure to start is an
// error and not an exit; a member that joins is taken in and never leads a cluster
// of its own. It never speaks the client's side of the protocol: that is done
// through InProcessConn.
package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/recto-edge/recto/embedded/durable"
)

// MaxPayload is the largest message, in bytes.
const MaxPayload = 4 << 20

// ErrClosed is what a closed broker answers.
var ErrClosed = errors.New("broker is closed")

// ErrRoute says that nobody can listen at Config.Route: the files are not to blame.
var ErrRoute = errors.New("the address for routes cannot be used")

// Config says where a broker keeps its data, what it is called, and how other
// members reach it.
type Config struct {
	Dir         string // holds everything JetStream writes; made if absent
	ServerName  string // the node's ID; must not change while Dir is kept, and is never used again after its removal
	ClusterName string // the same on all members
	MaxStore    int64  // bytes JetStream may use; 0: the disk less the reserve, to be guarded by Storage
	Reserve     int64  // bytes of the disk to leave free; 0: 1 GiB, but at most a tenth of the disk

	// Route is the host:port where other members' brokers connect; port 0 takes a
	// free one, for as long as the Broker lives. RouteTLS secures routes in both
	// directions: it must ask for certificates and name the server it expects.
	// Without it the broker is alone for ever, on loopback.
	Route     string
	RouteTLS  *tls.Config
	Advertise string // host:port by which members hear of each other; empty: Route
	// Admit says whether the owner of a verified certificate may have a route, in
	// either direction. It is asked at each handshake, and again by SetPeers.
	Admit func(tls.ConnectionState) bool

	// Peers are the other members known at start.
	Peers []Peer
	// Seed makes the first start in Dir that of a joiner: the names of the members
	// and its own. It then waits to be taken in and cannot elect a leader before.
	// Empty: a cluster of its own, of which it is the only member.
	Seed []string

	Logger *slog.Logger
}

// Peer is another member's broker.
type Peer struct {
	Name  string // its ServerName
	Route string // host:port
}

// Broker is a running server. Its methods may be called from any goroutine.
type Broker struct {
	cfg   Config
	creds credentials
	gate  *gate

	mu     sync.Mutex
	run    *running // nil while stopped
	peers  []Peer
	closed bool
}

// Open starts the server. A lone one is waited for until JetStream answers, or ctx
// ends, and its first start in a directory takes as long as any other. One that has
// or had other members runs when Open returns: to answer it needs a quorum, which
// Health tells.
func Open(ctx context.Context, cfg Config) (*Broker, error) {
	if cfg.ServerName == "" || cfg.ClusterName == "" || cfg.Dir == "" {
		return nil, errors.New("open broker: directory, server name and cluster name are needed")
	}
	if cfg.RouteTLS == nil && (len(cfg.Peers) > 0 || len(cfg.Seed) > 0 || cfg.Route != "") {
		return nil, errors.New("open broker: routes to other members need TLS")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Dir = filepath.Clean(cfg.Dir)
	if err := durable.MkdirAll(cfg.Dir); err != nil {
		return nil, fmt.Errorf("open broker: %w", err)
	}
	b := &Broker{cfg: cfg, creds: newCredentials(), peers: slices.Clone(cfg.Peers), gate: newGate(cfg)}
	var err error
	if b.cfg.Route, err = settle(cfg.Route); err != nil {
		return nil, fmt.Errorf("open broker: %w", err)
	}
	if err := b.seed(cfg.Seed); err != nil {
		return nil, fmt.Errorf("open broker: %w", err)
	}
	if err := b.Restart(ctx); err != nil {
		return nil, fmt.Errorf("open broker: %w", err)
	}
	return b, nil
}

// seed prepares the very first start in the directory.
func (b *Broker) seed(members []string) error {
	orphans, err := seedMeta(b.cfg.Dir, b.cfg.ServerName, members)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	if orphans {
		b.cfg.Logger.Warn("streams have lost their meta group and will be removed: rebuild the log")
	}
	return nil
}

// Restart stops the server, if it runs, and starts it again in this process, with
// the peers it has by now. It is the cure when JetStream switched itself off because
// the disk was full. Clients reconnect through InProcessConn.
func (b *Broker) Restart(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	b.run.stop()
	b.run = nil
	return b.start(ctx)
}

// Reset gives up all that JetStream holds on this member and starts it as a joiner,
// who gets everything anew from the others: members are their names and its own. It
// is the cure of a replica that was found bad, and only safe while the others hold
// all of it and keep a quorum without this one. The files are put aside first, in a
// folder beside Dir whose name it returns, for the caller to remove.
func (b *Broker) Reset(ctx context.Context, members []string) (aside string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return "", ErrClosed
	}
	if len(members) < 2 || !slices.Contains(members, b.cfg.ServerName) {
		return "", errors.New("reset broker: nobody is left who has the data")
	}
	b.run.stop()
	b.run = nil
	if aside, err = putAside(b.cfg.Dir); err != nil {
		return "", fmt.Errorf("reset broker: %w", err)
	}
	if err := b.seed(members); err != nil {
		return aside, fmt.Errorf("reset broker: %w", err)
	}
	return aside, b.start(ctx)
}

// start starts the server. The caller holds mu.
func (b *Broker) start(ctx context.Context) error {
	for try := 1; ; try++ {
		run, err := start(ctx, b.cfg, b.creds, b.gate, b.peers)
		if err == nil {
			b.run = run
			return nil
		}
		if b.cfg.RouteTLS != nil || try == portTries || !strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
			return err
		}
	}
}

// portTries is how often a start without a route address chooses another port when
// somebody took the one it had found free: the route's port must be known before
// it is bound. The server says so in words only.
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
		return fmt.Errorf("not all of its copies are up to date: %s", h.Error)
	}
	return nil
}

// Enabled says whether JetStream is switched on. It switches itself off when a write
// fails; Restart switches it on again, when there is room.
func (b *Broker) Enabled() bool {
	run, err := b.current()
	return err == nil && run.server.JetStreamEnabled()
}
