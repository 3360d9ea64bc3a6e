package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// listen takes the peer port, before anything is changed: a port that is taken
// must not leave half a start behind. Nobody is answered yet.
func (c *Cluster) listen(me self) error {
	if c.cfg.Listen == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(c.cfg.Listen)
	if err != nil {
		return fmt.Errorf("peer port %q: %w", c.cfg.Listen, err)
	}
	wanted := port
	if _, kept, err := net.SplitHostPort(me.Listen); err == nil && port == "0" {
		wanted = kept
	}
	l, err := (&net.ListenConfig{}).Listen(c.life, "tcp", net.JoinHostPort(host, wanted))
	if errors.Is(err, syscall.EADDRINUSE) && wanted != port {
		// Another program took the one it had last time, and nobody asked for that one.
		l, err = (&net.ListenConfig{}).Listen(c.life, "tcp", net.JoinHostPort(host, port))
	}
	if err != nil {
		return fmt.Errorf("take peer port: %w", err)
	}
	c.peer = &peer{listener: l, admit: c.creds.admit, open: c.open, log: c.log}
	if me.Listen != l.Addr().String() {
		if err := c.store.setSelf(func(s *self) { s.Listen = l.Addr().String() }); err != nil {
			return err
		}
	}
	if c.advertise, err = advertised(c.cfg, l.Addr(), nil); err != nil {
		return err
	}
	c.cfg.complete(c.advertise)
	return nil
}

// serve answers on the peer port from now on. It is called once.
func (c *Cluster) serve() error {
	if c.peer == nil || c.peer.server != nil {
		return nil
	}
	config, err := c.creds.server()
	if err != nil {
		return err
	}
	c.routes()
	c.peer.config, c.peer.raft = config, c.streams.accepted
	c.peer.serve(c.mux)
	return nil
}

// routes mounts what the cluster itself answers.
func (c *Cluster) routes() {
	c.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "not served here, or not yet", http.StatusServiceUnavailable)
	})
	c.Handle("POST /cluster/propose", answerJSON(c.proposed))
	c.Handle("POST /cluster/index", answerJSON(c.readIndex))
	c.Handle("POST /cluster/pulse", answerJSON(c.felt))
	c.Handle("POST /cluster/reach", answerJSON(c.reach))
	c.Handle("POST /cluster/join", answerJSON(c.admitJoin))
	c.mux.Handle("GET /join", answerGreeting(c))
	c.mux.Handle("POST /join", http.MaxBytesHandler(answerJSON(c.askJoin), 64<<10))
}

// advertised gives the host:port by which others reach a listener: what the
// configuration says, else the listener's own address, else (it listens on all)
// the address that reached the cluster, else that of an interface.
func advertised(cfg Config, listener net.Addr, via net.Addr) (string, error) {
	host, port, err := net.SplitHostPort(listener.String())
	if err != nil {
		return "", fmt.Errorf("advertise: %w", err)
	}
	if cfg.Advertise != "" {
		h, p, err := net.SplitHostPort(cfg.Advertise)
		if err != nil {
			h, p = cfg.Advertise, port
		}
		return net.JoinHostPort(h, cmp.Or(p, port)), nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
		return net.JoinHostPort(host, port), nil
	}
	if tcp, ok := via.(*net.TCPAddr); ok {
		return net.JoinHostPort(tcp.IP.String(), port), nil
	}
	return net.JoinHostPort(ownAddress(), port), nil
}

// ownAddress is the first address of an interface that others may reach: of IPv4
// if there is one.
func ownAddress() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	best := "127.0.0.1"
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || !n.IP.IsGlobalUnicast() {
			continue
		}
		if n.IP.To4() != nil {
			return n.IP.String()
		}
		best = n.IP.String()
	}
	return best
}

// complete puts the host of the peer port into the other addresses where they say
// "all interfaces", which is no address for others.
func (cfg *Config) complete(peer string) {
	own, _, _ := net.SplitHostPort(peer)
	reachable := func(host string) string {
		if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
			return own
		}
		return host
	}
	if host, port, err := net.SplitHostPort(cfg.Route); err == nil {
		cfg.Route = net.JoinHostPort(reachable(host), port)
	}
	if u, err := url.Parse(cfg.API); err == nil && u.Port() != "" {
		u.Host = net.JoinHostPort(reachable(u.Hostname()), u.Port())
		cfg.API = u.String()
	}
}
