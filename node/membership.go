package node

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/recto-edge/recto/cluster"
	"github.com/recto-edge/recto/embedded/broker"
	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/doc"
)

// levels are the features this build can use: 1 is the state of a node on its own,
// 2 brought members and fenced writes.
var levels = [2]int{1, 2}

const levelFence = 2

// openControl joins a cluster when that was asked for, and opens the control plane.
func (n *Node) openControl(ctx context.Context) (*cluster.Cluster, error) {
	cfg, err := n.clusterConfig()
	if err != nil {
		return nil, err
	}
	if join := n.cfg.Cluster.Join; join != "" {
		joined, err := cluster.Join(ctx, cfg, join, n.cfg.Cluster.Token)
		switch {
		case errors.Is(err, cluster.ErrMember):
			n.log.Info("this machine is a member already: --join is not looked at")
		case err != nil:
			return nil, fmt.Errorf("join %s: %w", join, err)
		default:
			n.log.Info("joined", "cluster", joined.ClusterID, "members", len(joined.Members))
		}
		cfg.ClusterID = "" // whatever this machine called itself before
	}
	c, err := cluster.Open(ctx, cfg)
	if errors.Is(err, syscall.EADDRINUSE) && n.cfg.Cluster.Listen == "" {
		// Another program took the port since it was found free.
		id := cfg.ClusterID
		if cfg, err = n.clusterConfig(); err == nil {
			cfg.ClusterID = id
			c, err = cluster.Open(ctx, cfg)
		}
	}
	if err != nil {
		return nil, err
	}
	// The control plane knows which cluster this is, also when the process died
	// between joining and writing it down here.
	if id := c.ClusterID(); id != n.id.Cluster {
		n.id.Cluster = id
		if err := writeJSON(filepath.Join(n.cfg.Data, identityFile), n.id); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

func (n *Node) clusterConfig() (cluster.Config, error) {
	peer := n.cfg.freePeer()
	var err error
	if n.route, err = routeAddress(n.cfg.Data, peer, n.cfg.Listen); err != nil {
		return cluster.Config{}, err
	}
	return cluster.Config{
		Dir: filepath.Join(n.cfg.Data, "control"), NodeID: n.id.Node, ClusterID: n.id.Cluster, Name: n.cfg.memberName(),
		Listen: peer, Advertise: n.cfg.Cluster.Advertise, Route: n.route, Version: n.build.Version, Levels: levels,
		Skills: []string{skillOCR}, Workers: n.cfg.workers(), Logger: n.log.With("component", "control"),
	}, nil
}

// routeFile keeps the port of the broker's routes where the system chose it: the
// others know it.
const routeFile = "route.json"

// routeAddress is where this member's broker listens for those of the others. api is where the API
// will listen: that port is still free now, and must not be the one that the system chooses.
func routeAddress(data, peer, api string) (string, error) {
	route, err := routeListen(peer)
	if err != nil {
		return "", err
	}
	host, port, err := splitPort(route)
	if err != nil || port != 0 {
		return route, err
	}
	path := filepath.Join(data, routeFile)
	raw, err := os.ReadFile(path)
	if err == nil {
		var kept string
		return kept, json.Unmarshal(raw, &kept)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("port of the broker: %w", err)
	}
	if route, err = freePortBut(host, api); err != nil {
		return "", fmt.Errorf("port of the broker: %w", err)
	}
	return route, writeJSON(path, route)
}

// freePortBut gives an address of host with a port that is free, and not that of another address.
func freePortBut(host, other string) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", err
	}
	free := l.Addr().String()
	_, port, err := splitPort(free)
	if _, taken, bad := splitPort(other); bad == nil && port == taken {
		free, err = freePortBut(host, other) // while this one is held
	}
	return free, errors.Join(err, l.Close())
}

// tellMembers brings what the control plane says about members to those who work
// with them: the copies and the broker's routes.
func (n *Node) tellMembers() {
	n.copies.SetMembers(n.holders())
	n.tending.Lock()
	defer n.tending.Unlock()
	peers := n.brokerPeers()
	if n.broker == nil || slices.Equal(peers, n.routed) {
		return
	}
	if err := n.broker.SetPeers(peers); err != nil {
		n.log.Warn("the broker does not know the members yet, will be tried again", "error", err)
		return
	}
	n.routed = peers
}

// holders gives the members that keep copies of originals and records.
func (n *Node) holders() []blob.Member {
	var out []blob.Member
	for _, m := range n.control.Members() {
		if m.State == cluster.Active || m.State == cluster.Draining || m.State == cluster.Leaving {
			out = append(out, blob.Member{ID: m.ID, Name: m.Name, Up: n.isUp(m.ID), Leaving: m.State == cluster.Leaving, Came: !m.Founder})
		}
	}
	return out
}

