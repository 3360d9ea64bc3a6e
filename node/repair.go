package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

// RebuildReport says what a rebuild or a repair did.
type RebuildReport struct {
	Documents int `json:"documents"` // in the archive
	Restored  int `json:"restored"`  // of them, whose last revision the log had lost
}

// logMark is what the node remembers of the log its index was derived from. It
// is written when log and archive are known to agree, so that a repair that was
// interrupted is begun again.
type logMark struct {
	ID   string `json:"id"`
	Gaps uint64 `json:"gaps"` // messages known to be lost, and brought back as later ones
}

const logMarkFile = "log.json"

func (n *Node) readLogMark() (logMark, error) {
	var m logMark
	raw, err := os.ReadFile(filepath.Join(n.cfg.Data, logMarkFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("read %s: %w", logMarkFile, err)
	}
	if json.Unmarshal(raw, &m) != nil {
		m = logMark{} // as if it had never been written: the log is compared with the archive
	}
	return m, nil
}

// damaged says why the log must be compared with the archive before anything is
// appended to it, or "" when it is the log the index knows. A shorter log that
// simply went on would use sequence numbers the index has seen already.
func (n *Node) damaged(ctx context.Context, q *queue.Queue) (string, error) {
	mark, err := n.readLogMark()
	if err != nil {
		return "", err
	}
	_, last, err := q.Bounds(ctx)
	if err != nil {
		return "", err
	}
	gaps, err := q.Gaps(ctx)
	if err != nil {
		return "", err
	}
	applied := n.db.Index().Applied()
	switch {
	case mark.ID != "" && mark.ID != q.LogID():
		return "it is another log than before", nil
	case last < applied:
		return fmt.Sprintf("it ends at %d, the index was at %d", last, applied), nil
	case gaps != mark.Gaps && len(n.others()) == 0: // with others, somebody else may have erased documents, and replicas are compared
		return fmt.Sprintf("%d messages are missing in it", gaps), nil
	case mark.ID != "" && applied > 0, len(n.others()) > 0: // who joins begins with the log of the others
		return "", nil
	}
	// Neither mark nor index knows the past: ask the files.
	none, err := n.archive.empty(ctx)
	if err != nil || none {
		return "", err
	}
	return "there is an archive and no index of it", nil
}

// repair brings the log to what the archive holds: the last archived revision of
// every document the log does not know, or knows an older revision of. Then the
// index begins anew. It may be repeated, and changes nothing when all is well.
// Nobody follows the log while it runs.
func (n *Node) repair(ctx context.Context, q *queue.Queue, progress func(stage string, done, of int)) (RebuildReport, error) {
	var rep RebuildReport
	err := n.archive.latest(ctx, func(r doc.Record) error {
		rep.Documents++
		if progress != nil {
			progress("documents", rep.Documents, 0)
		}
		restored, err := q.Restore(ctx, r)
		if restored {
			rep.Restored++
		}
		return err
	})
	if err != nil {
		return rep, fmt.Errorf("repair log: %w", err)
	}
	if err := n.beginIndex(ctx, q); err != nil {
		return rep, err
	}
	if err := n.intake.Forget(); err != nil { // what never was archived comes back from the intake records
		return rep, fmt.Errorf("begin the sweep anew: %w", err)
	}
	return rep, n.markLog(ctx, q)
}

// markLog remembers that log and archive agree.
func (n *Node) markLog(ctx context.Context, q *queue.Queue) error {
	gaps, err := q.Gaps(ctx)
	if err != nil {
		return err
	}
	return writeJSON(filepath.Join(n.cfg.Data, logMarkFile), logMark{ID: q.LogID(), Gaps: gaps})
}

// alone refuses what is only for a node without other members.
func (n *Node) alone(context.Context) error {
	if len(n.others()) > 0 {
		return doc.Errorf(doc.Conflict, "this machine belongs to a cluster, which repairs its log by itself: start it; if most members are gone for good, see recto recover")
	}
	return nil
}

// Rebuild brings log and index of a stopped node to what its blob store holds,
// whether or not they look damaged: documents with an archived revision come back
// with it, those with only an intake record are queued to be read.
func Rebuild(ctx context.Context, cfg Config, progress func(stage string, done, of int)) (rep RebuildReport, err error) {
	n, err := New(cfg, Build{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, n.Stop(context.WithoutCancel(ctx))) }()
	for _, step := range []func(context.Context) error{
		n.openData, n.startControl, n.alone, n.startBlobs, n.startCache, n.startReading, n.prepareLearning, n.startIntake, n.startBroker,
	} {
		if err := step(ctx); err != nil {
			return rep, err
		}
	}
	q, err := n.openLog(ctx)
	if err != nil {
		return rep, err
	}
	if rep, err = n.repair(ctx, q, progress); err != nil {
		return rep, err
	}
	readers := newCrew()
	n.onStop("readers", func(context.Context) error { readers.stop(); return nil })
	n.queue.Store(q)
	if err := n.readLog(ctx, readers, q); err != nil {
		return rep, err
	}
	found, err := n.intake.Sweep(ctx)
	rep.Documents += found
	rep.Restored += found
	return rep, err
}
