package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/recto-edge/recto/embedded/broker"
	"github.com/recto-edge/recto/node/queue"
)

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
	readers.run(n.keepComparing)
	readers.every(latelyPeriod, n.archiveLate)
	readers.every(offerPeriod, n.offerAgain)
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
