package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/recto-edge/recto/embedded/broker"
	"github.com/recto-edge/recto/node/api"
	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/cache"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/intake"
	"github.com/recto-edge/recto/node/queue"
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
	n.started = time.Now().UTC()
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
			n.parts.set(step.name, partDown, err.Error())
			return fmt.Errorf("start %s: %w", step.name, err)
		}
		n.log.Debug("started", "part", step.name, "took", time.Since(from))
	}
	probes := newCrew()
	probes.every(probePeriod, n.probe)
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

// openBucket opens the bucket that cfg names.
func openBucket(ctx context.Context, cfg Config) (*blob.S3, error) {
	c := cfg.Blob.S3
	s, err := blob.NewS3(blob.S3Config{
		Endpoint: c.Endpoint, Bucket: c.Bucket, Prefix: c.Prefix, Region: c.Region,
		AccessKey: c.AccessKey, SecretKey: c.secret(), PlainHTTP: c.PlainHTTP, CAFile: c.CAFile,
		Create: c.Create, Spool: filepath.Join(cfg.Data, "spool"),
	})
	if err != nil {
		return nil, err
	}
	return s, s.Prepare(ctx)
}

// startBlobs opens what keeps bytes: this machine's disk, the disks of all
// members over it, and a bucket over these when there is one. A bucket that cannot
// be reached does not end the start: the node says so, and several members' disks
// stand in for it.
func (n *Node) startBlobs(ctx context.Context) error {
	local, err := blob.OpenFiles(filepath.Join(n.cfg.Data, "blobs"))
	if err != nil {
		return err
	}
	if n.local, err = blob.OpenFiles(filepath.Join(n.cfg.Data, "local")); err != nil {
		return err
	}
	n.copies, err = blob.OpenCopies(blob.CopiesConfig{
		Local: local, Self: n.id.Node, Members: n.holders(), Client: n.control.HTTP(), Stored: n.arrived,
		MinFree: n.cfg.Limits.MinFree, Logger: n.log.With("component", "copies"),
	})
	if err != nil {
		return err
	}
	n.onStop("copies", func(context.Context) error { return n.copies.Close() })
	n.control.Handle("/blobs/", n.copies.Handler())
	n.store = n.copies
	if n.cfg.Blob.Kind == "s3" {
		bucket, err := openBucket(ctx, n.cfg)
		if bucket == nil {
			return err
		}
		standby := blob.OpenStandby(blob.StandbyConfig{Primary: bucket, Backup: n.copies, Logger: n.log.With("component", "bucket")})
		n.onStop("bucket", func(context.Context) error { return standby.Close() })
		n.store, n.archive = standby, archive{standby}
		n.parts.check(partBlobs, err)
		return nil
	}
	n.archive = archive{n.store}
	n.parts.check(partBlobs, nil)
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

// startBroker starts the embedded server. When its files are so damaged that it
// cannot start, they are put aside and it begins with nothing: the log comes back
// from the archive.
func (n *Node) startBroker(ctx context.Context) error {
	dir := filepath.Join(n.cfg.Data, "broker")
	cfg, err := n.brokerConfig(dir)
	if err != nil {
		return err
	}
	b, err := broker.Open(ctx, cfg)
	if err != nil && ctx.Err() == nil && !errors.Is(err, broker.ErrRoute) {
		aside := dir + ".damaged-" + n.started.Format("20060102T150405")
		n.log.Error("the broker cannot start on its files: they are put aside", "error", err, "aside", aside)
		if err := os.Rename(dir, aside); err != nil {
			return fmt.Errorf("put damaged files aside: %w", err)
		}
		b, err = broker.Open(ctx, cfg)
	}
	if err != nil {
		return err
	}
	n.onStop(partBroker, func(context.Context) error { return b.Close() })
	admin, err := queue.OpenAdmin(b, n.log.With("component", "brokers"))
	if err != nil {
		return err
	}
	n.onStop("brokers", func(context.Context) error { return admin.Close() })
	n.tending.Lock()
	n.broker, n.routed = b, cfg.Peers
	n.tending.Unlock()
	n.admin.Store(admin)
	n.parts.set(partBroker, partOK, "")
	return nil
}

// openLog opens the document log; it is not for use before it has been repaired.
func (n *Node) openLog(ctx context.Context) (*queue.Queue, error) {
	room, err := n.broker.Storage()
	if err != nil {
		return nil, err
	}
	q, err := queue.Open(ctx, queue.Config{
		Broker: n.broker, Name: n.id.Node, MaxBytes: int64(room.Max), Full: n.diskLow, Bulk: n.sources.many, Logger: n.log.With("component", "queue"),
	})
	if err != nil {
		return nil, err
	}
	n.onStop(partLog, func(context.Context) error { n.queue.Store(nil); return q.Close() })
	return q, nil
}

// startLog opens the document log, repairs it from the archive if it is not what
// it was, and only then lets anybody append to it.
func (n *Node) startLog(ctx context.Context) error {
	q, err := n.openLog(ctx)
	if err != nil {
		return err
	}
	why, err := n.damaged(ctx, q)
	if err != nil {
		return err
	}
	if why != "" {
		n.log.Warn("the log is not what it was: repairing it from the files", "why", why)
		n.parts.set(partLog, partStarting, "repairing from the files")
		rep, err := n.repair(ctx, q, nil)
		if err != nil {
			return err
		}
		n.log.Info("log repaired", "documents", rep.Documents, "restored", rep.Restored)
	} else if err := n.markLog(ctx, q); err != nil {
		return err
	}
	readers := newCrew()
	n.onStop("readers of the log", func(context.Context) error { readers.stop(); return nil })
	n.queue.Store(q)
	n.parts.set(partLog, partOK, "")
	if err := n.readLog(ctx, readers, q); err != nil {
		return err
	}
	n.parts.set(partIndex, partOK, "")
	readers.every(sweepPeriod, n.sweep)
	return nil
}

func (n *Node) diskLow() bool {
	s, err := n.broker.Storage()
	return err == nil && s.Low()
}

func (n *Node) sweep(ctx context.Context) {
	if found, err := n.intake.Sweep(ctx); err != nil && ctx.Err() == nil {
		n.log.Warn("sweep of intake records failed, will be repeated", "error", err)
	} else if found > 0 {
		n.log.Info("intake records brought to the log", "documents", found)
	}
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
