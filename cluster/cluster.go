// Package cluster owns the control plane: the small state that all members agree
// on (users, keys, types, policies, settings, members), by hashicorp/raft with its
// log in bbolt. It guarantees that what Propose answered survives a power cut and
// is applied in the same order everywhere. It knows nothing of documents, and
// nothing large or often changed belongs in it.
package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Errors of a Cluster.
var (
	ErrConflict  = errors.New("the entry has another version")
	ErrNotLeader = errors.New("this member does not lead")
	ErrInUse     = errors.New("the data directory is in use by another process")
	ErrTooLarge  = errors.New("the value is too large for the control plane")
	ErrClosed    = errors.New("the cluster is closed")
)

// MaxValue is the largest value of an entry, in bytes.
const MaxValue = 256 << 10

// alone is how long a member that is its own quorum waits before it elects itself.
// It can lose nobody's heartbeat, so there is nothing to wait for.
const alone = 50 * time.Millisecond

// Config says where the control plane is kept.
type Config struct {
	Dir    string // made if absent
	NodeID string // of this member; empty: kept in Dir, made at the first start
	Logger *slog.Logger
}

// Cluster is this member of the control plane. Its methods may be called from any
// goroutine.
type Cluster struct {
	id     string
	log    *slog.Logger
	store  *store
	fsm    *fsm
	raft   *raft.Raft
	notify chan bool
	owned  sync.WaitGroup

	close  sync.Once
	closed chan struct{}
	err    error // of Close
}

// Open starts this member as a cluster of one, or as what Dir says it is, and
// waits until it leads with an epoch of its own, or ctx ends. It answers ErrInUse
// when another process has Dir open.
func Open(ctx context.Context, cfg Config) (*Cluster, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open cluster: %w", err)
	}
	if err := syncDir(filepath.Dir(filepath.Clean(cfg.Dir))); err != nil {
		return nil, fmt.Errorf("open cluster: %w", err)
	}
	st, err := openStore(filepath.Join(cfg.Dir, "raft.db"))
	if err != nil {
		return nil, fmt.Errorf("open cluster: %w", err)
	}
	c := &Cluster{log: cfg.Logger, store: st, fsm: newFSM(), notify: make(chan bool, 8), closed: make(chan struct{})}
	if err := c.start(cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("open cluster: %w", err), st.close())
	}
	led := make(chan struct{})
	c.owned.Go(func() { c.lead(led) })
	select {
	case <-led:
		return c, nil
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("open cluster: wait for leadership: %w", context.Cause(ctx)), c.Close())
	}
}

func (c *Cluster) start(cfg Config) (err error) {
	if c.id, err = c.store.nodeID(cfg.NodeID); err != nil {
		return err
	}
	logger := newLogger(c.log)
	rc := raft.DefaultConfig()
	rc.LocalID = raft.ServerID(c.id)
	rc.Logger = logger
	rc.NotifyCh = c.notify
	rc.ShutdownOnRemove = false
	rc.HeartbeatTimeout, rc.ElectionTimeout, rc.LeaderLeaseTimeout = alone, alone, alone
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(cfg.Dir, 2, logger)
	if err != nil {
		return fmt.Errorf("open snapshots: %w", err)
	}
	// Nobody to talk to, so no socket. A join replaces the address by a real one.
	address, transport := raft.NewInmemTransport(raft.ServerAddress(c.id))
	known, err := raft.HasExistingState(c.store, c.store, snapshots)
	if err != nil {
		return fmt.Errorf("look for a state: %w", err)
	}
	if !known {
		servers := raft.Configuration{Servers: []raft.Server{{ID: rc.LocalID, Address: address}}}
		if err := raft.BootstrapCluster(rc, c.store, c.store, snapshots, transport, servers); err != nil {
			return fmt.Errorf("bootstrap: %w", err)
		}
	}
	if c.raft, err = raft.NewRaft(rc, c.fsm, c.store, c.store, snapshots, transport); err != nil {
		return fmt.Errorf("start raft: %w", err)
	}
	return nil
}

// lead begins an epoch each time this member becomes leader, and closes led after
// the first.
func (c *Cluster) lead(led chan struct{}) {
	for {
		select {
		case <-c.closed:
			return
		case leads := <-c.notify:
			if !leads {
				continue
			}
			if err := c.raise(Command{}); err != nil {
				c.log.Warn("begin an epoch", "error", err)
				continue
			}
			if led != nil {
				close(led)
				led = nil
			}
		}
	}
}

// raise begins a new epoch above the floors in cmd.
func (c *Cluster) raise(cmd Command) error {
	cmd.Op = OpEpoch
	_, err := c.apply(context.Background(), cmd)
	return err
}

// NodeID is this member's name: random, and the same as long as Dir is kept.
func (c *Cluster) NodeID() string { return c.id }

