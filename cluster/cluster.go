// Package cluster owns the control plane: the small state that all members agree
// on (users, keys, types, policies, settings, members), by hashicorp/raft with its
// log in bbolt, and who belongs to the cluster: join, certificates, the port on
// which members talk. It guarantees that what Propose answered survives a power
// cut and is applied in the same order everywhere, and that nobody but a member
// gets past the peer port. It knows nothing of documents, and nothing large or
// often changed belongs in it.
package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// MaxValue is the largest value of an entry, in bytes.
const MaxValue = 256 << 10

// LevelClustered is the feature level from which on a cluster can have several
// members; below it the log is what the first version wrote.
const LevelClustered = 2

// Config says where the control plane is kept and who this member is.
type Config struct {
	Dir       string // made if absent
	NodeID    string // of this member, letters, digits and "-" in lower case; empty: kept in Dir, made at the first start
	Name      string // as people call the machine; empty: the host's
	ClusterID string // empty: kept in the state, made at the first start
	Listen    string // address of the peer port; empty: none, this member stays alone. A port 0 is kept in Dir after the first start
	Advertise string // host or host:port by which others reach the peer port; empty: from Listen, or the address of an interface
	Route     string // host:port of this member's broker routes
	API       string // URL of its API and UI
	Version   string
	Levels    [2]int // feature levels that this build can use, lowest and highest; zero: 1 and 2
	Skills    []string
	Workers   int

	Dial   func(ctx context.Context, network, addr string) (net.Conn, error) // to others; nil: net.Dialer
	Clock  func() time.Time                                                  // nil: time.Now
	Logger *slog.Logger

	timing timing // tests shorten it
}

// timing is how long things may take.
type timing struct {
	heartbeat time.Duration // without one, a follower asks for an election; half of it is the leader's lease
	settle    time.Duration // that Open waits for a leader
	propose   time.Duration // that Propose looks for a leader
	pulse     time.Duration // between two looks at another member
	busy      time.Duration // that a join waits for another
	upkeep    time.Duration // between two looks at certificates and tokens
}

func (t *timing) fill() {
	for _, d := range []struct {
		at    *time.Duration
		value time.Duration
	}{
		{&t.heartbeat, time.Second}, {&t.settle, 3 * time.Second}, {&t.propose, 10 * time.Second},
		{&t.pulse, 2 * time.Second}, {&t.busy, 30 * time.Second}, {&t.upkeep, time.Minute},
	} {
		if *d.at == 0 {
			*d.at = d.value
		}
	}
}

func (cfg *Config) fill() {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: handshakeTime, KeepAlive: 15 * time.Second}).DialContext
	}
	if cfg.Levels == [2]int{} {
		cfg.Levels = [2]int{1, LevelClustered}
	}
	if cfg.Name == "" {
		cfg.Name, _ = os.Hostname() // a name is for people; the ID is what counts
	}
	cfg.timing.fill()
}

// Cluster is this member of the control plane. Its methods may be called from any
// goroutine.
type Cluster struct {
	id        string
	cfg       Config
	log       *slog.Logger
	store     *store
	fsm       *fsm
	raft      *raft.Raft
	transport *raft.NetworkTransport
	streams   *streams
	creds     *credentials
	open      *conns
	peer      *peer // nil: no peer port
	mux       *http.ServeMux
	http      *http.Client
	peers     []Member // from the answer to the join
	joined    bool
	advertise string // host:port of the peer port; empty: none
	clusterID string // as far as Dir knows it

	notify  chan bool
	leader  bell          // rings when another one leads
	led     atomic.Uint64 // term in which this member began an epoch
	handing handingOver   // see Hangs
	change  sync.RWMutex  // held for writing while a backup is restored
	joining chan struct{} // holds the join under way

	certifying sync.Mutex
	contacts   contacts

	remove      sync.Once
	removed     chan struct{}
	removedText atomic.Pointer[string]

	life   context.Context // until Close
	end    context.CancelFunc
	mu     sync.Mutex // of closing and of Go of the two below
	gone   bool
	asked  sync.WaitGroup // questions to raft
	owned  sync.WaitGroup
	closed sync.Once
	err    error                  // of Close
	apiURL atomic.Pointer[string] // see SetAPI
}

// Open starts this member as what Dir says it is: one that Join let in, or else a
// cluster of one, made at the first start. One alone waits until it leads, or ctx
// ends. A joined one waits a few seconds for a leader, then goes on without:
// reads are answered from what it knew, and it keeps looking. It answers ErrInUse
// when another process has Dir open, ErrRemoved when the cluster keeps this member
// out, ErrLevel when the cluster uses features that this build cannot, and
// ErrOtherCluster when Dir is of another cluster than ClusterID.
func Open(ctx context.Context, cfg Config) (*Cluster, error) {
	cfg.fill()
	st, err := openDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open cluster: %w", err)
	}
	c := &Cluster{
		cfg: cfg, log: cfg.Logger, store: st, fsm: newFSM(), open: newConns(), mux: http.NewServeMux(),
		notify: make(chan bool, 8), joining: make(chan struct{}, 1), removed: make(chan struct{}),
	}
	c.life, c.end = context.WithCancel(context.Background())
	c.http = c.newHTTP()
	led, err := c.start()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open cluster: %w", err), c.Close())
	}
	if err := c.settle(ctx, led); err != nil {
		return nil, errors.Join(fmt.Errorf("open cluster: %w", err), c.Close())
	}
	return c, nil
}

