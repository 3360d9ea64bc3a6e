package node_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/nodetest"
)

// load delivers documents to members that run, one after the other, until it is
// stopped; what was acknowledged is in it.
type load struct {
	mu    sync.Mutex
	acked []doc.ID
	stop  context.CancelFunc
	done  sync.WaitGroup
}

func startLoad(t *testing.T, s *nodetest.Site, what string) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{stop: cancel}
	var next atomic.Int64
	pace := time.NewTicker(50 * time.Millisecond) // modest, so that the members and not the machine are tried
	l.done.Go(func() {
		defer pace.Stop()
		for ctx.Err() == nil {
			<-pace.C
			i := next.Add(1)
			up := s.Running()
			m := up[int(i)%len(up)]
			body := invoiceXML(fmt.Sprintf("%s-%d", what, i))
			r, err := m.Submit(ctx, "load.xml", bytes.NewReader(body), int64(len(body)), client.SubmitOptions{})
			if err == nil {
				l.mu.Lock()
				l.acked = append(l.acked, r.ID)
				l.mu.Unlock()
			}
		}
	})
	return l
}

// end stops the load and gives what was acknowledged.
func (l *load) end() []doc.ID {
	l.stop()
	l.done.Wait()
	return l.acked
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// One member after the other fails, is replaced, and leaves, while documents come:
// none that was acknowledged is lost, and who was removed stays out.
func TestSite_GrowsLosesReplacesAndShrinks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts several nodes")
	}
	s := nodetest.Start(t, 1)
	l := startLoad(t, s, "grow")
	more := func(what string, n int) {
		t.Helper()
		have := l.count()
		s.Until(what, func(context.Context) bool { return l.count() >= have+n })
	}
	more("documents come to one member", 5)
	s.Add()
	s.Add()
	s.Settle()
	more("documents come to three members", 10)

	lost := s.Running()[1]
	lost.Stop()
	more("documents come while one is away", 10)
	s.Add()
	s.Until("the new member is active", func(ctx context.Context) bool {
		v, err := s.Running()[0].Cluster(ctx)
		active := 0
		for _, m := range v.Members {
			if m.State == doc.MemberActive {
				active++
			}
		}
		return err == nil && active == 4
	})
	var why error
	s.Until("the lost one may be removed", func(ctx context.Context) bool {
		err := s.Running()[0].Remove(ctx, lost.Name, false)
		if err != nil && doc.CodeOf(err) != doc.Conflict && doc.CodeOf(err) != doc.Unavailable {
			t.Fatalf("%v (before: %v)", err, why)
		}
		why = err
		return err == nil
	})
	s.Settle()
	more("documents come after the replacement", 10)

	ids := l.end()
	readEverywhere(t, s, ids...)
	for _, m := range s.Running() {
		for _, id := range ids {
			body, _, err := m.Original(t.Context(), id)
			if err != nil {
				t.Fatalf("%s has no original of %s: %v", m.Name, id, err)
			}
			if err := body.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := lost.TryStart(t.Context()); err == nil || !strings.Contains(err.Error(), "removed") {
		t.Errorf("the removed member starts again: %v", err)
	}
}

// After all were stopped they come back together, in the same moment, before anybody
// has an account: nothing is lost, and everybody serves.
func TestSite_ComesBackAsAWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("starts several nodes")
	}
	s := nodetest.Start(t, 3)
	var ids []doc.ID
	for i, m := range s.Members {
		ids = append(ids, submit(t, m, fmt.Sprintf("W-%d", i)).ID)
	}
	readEverywhere(t, s, ids...)
	for round := range 2 {
		for _, m := range s.Members {
			m.Stop()
		}
		s.StartAll(s.Members...)
		for i, m := range s.Members {
			ids = append(ids, submit(t, m, fmt.Sprintf("W-%d-%d", round, i)).ID)
		}
		readEverywhere(t, s, ids...)
	}
}

// Two of three are lost for good: the one that is left says what it gives up, becomes
// a cluster of its own with all documents, and grows again.
func TestSite_RecoversAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("starts several nodes")
	}
	s := nodetest.Start(t, 3)
	var ids []doc.ID
	for i := range 6 {
		ids = append(ids, submit(t, s.Members[i%3], fmt.Sprintf("V-%d", i)).ID)
	}
	readEverywhere(t, s, ids...)
	for _, m := range s.Members {
		m.Stop()
	}
	left := s.Members[1]
	plan := left.Recover()
	if len(plan.Lost) != 2 || plan.Documents != len(ids) || plan.Missing != 0 || len(plan.Warnings) == 0 {
		t.Errorf("the plan says %+v", plan)
	}
	left.Start()
	readEverywhere(t, s, ids...)
	ids = append(ids, submit(t, left, "V-after").ID)
	if err := s.Members[0].TryStart(t.Context()); err == nil || !strings.Contains(err.Error(), "removed") {
		t.Errorf("a member that was given up starts again: %v", err)
	}
	s.Add()
	s.Settle()
	readEverywhere(t, s, ids...)
}
