package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/recto-edge/recto/embedded/brokertest"
)

// One grows to three and five and shrinks to one again, without a restart, and
// every member takes commands all the time.
func TestGrowAndShrink(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a := l.box("a").start()
	epoch := a.Epoch()
	n := 0
	everywhere := func() {
		t.Helper()
		for _, b := range l.up() {
			n++
			key := fmt.Sprint("k", n)
			b.mustPut(key, b.cfg.Name)
			if got := b.value(key); got != b.cfg.Name {
				t.Fatalf("%s does not see its own write: %q", b.cfg.Name, got)
			}
			for _, o := range l.up() {
				if err := o.Barrier(within(t)); err != nil {
					t.Fatal(err)
				}
				if got := o.value(key); got != b.cfg.Name {
					t.Fatalf("%s does not see what %s wrote before: %q", o.cfg.Name, b.cfg.Name, got)
				}
			}
		}
	}
	everywhere()
	for i, name := range []string{"b", "c", "d", "e"} {
		l.box(name).join(l.boxes[i]) // by whoever came last, who passes it on
		everywhere()
	}
	if got := a.Voters(); len(got) != 5 {
		t.Fatalf("voters %v", got)
	}
	for _, name := range []string{"a", "e", "c", "b"} {
		b := l.boxes[slices.IndexFunc(l.boxes, func(b *box) bool { return b.cfg.Name == name })]
		l.leave(b)
		<-b.Removed()
		b.stop()
		everywhere()
	}
	d := l.boxes[3]
	want := d.List("k")
	d.restart()
	if s := d.Status(); s.State != "leader" || len(d.Voters()) != 1 || s.Epoch <= epoch {
		t.Fatalf("the last one: %+v, voters %v", s, d.Voters())
	}
	if got := d.List("k"); len(got) != n || len(want) != n {
		t.Fatalf("%d entries before, %d after a restart; %d were answered", len(want), len(got), n)
	}
	everywhere()
}

func TestJoinedMemberIsKnown(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(2)
	m, ok := boxes[0].Member("nb")
	if !ok || m.Name != "b" || m.Peer != boxes[1].Peer() || m.Route != boxes[1].cfg.Route || m.API != "http://127.0.0.1:8420" ||
		m.Levels != [2]int{1, 2} || m.Version != "2.0" || m.Workers != 2 || !slices.Equal(m.Skills, []string{"ocr"}) || m.State != Active {
		t.Fatalf("got %+v", m)
	}
	if boxes[1].ClusterID() != boxes[0].ClusterID() {
		t.Fatal("two clusters")
	}
	// It comes back with another port and another version, and tells.
	b := boxes[1]
	b.stop()
	b.cfg.Listen, b.cfg.Version = brokertest.FreeAddress(t), "2.1"
	b.start()
	eventually(t, "the other knows", func() bool {
		m, _ := boxes[0].Member("nb")
		return m.Peer == b.cfg.Listen && m.Version == "2.1" && m.State == Active
	})
	b.mustPut("x", "1")
}

// A member that left its port to the system, and finds the one it had taken by
// another program, takes another and tells.
func TestTakenPeerPort(t *testing.T) {
	t.Parallel()
	boxes := newLab(t).cluster(2)
	b := boxes[1]
	had := b.Peer()
	b.stop()
	other, err := net.Listen("tcp", had)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	b.start()
	if b.Peer() == had {
		t.Fatalf("%s is another program's", had)
	}
	eventually(t, "the other knows", func() bool {
		m, _ := boxes[0].Member("nb")
		return m.Peer == b.Peer() && m.State == Active
	})
	b.mustPut("x", "1")
}

func TestMeasures(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(3)
	boxes[2].off.Store(int64(12 * time.Second))
	eventually(t, "the wrong clock is seen", func() bool {
		for _, p := range boxes[0].Status().Peers {
			if p.ID == "nc" && p.Up && (p.Skew-12*time.Second).Abs() < 2*time.Second && p.Leader != "" && p.Applied > 0 {
				return true
			}
		}
		return false
	})
	boxes[1].stop()
	eventually(t, "the stopped one is seen", func() bool {
		return slices.ContainsFunc(boxes[0].Status().Peers, func(p Contact) bool { return p.ID == "nb" && !p.Up && !p.SeenAt.IsZero() })
	})
	eventually(t, "it says how it stands", func() bool {
		s := boxes[0].Status()
		return s.Level == 2 && s.Term > 0 && s.Committed > 0 && !s.CertUntil.IsZero() && s.Leader != ""
	})
}

func TestOnlyTheLeaderReshapes(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(2)
	if err := boxes[1].AddVoter(within(t), "nx"); !errors.Is(err, ErrNotLeader) {
		t.Fatalf("got %v", err)
	}
	if err := boxes[0].AddVoter(within(t), "nb"); err != nil { // again
		t.Fatal(err)
	}
	if err := boxes[0].AddNonvoter(within(t), "nb"); err != nil || len(boxes[0].Voters()) != 2 {
		t.Fatalf("a voter was made less: %v, %v", err, boxes[0].Voters())
	}
	if err := boxes[1].HandOver(within(t)); err != nil || !boxes[0].Leads() {
		t.Fatalf("one that does not lead handed over: %v", err)
	}
	if err := boxes[0].HandOver(within(t)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other leads", boxes[1].Leads)
	eventually(t, "the first does not", func() bool { return !boxes[0].Leads() })
}

// A pipeline of raft may stop a follower's entries for good (hashicorp/raft#612): there
// must be none.
func TestNoPipeline(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(3)
	for i := range 20 {
		boxes[i%3].mustPut(fmt.Sprint("k", i), "v")
	}
	all := make([]byte, 8<<20)
	if all = all[:runtime.Stack(all, true)]; bytes.Contains(all, []byte("pipelineReplicate")) {
		t.Error("entries go through a pipeline")
	}
}
