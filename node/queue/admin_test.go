package queue_test

import (
	"context"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// settledOn waits until the log has n current copies and says how long it took.
func (c *cluster) settledOn(name string, n int) {
	c.t.Helper()
	until(c.t, "the copies are current", func() bool {
		servers, err := c.admins[name].Replicas(long(c.t))
		if err != nil {
			return false
		}
		for _, s := range servers {
			for _, r := range s.Streams {
				if r.Stream != "DOCS" || !r.Leads(s.Name) || r.Moving != "" {
					continue
				}
				current := 1
				for _, f := range r.Followers {
					if f.Current && !f.Offline {
						current++
					}
				}
				return current == n
			}
		}
		return false
	})
}

// One of three is lost for good; a new one takes its place under another name; then
// one of the old ones leaves in good order. Nothing is lost meanwhile.
func TestReplaceAndLeave(t *testing.T) {
	onlyLong(t)
	c := newCluster(t, "a", "b", "c")
	c.spread("a", 3)
	stop := c.steady("a", 0)
	c.leave("c")
	c.Remove(t, "c")
	if err := c.admins["a"].RemovePeer(long(t), "c"); err != nil {
		t.Fatal(err)
	}
	if err := c.admins["a"].RemovePeer(long(t), "c"); err != nil {
		t.Fatalf("once more: %v", err)
	}
	c.join("d")
	start := time.Now()
	c.settledOn("a", 3)
	t.Logf("three copies again %s after d joined", time.Since(start).Round(time.Millisecond))
	c.join("e")
	start = time.Now()
	if err := c.admins["a"].Evacuate(long(t), "b"); err != nil {
		t.Fatal(err)
	}
	t.Logf("b evacuated in %s", time.Since(start).Round(time.Millisecond))
	if err := c.admins["a"].RemovePeer(long(t), "b"); err != nil {
		t.Fatal(err)
	}
	c.leave("b")
	c.Remove(t, "b")
	c.settledOn("a", 3)
	n, stall := stop()
	t.Logf("%d documents meanwhile, longest wait %s", n, stall.Round(time.Millisecond))
	meta, err := c.admins["e"].Meta(long(t))
	if err != nil || meta.Size != 3 || len(meta.Peers) != 3 {
		t.Fatalf("%+v, %v", meta, err)
	}
	for _, name := range []string{"d", "e"} {
		c.present(name, 0, n)
		c.follows(name, n)
	}
}

// Two of three are lost for good: the one that is left becomes a cluster of its own,
// with all that was acknowledged, and grows again.
func TestRescue(t *testing.T) {
	onlyLong(t)
	c := newCluster(t, "a", "b", "c")
	c.spread("a", 3)
	const n = 100
	for i := range n {
		appendOK(t, c.queues["b"], record(i))
	}
	c.leave("b")
	c.leave("c")
	if err := c.admins["a"].RemovePeer(long(t), "b"); doc.CodeOf(err) != doc.Unavailable {
		t.Fatalf("a removal without a majority: %v", err)
	}
	_, err := c.queues["a"].Append(long(t), record(n))
	wantCode(t, err, doc.Unavailable)
	c.Remove(t, "b")
	c.Remove(t, "c")
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	for range 2 { // may be repeated
		if err := c.admins["a"].Rescue(ctx, []string{"b", "c"}); err != nil {
			t.Fatal(err)
		}
		t.Logf("after %s", time.Since(start).Round(time.Millisecond))
	}
	t.Logf("rescued after %s", time.Since(start).Round(time.Millisecond))
	c.spread("a", 1)
	c.writes("a")
	t.Logf("writes again after %s", time.Since(start).Round(time.Millisecond))
	c.present("a", 0, n)
	for i := n; i < n+10; i++ {
		appendOK(t, c.queues["a"], record(i))
	}
	c.join("d")
	c.join("e")
	c.spread("d", 3)
	for _, name := range c.Names() {
		c.present(name, 0, n+10)
	}
}

// With two members the log has one copy; while the other member is away the one
// that has it goes on, and when it is the one that is away nothing is appended and
// nothing lost.
func TestTwoMembers(t *testing.T) {
	onlyLong(t)
	c := newCluster(t, "a", "b")
	holder := c.leader()
	other := c.other(holder)
	for i := range 20 {
		appendOK(t, c.queues[c.Names()[i%2]], record(i))
	}
	c.leave(other)
	for i := 20; i < 40; i++ {
		appendOK(t, c.queues[holder], record(i))
	}
	c.writes(holder)
	c.join(other)
	c.present(other, 0, 40)
	c.leave(holder)
	_, err := c.queues[other].Append(long(t), record(40))
	wantCode(t, err, doc.Unavailable)
	if err := c.queues[other].Healthy(long(t)); err == nil {
		t.Fatal("healthy without the log")
	}
	c.join(holder)
	c.writes(other)
	c.present(other, 0, 40)
	c.follows(other, 40)
}
