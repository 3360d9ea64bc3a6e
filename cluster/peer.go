package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// handshakeTime is how long a caller may take to say who it is.
const handshakeTime = 5 * time.Second

// peer is the peer port: one TLS listener whose connections go to raft or to HTTP,
// by what the caller asked for.
type peer struct {
	listener net.Listener
	config   *tls.Config
	admit    func(tls.ConnectionState) (string, bool)
	raft     chan net.Conn // to the stream layer
	http     chan net.Conn // to the server
	server   *http.Server
	open     *conns
	log      *slog.Logger
	done     chan struct{}
	owned    sync.WaitGroup

	mu      sync.Mutex // of closing and of serving.Add
	closing bool
	serving sync.WaitGroup // requests
}

// serve begins to accept.
func (p *peer) serve(handler http.Handler) {
	p.http, p.done = make(chan net.Conn), make(chan struct{})
	p.server = &http.Server{
		Handler: p.counted(handler), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 3 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog:     slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	p.owned.Go(p.accept)
	p.owned.Go(func() {
		if err := p.server.Serve(handed{p.http, p.done, p.listener.Addr()}); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			p.log.Error("serve members", "error", err)
		}
	})
}

// counted makes close wait for requests that are being answered.
func (p *peer) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		closing := p.closing
		if !closing {
			p.serving.Add(1)
		}
		p.mu.Unlock()
		if closing {
			writeError(w, ErrClosed)
			return
		}
		defer p.serving.Done()
		h.ServeHTTP(w, r)
	})
}

func (p *peer) accept() {
	for {
		c, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many open files, or a caller that went away at once
			p.log.Warn("accept a member", "error", err)
			select {
			case <-p.done:
				return
			case <-time.After(100 * time.Millisecond):
				continue
			}
		}
		p.owned.Go(func() { p.greet(c) })
	}
}

// greet does the handshake and hands the connection on.
func (p *peer) greet(raw net.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	conn, ok := p.open.note(raw, "")
	if !ok {
		return
	}
	c := tls.Server(conn, p.config)
	if err := c.HandshakeContext(ctx); err != nil {
		p.log.Debug("refused a caller", "address", raw.RemoteAddr().String(), "error", err)
		c.Close()
		return
	}
	to := p.http
	if c.ConnectionState().NegotiatedProtocol == protoRaft {
		to = p.raft
	}
	if id, member := p.admit(c.ConnectionState()); member {
		p.open.name(conn, id)
		// The member may have been removed, and its connections cut, just now.
		if _, member = p.admit(c.ConnectionState()); !member {
			c.Close()
			return
		}
	}
	select {
	case to <- c:
	case <-p.done:
		c.Close()
	}
}

// close ends the port and all its connections, and waits for it.
func (p *peer) close() error {
	err := p.listener.Close()
	if p.server == nil {
		return err
	}
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	close(p.done)
	p.open.close()
	err = errors.Join(err, p.server.Close())
	p.owned.Wait()
	p.serving.Wait() // their connections are closed, so their contexts have ended
	return err
}

// handed is a listener whose connections somebody else accepted.
type handed struct {
	conns <-chan net.Conn
	done  <-chan struct{}
	addr  net.Addr
}

// Accept implements net.Listener.
func (l handed) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l handed) Close() error { return nil }

// Addr implements net.Listener.
func (l handed) Addr() net.Addr { return l.addr }