// openDir makes and locks the folder.
func openDir(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o700); err != nil { // the authority's key is in there
		return nil, err
	}
	if err := syncDir(filepath.Dir(filepath.Clean(dir))); err != nil {
		return nil, err
	}
	return openStore(filepath.Join(dir, "raft.db"))
}

// start brings everything up; led is closed when this member leads for the first time.
func (c *Cluster) start() (led chan struct{}, err error) {
	if c.id, err = c.store.nodeID(c.cfg.NodeID); err != nil {
		return nil, err
	}
	if !validID(c.id) {
		return nil, fmt.Errorf("node ID %q: only letters, digits and - in lower case", c.id)
	}
	me, err := c.identify()
	if err != nil {
		return nil, err
	}
	if err := c.listen(me); err != nil {
		return nil, err
	}
	if err := c.startRaft(); err != nil {
		return nil, err
	}
	if err := c.fits(); err != nil {
		return nil, err
	}
	if len(me.Cert) > 0 {
		if err := c.certify(); err != nil {
			return nil, err
		}
		if err := c.serve(); err != nil {
			return nil, err
		}
	}
	led = make(chan struct{})
	c.owned.Go(func() { c.lead(led) })
	c.owned.Go(c.watchLeader)
	c.owned.Go(c.watchMembers)
	c.owned.Go(c.upkeep)
	c.owned.Go(c.pulse)
	c.owned.Go(c.introduce)
	return led, nil
}

// identify learns who this member is from Dir.
func (c *Cluster) identify() (self, error) {
	me, err := c.store.self()
	if err != nil {
		return me, err
	}
	if me.Removed != "" {
		return me, &Refusal{Err: ErrRemoved, Reason: me.Removed, Remedy: keptOutRemedy}
	}
	c.peers, c.joined, c.clusterID = me.Peers, me.Joined, me.Cluster
	c.creds = &credentials{clock: c.cfg.Clock, member: c.Member}
	if len(me.Key) == 0 {
		if c.creds.key, me.Key, err = newKey(); err != nil {
			return me, err
		}
		if err := c.store.setSelf(func(s *self) { s.Key = me.Key }); err != nil {
			return me, err
		}
	} else if c.creds.key, err = x509.ParseECPrivateKey(me.Key); err != nil {
		return me, fmt.Errorf("read key: %w", err)
	}
	if len(me.Cert) > 0 {
		err = c.creds.set(me.Cert, me.CA)
	}
	return me, err
}

// settle waits as long as Open may take.
func (c *Cluster) settle(ctx context.Context, led <-chan struct{}) error {
	if c.joined || !c.alone() {
		settled, stop := context.WithTimeout(ctx, c.cfg.timing.settle)
		defer stop()
		// Without a leader the member starts all the same.
		if err := c.Barrier(settled); err != nil {
			c.log.Warn("no leader yet; going on with what was known", "error", err)
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return context.Cause(ctx)
		}
		return nil
	}
	select {
	case <-led:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for leadership: %w", context.Cause(ctx))
	}
}

// NodeID is this member's name: random, and the same as long as Dir is kept.
func (c *Cluster) NodeID() string { return c.id }

// Peer is the address by which others reach the peer port; empty when there is none.
func (c *Cluster) Peer() string { return c.advertise }

func (c *Cluster) now() time.Time { return c.cfg.Clock().UTC() }

// RouteTLS gives the configuration for the broker's routes, as client and as
// server: mutual TLS with this member's current certificate, members only.
func (c *Cluster) RouteTLS() (*tls.Config, error) {
	cfg, err := c.creds.base()
	if err != nil {
		return nil, fmt.Errorf("configure routes: %w", err)
	}
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	cfg.VerifyConnection = func(cs tls.ConnectionState) error {
		if id, ok := c.creds.admit(cs); !ok {
			return fmt.Errorf("%q is no member", id)
		}
		return nil
	}
	return cfg, nil
}

// Admit says whose verified connection it is, and whether that is a member that
// may be talked to: one that is not removed, with the key that is registered.
func (c *Cluster) Admit(cs tls.ConnectionState) (id string, ok bool) { return c.creds.admit(cs) }

// spawn runs fn, and Close waits for it. It says false, and does not, after Close.
func (c *Cluster) spawn(fn func()) bool { return c.spawnIn(&c.owned, fn) }

func (c *Cluster) spawnIn(g *sync.WaitGroup, fn func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone {
		g.Go(fn)
	}
	return !c.gone
}

// Close stops this member and waits for it. It may be called again.
func (c *Cluster) Close() error {
	c.closed.Do(func() {
		c.mu.Lock()
		c.gone = true
		c.mu.Unlock()
		c.end()
		// A raft that is shut down leaves questions unanswered for ever. While it
		// lives, each has its answer within the leader's lease.
		c.asked.Wait()
		if c.streams != nil {
			c.err = c.streams.Close()
		}
		if c.raft != nil {
			c.err = errors.Join(c.err, c.raft.Shutdown().Error())
		} else if c.transport != nil {
			c.err = errors.Join(c.err, c.transport.Close())
		}
		c.owned.Wait()
		if c.peer != nil {
			c.err = errors.Join(c.err, c.peer.close())
		}
		c.http.CloseIdleConnections()
		if c.raft != nil {
			c.err = errors.Join(c.err, c.store.note())
		}
		c.err = errors.Join(c.err, c.store.close())
	})
	return c.err
}
