package node

import (
	"context"
	"sync"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

// shift is the time in which this member takes work: while it stands as one that
// does, from when its log is up until it stops.
type shift struct {
	mu     sync.Mutex
	open   bool  // the log is up, and the node does not stop yet
	worker *crew // nil while no work is taken
}

// beginShift lets work be taken from now on.
func (n *Node) beginShift() {
	n.shift.mu.Lock()
	n.shift.open = true
	n.shift.mu.Unlock()
	n.tendShift()
}

// tendShift takes up or lays down work, as this member's standing asks for. Laying
// down waits for documents that are being read.
func (n *Node) tendShift() {
	s := &n.shift
	s.mu.Lock()
	defer s.mu.Unlock()
	standing := n.standing()
	should := standing == doc.MemberActive || standing == doc.MemberJoining
	switch {
	case !s.open:
	case should && s.worker == nil:
		s.worker = newCrew()
		s.worker.keep(func(ctx context.Context) error {
			q := n.queue.Load()
			if q == nil {
				return errLogAway
			}
			return q.Work(ctx, queue.WorkConfig{Slots: n.cfg.workers(), Drain: n.cfg.DrainTimeout}, n.work)
		}, func(err error) { n.log.Error("workers stopped, started again in a second", "error", err) })
		n.parts.set(partWorkers, partOK, "")
	case !should && s.worker != nil:
		n.log.Info("takes no more work", "standing", standing)
		s.worker.stop()
		s.worker = nil
		n.parts.set(partWorkers, partOK, "takes no work: "+string(standing))
	}
}

// endShift lays down work for good.
func (n *Node) endShift() {
	s := &n.shift
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = false
	if s.worker != nil {
		s.worker.stop()
		s.worker = nil
	}
}
