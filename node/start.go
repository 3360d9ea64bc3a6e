package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/recto-edge/recto/cluster"
	"github.com/recto-edge/recto/node/api"
	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/cache"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/intake"
	"github.com/recto-edge/recto/node/telemetry"
)

// sweepPeriod is how often intake is asked whether the log still lacks a document
// that was accepted; when it lacks none, that costs nothing.
const sweepPeriod = 2 * time.Second

// handOver bounds how long a stop waits for another member to lead.
const handOver = 3 * time.Second

// Start brings everything up and gives back when the node is ready. Documents
// are accepted before that, as soon as bytes and intake records can be made
// durable: a copier does not wait for the broker. On an error the caller stops
// the node, which gives back what was acquired so far. What a person at the
// console must know is written to out.
func (n *Node) Start(ctx context.Context, out io.Writer) error {
	n.began = time.Now()
	n.started = n.began.UTC()
	ctx, n.endStart = context.WithCancelCause(ctx)
	defer n.endStart(nil)
	for _, step := range []struct {
		name string
		fn   func(context.Context) error
	}{
		{"data folder", n.openData},
		{partControl, n.startControl},
		{partBlobs, n.startBlobs},
		{partIndex, n.startCache},
		{partModels, n.startReading},
		{partLearning, n.prepareLearning},
		{"intake", n.startIntake},
		{"other members", n.startPeers},
		{"api", func(ctx context.Context) error { return n.startAPI(ctx, out) }},
		{partBroker, n.startBroker},
		{"members", n.startMembers},
		{partLog, n.startLog},
		{partWorkers, n.startWorkers},
		{"folders", n.startFolders},
		{partLearning, n.startLearning},
	} {
		from := time.Now()
		if err := step.fn(ctx); err != nil {
			if why := context.Cause(ctx); errors.Is(why, cluster.ErrRemoved) {
				err = why
			}
			n.parts.set(step.name, partDown, err.Error())
			return fmt.Errorf("start %s: %w", step.name, err)
		}
		n.log.Debug("started", "part", step.name, "took", time.Since(from))
	}
	probes := newCrew()
	probes.every(probePeriod, n.probe)
	probes.every(clockPeriod, n.watchClock)
	probes.every(overduePeriod, n.callOverdue)
	n.onStop("probes", func(context.Context) error { probes.stop(); return nil })
	// A stop first lets the requests under way end, while all they need is there.
	n.onStop("requests", n.server.Shutdown)
	n.log.Info("ready", "address", n.Addr(), "took", time.Since(n.started))
	return nil
}

// openData takes the data folder and learns who this node is.
func (n *Node) openData(context.Context) error {
	unlock, err := lockData(n.cfg.Data)
	if err != nil {
		return err
	}
	n.onStop("data folder", func(context.Context) error { return unlock() })
	n.id, err = loadIdentity(n.cfg.Data)
	return err
}

func (n *Node) startControl(ctx context.Context) error {
	c, err := n.openControl(ctx)
	if err != nil {
		return err
	}
	n.onStop(partControl, func(ctx context.Context) error {
		if c.Leads() && len(c.Voters()) > 1 { // so that the others need not wait for its silence
			ctx, cancel := context.WithTimeout(ctx, handOver)
			defer cancel()
			if err := c.HandOver(ctx); err != nil {
				n.log.Warn("nobody took over the lead", "error", err)
			}
		}
		return c.Close()
	})
	n.control = c
	state := controlState{c}
	n.types = typeBook{state}
	n.auth = auth.New(auth.Config{}, state)
	n.parts.set(partControl, partOK, "")
	return nil
}

// startPeers answers the other members and asks them how they are.
func (n *Node) startPeers(context.Context) error {
	n.servePeers()
	asking := newCrew()
	n.onStop("other members", func(context.Context) error { asking.stop(); return nil })
	asking.every(askPeriod, n.askOthers)
	return nil
}

// startMembers follows what is said about members and, while this one leads,
// brings them to their goal. It does so before the log is up: it may not come up
// without that.
func (n *Node) startMembers(context.Context) error {
	c := newCrew()
	changed, cancel := n.control.Watch("member")
	c.run(n.tend)
	c.run(n.keepAccess)
	c.run(func(ctx context.Context) { n.reconciler.Run(ctx, changed) })
	c.every(alarmPeriod, n.lookForAlarms)
	n.onStop("members", func(context.Context) error { c.stop(); cancel(); return nil })
	return nil
}

func (n *Node) startCache(context.Context) error {
	db, err := cache.Open(filepath.Join(n.cfg.Data, "cache.db"), cache.Options{MaxBytes: n.cfg.Cache.MaxBytes, Log: n.log.With("component", "cache")})
	if err != nil {
		return err
	}
	n.onStop("cache", func(context.Context) error { return db.Close() })
	n.db = db
	return nil
}

