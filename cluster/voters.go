package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/raft"
)

// Server is a member as raft has it.
type Server struct {
	ID    string
	Voter bool // has a vote; else it only gets the log
}

// Servers gives those that raft sends its log to, by ID.
func (c *Cluster) Servers() []Server {
	f := c.raft.GetConfiguration()
	if f.Error() != nil {
		return nil
	}
	var out []Server
	for _, s := range f.Configuration().Servers {
		out = append(out, Server{string(s.ID), s.Suffrage == raft.Voter})
	}
	slices.SortFunc(out, func(a, b Server) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Voters gives the node IDs of those that have a vote, in order.
func (c *Cluster) Voters() []string {
	var out []string
	for _, s := range c.Servers() {
		if s.Voter {
			out = append(out, s.ID)
		}
	}
	return out
}

// AddNonvoter lets the member id have the log, without a vote. Only the leader can;
// repeating it does nothing.
func (c *Cluster) AddNonvoter(ctx context.Context, id string) error {
	return c.reshape(ctx, "add "+id, func(s []Server) raft.IndexFuture {
		if slices.ContainsFunc(s, func(s Server) bool { return s.ID == id }) {
			return nil
		}
		return c.raft.AddNonvoter(raft.ServerID(id), raft.ServerAddress(id), 0, c.cfg.timing.propose)
	})
}

// AddVoter gives the member id a vote. Only the leader can; repeating it does
// nothing. The vote counts at once: the member should be up and have the log.
func (c *Cluster) AddVoter(ctx context.Context, id string) error {
	return c.reshape(ctx, "give a vote to "+id, func(s []Server) raft.IndexFuture {
		if slices.Contains(s, Server{id, true}) {
			return nil
		}
		return c.raft.AddVoter(raft.ServerID(id), raft.ServerAddress(id), 0, c.cfg.timing.propose)
	})
}

// RemoveServer takes vote and log from the member id. Only the leader can, and of
// itself only by HandOver first; repeating it does nothing.
func (c *Cluster) RemoveServer(ctx context.Context, id string) error {
	if id == c.id {
		return fmt.Errorf("remove %s: a leader does not remove itself: hand over first", id)
	}
	return c.reshape(ctx, "remove "+id, func(s []Server) raft.IndexFuture {
		if !slices.ContainsFunc(s, func(s Server) bool { return s.ID == id }) {
			return nil
		}
		return c.raft.RemoveServer(raft.ServerID(id), 0, c.cfg.timing.propose)
	})
}

// reshape does a change of raft's servers, if one is needed, and waits until it is
// committed.
func (c *Cluster) reshape(ctx context.Context, what string, change func([]Server) raft.IndexFuture) error {
	if !c.Leads() {
		return fmt.Errorf("%s: %w", what, ErrNotLeader)
	}
	err := c.askRaft(ctx, func() error {
		if f := change(c.Servers()); f != nil {
			return f.Error()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	c.fsm.wake()
	return nil
}

// HandOver gives the leadership to another voter, an active one if there is one,
// and answers when this member does not lead any more. One that does not lead, or
// has nobody to hand over to, has nothing to do.
func (c *Cluster) HandOver(ctx context.Context) error {
	if c.raft.State() != raft.Leader || c.alone() {
		return nil
	}
	var last error
	for _, id := range c.successors() {
		last = c.askRaft(ctx, func() error {
			return c.raft.LeadershipTransferToServer(raft.ServerID(id), raft.ServerAddress(id)).Error()
		})
		if last == nil || errors.Is(last, raft.ErrNotLeader) {
			return nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return fmt.Errorf("hand over: %w", last)
}

// successors gives the other voters, best first: active ones that answered lately.
func (c *Cluster) successors() []string {
	rank := func(id string) int {
		r := 0
		if m, _ := c.Member(id); m.State != Active {
			r++
		}
		if !c.up(id) {
			r += 2
		}
		return r
	}
	out := slices.DeleteFunc(c.Voters(), func(id string) bool { return id == c.id })
	slices.SortStableFunc(out, func(a, b string) int { return rank(a) - rank(b) })
	return out
}
