//go:build linux

package chaos

import (
	"context"
	"fmt"

	"github.com/recto-edge/recto/node/chaos/history"
)

// depart waits for members that still leave when the faults are over, now without
// load. One that does not come to its end is given up, and Judge says so.
func (l *Lane) depart(ctx context.Context, c *Cluster) {
	s, ok := c.cfg.System.(Membership)
	if !ok {
		return
	}
	for _, m := range s.Leaving(ctx, c) {
		change, cancel := context.WithTimeout(ctx, membershipTime)
		err := s.Leave(change, c, m, false)
		cancel()
		if err == nil {
			err = c.Shrink(m)
		}
		if err != nil {
			_ = m.GiveUp(ctx, fmt.Errorf("it did not finish leaving: %w", err)) // it is gone either way
		}
	}
}

// replace deals with members that do not start. One whose control plane was
// damaged may refuse: it is replaced, as an admin would. Any other must come back.
func (l *Lane) replace(ctx context.Context, c *Cluster, rep *Report, failed map[*Member]error) []history.Violation {
	var out []history.Violation
	for m, why := range failed {
		s, ok := c.cfg.System.(Membership)
		if !ok || !rep.damagedControl(m.Name) {
			// The judgement goes on without it, and says so.
			_ = m.GiveUp(ctx, why) // it is gone either way
			continue
		}
		change, cancel := context.WithTimeout(ctx, membershipTime)
		err := m.Kill()
		if err == nil {
			err = s.Leave(change, c, m, true)
		}
		if err == nil {
			err = c.Shrink(m)
		}
		if err == nil {
			_, err = c.Grow(change)
		}
		cancel()
		if err != nil {
			out = append(out, history.Violation{Kind: history.Refused, Member: m.Name, Text: "it refused to start and could not be replaced: " + err.Error()})
			continue
		}
		rep.Replaced = append(rep.Replaced, m.Name)
	}
	return out
}

func (r *Report) damagedControl(member string) bool {
	for _, f := range r.Faults {
		if (f.Kind == FlipRaft || f.Kind == TearRaft) && len(f.Members) == 1 && f.Members[0] == member {
			return true
		}
	}
	return false
}

// renewEvery says of how many seeds one ends with an index made anew.
const renewEvery = 10

// Renewing is a System whose members can make their index anew from the log.
type Renewing interface {
	// Renew has m make its index anew, and waits until it is ready.
	Renew(ctx context.Context, c *Cluster, m *Member) error
}

// renew judges once more when one member has made its index anew: a hole in the
// log is not seen by indexes that were there before it.
func (l *Lane) renew(ctx context.Context, c *Cluster, p Plan, h history.History, rep *Report) []history.Violation {
	s, ok := c.cfg.System.(Renewing)
	if !ok {
		return nil
	}
	all := c.Members()
	m := all[int(p.Seed/renewEvery)%len(all)]
	rep.Renewed = m.Name
	start, cancel := context.WithTimeout(ctx, c.patience())
	err := s.Renew(start, c, m)
	cancel()
	if err != nil {
		return []history.Violation{{Kind: history.Refused, Member: m.Name, Text: "it did not come back without its index: " + err.Error()}}
	}
	found := l.judge(ctx, c, h)
	for i := range found {
		found[i].Text = "with the index of " + m.Name + " made anew: " + found[i].Text
	}
	return found
}
