package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// streams are raft's connections. Its addresses are node IDs: where a node lives
// is looked up at each connection, so that a member may move. To itself a member
// talks through memory; so one alone needs no port.
type streams struct {
	id       raft.ServerAddress
	dial     func(ctx context.Context, id, proto string) (net.Conn, error)
	accepted chan net.Conn
	open     *conns
	ctx      context.Context
	cancel   context.CancelFunc
	once     sync.Once
}

func newStreams(id string, open *conns, dial func(context.Context, string, string) (net.Conn, error)) *streams {
	ctx, cancel := context.WithCancel(context.Background())
	return &streams{id: raft.ServerAddress(id), dial: dial, accepted: make(chan net.Conn), open: open, ctx: ctx, cancel: cancel}
}

// Dial implements raft.StreamLayer.
func (s *streams) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	if to != s.id {
		return s.dial(ctx, string(to), protoRaft)
	}
	near, far := net.Pipe()
	near, ok := s.open.note(near, string(s.id))
	far, both := s.open.note(far, string(s.id))
	if !ok || !both {
		return nil, net.ErrClosed
	}
	select {
	case s.accepted <- far:
		return near, nil
	case <-ctx.Done():
		near.Close()
		far.Close()
		return nil, fmt.Errorf("dial self: %w", ctx.Err())
	}
}

// Accept implements net.Listener.
func (s *streams) Accept() (net.Conn, error) {
	select {
	case c := <-s.accepted:
		return c, nil
	case <-s.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (s *streams) Close() error {
	s.once.Do(func() {
		s.cancel()
		s.open.close()
	})
	return nil
}

// Addr implements net.Listener: the address that raft calls this member by.
func (s *streams) Addr() net.Addr { return nodeAddr(s.id) }

type nodeAddr string

// Network implements net.Addr.
func (nodeAddr) Network() string { return "recto" }

// String implements net.Addr.
func (a nodeAddr) String() string { return string(a) }

// dialMember connects to the member id and makes sure that it is that one.
func (c *Cluster) dialMember(ctx context.Context, id, proto string) (net.Conn, error) {
	m, ok := c.Member(id)
	switch {
	case !ok:
		return nil, fmt.Errorf("connect to %s: %w", id, ErrNoMember)
	case m.State == Removed:
		return nil, fmt.Errorf("connect to %s: %w", id, ErrRemoved)
	case m.Peer == "":
		return nil, fmt.Errorf("connect to %s: it has no peer port", id)
	}
	cfg, err := c.creds.client(id, proto)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", id, err)
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	raw, err := c.cfg.Dial(ctx, "tcp", m.Peer)
	if err != nil {
		return nil, fmt.Errorf("connect to %s at %s: %w", m.Name, m.Peer, err)
	}
	conn, ok := c.open.note(raw, id)
	if !ok {
		return nil, ErrClosed
	}
	// The member may have been removed, and its connections cut, just now.
	if m, _ := c.Member(id); m.State == Removed {
		conn.Close()
		return nil, fmt.Errorf("connect to %s: %w", id, ErrRemoved)
	}
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		secure.Close()
		return nil, fmt.Errorf("connect to %s at %s: %w", m.Name, m.Peer, err)
	}
	if secure.ConnectionState().NegotiatedProtocol != proto {
		secure.Close()
		return nil, fmt.Errorf("connect to %s at %s: it does not speak %s", m.Name, m.Peer, proto)
	}
	return abrupt{secure}, nil
}

// abrupt is a TLS connection that is closed without a word: saying goodbye on a
// link that swallows everything would hold up whoever gives up on it, by seconds.
// What travels here says itself where it ends.
type abrupt struct{ *tls.Conn }

// Close implements net.Conn.
func (c abrupt) Close() error { return c.NetConn().Close() }