// mostCopies is how many copies of an object there are when there are as many
// members.
const mostCopies = 3

// copiesView says how this member's copies are.
func (n *Node) copiesView() doc.CopiesView {
	s := n.copies.Status()
	v := doc.CopiesView{
		Kind: n.cfg.Blob.Kind, Damaged: s.Damaged, Want: min(mostCopies, len(n.holders())), Due: s.Due, Checked: s.Checked, Healed: s.Healed, Round: s.Finished,
	}
	if b, ok := n.store.(*blob.Standby); ok {
		away := b.Status()
		v.Waiting, v.Away = int(away.Waiting), away.Why
	}
	return v
}

// safeWithout gives the share of what a member keeps that the others keep, too,
// and what is missing while it is not all.
func (n *Node) safeWithout(ctx context.Context, id string) (share float64, why string) {
	d, err := n.copies.Drained(ctx, id)
	switch {
	case err != nil:
		return 0, err.Error()
	case d.Safe:
		return 1, ""
	}
	return min(max(d.Done, 0), 0.99), d.Why
}

// tend follows the members until ctx ends.
func (n *Node) tend(ctx context.Context) {
	changed, cancel := n.control.Watch("")
	defer cancel()
	tick := time.NewTicker(askPeriod)
	defer tick.Stop()
	removed := n.control.Removed()
	for {
		n.tellMembers()
		n.tendShift()
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-tick.C:
		case <-removed:
			why := n.control.Status().Removed
			n.parts.set(partControl, partDown, why)
			// While it starts it would wait for others that will never answer it.
			n.endStart(fmt.Errorf("%w: %s", cluster.ErrRemoved, why))
			removed = nil
		}
	}
}

// keepAccess makes a new key for programs on this machine when the one they have
// is no longer known: a backup that was restored on another member brought other
// keys.
func (n *Node) keepAccess(ctx context.Context) {
	changed, cancel := n.control.Watch(auth.KindKey)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		a, err := LocalAccess(n.cfg.Data)
		if err == nil {
			_, err = n.auth.CheckKey(a.Key)
		}
		if err == nil || n.control.Status().Leader == "" {
			continue
		}
		if err := n.grantAccess(ctx, n.server.URL(), n.server.Fingerprint()); err != nil {
			n.log.Warn("programs on this machine have no key until the next start", "error", err)
		}
	}
}

// brokerConfig says how this member's broker is started. One that comes into a
// cluster waits to be taken in; it must never begin a cluster of its own.
func (n *Node) brokerConfig(dir string) (broker.Config, error) {
	routeTLS, err := n.control.RouteTLS()
	if err != nil {
		return broker.Config{}, err
	}
	cfg := broker.Config{
		Dir: dir, ServerName: n.id.Node, ClusterName: n.id.Cluster,
		Route: n.route, RouteTLS: routeTLS,
		Admit:  func(s tls.ConnectionState) bool { _, ok := n.control.Admit(s); return ok },
		Peers:  n.brokerPeers(),
		Logger: n.log.With("component", "broker"),
	}
	if len(cfg.Peers) > 0 {
		cfg.Seed = []string{n.id.Node}
		for _, p := range cfg.Peers {
			cfg.Seed = append(cfg.Seed, p.Name)
		}
	}
	return cfg, nil
}

// routeOf is where others reach a member's broker: on the host of its peer port,
// because it may listen on all of its own addresses.
func routeOf(m cluster.Member) string {
	host, _, err := net.SplitHostPort(m.Peer)
	if err != nil {
		return m.Route
	}
	_, port, err := net.SplitHostPort(m.Route)
	if err != nil {
		return m.Route
	}
	return net.JoinHostPort(host, port)
}

// brokerPeers gives the brokers of the other members.
func (n *Node) brokerPeers() []broker.Peer {
	var out []broker.Peer
	for _, m := range n.others() {
		out = append(out, broker.Peer{Name: m.ID, Route: routeOf(m)})
	}
	slices.SortFunc(out, func(a, b broker.Peer) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// alarmPeriod is how often a member looks for what an admin should know.
const alarmPeriod = 5 * time.Second

func (n *Node) lookForAlarms(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, alarmPeriod)
	defer cancel()
	v, err := clusterPort{n}.View(ctx)
	if err != nil {
		return
	}
	if len(v.Members) < 2 {
		v.Alarms = nil // a node on its own has its own status page
	}
	n.alarms.Store(&v.Alarms)
}
