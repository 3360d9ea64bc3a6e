package queue

import (
	"fmt"
	"math"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// BadReplica is a copy that cannot be trusted.
type BadReplica struct {
	Server string
	Stream string
	Reason string
	From   uint64 // first sequence that readers may have been led past, for Recall
}

// BadReplicas judges copies by what their servers said at the last checks, oldest
// first. A copy is bad when at each of these checks it knew of loss, was not there,
// missed messages that another copy has, or stood still behind where another copy
// was at the first of them. It is compared with the best copy and not with the
// leader's, which may be the bad one; what was acknowledged is on a majority. A server
// that did not always answer is not judged, nor is a stream whose copies are being
// changed. checks is how many of history count, at least 2; they should lie some
// seconds apart, and fewer give no answer.
func BadReplicas(history [][]ServerState, checks int) []BadReplica {
	checks = max(checks, 2)
	if len(history) < checks {
		return nil
	}
	history = history[len(history)-checks:]
	var bad []BadReplica
	for _, server := range history[0] {
		for _, stream := range streamsIn(history) {
			if why, from := judge(history, server.Name, stream); why != "" {
				bad = append(bad, BadReplica{server.Name, stream, why, from})
			}
		}
	}
	return bad
}

// streamsIn names the streams that are not being moved.
func streamsIn(history [][]ServerState) []string {
	moving := map[string]bool{}
	for _, servers := range history {
		for _, s := range servers {
			for _, r := range s.Streams {
				moving[r.Stream] = moving[r.Stream] || r.Moving != ""
			}
		}
	}
	var names []string
	for name, m := range moving {
		if !m {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// sight is what one check showed of one copy, and of the best of the others.
type sight struct {
	copy     ReplicaState
	there    bool
	expected bool // the leader counts on this copy
	missing  uint64
	best     uint64 // the fewest that another copy misses
	ahead    uint64 // the highest sequence of another copy
}

// judge says why a copy is bad, or "", and from which sequence on it is not whole.
func judge(history [][]ServerState, server, stream string) (why string, from uint64) {
	var sights []sight
	for _, servers := range history {
		s, answered := look(servers, server, stream)
		if !answered {
			return "", 0
		}
		sights = append(sights, s)
	}
	all := func(ok func(sight) bool) bool {
		return !slices.ContainsFunc(sights, func(s sight) bool { return !ok(s) })
	}
	first, last := sights[0], sights[len(sights)-1]
	if all(func(s sight) bool { return !s.there && s.expected }) {
		return "the server does not have it", 1
	}
	if !all(func(s sight) bool { return s.there }) {
		return "", 0
	}
	if all(func(s sight) bool { return s.copy.Lost > 0 }) {
		return fmt.Sprintf("it has lost %d messages", last.copy.Lost), 1
	}
	// Erasures reach the copies one after the other: more must be missing here than
	// anywhere at any time of these.
	least, most := uint64(math.MaxUint64), uint64(0)
	for _, s := range sights {
		least, most = min(least, s.missing), max(most, s.best)
	}
	if last.copy.MaxAge == 0 && least > most {
		return fmt.Sprintf("it misses %d messages up to sequence %d", least-most, last.copy.Last), 1
	}
	if all(func(s sight) bool { return s.copy.Last == first.copy.Last && s.copy.Last < first.ahead }) {
		return fmt.Sprintf("it stays at sequence %d, others are at %d", last.copy.Last, last.ahead), last.copy.Last + 1
	}
	return "", 0
}

// look finds a server's copy of a stream in what all servers said at one time.
func look(servers []ServerState, server, stream string) (s sight, answered bool) {
	first := uint64(math.MaxUint64)
	var others []ReplicaState
	for _, at := range servers {
		answered = answered || at.Name == server && !at.Disabled
		for _, r := range at.Streams {
			if r.Stream != stream {
				continue
			}
			s.expected = s.expected || slices.ContainsFunc(r.Followers, func(f Follower) bool { return f.Name == server })
			if r.Messages > 0 {
				first = min(first, r.First)
			}
			if at.Name == server {
				s.copy, s.there = r, true
			} else {
				others = append(others, r)
			}
		}
	}
	missing := func(r ReplicaState) uint64 {
		if r.Last < first {
			return 0
		}
		return r.Last - first + 1 - min(r.Messages, r.Last-first+1)
	}
	s.missing, s.best = missing(s.copy), uint64(math.MaxUint64)
	for _, r := range others {
		s.ahead = max(s.ahead, r.Last)
		if r.Last >= s.copy.Last { // one that is behind proves nothing
			s.best = min(s.best, missing(r))
		}
	}
	return s, answered
}

// SafeToReset says why a server's copies must not be given up now, or nil: of every
// stream a majority of the copies is on other servers that lead, or follow without
// being behind, and that are not in bad.
func SafeToReset(now []ServerState, server string, bad []BadReplica) error {
	trusted := func(name string) bool {
		return name != server && !slices.ContainsFunc(bad, func(b BadReplica) bool { return b.Server == name })
	}
	good, want := map[string]int{}, map[string]int{}
	for _, s := range now {
		for _, r := range s.Streams {
			want[r.Stream] += 0 // known, also without a leader
			if !r.Leads(s.Name) {
				continue
			}
			want[r.Stream] = r.Replicas
			if trusted(s.Name) {
				good[r.Stream]++
			}
			for _, f := range r.Followers {
				if trusted(f.Name) && f.Current && !f.Offline && f.Lag == 0 {
					good[r.Stream]++
				}
			}
		}
	}
	for stream, n := range want {
		if n == 0 {
			return doc.Errorf(doc.Unavailable, "nobody leads stream %s", stream)
		}
		if good[stream] <= n/2 {
			return doc.Errorf(doc.Unavailable, "stream %s has %d good copies beside that of %s, and should have %d in all", stream, good[stream], server, n)
		}
	}
	return nil
}
