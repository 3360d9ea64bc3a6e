package cluster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// The forms of a snapshot. Format 2 has the proposals that are remembered; a state
// without any, which is one below level 2, is written in format 1, so that the
// version before can read it.
const (
	firstFormat  = 1
	latestFormat = 2
)

type snapshot struct {
	Format  int        `json:"format"`
	Epoch   uint64     `json:"epoch"`
	Version uint64     `json:"version"`
	Entries []Entry    `json:"entries"`
	Recent  []answered `json:"recent,omitempty"`
}

// Write writes the state; equal states give equal bytes.
func (s *State) Write(w io.Writer) error {
	snap := snapshot{Format: firstFormat, Epoch: s.epoch, Version: s.version, Entries: []Entry{}, Recent: s.recent}
	if len(s.recent) > 0 {
		snap.Format = latestFormat
	}
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
	if snap.Format < firstFormat || snap.Format > latestFormat {
		return nil, fmt.Errorf("read state: format %d, this version knows up to %d", snap.Format, latestFormat)
	}
	s := &State{entries: make(map[place]Entry, len(snap.Entries)), version: snap.Version, epoch: snap.Epoch, recent: snap.Recent}
	for _, e := range snap.Entries {
		at := place{e.Kind, e.Key}
		if _, twice := s.entries[at]; twice || e.Kind == "" || e.Key == "" || e.Version == 0 || e.Version > snap.Version {
			return nil, fmt.Errorf("read state: entry %s/%s is not possible", e.Kind, e.Key)
		}
		s.entries[at] = e
	}
	seen := map[string]bool{"": true}
	for _, a := range snap.Recent {
		if seen[a.ID] || len(snap.Recent) > remembered || snap.Format < latestFormat {
			return nil, fmt.Errorf("read state: proposal %q is not possible", a.ID)
		}
		seen[a.ID] = true
	}
	return s, nil
}

// own says whether a kind belongs to the cluster itself: it is not part of a
// backup, and restoring one does not touch it. A box that is restored keeps its
// own identity, and the key of the certificate authority stays where it is.
func own(kind string) bool {
	return kind == kindMember || kind == kindCluster || kind == kindToken
}

// public gives the state without what belongs to the cluster itself.
func (s *State) public() *State {
	out := &State{entries: map[place]Entry{}, version: s.version, epoch: s.epoch}
	for at, e := range s.entries {
		if !own(at.kind) {
			out.entries[at] = e
		}
	}
	return out
}

// adopt puts what belongs to the cluster itself in from into s.
func (s *State) adopt(from *State) {
	for at := range s.entries {
		if own(at.kind) {
			delete(s.entries, at)
		}
	}
	for at, e := range from.entries {
		if own(at.kind) {
			s.entries[at] = e
		}
	}
	s.version, s.recent = max(s.version, from.version), from.recent
}
