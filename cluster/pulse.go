package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// beat is what a member tells another that asks how it is.
type beat struct {
	Time    time.Time `json:"time"`
	Leader  string    `json:"leader"`
	Term    uint64    `json:"term"`
	Applied uint64    `json:"applied"` // index of the last command applied there
}

// contact is what this member knows of another by asking it.
type contact struct {
	beat
	heard time.Time     // by this process's monotonic clock
	at    time.Time     // by this member's clock
	skew  time.Duration // its clock ahead of this one's
	trip  time.Duration // there and back
}

type contacts struct {
	mu sync.Mutex
	of map[string]contact
}

func (s *contacts) get(id string) (contact, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.of[id]
	return v, ok
}

func (s *contacts) set(id string, v contact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[string]contact{}
	}
	s.of[id] = v
}

// lost notes that a member did not answer just now: until it does again, it counts
// as down.
func (s *contacts) lost(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.of[id]; ok {
		v.heard = time.Time{}
		s.of[id] = v
	}
}

// pulse asks every other member now and then how it is, which also measures its
// clock, and tells a member that was removed that it was.
func (c *Cluster) pulse() {
	tick := time.NewTicker(c.cfg.timing.pulse)
	defer tick.Stop()
	var round sync.WaitGroup
	defer round.Wait()
	for {
		for _, m := range c.Members() {
			if m.ID != c.id && m.State != Removed && m.Peer != "" {
				round.Go(func() { c.feel(m) })
			}
		}
		round.Wait() // bounded by the time limit of a question
		select {
		case <-c.life.Done():
			return
		case <-tick.C:
		}
	}
}

// feel asks one member.
func (c *Cluster) feel(m Member) {
	ctx, cancel := context.WithTimeout(c.life, max(c.cfg.timing.pulse, 2*time.Second))
	defer cancel()
	var b beat
	mono, sent := time.Now(), c.cfg.Clock()
	err := c.call(ctx, m.ID, "/cluster/pulse", struct{}{}, &b)
	var refusal *Refusal
	switch {
	case err == nil:
		trip := time.Since(mono)
		c.contacts.set(m.ID, contact{beat: b, heard: time.Now(), at: c.now(), skew: b.Time.Sub(sent.Add(trip / 2)), trip: trip})
	case errors.As(err, &refusal) && errors.Is(err, ErrRemoved):
		c.beRemoved(refusal.Reason)
	default:
		c.log.Debug("ask a member", "member", m.Name, "error", err)
	}
}

// felt answers another member.
func (c *Cluster) felt(context.Context, struct{}) (beat, error) {
	_, leader := c.raft.LeaderWithID()
	return beat{Time: c.now(), Leader: string(leader), Term: c.raft.CurrentTerm(), Applied: c.fsm.at()}, nil
}

// Status is how this member stands.
type Status struct {
	NodeID    string    `json:"node_id"`
	State     string    `json:"state"`  // leader, follower, candidate or shutdown
	Leader    string    `json:"leader"` // node ID; empty: none known
	Term      uint64    `json:"term"`
	Epoch     uint64    `json:"epoch"`
	Level     int       `json:"level"`
	Committed uint64    `json:"committed"` // index of the last entry known to be committed
	Applied   uint64    `json:"applied"`   // index of the last entry applied here
	CertUntil time.Time `json:"cert_until"`
	Removed   string    `json:"removed,omitempty"` // why this member is kept out
	Peers     []Contact `json:"peers,omitempty"`   // other members, as far as this one could ask them
}

// Contact is how another member answered last.
type Contact struct {
	ID      string        `json:"id"`
	Up      bool          `json:"up"` // within the last few pulses
	SeenAt  time.Time     `json:"seen_at"`
	Skew    time.Duration `json:"skew"`    // its clock ahead of this one's, within half of Trip
	Trip    time.Duration `json:"trip"`    // there and back
	Leader  string        `json:"leader"`  // that it knows of
	Applied uint64        `json:"applied"` // index of the last command applied there
}

// Status says how this member stands.
func (c *Cluster) Status() Status {
	_, leader := c.raft.LeaderWithID()
	state := map[raft.RaftState]string{raft.Leader: "leader", raft.Follower: "follower", raft.Candidate: "candidate", raft.Shutdown: "shutdown"}
	s := Status{
		NodeID: c.id, State: state[c.raft.State()], Leader: string(leader), Term: c.raft.CurrentTerm(), Epoch: c.Epoch(), Level: c.Level(),
		Committed: c.raft.CommitIndex(), Applied: c.raft.AppliedIndex(), CertUntil: c.CertUntil(),
	}
	if why := c.removedText.Load(); why != nil {
		s.Removed = *why
	}
	for _, m := range c.Members() {
		if v, ok := c.contacts.get(m.ID); ok && m.State != Removed {
			s.Peers = append(s.Peers, Contact{
				ID: m.ID, Up: c.up(m.ID), SeenAt: v.at, Skew: v.skew, Trip: v.trip, Leader: v.Leader, Applied: v.Applied,
			})
		}
	}
	return s
}

// up says whether a member answered lately.
func (c *Cluster) up(id string) bool {
	v, ok := c.contacts.get(id)
	return id == c.id || (ok && time.Since(v.heard) < 3*c.cfg.timing.pulse)
}
