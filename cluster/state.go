package cluster

import (
	"cmp"
	"fmt"
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
	OpBatch  Op = 4 // all of Batch or nothing; from level 2 on
	OpCheck  Op = 5 // only in a batch: changes nothing, but Expect must hold; from level 2 on
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
	At     time.Time `json:"at,omitzero"`      // when it was proposed
	By     string    `json:"by,omitempty"`     // member that proposed it

	// Floors of OpEpoch: the epoch and the version are raised above these, so that
	// neither goes back when an old backup is restored.
	Epoch   uint64 `json:"epoch,omitempty"`
	Version uint64 `json:"version,omitempty"`

	// From level 2 on.
	ID    string    `json:"id,omitempty"`    // of the proposal: repeated, it is not applied again
	Fence uint64    `json:"fence,omitempty"` // epoch that must be the current one; 0: any
	Batch []Command `json:"batch,omitempty"` // of OpBatch: puts, deletes and checks of different entries
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
	Version  uint64 `json:"version"`            // of the entry after the command, 0 when it is not there; of a batch: of its last put
	Conflict bool   `json:"conflict,omitempty"` // an Expect did not hold; nothing was changed, Version is of the entry in the way
	Fenced   bool   `json:"fenced,omitempty"`   // Fence is not the current epoch; nothing was changed
}

func (r Result) refused() bool { return r.Conflict || r.Fenced }

// remembered is how many of the last proposals are known by their ID. A repetition
// comes within seconds of the first attempt; nothing that many members decide by
// hand comes close to this number meanwhile.
const remembered = 512

// answered is a proposal that was applied, and its result.
type answered struct {
	ID string `json:"id"`
	Result
}

type place struct{ kind, key string }

// State is what all members agree on. It is pure: no clock, no randomness, no
// input or output, no log. It is not safe for use from several goroutines.
type State struct {
	entries map[place]Entry
	version uint64 // last one given
	epoch   uint64
	recent  []answered // oldest first
}

// NewState gives the empty state.
func NewState() *State { return &State{entries: map[place]Entry{}} }

// Apply changes the state by one command. It panics on a command that it does not
// know: a member that skipped one would silently differ from the others.
func (s *State) Apply(c Command) Result {
	if c.ID == "" {
		return s.apply(c)
	}
	for _, a := range slices.Backward(s.recent) {
		if a.ID == c.ID {
			return a.Result
		}
	}
	r := s.apply(c)
	if len(s.recent) == remembered {
		s.recent = slices.Delete(s.recent, 0, 1)
	}
	s.recent = append(s.recent, answered{c.ID, r})
	return r
}

func (s *State) apply(c Command) Result {
	if c.Op == OpEpoch {
		s.epoch = max(s.epoch, c.Epoch) + 1
		s.version = max(s.version, c.Version)
		return Result{}
	}
	if c.Fence != 0 && c.Fence != s.epoch {
		return Result{Fenced: true}
	}
	parts := c.Batch
	if c.Op != OpBatch {
		parts = []Command{c}
	}
	for _, p := range parts {
		if known := p.Op == OpPut || p.Op == OpDelete || (p.Op == OpCheck && c.Op == OpBatch); !known {
			panic(fmt.Sprintf("cluster: unknown command %d: the log is of a later version", p.Op))
		}
		if v := s.entries[place{p.Kind, p.Key}].Version; p.Expect != AnyVersion && p.Expect != v { // version 0 when it is not there
			return Result{Version: v, Conflict: true}
		}
	}
	var r Result
	for _, p := range parts {
		at := place{p.Kind, p.Key}
		switch p.Op {
		case OpDelete:
			delete(s.entries, at)
		case OpPut:
			s.version++
			s.entries[at] = Entry{Kind: p.Kind, Key: p.Key, Value: slices.Clone(p.Value), Version: s.version, UpdatedAt: c.At.UTC()}
			r.Version = s.version
		}
	}
	return r
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
