// Package api is the door for programs and people: HTTP under /api/v1, the
// pages of the UI, health and metrics. It is the only package that knows Fiber.
//
// It owns one route table (method, path, permission, handler, audit action, and
// what OpenAPI says about it); a route that is not in the table does not exist,
// and a route without a permission is refused. It guarantees that uploads are
// streamed and never held in memory as a whole, that a truncated upload is never
// acknowledged, that every error a user sees has a code and a request id, and
// that no document content reaches a log. It never decides anything about
// documents: each handler parses, calls one method of a port, and renders.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/ui"
)

// Config is what the API needs to know. The zero value of a bound means its
// default.
type Config struct {
	Addr string // host:port; port 0 lets the system choose

	// CertFile and KeyFile are the site's certificate (PEM), read again when they
	// change. Without them plain HTTP is spoken on a loopback address, or anywhere
	// when PlainHTTP says so; else the node makes its own certificate in CertDir.
	CertFile, KeyFile string
	CertDir           string
	PlainHTTP         bool

	Version   string
	MaxBytes  int64         // of one uploaded file; default 512 MiB
	MaxFiles  int           // in one multipart upload; default 100
	MaxWait   time.Duration // of ?wait; default 5 min
	Header    time.Duration // to send the request's header; default 15 s
	Idle      time.Duration // of a kept-alive connection; default 75 s
	Stall     time.Duration // without one byte of an upload or a download; default 30 s
	MinRate   int64         // bytes per second an upload must reach on average; default 1024
	Handle    time.Duration // for requests that neither stream nor wait; default 30 s
	Heartbeat time.Duration // between signs of life on the event stream; default 15 s
	MaxBehind time.Duration // to wait for what the sender has seen on another member; default 2 s

	Logger  *slog.Logger // default: nothing is logged
	Metrics http.Handler // answers /metrics; nil: no such route
	// Observe is called after each request with the route's pattern ("" when
	// there is none), for metrics. May be nil.
	Observe func(method, route string, status int, took time.Duration)
}

// bodyLimit bounds JSON bodies, headerLimit the request line with all headers.
const (
	bodyLimit      = 1 << 20
	headerLimit    = 16 << 10
	maxConnections = 4096
)

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&c.MaxWait, 5 * time.Minute}, {&c.Header, 15 * time.Second}, {&c.Idle, 75 * time.Second},
		{&c.Stall, 30 * time.Second}, {&c.Handle, 30 * time.Second}, {&c.Heartbeat, 15 * time.Second}, {&c.MaxBehind, maxPositionWait},
	} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 512 << 20
	}
	if c.MaxFiles <= 0 {
		c.MaxFiles = 100
	}
	if c.MinRate <= 0 {
		c.MinRate = 1024
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Server is the HTTP server of a node. New makes it, Listen binds it, Serve
// answers until Shutdown.
type Server struct {
	cfg   Config
	auth  *auth.Auth
	ports Ports
	log   *slog.Logger
	app   *fiber.App
	table []route
	spec  *openapi3.T
	json  []byte // spec, as served
	ui    *ui.UI

	guard *guarded      // the bound listener; nil before Listen
	certs *certificates // nil: plain HTTP

	open    context.Context // ends when Shutdown begins: event streams and waits stop
	closing context.CancelFunc
	base    context.Context // ends when Shutdown has ended: whatever still runs stops
	cancel  context.CancelFunc
	streams sync.WaitGroup // event streams being written
}

// New makes a server over the node's ports. It neither binds nor spawns.
func New(cfg Config, a *auth.Auth, p Ports) (*Server, error) {
	cfg = cfg.withDefaults()
	s := &Server{cfg: cfg, auth: a, ports: p, log: cfg.Logger}
	s.open, s.closing = context.WithCancel(context.Background())
	s.base, s.cancel = context.WithCancel(context.Background())
	var err error
	if s.ui, err = ui.New(); err != nil {
		return nil, fmt.Errorf("prepare the pages: %w", err)
	}
	s.table = s.routes()
	if err := s.describe(); err != nil {
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	s.app = fiber.New(fiber.Config{
		AppName:                      "recto",
		DisableStartupMessage:        true,
		Immutable:                    true, // strings of a request stay valid after its handler
		StrictRouting:                true,
		CaseSensitive:                true,
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		BodyLimit:                    1 << 62, // each route bounds its own body
		ReadBufferSize:               headerLimit,
		ReadTimeout:                  cfg.Header,
		IdleTimeout:                  cfg.Idle,
		Concurrency:                  maxConnections,
		ErrorHandler:                 s.unrouted,
	})
	s.app.Server().CloseOnShutdown = true
	s.app.Server().Handler = s.outermost(s.app.Server().Handler)
	for _, r := range s.table {
		s.register(r)
	}
	return s, nil
}

// Listen binds the address, so that a taken port is known before anything else
// starts, and prepares the certificate.
func (s *Server) Listen() error {
	host, _, err := net.SplitHostPort(s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen on %q: %w", s.cfg.Addr, err)
	}
	if s.cfg.CertFile != "" || (!s.cfg.PlainHTTP && !loopback(host)) {
		if s.certs, err = openCertificates(s.cfg, host); err != nil {
			return err
		}
	}
	ln, err := net.Listen("tcp", s.cfg.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: another program has this port: stop it, or choose another with --listen: %w", s.cfg.Addr, err)
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.cfg.Addr, err)
	}
	s.guard = guard(ln, s.cfg.Stall)
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// Addr is the bound address, known after Listen.
func (s *Server) Addr() net.Addr { return s.guard.Addr() }

// URL is where a person on this machine reaches the server, known after Listen.
func (s *Server) URL() string {
	scheme := "http"
	if s.certs != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(s.guard.Addr().String())
	if err != nil {
		return scheme + "://" + s.guard.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// Fingerprint is the SHA-256 of the public key of the certificate in use, as
// sha256:<hex>, for clients that pin it; "" on plain HTTP. A renewed self-made
// certificate keeps its key.
func (s *Server) Fingerprint() string {
	if s.certs == nil {
		return ""
	}
	return s.certs.fingerprint()
}

// Serve answers requests until Shutdown; then it gives nil.
func (s *Server) Serve() error {
	if s.guard == nil {
		return errors.New("serve: Listen first")
	}
	err := s.app.Listener(s.listener())
	if s.open.Err() != nil || (err != nil && strings.Contains(err.Error(), net.ErrClosed.Error())) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Shutdown stops accepting, ends event streams and waits, and lets requests in
// progress finish until ctx ends; then it cuts them. It is idempotent.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closing()
	var err error
	if s.guard != nil {
		err = s.app.ShutdownWithContext(ctx)
		_ = s.guard.Close() // when Serve was never called
		if err != nil {
			s.guard.cut()
		}
	}
	s.cancel()
	s.streams.Wait()
	if err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}
