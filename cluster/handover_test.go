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

// The refusals of a leader that hands over to one who does not answer are counted, and
// forgotten when it takes commands again.
func TestHandingOverIsSeen(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.cluster(3)
	lead := l.leader()
	var heir *box
	for _, b := range l.boxes {
		if b != lead {
			heir = b
		}
	}
	l.wires.mu.Lock()
	l.wires.stall[[2]string{lead.cfg.Name, heir.cfg.Name}] = true
	l.wires.mu.Unlock()
	lead.mustPut("behind", "v") // the heir lacks it, and cannot get it
	refused := func() bool {
		lead.handing.mu.Lock()
		defer lead.handing.mu.Unlock()
		return !lead.handing.last.IsZero()
	}
	over := lead.raft.LeadershipTransferToServer(raft.ServerID(heir.id), raft.ServerAddress(heir.advertise))
	eventually(t, "a command is refused", func() bool {
		_, _, _ = lead.apply(within(t), Command{Op: OpPut, Kind: "k", Key: "try", Expect: AnyVersion})
		return refused()
	})
	if err := over.Error(); err == nil {
		t.Error("the leadership went to one who does not answer")
	}
	l.wires.mend()
	lead.mustPut("after", "v")
	if refused() {
		t.Error("refusals are remembered though a command was taken")
	}
}
