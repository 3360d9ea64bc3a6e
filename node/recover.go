package node

import (
	"context"
	"time"

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
	// LogSeq is the last message of the document log that this machine holds, and
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
// stays as it is. Errors: Conflict while a node runs in the folder.
func Recover(_ context.Context, _ Config, _ func(RecoverPlan) bool) error {
	return doc.Errorf(doc.Unavailable, "this build cannot recover a cluster: nothing was changed")
}
