package queue_test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

// flipHeader changes one bit in the length of the record in the middle of the
// largest block, and leaves the index that a clean stop wrote.
func flipHeader(t *testing.T, dir string) {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(dir, "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("no block in %s: %v", dir, err)
	}
	var name string
	var body []byte
	for _, b := range blocks {
		if raw, err := os.ReadFile(b); err == nil && len(raw) > len(body) {
			name, body = b, raw
		}
	}
	at := 0
	for at < len(body)/2 {
		at += int(binary.LittleEndian.Uint32(body[at:]) &^ (1 << 31))
	}
	body[at+1] ^= 1
	if err := os.WriteFile(name, body, 0o600); err != nil {
		t.Fatal(err)
	}
}

// follows reads a member's log from the start until it has seen n documents, and
// fails on any that is left out.
func (c *cluster) follows(name string, n int) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(long(c.t))
	defer cancel()
	seen := map[doc.ID]bool{}
	err := c.queues[name].Follow(ctx, 1, func(_ uint64, rec doc.Record) error {
		seen[rec.ID] = true
		if len(seen) == n {
			cancel()
		}
		return nil
	})
	if err != nil {
		c.t.Fatalf("follow on %s: %v", name, err)
	}
	for i := range n {
		if !seen[record(i).ID] {
			c.t.Fatalf("document %d was passed over on %s", i, name)
		}
	}
}

// whole waits until three copies of the log hold all that they claim, and about as
// much as each other.
func (c *cluster) whole(name string) {
	c.t.Helper()
	until(c.t, "all copies are whole", func() bool {
		now, err := c.admins[name].Replicas(long(c.t))
		if err != nil {
			return false
		}
		var counts []uint64
		for _, s := range now {
			for _, r := range s.Streams {
				if r.Stream == queue.LogStream && r.Messages == r.Last && r.First == 1 {
					counts = append(counts, r.Messages)
				}
			}
		}
		return len(counts) == 3 && slices.Max(counts)-slices.Min(counts) < 20
	})
}

// findBad checks the copies for a while.
func (c *cluster) findBad(name string) []queue.BadReplica {
	c.t.Helper()
	var history [][]queue.ServerState
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for range 8 {
		<-tick.C
		now, err := c.admins[name].Replicas(long(c.t))
		if err != nil {
			continue
		}
		for _, s := range now {
			for _, r := range s.Streams {
				if r.Stream == queue.LogStream {
					c.t.Logf("%s: %d messages to %d; leader's view %+v", s.Name, r.Messages, r.Last, r.Followers)
				}
			}
		}
		history = append(history, now)
		if bad := queue.BadReplicas(history, 3); len(bad) > 0 {
			return bad
		}
	}
	return nil
}

// A copy with one flipped bit is found although the broker calls it current, never
// hides a document from those who read on its member, and is made anew from the
// others.
func TestBadReplicaIsFoundAndHealed(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "a", "b", "c")
	c.spread("a", 3)
	const n = 300
	var recs []doc.Record
	for i := range n {
		recs = append(recs, record(i))
	}
	if _, err := c.queues["a"].AppendBatch(long(t), recs); err != nil {
		t.Fatal(err)
	}
	victim := c.other(c.leader())
	seen := c.other(victim)
	var bad []queue.BadReplica
	for try := 0; len(bad) == 0; try++ { // the broker repairs what its own log still has
		if try == 6 {
			t.Fatal("the copy was repaired each time, or not found")
		}
		c.whole(seen)
		c.leave(victim)
		flipHeader(t, filepath.Join(c.Dir(victim), "jetstream", "RECTO", "streams", "DOCS", "msgs"))
		c.join(victim)
		c.follows(victim, n)
		bad = c.findBad(seen)
	}
	stop := c.steady(seen, n)
	t.Logf("found: %+v", bad)
	if len(bad) != 1 || bad[0].Server != victim {
		t.Fatalf("found %+v, want %s", bad, victim)
	}
	until(t, "it is safe", func() bool {
		now, err := c.admins[seen].Replicas(long(t))
		return err == nil && queue.SafeToReset(now, victim, bad) == nil
	})
	aside, err := c.Broker(victim).Reset(long(t), c.Names())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(aside); err != nil {
		t.Fatal(err)
	}
	c.whole(seen)
	more, _ := stop()
	if err := c.queues[seen].Recall(long(t), bad[0].From); err != nil {
		t.Fatal(err)
	}
	c.writes(victim)
	c.follows(victim, n+more)
	c.follows(seen, n+more)
}
