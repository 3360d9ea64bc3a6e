package node

import (
	"slices"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

func TestOverdue(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	a, b := queue.HandedOut{Consumer: "norm", Seq: 7, ID: "a", Work: true}, queue.HandedOut{Consumer: "norm", Seq: 9, ID: "b", Work: true}
	kept := queue.HandedOut{Consumer: "archive", Seq: 9, ID: "b"}
	var o overdue
	for _, step := range []struct {
		after  time.Duration
		out    []queue.HandedOut
		inHand doc.ID
		want   []string
	}{
		{0, []queue.HandedOut{a}, "a", nil},
		{overdueAfter, []queue.HandedOut{a}, "a", nil}, // somebody reads it, however long
		{overdueAfter + time.Second, []queue.HandedOut{a}, "", nil},
		{2 * overdueAfter, []queue.HandedOut{a}, "", nil},
		{2*overdueAfter + time.Second, []queue.HandedOut{a}, "", []string{"norm"}},
		{2*overdueAfter + 2*time.Second, []queue.HandedOut{a}, "", nil}, // called back a moment ago
		{3 * overdueAfter, []queue.HandedOut{b}, "", nil},               // it was answered
		{4*overdueAfter - time.Second, []queue.HandedOut{b}, "b", nil},  // it came again by itself
		{4 * overdueAfter, []queue.HandedOut{b, kept}, "", nil},
		{5 * overdueAfter, []queue.HandedOut{b, kept}, "b", []string{"archive"}}, // who reads a document does not archive it
	} {
		if got := o.look(begin.Add(step.after), step.out, func(id doc.ID) bool { return id == step.inHand }); !slices.Equal(got, step.want) {
			t.Errorf("after %s: %v, want %v", step.after, got, step.want)
		}
	}
}
