package cluster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// Op is the number of a command. Numbers are written into logs and snapshots that
// later versions read: they are appended to, never changed and never used again.
type Op uint8

// The commands.
const (
	OpEpoch  Op = 1 // a new leader begins: raises the epoch
	OpPut    Op = 2 // sets the value of Kind and Key
	OpDelete Op = 3 // removes it
)

// AnyVersion is an Expect that always holds.
const AnyVersion = ^uint64(0)

// Command is one entry of the log. Times and anything random are fields of it, so
// that every member computes the same.
type Command struct {
	Op     Op        `json:"op"`
	Kind   string    `json:"kind,omitempty"`   // section: user, apikey, type, policy, setting, member …
	Key    string    `json:"key,omitempty"`    //
	Value  []byte    `json:"value,omitempty"`  // whatever the owner of the kind makes of it
	Expect uint64    `json:"expect,omitempty"` // version it must have: 0 not there, AnyVersion whichever
	At     time.Time `json:"at"`               // when it was proposed
	By     string    `json:"by,omitempty"`     // member that proposed it

	// Floors of OpEpoch: the epoch and the version are raised above these, so that
	// neither goes back when an old backup is restored.
	Epoch   uint64 `json:"epoch,omitempty"`
	Version uint64 `json:"version,omitempty"`
}

// Entry is one value of the state.
type Entry struct {
	Kind      string    `json:"kind"`
	Key       string    `json:"key"`
	Value     []byte    `json:"value"`
	Version   uint64    `json:"version"` // unique in the whole state, never given twice
	UpdatedAt time.Time `json:"updated_at"`
}

// Result is the answer to a command.
type Result struct {
	Version  uint64 // of the entry after the command; 0 when it is not there
	Conflict bool   // Expect did not hold; nothing was changed
}

type place struct{ kind, key string }

// State is what all members agree on. It is pure: no clock, no randomness, no
// input or output, no log. It is not safe for use from several goroutines.
type State struct {
	entries map[place]Entry
	version uint64 // last one given
	epoch   uint64
}

// NewState gives the empty state.
func NewState() *State { return &State{entries: map[place]Entry{}} }

// Apply changes the state by one command. It panics on a command that it does not
// know: a member that skipped one would silently differ from the others.
func (s *State) Apply(c Command) Result {
	switch c.Op {
	case OpEpoch:
		s.epoch = max(s.epoch, c.Epoch) + 1
		s.version = max(s.version, c.Version)
		return Result{}
	case OpPut, OpDelete:
	default:
		panic(fmt.Sprintf("cluster: unknown command %d: the log is of a later version", c.Op))
	}
	at := place{c.Kind, c.Key}
	old := s.entries[at] // version 0 when it is not there
	if c.Expect != AnyVersion && c.Expect != old.Version {
		return Result{Version: old.Version, Conflict: true}
	}
	if c.Op == OpDelete {
		delete(s.entries, at)
		return Result{}
	}
	s.version++
	s.entries[at] = Entry{Kind: c.Kind, Key: c.Key, Value: slices.Clone(c.Value), Version: s.version, UpdatedAt: c.At.UTC()}
	return Result{Version: s.version}
}

// Get gives the entry of kind and key.
func (s *State) Get(kind, key string) (Entry, bool) {
	e, ok := s.entries[place{kind, key}]
	e.Value = slices.Clone(e.Value)
	return e, ok
}

// List gives all entries of kind, ordered by key.
func (s *State) List(kind string) []Entry {
	var out []Entry
	for at, e := range s.entries {
		if at.kind == kind {
			e.Value = slices.Clone(e.Value)
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

// snapshotFormat is the number of the form below. A later one is refused.
const snapshotFormat = 1

type snapshot struct {
	Format  int     `json:"format"`
	Epoch   uint64  `json:"epoch"`
	Version uint64  `json:"version"`
	Entries []Entry `json:"entries"`
}

// Write writes the state; equal states give equal bytes.
func (s *State) Write(w io.Writer) error {
	snap := snapshot{Format: snapshotFormat, Epoch: s.epoch, Version: s.version, Entries: []Entry{}}
	for _, e := range s.entries {
		snap.Entries = append(snap.Entries, e)
	}
	slices.SortFunc(snap.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
	})
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	if err := enc.Encode(snap); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}

// ReadState reads what Write wrote, or says why it cannot be that.
func ReadState(r io.Reader) (*State, error) {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	var snap snapshot
	if err := dec.Decode(&snap); err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	if snap.Format != snapshotFormat {
		return nil, fmt.Errorf("read state: format %d, this version knows %d", snap.Format, snapshotFormat)
	}
	s := &State{entries: make(map[place]Entry, len(snap.Entries)), version: snap.Version, epoch: snap.Epoch}
	for _, e := range snap.Entries {
		at := place{e.Kind, e.Key}
		if _, twice := s.entries[at]; twice || e.Kind == "" || e.Key == "" || e.Version == 0 || e.Version > snap.Version {
			return nil, fmt.Errorf("read state: entry %s/%s is not possible", e.Kind, e.Key)
		}
		s.entries[at] = e
	}
	return s, nil
}
