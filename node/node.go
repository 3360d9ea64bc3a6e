// Package node is the process: it wires the packages below it into one appliance
// and is the only place that does. It owns the configuration, start and stop,
// readiness, the worker that reads documents, and the repair of the log from the
// files. It guarantees that what was acquired is given back in the reverse order,
// that a second node never opens the same data folder, and that a start after any
// kind of end goes on by itself. How documents are read, stored, queued or shown
// is the business of the packages it wires.
package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recto-edge/recto/cluster"
	"github.com/recto-edge/recto/embedded/broker"
	"github.com/recto-edge/recto/node/api"
	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/cache"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/intake"
	"github.com/recto-edge/recto/node/learn"
	"github.com/recto-edge/recto/node/members"
	"github.com/recto-edge/recto/node/queue"
	"github.com/recto-edge/recto/node/telemetry"
)

// Build says what was built.
type Build struct {
	Version string
	Commit  string
}

// Node is one running member.
type Node struct {
	cfg   Config
	build Build
	log   *slog.Logger

	metrics *telemetry.Metrics
	parts   *parts
	live    *live
	id      identity
	started time.Time
	// endStart ends a start that would wait for ever, and says why.
	endStart context.CancelCauseFunc

	control *cluster.Cluster
	broker  *broker.Broker
	store   blob.Store   // of everything that must last
	local   *blob.Files  // of what this member keeps for itself
	copies  *blob.Copies // of this and the other machines
	db      *cache.DB
	archive archive
	intake  *intake.Intake
	auth    *auth.Auth
	types   typeBook
	reading *reading
	learner *learn.Learner
	server  *api.Server
	admin   atomic.Pointer[queue.Admin] // of all members' brokers; nil until this one's is up
	queue   atomic.Pointer[queue.Queue] // nil until the broker is up and the log is whole

	peers      *peers
	logWatch   logWatch
	reconciler *members.Reconciler
	alarms     atomic.Pointer[[]doc.Alarm]
	busy       atomic.Int64 // documents and shares of documents that are being read

	shift   shift
	sources *sources
	lately  *lately
	wholeAt atomic.Uint64 // the place in the log where an index that was begun anew is whole
	doubt   atomic.Bool   // index and archive may lack what was passed over: see compare.go

	route   string     // host:port where the broker listens for those of other members
	tending sync.Mutex // of broker and routed
	routed  []broker.Peer

	whileStill chan func() // jobs that run while nobody writes to the index

	accepted  sync.Map // records of documents the index does not have yet, by id; emptied as it catches up
	reviewing sync.Map // documents of which somebody says something on this member right now, by id
	secrets   sync.Map // passwords of encrypted documents by id, in memory only
	erasing   sync.Mutex

	began    time.Time // keeps its monotonic part
	clock    clockWatch
	inHand   sync.Map                              // documents that this member reads, by ID
	overdue  overdue                               // the prober's alone
	ill      struct{ failed, stuck, restarts int } // how the broker does, see cure and unstick; the prober's alone
	closers  []closer                              // in order of acquisition; run last in, first out
	closing  atomic.Value                          // name of the closer that runs
	stopOnce sync.Once
	hopeless chan error // why only a new process can go on
}

type closer struct {
	name string
	fn   func(context.Context) error
}

// onStop registers the end of what was just acquired.
func (n *Node) onStop(name string, fn func(context.Context) error) {
	n.closers = append(n.closers, closer{name, fn})
}

// The parts a node consists of, as readiness names them.
const (
	partControl = "control plane"
	partBlobs   = "blob store"
	partIndex   = "index"
	partBroker  = "broker"
	partLog     = "document log"
	partModels  = "models"
	partWorkers = "workers"
)

// New makes a node that has touched nothing yet.
func New(cfg Config, build Build, log *slog.Logger) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	data, err := filepath.Abs(cfg.Data)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	cfg.Data = data
	n := &Node{
		cfg: cfg, build: build, log: log,
		metrics: telemetry.NewMetrics(),
		parts:   newParts(partControl, partBlobs, partIndex, partBroker, partLog, partModels, partWorkers),
		live:    newLive(), whileStill: make(chan func()),
		peers: newPeers(), sources: newSources(), lately: newLately(),
		hopeless: make(chan error, 1),
	}
	n.reconciler = members.NewReconciler(hands{n}, log.With("component", "members"))
	return n, nil
}

// heapLimit is where the collector begins to work harder: pictures of pages come
// and go by tens of megabytes, and an appliance shares its box. It is a wish and
// no bound: a larger page may still take what it needs. More often than at this
// limit the collector does not run, which would cost speed on small documents.
const heapLimit = 104 << 20 // bytes

// Run starts a node, says on out where it is, and stops it when ctx ends.
func Run(ctx context.Context, cfg Config, build Build, out, errOut io.Writer) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapLimit)
	}
	log := telemetry.NewLogger(errOut, cfg.Log.Format, cfg.Log.Level)
	n, err := New(cfg, build, log)
	if err != nil {
		return err
	}
	startErr, limit := n.Start(ctx, out), cfg.DrainTimeout+20*time.Second
	var hopeless error
	if startErr == nil {
		select {
		case <-ctx.Done():
			log.Info("stopping")
		case hopeless = <-n.hopeless:
			limit = hopelessStop
			log.Error("this process ends, to be started again", "error", hopeless)
		}
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	err = errors.Join(startErr, hopeless, n.stopOrLeave(stop, errOut))
	if startErr != nil && ctx.Err() != nil {
		return nil // told to stop while starting: not a failure
	}
	return err
}

const (
	hopelessStop = 5 * time.Second  // for a stop when a part cannot be stopped anyway
	stopGrace    = 10 * time.Second // for a part to notice that the time of a stop is over
)

// stopOrLeave is Stop, but for a part that hangs: it is left as it is, for the process
// to end as if it had been killed, which loses nothing. What all goroutines do is
// written to errOut then.
func (n *Node) stopOrLeave(ctx context.Context, errOut io.Writer) error {
	stopped := make(chan error, 1)
	go func() { stopped <- n.Stop(ctx) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-stopped:
		return err
	case <-time.After(stopGrace):
	}
	err := fmt.Errorf("%v cannot be stopped and is left as it is: nothing is lost, start recto again (the service does)", n.closing.Load())
	return errors.Join(err, pprof.Lookup("goroutine").WriteTo(errOut, 1))
}

// Addr is the address the API listens on, host:port.
func (n *Node) Addr() string { return n.server.Addr().String() }

// Stop gives everything back, last in, first out, and waits for all of it. It
// may be called again.
func (n *Node) Stop(ctx context.Context) error {
	var errs []error
	n.stopOnce.Do(func() {
		for i := len(n.closers) - 1; i >= 0; i-- {
			c := n.closers[i]
			n.closing.Store(c.name)
			if err := c.fn(ctx); err != nil {
				errs = append(errs, fmt.Errorf("stop %s: %w", c.name, err))
			}
		}
	})
	return errors.Join(errs...)
}
