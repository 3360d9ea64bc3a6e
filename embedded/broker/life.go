package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// running is one life of the server and its anchor.
type running struct {
	server  *server.Server
	anchor  *server.Server
	opts    *server.Options // as they were before the start
	cfg     Config
	gate    *gate
	log     *slog.Logger
	starter sync.WaitGroup
	quit    chan struct{}

	mu    sync.Mutex // of reloads
	peers []Peer
}

// start starts a server with its anchor and waits until JetStream is healthy, or, as
// one of several, until it runs.
func start(ctx context.Context, cfg Config, creds credentials, gate *gate, peers []Peer) (*running, error) {
	opts, err := options(cfg, creds, gate, peers)
	if err != nil {
		return nil, err
	}
	if cfg.RouteTLS != nil {
		if err := probeListen(cfg.Route); err != nil {
			return nil, err
		}
	}
	fresh := opts.Clone() // the server changes what it is given
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("configure server: %w", err)
	}
	log := newLogger(cfg.Logger)
	s.SetLogger(log, cfg.Logger.Enabled(ctx, slog.LevelDebug), false)
	run := &running{server: s, opts: fresh, cfg: cfg, gate: gate, log: cfg.Logger, quit: make(chan struct{}), peers: peers}
	run.starter.Go(s.Start)
	if err := run.await(ctx, log, func() bool { return s.ReadyForConnections(time.Millisecond) && s.JetStreamEnabled() }); err != nil {
		run.stop()
		return nil, fmt.Errorf("start server: %w", err)
	}
	if run.anchor, err = startAnchor(cfg.ServerName, opts.LeafNode.Port, creds.anchor); err != nil {
		run.stop()
		return nil, err
	}
	run.starter.Go(run.anchor.Start)
	if cfg.RouteTLS != nil {
		run.starter.Go(func() { run.watch(run.quit) })
	}
	if len(peers) > 0 || grouped(cfg.Dir) {
		return run, nil
	}
	if err := run.await(ctx, log, func() bool { return answers(s) }); err != nil {
		err = errors.Join(err, healthError(s))
		run.stop()
		return nil, fmt.Errorf("wait for jetstream: %w", err)
	}
	return run, nil
}

// answers says whether the JetStream API would do what it is asked. A new leader
// drops requests and knows no place for a stream until it has heard of itself.
func answers(s *server.Server) bool {
	if s.Healthz(nil).Status != "ok" {
		return false
	}
	if s.JetStreamIsLeader() {
		return len(s.JetStreamClusterPeers()) > 0
	}
	js, err := s.Jsz(nil)
	return err == nil && js.Meta != nil && js.Meta.Leader != "" && js.Meta.Leader != s.Name()
}

func healthError(s *server.Server) error {
	if h := s.Healthz(nil); h.Error != "" {
		return errors.New(h.Error)
	}
	return nil
}

// await polls, because the server offers nothing to wait for.
func (r *running) await(ctx context.Context, log *logger, ready func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-log.fatal:
			return err
		case <-tick.C:
		}
	}
	return nil
}

func (r *running) stop() {
	if r == nil {
		return
	}
	close(r.quit)
	r.server.Shutdown()
	r.server.WaitForShutdown()
	if r.anchor != nil {
		r.anchor.Shutdown()
		r.anchor.WaitForShutdown()
	}
	r.starter.Wait()
}
