package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/recto-edge/recto/cluster"
	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/cache"
	"github.com/recto-edge/recto/node/doc"
)

// RecoverPlan is what Recover would do, for a person to judge before it begins.
type RecoverPlan struct {
	Cluster string // id
	Name    string // of this machine
	Node    string // its id
	// Lost are the names of the members that are given up. Started again, they are
	// kept out: each must be emptied and join anew.
	Lost []string
	// LogSeq is the last message of the document log that this machine knows, and
	// LogAt when it was written. What others took after it may be lost.
	LogSeq uint64
	LogAt  time.Time
	// Documents is how many documents this machine knows, and Missing for how many
	// of them it holds no copy of the original.
	Documents, Missing int
	// Warnings are further things that may be lost, in sentences.
	Warnings []string
}

// Recover makes the stopped member in cfg.Data a cluster of its own, when the
// majority of its cluster is lost for good. Nothing is changed before confirm,
// called once with what may be lost, gives true; else the answer is nil and all
// stays as it is. The document log is made anew from the files at the next start.
// Errors: Conflict while a node runs in the folder, or when it is alone anyway.
func Recover(ctx context.Context, cfg Config, confirm func(RecoverPlan) bool) (err error) {
	n, err := New(cfg, Build{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Stop(context.WithoutCancel(ctx))) }()
	if err := n.openData(ctx); err != nil {
		return err
	}
	control, err := n.clusterConfig()
	if err != nil {
		return err
	}
	rescue, err := cluster.PlanRecovery(ctx, control)
	if err != nil {
		return controlError("recover", err)
	}
	plan := RecoverPlan{Cluster: rescue.ClusterID, Name: n.cfg.memberName(), Node: n.id.Node}
	for _, m := range rescue.Lost {
		plan.Lost = append(plan.Lost, m.Name)
	}
	if len(plan.Lost) == 0 {
		return doc.Errorf(doc.Conflict, "this machine has no other members: there is nothing to recover; start it with recto up")
	}
	if err := n.countWhatIsHere(ctx, &plan); err != nil {
		return err
	}
	plan.Warnings = append(plan.Warnings, fmt.Sprintf("Settings (users, types, models) are as of entry %d of their log; later changes that this machine never heard of are lost.", rescue.LastIndex))
	if !confirm(plan) {
		return nil
	}
	// The broker's group counts members that are gone. The files know everything it
	// does, so it begins anew, alone, and the log is made from them. It is put aside
	// first: a recovery that breaks off here can be asked for again.
	dir := filepath.Join(n.cfg.Data, "broker")
	aside := dir + ".before-recovery-" + time.Now().UTC().Format("20060102T150405")
	if err := os.Rename(dir, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("put the log aside: %w", err)
	}
	if err := cluster.Recover(ctx, control, rescue); err != nil {
		return controlError("recover", err)
	}
	return nil
}

// countWhatIsHere says which documents this machine knows, and of how many it
// holds the bytes.
func (n *Node) countWhatIsHere(ctx context.Context, plan *RecoverPlan) error {
	db, err := cache.Open(filepath.Join(n.cfg.Data, "cache.db"), cache.Options{MaxBytes: n.cfg.Cache.MaxBytes})
	if err != nil {
		return err
	}
	defer db.Close()
	local, err := blob.OpenFiles(filepath.Join(n.cfg.Data, "blobs"))
	if err != nil {
		return err
	}
	plan.LogSeq = db.Index().Applied()
	query := doc.Query{Limit: 500}
	for {
		list, err := db.Index().List(query)
		if err != nil {
			return err
		}
		for _, s := range list.Documents {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			plan.Documents++
			if s.UpdatedAt.After(plan.LogAt) {
				plan.LogAt = s.UpdatedAt
			}
			rec, ok := db.Index().Get(s.ID)
			if !ok || rec.State == doc.StateErased || n.cfg.Blob.Kind == "s3" {
				continue
			}
			key, err := blob.OriginalKeyHex(rec.SHA256)
			if err != nil {
				return err
			}
			if _, err := local.Stat(ctx, key); err != nil {
				plan.Missing++
			}
		}
		if query.Cursor = list.Next; query.Cursor == "" {
			return nil
		}
	}
}
