package blob

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Member is one of the machines that keep copies.
type Member struct {
	ID      string // node ID
	Name    string // as people call it
	Up      bool   // answers, as far as known; one that does not is asked last
	Leaving bool   // gives its copies up: read from, no longer written to
	Came    bool   // was never the only member: what it has is on another one, too
}

// Copies are kept by this many members, and answered for by this many, or by all
// when there are fewer.
const (
	mostCopies = 3
	mostSynced = 2
)

// view is the members as they are at one moment. It does not change.
type view struct {
	self    string
	members map[string]Member // self too, unless it joins or is removed
	goal    []string          // IDs, sorted, of those that shall keep copies
	set     string            // names goal
}

func newView(self string, members []Member) *view {
	v := &view{self: self, members: map[string]Member{}}
	for _, m := range members {
		v.members[m.ID] = m
		if !m.Leaving {
			v.goal = append(v.goal, m.ID)
		}
	}
	if len(v.goal) == 0 { // alone, or not told yet
		v.goal = []string{self}
	}
	slices.Sort(v.goal)
	v.goal = slices.Compact(v.goal)
	sum := sha256.Sum256([]byte(strings.Join(v.goal, "\n")))
	v.set = hex.EncodeToString(sum[:8])
	return v
}

// changes says whether a member leaves, which waits for the copies of others.
func (v *view) changes() bool { return len(v.goal) < len(v.members) }

// copies is how many members keep an object.
func (v *view) copies() int { return min(mostCopies, len(v.goal)) }

// synced is how many members must have an object on their disk before it is
// answered for.
func (v *view) synced() int { return min(mostSynced, len(v.goal)) }

// several says whether an object is on more than one disk before it is answered for.
func (c *Copies) several() bool { return c.now.Load().synced() > 1 }

// rank gives the members that shall keep copies, those that shall keep key first.
// Every member computes the same, and one more or less moves few keys: the hash
// of key and ID is part of the format of a cluster.
func (v *view) rank(key string) []string {
	type scored struct {
		id    string
		score [sha256.Size]byte
	}
	all := make([]scored, len(v.goal))
	for i, id := range v.goal {
		all[i] = scored{id, sha256.Sum256([]byte(key + "\x00" + id))}
	}
	slices.SortFunc(all, func(a, b scored) int { return bytes.Compare(b.score[:], a.score[:]) })
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = s.id
	}
	return out
}

// owners gives the members that shall keep key, the first in rank first.
func (v *view) owners(key string) []string { return v.rank(key)[:v.copies()] }

// owns says whether this member shall keep key.
func (v *view) owns(key string) bool { return slices.Contains(v.owners(key), v.self) }

// others gives all members but this one, leaving ones too, sorted.
func (v *view) others() []string {
	var out []string
	for id := range v.members {
		if id != v.self {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// name gives what people call a member.
func (v *view) name(id string) string {
	if m := v.members[id]; m.Name != "" {
		return m.Name
	}
	return id
}

func (v *view) names(ids []string) string {
	var out []string
	for _, id := range ids {
		out = append(out, v.name(id))
	}
	return strings.Join(out, " and ")
}
