package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
)

// epochLeap is how far a recovery raises the epoch: above all that the members
// which are given up may have begun since.
const epochLeap = 1000

// Plan says what Recover would do, and what may be lost by it.
type Plan struct {
	ClusterID string
	Self      Member
	Lost      []Member  // members that are given up and kept out from then on
	LastIndex uint64    // last entry of the log on this machine
	LastTerm  uint64    // and its term
	Committed uint64    // of these, known to be committed; what comes after is taken as if it were
	Changed   time.Time // when the last command that is here was proposed; later ones are lost
	Epoch     uint64    // before
}

// PlanRecovery reads what Recover would do from the folder of a stopped member. It
// changes nothing. It answers ErrInUse while the member runs.
func PlanRecovery(ctx context.Context, cfg Config) (Plan, error) {
	r, err := openRecovery(ctx, cfg)
	if err != nil {
		return Plan{}, fmt.Errorf("plan recovery: %w", err)
	}
	return r.plan, r.store.close()
}

// Recover makes this member, alone, the cluster: for when more than half of the
// voters are lost for good, and only then, as members that still live would go on
// as a cluster of their own. It is done on a stopped member, after a person has
// agreed to plan; when the folder is not as it was then, it answers ErrConflict.
// The next Open starts a cluster of one; the others are kept out and can join anew
// with empty folders. Broken off, it is repeated.
func Recover(ctx context.Context, cfg Config, plan Plan) error {
	r, err := openRecovery(ctx, cfg)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if plan.LastIndex != r.plan.LastIndex || plan.LastTerm != r.plan.LastTerm || plan.Self.ID != r.plan.Self.ID {
		err = fmt.Errorf("the folder changed since the plan: %w", ErrConflict)
	} else {
		err = r.run()
	}
	if err = errors.Join(err, r.store.close()); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	return nil
}

// recovery is a stopped member's folder, opened.
type recovery struct {
	cfg       Config
	store     *store
	snapshots raft.SnapshotStore
	plan      Plan
}

func openRecovery(ctx context.Context, cfg Config) (*recovery, error) {
	cfg.fill()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(cfg.Dir, "raft.db")); err != nil {
		return nil, fmt.Errorf("no member lives here: %w", err)
	}
	st, err := openDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	r := &recovery{cfg: cfg, store: st}
	if err := r.read(); err != nil {
		return nil, errors.Join(err, st.close())
	}
	return r, nil
}

func (r *recovery) read() error {
	me, err := r.store.self()
	if err != nil {
		return err
	}
	if me.Removed != "" {
		return &Refusal{Err: ErrRemoved, Reason: me.Removed, Remedy: keptOutRemedy}
	}
	id, err := r.store.Get(wordNodeID)
	if err != nil {
		return fmt.Errorf("no member lives here: %w", err)
	}
	if r.snapshots, err = raft.NewFileSnapshotStore(r.cfg.Dir, 2, io.Discard); err != nil {
		return fmt.Errorf("open snapshots: %w", err)
	}
	state, _, err := recall(r.store, r.snapshots, math.MaxUint64)
	if err != nil {
		return err
	}
	if err := r.edge(); err != nil {
		return err
	}
	cluster, _ := state.Get(kindCluster, "id")
	r.plan.ClusterID, r.plan.Epoch, r.plan.Committed = string(cluster.Value), state.epoch, r.store.noted.Load()
	for _, e := range state.List(kindMember) {
		m, err := readMember(e)
		switch {
		case err != nil:
			return err
		case m.ID == string(id):
			r.plan.Self = m
		case m.State != Removed:
			r.plan.Lost = append(r.plan.Lost, m)
		}
	}
	for _, e := range state.entries {
		if e.UpdatedAt.After(r.plan.Changed) {
			r.plan.Changed = e.UpdatedAt
		}
	}
	if r.plan.Self.ID == "" {
		return errors.New("the log had not come to this member yet: recover on another one")
	}
	return nil
}

// edge finds the last entry of the log.
func (r *recovery) edge() error {
	list, err := r.snapshots.List()
	if err != nil {
		return fmt.Errorf("list snapshots: %w", err)
	}
	if len(list) > 0 {
		r.plan.LastIndex, r.plan.LastTerm = list[0].Index, list[0].Term
	}
	last, err := r.store.LastIndex()
	if err != nil {
		return fmt.Errorf("find the end of the log: %w", err)
	}
	if last <= r.plan.LastIndex {
		return nil
	}
	var l raft.Log
	if err := r.store.GetLog(last, &l); err != nil {
		return fmt.Errorf("read entry %d of the log: %w", last, err)
	}
	r.plan.LastIndex, r.plan.LastTerm = l.Index, l.Term
	return nil
}

// run writes the state with its changes as a snapshot, atomically, and then cuts
// the log, which the snapshot has replaced.
func (r *recovery) run() error {
	id := raft.ServerID(r.plan.Self.ID)
	address, transport := raft.NewInmemTransport(raft.ServerAddress(id))
	defer transport.Close()
	rc := raft.DefaultConfig()
	rc.LocalID, rc.Logger = id, newLogger(r.cfg.Logger)
	servers := raft.Configuration{Servers: []raft.Server{{ID: id, Address: address}}}
	return raft.RecoverCluster(rc, &recovering{newFSM(), r}, r.store, r.store, r.snapshots, transport, servers)
}

// recovering is an fsm whose snapshot is of the cluster after the recovery.
type recovering struct {
	*fsm
	of *recovery
}

// Snapshot implements raft.FSM.
func (f *recovering) Snapshot() (raft.FSMSnapshot, error) {
	now := f.of.cfg.Clock().UTC()
	f.state.Apply(Command{Op: OpEpoch, Epoch: f.state.epoch + epochLeap})
	put := func(m Member, state MemberState) error {
		m.State, m.Since = state, now
		data, err := json.Marshal(m)
		if err == nil {
			f.state.Apply(Command{Op: OpPut, Kind: kindMember, Key: m.ID, Value: data, Expect: AnyVersion, At: now, By: f.of.plan.Self.ID})
		}
		return err
	}
	self := f.of.plan.Self
	self.Founder = true
	if err := put(self, Active); err != nil {
		return nil, err
	}
	for _, m := range f.of.plan.Lost {
		if err := put(m, Removed); err != nil {
			return nil, err
		}
	}
	return f.fsm.Snapshot()
}
