package node

import (
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

func TestOverdue(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	a, b := queue.HandedOut{Lane: "norm", Seq: 7, ID: "a"}, queue.HandedOut{Lane: "norm", Seq: 9, ID: "b"}
	var o overdue
	for _, step := range []struct {
		after  time.Duration
		out    []queue.HandedOut
		inHand doc.ID
		want   bool
	}{
		{0, []queue.HandedOut{a}, "a", false},
		{overdueAfter, []queue.HandedOut{a}, "a", false}, // somebody reads it, however long
		{overdueAfter + time.Second, []queue.HandedOut{a}, "", false},
		{2 * overdueAfter, []queue.HandedOut{a}, "", false},
		{2*overdueAfter + time.Second, []queue.HandedOut{a}, "", true},
		{2*overdueAfter + 2*time.Second, []queue.HandedOut{a}, "", false}, // called back a moment ago
		{3 * overdueAfter, []queue.HandedOut{b}, "", false},               // it was answered
		{4*overdueAfter - time.Second, []queue.HandedOut{b}, "b", false},  // it came again by itself
		{4 * overdueAfter, []queue.HandedOut{b}, "", false},
	} {
		if got := o.look(begin.Add(step.after), step.out, func(id doc.ID) bool { return id == step.inHand }); got != step.want {
			t.Errorf("after %s: %v, want %v", step.after, got, step.want)
		}
	}
}
