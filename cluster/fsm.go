package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// fsm is the thin layer between raft and State: it decodes, locks, tells watchers
// and knows how far it is.
type fsm struct {
	mu       sync.RWMutex
	state    *State
	applied  uint64                   // index of the last command in state
	opened   uint64                   // index of the snapshot that raft opened last
	moved    chan struct{}            // closed when applied grows
	watchers map[chan struct{}]string // the kind each watches; "" is all

	// What this member knew to be committed when it stopped. After a start raft
	// applies nothing before a leader says how far the log is committed; until
	// then, and until the state is as far again, reads are answered from here.
	early   *State
	earlyAt uint64
}

func newFSM() *fsm {
	return &fsm{state: NewState(), moved: make(chan struct{}), watchers: map[chan struct{}]string{}}
}

func decode(data []byte) (Command, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var c Command
	if err := dec.Decode(&c); err != nil {
		return Command{}, fmt.Errorf("decode command: %w", err)
	}
	return c, nil
}

// view is the state that reads are answered from. A lock is held.
func (f *fsm) view() *State {
	if f.early != nil {
		return f.early
	}
	return f.state
}

// Apply implements raft.FSM.
func (f *fsm) Apply(l *raft.Log) any {
	c, err := decode(l.Data)
	if err != nil {
		panic(fmt.Sprintf("cluster: entry %d of the log: %v", l.Index, err))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	result := f.state.Apply(c)
	f.advance(l.Index)
	if result.refused() {
		return result
	}
	if c.Op != OpBatch {
		f.tell(c.Kind)
	}
	for _, p := range c.Batch {
		f.tell(p.Kind)
	}
	return result
}

// advance notes that the state is at index. The lock is held.
func (f *fsm) advance(index uint64) {
	f.applied = index
	if f.early != nil && index >= f.earlyAt {
		f.early = nil
	}
	close(f.moved)
	f.moved = make(chan struct{})
}

// wait answers when all commands up to index are applied here.
func (f *fsm) wait(ctx context.Context, index uint64) error {
	for {
		f.mu.RLock()
		applied, moved := f.applied, f.moved
		f.mu.RUnlock()
		if applied >= index {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (f *fsm) at() uint64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.applied
}

// tell wakes the watchers of kind; "" wakes all. The lock is held.
func (f *fsm) tell(kind string) {
	for w, watched := range f.watchers {
		if kind == "" || watched == "" || watched == kind {
			select {
			case w <- struct{}{}:
			default:
			}
		}
	}
}

// wake wakes the watchers of everything, for what is not in the state.
func (f *fsm) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tell("\x00")
}

func (f *fsm) watch(kind string) (<-chan struct{}, func()) {
	w := make(chan struct{}, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watchers[w] = kind
	return w, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers, w)
	}
}

// Snapshot implements raft.FSM. The state is small enough to be written at once.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var b bytes.Buffer
	if err := f.state.Write(&b); err != nil {
		return nil, err
	}
	return stateSnapshot(b.Bytes()), nil
}

// Restore implements raft.FSM.
func (f *fsm) Restore(r io.ReadCloser) error {
	defer r.Close()
	state, err := ReadState(r)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = state
	f.advance(f.opened)
	f.tell("")
	return nil
}

type stateSnapshot []byte

// Persist implements raft.FSMSnapshot.
func (s stateSnapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := sink.Write(s); err != nil {
		_ = sink.Cancel() // the write's error is the cause
		return fmt.Errorf("write snapshot: %w", err)
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot.
func (stateSnapshot) Release() {}

// indexed is a store of snapshots that tells the fsm which index it restores: raft
// does not.
type indexed struct {
	raft.SnapshotStore
	fsm *fsm
}

// Open implements raft.SnapshotStore.
func (s indexed) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, r, err := s.SnapshotStore.Open(id)
	if err == nil {
		s.fsm.mu.Lock()
		s.fsm.opened = meta.Index
		s.fsm.mu.Unlock()
	}
	return meta, r, err
}

// recall reads what is on the disk up to the entry until, the last that is known
// to be committed, without raft. It gives the index that the state has.
func recall(st *store, snapshots raft.SnapshotStore, until uint64) (*State, uint64, error) {
	state, index := NewState(), uint64(0)
	list, err := snapshots.List()
	if err != nil {
		return nil, 0, fmt.Errorf("list snapshots: %w", err)
	}
	for _, meta := range list { // newest first; raft goes on to the next in the same way
		_, r, err := snapshots.Open(meta.ID)
		if err != nil {
			continue
		}
		s, err := ReadState(r)
		r.Close()
		if err == nil {
			state, index = s, meta.Index
			break
		}
	}
	last, err := st.LastIndex()
	if err != nil {
		return nil, 0, fmt.Errorf("find the end of the log: %w", err)
	}
	for i := index + 1; i <= min(until, last); i++ {
		var l raft.Log
		if err := st.GetLog(i, &l); err != nil {
			return nil, 0, fmt.Errorf("read entry %d of the log: %w", i, err)
		}
		if l.Type != raft.LogCommand {
			continue
		}
		c, err := decode(l.Data)
		if err != nil {
			return nil, 0, fmt.Errorf("entry %d of the log: %w", i, err)
		}
		state.Apply(c)
		index = i
	}
	return state, index, nil
}
