package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Kinds of entries that are the cluster's own.
const (
	kindMember  = "member"    // by node ID: Member
	kindCluster = "cluster"   // "id", "ca", "level"
	kindToken   = "jointoken" // by hash of the secret: token
)

// MemberState is where a member stands between joining and leaving.
type MemberState string

// The states of a member. Joining is given by the join, Removed is for ever.
const (
	Joining  MemberState = "joining"  // has its certificate, not yet its vote
	Active   MemberState = "active"   //
	Draining MemberState = "draining" // takes no new work, keeps vote and data
	Leaving  MemberState = "leaving"  // its vote and data are being moved
	Removed  MemberState = "removed"  // kept out
)

// Member is one machine of the cluster, as all members know it.
type Member struct {
	ID      string      `json:"id"`    // node ID, new for every incarnation
	Name    string      `json:"name"`  // as people call the machine
	Peer    string      `json:"peer"`  // host:port for other members; empty: has no peer port
	Route   string      `json:"route"` // host:port of its broker's routes
	API     string      `json:"api"`   // URL of its API and UI
	State   MemberState `json:"state"`
	Version string      `json:"version"`
	Levels  [2]int      `json:"levels"` // lowest and highest feature level that it can use
	Key     string      `json:"key"`    // SHA-256 of its public key (SPKI), hex
	Skills  []string    `json:"skills,omitempty"`
	Workers int         `json:"workers"`
	Since   time.Time   `json:"since"`              // in this state
	GivenUp bool        `json:"given_up,omitempty"` // it leaves although what only it has is lost
	Founder bool        `json:"founder,omitempty"`  // it was the only member once, and may have what no other has
}

// same says whether two members agree in all that a member tells of itself.
func (m Member) same(o Member) bool {
	return m.Name == o.Name && m.Peer == o.Peer && m.Route == o.Route && m.API == o.API && m.Version == o.Version &&
		m.Levels == o.Levels && m.Key == o.Key && slices.Equal(m.Skills, o.Skills) && m.Workers == o.Workers
}

// Members gives all members that this one knows of, also removed ones, by ID.
func (c *Cluster) Members() []Member {
	if !c.introduced() {
		return slices.Clone(c.peers)
	}
	entries := c.List(kindMember)
	out := make([]Member, 0, len(entries))
	for _, e := range entries {
		if m, err := readMember(e); err == nil {
			out = append(out, m)
		} else {
			c.log.Error("read a member", "node", e.Key, "error", err)
		}
	}
	return out
}

// Member gives the member with a node ID.
func (c *Cluster) Member(id string) (Member, bool) {
	if e, ok := c.Get(kindMember, id); ok {
		m, err := readMember(e)
		return m, err == nil
	}
	if !c.introduced() {
		for _, m := range c.peers {
			if m.ID == id {
				return m, true
			}
		}
	}
	return Member{}, false
}

// introduced says whether the log has come to where this member was let in. Until
// then it knows the others from the answer to its join.
func (c *Cluster) introduced() bool {
	_, ok := c.Get(kindMember, c.id)
	return ok || len(c.peers) == 0
}

func readMember(e Entry) (m Member, err error) {
	if err = json.Unmarshal(e.Value, &m); err == nil && m.ID != e.Key {
		err = fmt.Errorf("entry %s is of %s", e.Key, m.ID)
	}
	return m, err
}

// Update changes the member with a node ID by fn, which may be called several
// times, as others change it meanwhile; its error ends the attempt. A change of
// State sets Since. Nobody comes back from Removed.
func (c *Cluster) Update(ctx context.Context, id string, fn func(*Member) error) error {
	for {
		e, ok := c.Get(kindMember, id)
		if !ok {
			return fmt.Errorf("update member %s: %w", id, ErrNoMember)
		}
		m, err := readMember(e)
		if err != nil {
			return fmt.Errorf("update member %s: %w", id, err)
		}
		was := m.State
		if err := fn(&m); err != nil {
			return err
		}
		if was == Removed && m.State != Removed {
			return fmt.Errorf("update member %s: %w", id, ErrRemoved)
		}
		if m.State != was {
			m.Since = c.now()
		}
		cmd, err := putJSON(kindMember, id, m, e.Version)
		if err != nil {
			return err
		}
		if bytes.Equal(cmd.Value, e.Value) {
			return nil
		}
		switch _, err = c.Propose(ctx, cmd); {
		case errors.Is(err, ErrConflict): // somebody was faster; what he wrote is here by now
		case err != nil:
			return fmt.Errorf("update member %s: %w", id, err)
		default:
			return nil
		}
	}
}

// putJSON gives the command that puts v as JSON.
func putJSON(kind, key string, v any, expect uint64) (Command, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return Command{}, fmt.Errorf("encode %s %s: %w", kind, key, err)
	}
	return Command{Op: OpPut, Kind: kind, Key: key, Value: data, Expect: expect}, nil
}
