package api

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// listener hands out connections that bound how long a peer may keep them busy.
func (s *Server) listener() net.Listener {
	if s.certs != nil {
		return tls.NewListener(s.guard, s.certs.config())
	}
	return s.guard
}

// guarded knows all connections it has handed out.
type guarded struct {
	net.Listener
	stall time.Duration

	mu   sync.Mutex
	open map[*conn]struct{}
}

func guard(ln net.Listener, stall time.Duration) *guarded {
	return &guarded{Listener: ln, stall: stall, open: map[*conn]struct{}{}}
}

// Accept implements net.Listener.
func (g *guarded) Accept() (net.Conn, error) {
	raw, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, guard: g}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open[c] = struct{}{}
	return c, nil
}

// cut closes all connections at once.
func (g *guarded) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.open {
		_ = c.Conn.Close() // its owner notices, and closes c itself
	}
}

// conn is a connection that gives up on a peer that takes nothing for a while, and
// that knows whether the peer has stopped sending.
type conn struct {
	net.Conn
	guard  *guarded
	ended  atomic.Bool // the peer sends no more
	unread atomic.Bool // it is closed with bytes of the peer left unread
	once   sync.Once
	err    error
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		c.ended.Store(true)
	}
	return n, err
}

// Write implements net.Conn: each piece has stall to get out, however long the
// whole answer takes.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.guard.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// lingering is how long a refused upload may go on sending, so that its sender
// gets to read the refusal instead of a broken connection.
const lingering = time.Second

// Close implements net.Conn and is idempotent.
func (c *conn) Close() error {
	c.once.Do(func() {
		if half, ok := c.Conn.(*net.TCPConn); ok && c.unread.Load() && half.CloseWrite() == nil {
			_ = c.SetReadDeadline(time.Now().Add(lingering))
			_, _ = io.Copy(io.Discard, c.Conn)
		}
		c.err = c.Conn.Close()
		c.guard.mu.Lock()
		defer c.guard.mu.Unlock()
		delete(c.guard.open, c)
	})
	return c.err
}

// rawConn finds our conn under what fasthttp holds.
func rawConn(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	raw, _ := c.(*conn)
	return raw
}
