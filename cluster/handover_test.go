package cluster

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// A leader that refuses commands for minutes hangs; one that hands over twice, or took a
// command in between, does not.
func TestHandingOver(t *testing.T) {
	t.Parallel()
	refused := raftError(raft.ErrLeadershipTransferInProgress)
	type event struct {
		after time.Duration
		err   error
	}
	every := func(step time.Duration, n int, err error) (out []event) {
		for range n {
			out = append(out, event{step, err})
		}
		return out
	}
	for name, c := range map[string]struct {
		events []event
		want   bool
	}{
		"nothing happened":      {nil, false},
		"it refuses for long":   {every(time.Second, 130, refused), true},
		"a hand-over":           {every(time.Second, 20, refused), false},
		"two, hours apart":      {append(every(time.Second, 20, refused), event{3 * time.Hour, refused}), false},
		"one taken in between":  {append(append(every(time.Second, 100, refused), event{time.Second, nil}), every(time.Second, 100, refused)...), false},
		"it did not lead":       {append(every(time.Second, 130, refused), event{time.Second, raftError(raft.ErrNotLeader)}), false},
		"it failed otherwise":   {append(every(time.Second, 130, refused), event{time.Second, errors.New("disk")}), false},
		"seldom, but for hours": {every(50*time.Second, 10, refused), true},
	} {
		var r handingOver
		now := time.Now()
		for _, e := range c.events {
			now = now.Add(e.after)
			r.note(e.err, now)
		}
		if got := r.endless(); got != c.want {
			t.Errorf("%s: endless %v, want %v", name, got, c.want)
		}
	}
}
