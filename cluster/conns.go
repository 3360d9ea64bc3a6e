package cluster

import (
	"net"
	"sync"
)

// conns are the open connections with other members, by node ID, so that those of
// a removed member can be cut at once.
type conns struct {
	mu     sync.Mutex
	open   map[net.Conn]string
	closed bool
}

func newConns() *conns { return &conns{open: map[net.Conn]string{}} }

func (s *conns) remove(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// name says whose connection it is, once that is known.
func (s *conns) name(c net.Conn, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.open[c]; ok {
		s.open[c] = id
	}
}

// cut closes all connections of members that keep does not hold for.
func (s *conns) cut(keep func(id string) bool) {
	var out []net.Conn
	s.mu.Lock()
	for c, id := range s.open {
		if !keep(id) {
			out = append(out, c)
		}
	}
	s.mu.Unlock()
	for _, c := range out {
		c.Close()
	}
}

// close closes all connections, also those that come later.
func (s *conns) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cut(func(string) bool { return false })
}

// noted is a connection that takes itself out of conns when it is closed.
type noted struct {
	net.Conn
	in *conns
}

// Close implements net.Conn.
func (n noted) Close() error {
	n.in.remove(n)
	return n.Conn.Close()
}

// note gives the connection c with the member id ("": not known yet) as one that
// can be cut. It closes c, and says false, when all were closed.
func (s *conns) note(c net.Conn, id string) (net.Conn, bool) {
	n := noted{c, s}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.open[n] = id
	}
	s.mu.Unlock()
	if closed {
		c.Close()
		return nil, false
	}
	return n, true
}
