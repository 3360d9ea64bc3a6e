package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// fsm is the thin layer between raft and State: it decodes, locks and tells
// watchers.
type fsm struct {
	mu       sync.RWMutex
	state    *State
	watchers map[chan struct{}]string // the kind each watches; "" is all
}

func newFSM() *fsm {
	return &fsm{state: NewState(), watchers: map[chan struct{}]string{}}
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

// Apply implements raft.FSM.
func (f *fsm) Apply(l *raft.Log) any {
	c, err := decode(l.Data)
	if err != nil {
		panic(fmt.Sprintf("cluster: entry %d of the log: %v", l.Index, err))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	result := f.state.Apply(c)
	if !result.Conflict {
		f.tell(c.Kind)
	}
	return result
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
