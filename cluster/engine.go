package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"
)

// transportTime is how long one message of raft may take. A link that swallows
// packets holds a connection for that long before another is tried.
const transportTime = 3 * time.Second

// raftConfig gives the settings of raft.
func (c *Cluster) raftConfig() *raft.Config {
	rc := raft.DefaultConfig()
	rc.LocalID = raft.ServerID(c.id)
	rc.Logger = newLogger(c.log)
	rc.NotifyCh = c.notify
	rc.ShutdownOnRemove = false
	rc.HeartbeatTimeout, rc.ElectionTimeout = c.cfg.timing.heartbeat, c.cfg.timing.heartbeat
	rc.LeaderLeaseTimeout = c.cfg.timing.heartbeat / 2
	rc.MaxAppendEntries = 16 // of up to MaxValue: has to fit into transportTime
	return rc
}

// startRaft recalls what was known and starts raft; one that was not let in by
// others and has no state begins as a cluster of itself.
func (c *Cluster) startRaft() error {
	rc := c.raftConfig()
	files, err := raft.NewFileSnapshotStoreWithLogger(c.cfg.Dir, 2, rc.Logger)
	if err != nil {
		return fmt.Errorf("open snapshots: %w", err)
	}
	snapshots := indexed{files, c.fsm}
	if c.fsm.early, c.fsm.earlyAt, err = recall(c.store, snapshots, c.store.noted.Load()); err != nil {
		return err
	}
	c.store.committed = c.fsm.at
	c.streams = newStreams(c.id, c.open, c.dialMember)
	c.transport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: c.streams, MaxPool: 3, Timeout: transportTime, Logger: rc.Logger, MsgpackUseNewTimeFormat: true,
		// No pipeline: when a follower refuses an entry, its two ends may wait for each
		// other for ever, while heartbeats keep the follower content (hashicorp/raft#612).
		MaxRPCsInFlight: 1,
	})
	known, err := raft.HasExistingState(c.store, c.store, snapshots)
	if err != nil {
		return fmt.Errorf("look for a state: %w", err)
	}
	if !known && !c.joined {
		servers := raft.Configuration{Servers: []raft.Server{{ID: rc.LocalID, Address: raft.ServerAddress(c.id)}}}
		if err := raft.BootstrapCluster(rc, c.store, c.store, snapshots, c.transport, servers); err != nil {
			return fmt.Errorf("bootstrap: %w", err)
		}
	}
	if c.raft, err = raft.NewRaft(rc, c.fsm, c.store, c.store, snapshots, c.transport); err != nil {
		return fmt.Errorf("start raft: %w", err)
	}
	if c.alone() {
		c.owned.Go(c.elect)
	}
	return nil
}

// alone says whether this member is the only one with a vote.
func (c *Cluster) alone() bool {
	voters := c.Voters()
	return len(voters) == 1 && voters[0] == c.id
}

// elect makes this member leader at once: its own vote is all it needs, so there is
// nobody whose heartbeat it would have to wait for.
func (c *Cluster) elect() {
	for c.alone() && c.raft.State() == raft.Follower {
		header := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(c.id), Addr: []byte(c.id)}
		err := c.transport.TimeoutNow(raft.ServerID(c.id), raft.ServerAddress(c.id), &raft.TimeoutNowRequest{RPCHeader: header}, &raft.TimeoutNowResponse{})
		if err == nil {
			return
		}
		select {
		case <-c.life.Done():
			return
		case <-time.After(20 * time.Millisecond):
			c.log.Debug("elect self", "error", err)
		}
	}
}

// Get gives the entry of kind and key as this member knows it.
func (c *Cluster) Get(kind, key string) (Entry, bool) {
	c.fsm.mu.RLock()
	defer c.fsm.mu.RUnlock()
	return c.fsm.view().Get(kind, key)
}

// List gives all entries of kind as this member knows them, ordered by key.
func (c *Cluster) List(kind string) []Entry {
	c.fsm.mu.RLock()
	defer c.fsm.mu.RUnlock()
	return c.fsm.view().List(kind)
}

// Watch gives a channel that receives after changes of kind ("" for all, and also
// when another member leads or the voters change), one signal for any number of changes, until cancel.
// Look, then wait, then look again.
func (c *Cluster) Watch(kind string) (changed <-chan struct{}, cancel func()) {
	return c.fsm.watch(kind)
}

// Epoch is the number of the current leadership. It only grows; a write that
// carries it can be refused by whoever has seen a higher one.
func (c *Cluster) Epoch() uint64 {
	c.fsm.mu.RLock()
	defer c.fsm.mu.RUnlock()
	return c.fsm.view().epoch
}

// Backup writes the state to w, but for what belongs to the cluster itself: its
// members, its authority and its tokens. It may be called at any time.
func (c *Cluster) Backup(w io.Writer) error {
	c.fsm.mu.RLock()
	defer c.fsm.mu.RUnlock()
	if err := c.fsm.view().public().Write(w); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// Restore replaces the state on all members by what Backup wrote; members,
// authority and tokens stay as they are. A damaged backup changes nothing. The
// epoch and the versions go on from the higher of both. Only the leader can.
func (c *Cluster) Restore(r io.Reader) error {
	backup, err := ReadState(r)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if !c.Leads() {
		return fmt.Errorf("restore: %w", ErrNotLeader)
	}
	// No command is under way meanwhile: what is merged here is what there is.
	c.change.Lock()
	defer c.change.Unlock()
	floor, err := c.restore(backup)
	if err == nil {
		_, _, err = c.apply(c.life, floor)
	}
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// restore brings a state in, and gives the command that begins an epoch above both.
func (c *Cluster) restore(backup *State) (Command, error) {
	floor := Command{Op: OpEpoch}
	err := c.askRaft(context.Background(), func() error {
		if err := c.raft.Barrier(c.cfg.timing.propose).Error(); err != nil {
			return err
		}
		c.fsm.mu.RLock()
		floor.Epoch, floor.Version = c.fsm.state.epoch, c.fsm.state.version
		backup.adopt(c.fsm.state)
		c.fsm.mu.RUnlock()
		var b bytes.Buffer
		if err := backup.Write(&b); err != nil {
			return err
		}
		meta := &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, Size: int64(b.Len())}
		return c.raft.Restore(meta, &b, 0)
	})
	return floor, err
}

// askRaft runs fn, which waits for an answer of raft, and gives that answer, or the
// end of ctx.
func (c *Cluster) askRaft(ctx context.Context, fn func() error) error {
	done := make(chan error, 1)
	if !c.spawnIn(&c.asked, func() { done <- fn() }) {
		return ErrClosed
	}
	select {
	case err := <-done:
		return raftError(err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// raftError gives our error for one of raft.
func raftError(err error) error {
	switch {
	case errors.Is(err, raft.ErrRaftShutdown):
		return ErrClosed
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipLost), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return fmt.Errorf("%w: %w", ErrNotLeader, err)
	}
	return err
}
