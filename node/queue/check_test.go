package queue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/queue"
)

// copyOf is a copy with messages 1 to last, of which some are missing.
func copyOf(last, missing uint64) queue.ReplicaState {
	return queue.ReplicaState{Stream: "DOCS", Leader: "a", First: 1, Last: last, Messages: last - missing, Replicas: 3}
}

// check is what three servers say; nil: no copy there.
func check(a, b, c *queue.ReplicaState) []queue.ServerState {
	var out []queue.ServerState
	for i, r := range []*queue.ReplicaState{a, b, c} {
		s := queue.ServerState{Name: string(rune('a' + i))}
		if r != nil {
			one := *r
			if i == 0 {
				one.Followers = []queue.Follower{{Name: "b", Current: true}, {Name: "c", Current: true}}
			}
			s.Streams = append(s.Streams, one)
		}
		out = append(out, s)
	}
	return out
}

func TestBadReplicas(t *testing.T) {
	t.Parallel()
	c := func(last, missing uint64) *queue.ReplicaState { r := copyOf(last, missing); return &r }
	with := func(r *queue.ReplicaState, mod func(*queue.ReplicaState)) *queue.ReplicaState { mod(r); return r }
	lost := func(r *queue.ReplicaState) *queue.ReplicaState {
		return with(r, func(r *queue.ReplicaState) { r.Lost = 7 })
	}
	moving := func(r *queue.ReplicaState) *queue.ReplicaState {
		return with(r, func(r *queue.ReplicaState) { r.Moving = "adding peer" })
	}
	aged := func(r *queue.ReplicaState) *queue.ReplicaState {
		return with(r, func(r *queue.ReplicaState) { r.MaxAge = time.Hour })
	}
	headless := func(last, first uint64) *queue.ReplicaState {
		return with(c(last, 0), func(r *queue.ReplicaState) { r.First, r.Messages = first, last-first+1 })
	}
	gone := check(c(9, 0), c(9, 0), c(9, 0))[:2]
	off := check(c(9, 0), c(9, 0), nil)
	off[2].Disabled = true
	cases := map[string]struct {
		history [][]queue.ServerState
		want    []string // server: reason
	}{
		"too few checks":            {[][]queue.ServerState{check(c(9, 0), c(9, 0), c(5, 0))}, nil},
		"all well and idle":         {[][]queue.ServerState{check(c(9, 0), c(9, 0), c(9, 0)), check(c(9, 0), c(9, 0), c(9, 0)), check(c(9, 0), c(9, 0), c(9, 0))}, nil},
		"behind and getting on":     {[][]queue.ServerState{check(c(90, 0), c(90, 0), c(5, 0)), check(c(90, 0), c(90, 0), c(6, 0)), check(c(90, 0), c(90, 0), c(7, 0))}, nil},
		"still while all are still": {[][]queue.ServerState{check(c(9, 0), c(8, 0), c(8, 0)), check(c(9, 0), c(9, 0), c(9, 0)), check(c(9, 0), c(9, 0), c(9, 0))}, nil},
		"lags one write each time":  {[][]queue.ServerState{check(c(9, 0), c(9, 0), c(8, 0)), check(c(10, 0), c(10, 0), c(9, 0)), check(c(11, 0), c(11, 0), c(10, 0))}, nil},
		"cut and stands still":      {[][]queue.ServerState{check(c(30, 0), c(30, 0), c(15, 0)), check(c(30, 0), c(30, 0), c(15, 0)), check(c(31, 0), c(31, 0), c(15, 0))}, []string{"c: it stays at sequence 15, others are at 31"}},
		"a hole":                    {[][]queue.ServerState{check(c(30, 0), c(30, 0), c(30, 4)), check(c(31, 0), c(31, 0), c(31, 4)), check(c(32, 0), c(32, 0), c(32, 4))}, []string{"c: it misses 4 messages up to sequence 32"}},
		"a hole in the leader":      {[][]queue.ServerState{check(c(30, 4), c(30, 0), c(30, 0)), check(c(31, 4), c(31, 0), c(30, 0)), check(c(32, 4), c(32, 0), c(32, 0))}, []string{"a: it misses 4 messages up to sequence 32"}},
		"the leader stands still":   {[][]queue.ServerState{check(c(15, 0), c(30, 0), c(30, 0)), check(c(15, 0), c(30, 0), c(30, 0)), check(c(15, 0), c(30, 0), c(30, 0))}, []string{"a: it stays at sequence 15, others are at 30"}},
		"without its first block":   {[][]queue.ServerState{check(c(30, 0), c(30, 0), headless(30, 11)), check(c(30, 0), c(30, 0), headless(30, 11)), check(c(30, 0), c(30, 0), headless(30, 11))}, []string{"c: it misses 10 messages up to sequence 30"}},
		"erasures on their way":     {[][]queue.ServerState{check(c(30, 0), c(30, 0), c(30, 4)), check(c(30, 4), c(30, 4), c(30, 9)), check(c(30, 9), c(30, 9), c(30, 9))}, nil},
		"both miss the same":        {[][]queue.ServerState{check(c(30, 4), c(30, 4), c(30, 4)), check(c(30, 4), c(30, 4), c(30, 4)), check(c(30, 4), c(30, 4), c(30, 4))}, nil},
		"expires by its own clock":  {[][]queue.ServerState{check(aged(c(30, 0)), aged(c(30, 0)), aged(c(30, 4))), check(aged(c(30, 0)), aged(c(30, 0)), aged(c(30, 4))), check(aged(c(30, 0)), aged(c(30, 0)), aged(c(30, 4)))}, nil},
		"knows of loss":             {[][]queue.ServerState{check(c(30, 0), c(30, 0), lost(c(30, 0))), check(c(30, 0), c(30, 0), lost(c(30, 0))), check(c(30, 0), c(30, 0), lost(c(30, 0)))}, []string{"c: it has lost 7 messages"}},
		"not there":                 {[][]queue.ServerState{check(c(30, 0), c(30, 0), nil), check(c(30, 0), c(30, 0), nil), check(c(30, 0), c(30, 0), nil)}, []string{"c: the server does not have it"}},
		"being moved":               {[][]queue.ServerState{check(c(30, 0), c(30, 0), nil), check(moving(c(30, 0)), c(30, 0), nil), check(c(30, 0), c(30, 0), nil)}, nil},
		"did not answer once":       {[][]queue.ServerState{check(c(9, 0), c(9, 0), c(5, 0)), gone, check(c(9, 0), c(9, 0), c(5, 0))}, nil},
		"switched off":              {[][]queue.ServerState{off, off, off}, nil},
		"only the last checks":      {[][]queue.ServerState{check(c(9, 0), c(9, 0), c(5, 0)), check(c(9, 0), c(9, 0), c(9, 0)), check(c(9, 0), c(9, 0), c(9, 0)), check(c(9, 0), c(9, 0), c(9, 0))}, nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, b := range queue.BadReplicas(tc.history, 3) {
				got = append(got, fmt.Sprintf("%s: %s", b.Server, b.Reason))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSafeToReset(t *testing.T) {
	t.Parallel()
	c := func() *queue.ReplicaState { r := copyOf(9, 0); return &r }
	now := check(c(), c(), c())
	lagging := check(c(), c(), c())
	lagging[0].Streams[0].Followers[0].Lag = 3
	leaderless := check(nil, c(), c())
	alone := []queue.ServerState{{Name: "a", Streams: []queue.ReplicaState{{Stream: "DOCS", Leader: "a", Replicas: 1}}}, {Name: "b"}}
	cases := map[string]struct {
		now    []queue.ServerState
		server string
		bad    []queue.BadReplica
		want   bool
	}{
		"a follower":               {now, "c", nil, true},
		"the leader":               {now, "a", nil, true},
		"while another is behind":  {lagging, "c", nil, false},
		"the one that is behind":   {lagging, "b", nil, true},
		"while another is bad too": {now, "c", []queue.BadReplica{{Server: "b"}, {Server: "c"}}, false},
		"without a leader":         {leaderless, "c", nil, false},
		"the only copy":            {alone, "a", nil, false},
		"without a copy":           {alone, "b", nil, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := queue.SafeToReset(tc.now, tc.server, tc.bad); (err == nil) != tc.want {
				t.Errorf("got %v", err)
			}
		})
	}
}