func (n *Node) startIntake(context.Context) error {
	store := intakeStore{blob.Plain{Store: n.store}, n.copies, n.cfg.Data}
	if n.cfg.Blob.Kind == "s3" {
		store.copies = nil
	}
	n.intake = intake.New(intake.Config{
		Store: store, Log: (*nodeLog)(n), Marks: n.db.Index(),
		MaxBytes: n.cfg.Limits.MaxBytes, MinFree: n.cfg.Limits.MinFree, KnownType: n.knownType,
		Logger: n.log.With("component", "intake"),
	})
	return nil
}

func (n *Node) startReading(context.Context) error {
	r, err := openReading(filepath.Join(n.cfg.Data, "engines"), n.cfg.Limits, n.cfg.Reading.Languages, n.cfg.workers()+1, n.db.Values(), n.log.With("component", "reading"))
	if err != nil {
		return err
	}
	n.onStop(partModels, func(context.Context) error { return r.close() })
	n.reading = r
	n.parts.set(partModels, partOK, "loaded by the first document that needs them")
	return nil
}

func (n *Node) startAPI(ctx context.Context, out io.Writer) error {
	s, err := api.New(api.Config{
		Addr: n.cfg.Listen, CertFile: n.cfg.TLSCert, KeyFile: n.cfg.TLSKey, CertDir: filepath.Join(n.cfg.Data, "tls"),
		PlainHTTP: n.cfg.PlainHTTP, Version: n.build.Version, MaxBytes: n.cfg.Limits.MaxBytes,
		Logger: n.log.With("component", "api"), Metrics: promhttp.HandlerFor(n.metrics.Registry, promhttp.HandlerOpts{}),
	}, n.auth, api.Ports{
		Documents: documents{n}, Content: content{n}, Types: n.types, Reviews: reviews{n}, Models: models{n}, Events: events{n}, Status: status{n}, Maintenance: maintenance{n}, Cluster: clusterPort{n}, Member: memberPort{n},
	})
	if err != nil {
		return err
	}
	if err := s.Listen(); err != nil {
		return err
	}
	n.server = s
	n.metrics.Watch(n.gauges())
	served := make(chan error, 1)
	go func() { served <- s.Serve() }() // waited for by the closer below
	n.onStop("api", func(ctx context.Context) error { return errors.Join(s.Shutdown(ctx), <-served) })
	if err := n.grantAccess(ctx, s.URL(), s.Fingerprint()); err != nil {
		return err
	}
	n.control.SetAPI(s.URL())
	return n.greet(ctx, s.URL(), out)
}

// greet says on the console where the node is, and at the first start how to
// make the first account.
func (n *Node) greet(ctx context.Context, url string, out io.Writer) error {
	fmt.Fprintf(out, "Recto %s is at %s (data in %s)\n", n.build.Version, url, n.cfg.Data)
	token, err := n.auth.Invite(ctx)
	switch doc.CodeOf(err) {
	case doc.Conflict, doc.Unavailable:
		// Another member that starts in this moment shows its link, or there is no
		// leader yet. Neither may keep this one from taking documents.
		n.log.Warn("no link to make the first account from here", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	if token != "" {
		fmt.Fprintf(out, "Make your account with this one-time link (24 hours): %s/setup?token=%s\n", url, token)
	}
	return nil
}

func (n *Node) gauges() telemetry.Gauges {
	return telemetry.Gauges{
		QueueDepth: func() map[string]float64 {
			out := map[string]float64{}
			q := n.queue.Load()
			if q == nil {
				return out
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			depth, err := q.Depth(ctx)
			if err != nil {
				return out // the broker is away; readiness says so
			}
			for p, d := range depth {
				out[string(p)] = float64(d)
			}
			return out
		},
		ByState: func() map[string]float64 {
			out := map[string]float64{}
			o, err := n.db.Index().Overview(time.Now().UTC())
			if err != nil {
				return out
			}
			for s, c := range o.ByState {
				out[string(s)] = float64(c)
			}
			return out
		},
		CacheHits:   func() float64 { return float64(n.db.Values().Stats().Hits) },
		CacheMisses: func() float64 { return float64(n.db.Values().Stats().Misses) },
	}
}

// startWorkers lets this member read documents while it stands as one that does.
func (n *Node) startWorkers(context.Context) error {
	n.beginShift()
	// Work drains before it returns, and what it needs is closed after that.
	n.onStop(partWorkers, func(context.Context) error { n.endShift(); return nil })
	return nil
}
