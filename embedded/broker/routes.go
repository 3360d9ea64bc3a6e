package broker

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// SetPeers makes peers the other members: it connects to new ones, and cuts every
// connection with those that are no longer admitted, at once and whoever opened it.
// Clients are not disturbed. It may be repeated; it fails while the server is
// stopped, and the peers are then taken by the next start.
func (b *Broker) SetPeers(peers []Peer) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	if b.cfg.RouteTLS == nil {
		if len(peers) == 0 {
			return nil
		}
		return errors.New("set peers: routes to other members need TLS")
	}
	b.peers = slices.Clone(peers)
	if b.run == nil {
		return errors.New("set peers: broker is not running")
	}
	if err := b.run.setPeers(peers); err != nil {
		return fmt.Errorf("set peers: %w", err)
	}
	return nil
}

// Route is where other members connect to this broker: host:port.
func (b *Broker) Route() string { return b.cfg.Route }

// Routes gives the names of the members it has a connection with, in order.
func (b *Broker) Routes() []string {
	run, err := b.current()
	if err != nil {
		return nil
	}
	return run.routes()
}

func (r *running) routes() []string {
	z, err := r.server.Routez(nil)
	if err != nil {
		return nil
	}
	names := map[string]bool{}
	for _, route := range z.Routes {
		names[route.RemoteName] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// strangers says whether there are routes with somebody else than peers: one that
// was let in just before its owner was removed may have come too late to be cut.
func strangers(names []string, peers []Peer) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return !slices.ContainsFunc(peers, func(p Peer) bool { return p.Name == name })
	})
}

// setPeers changes the routes of the running server and cuts those with everybody
// who is not admitted any more.
func (r *running) setPeers(peers []Peer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.peers = slices.Clone(peers)
	if r.gate.recheck() {
		if err := r.cut(); err != nil {
			return err
		}
	}
	return r.reload(nil)
}

// cut closes the routes of everybody who is not admitted. Only pins make the server
// look at open routes; they are lifted again, because the keys of those who come
// later are not known here. The caller holds mu.
func (r *running) cut() error {
	if err := r.reload(r.gate.keep()); err != nil {
		return fmt.Errorf("cut routes: %w", err)
	}
	return r.reload(nil)
}

// watch cuts what slipped through: a route whose handshake was over just before
// its owner was removed, and that was not in the server's list at the time.
func (r *running) watch(stop <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		r.mu.Lock()
		if r.gate.refusedAny() && strangers(r.routes(), r.peers) {
			if err := r.cut(); err != nil {
				r.log.Warn("cut routes of removed members: trying again", "error", err)
			}
		}
		r.mu.Unlock()
	}
}

// reload changes routes and pinned keys. The caller holds mu.
func (r *running) reload(pins server.PinnedCertSet) error {
	o := r.opts.Clone() // a reload must get all options, and keeps what it got
	o.Routes = routesTo(r.cfg, r.peers)
	o.Cluster.TLSPinnedCerts = pins
	return r.server.ReloadOptions(o)
}

// routesTo gives the addresses to connect to, in order: a reload sorts the list that
// the server is reading. A lone member has a route to itself, because JetStream does
// not start clustered without any.
func routesTo(cfg Config, peers []Peer) []*url.URL {
	var out []*url.URL
	for _, p := range peers {
		if p.Name != cfg.ServerName {
			out = append(out, &url.URL{Scheme: "nats", Host: p.Route})
		}
	}
	if len(out) == 0 {
		host, port, _ := net.SplitHostPort(cfg.Route) // was split before
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		out = append(out, &url.URL{Scheme: "nats", Host: net.JoinHostPort(host, port)})
	}
	slices.SortFunc(out, func(a, b *url.URL) int { return strings.Compare(a.String(), b.String()) })
	return out
}

// gate decides who may have a route. It sees every handshake in either direction,
// before any word of the protocol, and remembers whom it let in.
type gate struct {
	config *tls.Config // nil without TLS
	admit  func(tls.ConnectionState) bool

	mu      sync.Mutex
	seen    map[string]tls.ConnectionState // by SHA-256 of the public key, in hex
	refused bool                           // somebody who had been let in
}

var errNotAdmitted = errors.New("the certificate's owner is not a member")

func newGate(cfg Config) *gate {
	g := &gate{admit: cfg.Admit, seen: map[string]tls.ConnectionState{}}
	if g.admit == nil {
		g.admit = func(tls.ConnectionState) bool { return true }
	}
	if cfg.RouteTLS != nil {
		g.config = g.guard(cfg.RouteTLS)
	}
	return g
}

// guard gives a copy of c that asks the gate after c's own checks.
func (g *gate) guard(c *tls.Config) *tls.Config {
	c = c.Clone()
	inner := c.VerifyConnection
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if inner != nil {
			if err := inner(s); err != nil {
				return err
			}
		}
		return g.enter(s)
	}
	if choose := c.GetConfigForClient; choose != nil {
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			chosen, err := choose(hello)
			if err != nil || chosen == nil {
				return nil, err
			}
			return g.guard(chosen), nil
		}
	}
	return c
}

func (g *gate) enter(s tls.ConnectionState) error {
	g.mu.Lock() // also while asking: nobody slips past a recheck
	defer g.mu.Unlock()
	if len(s.PeerCertificates) == 0 || !g.admit(s) {
		return errNotAdmitted
	}
	g.seen[keyOf(s)] = s
	return nil
}

// recheck asks again about everybody who was let in, and says whether one of them
// may not stay.
func (g *gate) recheck() (cut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, s := range g.seen {
		if !g.admit(s) {
			delete(g.seen, key)
			g.refused, cut = true, true
		}
	}
	return cut
}

// keep are the keys of those who were let in and may stay.
func (g *gate) keep() server.PinnedCertSet {
	g.mu.Lock()
	defer g.mu.Unlock()
	keep := server.PinnedCertSet{}
	for key := range g.seen {
		keep[key] = struct{}{}
	}
	return keep
}

func (g *gate) refusedAny() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

func keyOf(s tls.ConnectionState) string {
	sum := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}