// Propose brings cmd into the log and answers when it is synced and applied here.
// It fills in At and By. ErrConflict comes with the version that the entry has;
// after ctx has ended it is open whether the command will be applied.
func (c *Cluster) Propose(ctx context.Context, cmd Command) (Result, error) {
	switch {
	case cmd.Op != OpPut && cmd.Op != OpDelete:
		return Result{}, fmt.Errorf("propose: command %d cannot be proposed", cmd.Op)
	case cmd.Kind == "" || cmd.Key == "":
		return Result{}, errors.New("propose: kind and key are needed")
	case len(cmd.Value) > MaxValue:
		return Result{}, fmt.Errorf("propose %s/%s: %w: %d bytes, over %d", cmd.Kind, cmd.Key, ErrTooLarge, len(cmd.Value), MaxValue)
	}
	result, err := c.apply(ctx, cmd)
	if err == nil && result.Conflict {
		err = ErrConflict
	}
	if err != nil {
		return result, fmt.Errorf("propose %s/%s: %w", cmd.Kind, cmd.Key, err)
	}
	return result, nil
}

func (c *Cluster) apply(ctx context.Context, cmd Command) (Result, error) {
	cmd.At, cmd.By = time.Now().UTC(), c.id
	data, err := json.Marshal(cmd)
	if err != nil {
		return Result{}, fmt.Errorf("encode command: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	future := c.raft.Apply(data, 0)
	done := make(chan error, 1)
	go func() { done <- future.Error() }() // ends with the raft node at the latest
	select {
	case err = <-done:
	case <-ctx.Done():
		return Result{}, context.Cause(ctx)
	}
	switch {
	case errors.Is(err, raft.ErrRaftShutdown):
		return Result{}, ErrClosed
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipLost), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return Result{}, fmt.Errorf("%w: %w", ErrNotLeader, err)
	case err != nil:
		return Result{}, err
	}
	return future.Response().(Result), nil
}

// Get gives the entry of kind and key as this member knows it.
func (c *Cluster) Get(kind, key string) (Entry, bool) {
	c.fsm.mu.RLock()
	defer c.fsm.mu.RUnlock()
	return c.fsm.state.Get(kind, key)
}

// List gives all entries of kind as this member knows them, ordered by key.
func (c *Cluster) List(kind string) []Entry {
	c.fsm.mu.RLock()
	defer c.fsm.mu.RUnlock()
	return c.fsm.state.List(kind)
}

// Watch gives a channel that receives after changes of kind ("" for all), one
// signal for any number of changes, until cancel. Look, then wait, then look again.
func (c *Cluster) Watch(kind string) (changed <-chan struct{}, cancel func()) {
	return c.fsm.watch(kind)
}

// Status is how this member stands.
type Status struct {
	NodeID  string `json:"node_id"`
	State   string `json:"state"`  // leader, follower, candidate or shutdown
	Leader  string `json:"leader"` // node ID; empty: none known
	Epoch   uint64 `json:"epoch"`
	Applied uint64 `json:"applied"` // index of the last entry applied here
}

// Status says how this member stands.
func (c *Cluster) Status() Status {
	_, leader := c.raft.LeaderWithID()
	state := map[raft.RaftState]string{raft.Leader: "leader", raft.Follower: "follower", raft.Candidate: "candidate", raft.Shutdown: "shutdown"}
	return Status{NodeID: c.id, State: state[c.raft.State()], Leader: string(leader), Epoch: c.Epoch(), Applied: c.raft.AppliedIndex()}
}

// Epoch is the number of the current leadership. It only grows; a write that
// carries it can be refused by whoever has seen a higher one.
func (c *Cluster) Epoch() uint64 {
	c.fsm.mu.RLock()
	defer c.fsm.mu.RUnlock()
	return c.fsm.state.epoch
}

// Backup writes the whole state to w. It may be called at any time.
func (c *Cluster) Backup(w io.Writer) error {
	snap, err := c.fsm.Snapshot()
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if _, err := w.Write(snap.(stateSnapshot)); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// Restore replaces the whole state on all members by what Backup wrote. A damaged
// backup changes nothing. The epoch and the versions go on from the higher of both.
func (c *Cluster) Restore(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if _, err := ReadState(bytes.NewReader(data)); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	c.fsm.mu.RLock()
	floor := Command{Epoch: c.fsm.state.epoch, Version: c.fsm.state.version}
	c.fsm.mu.RUnlock()
	meta := &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, Size: int64(len(data))}
	if err := c.raft.Restore(meta, bytes.NewReader(data), 0); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := c.raise(floor); err != nil {
		return fmt.Errorf("restore: begin an epoch: %w", err)
	}
	return nil
}

// Close stops this member and waits for it. It may be called again.
func (c *Cluster) Close() error {
	c.close.Do(func() {
		close(c.closed)
		err := c.raft.Shutdown().Error()
		c.owned.Wait()
		c.err = errors.Join(err, c.store.close())
	})
	return c.err
}
