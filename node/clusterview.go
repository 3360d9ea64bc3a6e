package node

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/recto-edge/recto/cluster"
	"github.com/recto-edge/recto/node/api"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/members"
)

// clusterPort is the way of the API to the members.
type clusterPort struct{ n *Node }

// View implements api.Cluster.
func (c clusterPort) View(ctx context.Context) (doc.ClusterView, error) {
	n := c.n
	status := n.control.Status()
	state := n.brokers(ctx)
	v := doc.ClusterView{
		ID: n.id.Cluster, Self: n.id.Node, Leader: status.Leader, Epoch: status.Epoch,
		Level: n.control.Level(), At: time.Now().UTC(), Steps: []doc.ClusterStep{}, Members: []doc.Member{},
		Log: doc.LogView{Replicas: state.replicas, Leader: state.leader, LastSeq: state.last, Works: n.parts.ok(partLog)},
	}
	votes := n.votes()
	stay := 0
	for _, m := range n.control.Members() {
		x := n.memberView(m, state)
		x.Role = role(m.ID, status.Leader, votes[m.ID])
		v.Members = append(v.Members, x)
		if x.State == doc.MemberActive || x.State == doc.MemberDraining {
			stay++
		}
		if x.State != doc.MemberRemoved {
			if v.LevelUp == 0 || m.Levels[1] < v.LevelUp {
				v.LevelUp = m.Levels[1]
			}
			v.Copies.Due += x.CopiesDue
		}
	}
	slices.SortFunc(v.Members, func(a, b doc.Member) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	own := n.copiesView()
	v.Copies.Kind, v.Copies.Want, v.Copies.Round = own.Kind, own.Want, own.Round
	v.Copies.Checked, v.Copies.Healed, v.Copies.Damaged = own.Checked, own.Healed, own.Damaged
	v.Copies.Waiting, v.Copies.Away = own.Waiting, own.Away
	for _, m := range n.others() {
		if h, ok := n.peers.of(m.ID); ok {
			v.Copies.Checked += h.Copies.Checked
			v.Copies.Healed += h.Copies.Healed
			v.Copies.Damaged += h.Copies.Damaged
			v.Copies.Waiting += h.Copies.Waiting
		}
	}
	v.Log.Want = members.WantReplicas(stay)
	v.Goal, v.Steps = n.goal(status.Leader)
	v.Advice = members.Advice(v.Members)
	v.Alarms = members.Alarms(v)
	return v, nil
}

func role(id, leader string, vote members.Vote) string {
	switch {
	case id == leader:
		return "leader"
	case vote == members.Voter:
		return "voter"
	case vote == members.Standby:
		return "standby"
	}
	return ""
}

// goal gives what the leading member is doing.
func (n *Node) goal(leader string) (string, []doc.ClusterStep) {
	goal, steps := n.reconciler.View()
	if leader != n.id.Node {
		h, _ := n.peers.of(leader)
		goal, steps = h.Goal, h.Steps
	}
	if steps == nil {
		steps = []doc.ClusterStep{}
	}
	return goal, steps
}

func (n *Node) memberView(m cluster.Member, state brokerState) doc.Member {
	x := doc.Member{
		ID: m.ID, Name: m.Name, State: doc.MemberState(m.State), Since: m.Since, URL: m.API, Peer: m.Peer,
		Version: m.Version, Levels: m.Levels, Skills: m.Skills, Workers: m.Workers, Missing: []string{},
	}
	h, up := n.peers.of(m.ID)
	if m.ID == n.id.Node {
		h, up = heard{vitals: n.vitals(), at: time.Now()}, true
	}
	x.Up, x.SeenAt = up, h.at
	if h.at.IsZero() {
		x.SeenAt = n.started
	}
	x.Ready, x.DiskUsed, x.DiskFree, x.CertUntil = up && h.Ready, h.DiskUsed, h.DiskFree, h.CertUntil
	x.IndexSeq, x.CopiesDue, x.ClockSkew = h.IndexSeq, h.Copies.Due, h.skew.Seconds()
	if up {
		x.Busy, x.Missing, x.Behind, x.Version = h.Busy, h.Missing, h.Behind, h.Version
	}
	if seq, ok := state.seq[m.ID]; ok {
		x.LogCopy, x.LogSeq = true, seq
		x.LogBehind = state.last - min(state.last, seq)
	}
	if x.Behind != "" {
		x.Note = "it is catching up: " + x.Behind
	}
	if state.bad[m.ID] != "" {
		x.Note = "its copy of the document log is damaged: " + state.bad[m.ID]
	}
	return x
}

// Token implements api.Cluster.
func (c clusterPort) Token(ctx context.Context, ttl time.Duration, by string) (doc.JoinToken, error) {
	n := c.n
	self, _ := n.control.Member(n.id.Node)
	host, _, err := net.SplitHostPort(self.Peer)
	if err == nil && loopback(host) && n.cfg.Cluster.Listen == "" {
		return doc.JoinToken{}, doc.Errorf(doc.Conflict, "other machines cannot reach this one: it listens on %s only. Start it with --listen and the address of this machine, for example recto up --listen 192.0.2.10:8420, and repeat", host)
	}
	token, until, err := n.control.Token(ctx, ttl)
	if err != nil {
		return doc.JoinToken{}, controlError("make a token", err)
	}
	n.log.Info("token made", "by", by, "until", until)
	return doc.JoinToken{Token: token, Expires: until, Command: n.cfg.joinCommand(self.Peer, token)}, nil
}

// Drain implements api.Cluster.
func (c clusterPort) Drain(ctx context.Context, id string, on bool, by string) error {
	from, to := doc.MemberActive, doc.MemberDraining
	if !on {
		from, to = to, from
	}
	err := c.n.control.Update(ctx, id, func(m *cluster.Member) error {
		switch doc.MemberState(m.State) {
		case to, from:
			m.State = cluster.MemberState(to)
			return nil
		}
		return doc.Errorf(doc.Conflict, "%s is %s", m.Name, m.State)
	})
	if err != nil {
		return controlError("change "+id, err)
	}
	c.n.log.Info("member drains", "member", id, "on", on, "by", by)
	return nil
}

// Remove implements api.Cluster.
func (c clusterPort) Remove(ctx context.Context, id string, o api.RemoveOptions) error {
	n := c.n
	if err := n.mayLeave(id, o.Force); err != nil {
		return err
	}
	err := n.control.Update(ctx, id, func(m *cluster.Member) error {
		if m.State != cluster.Removed {
			m.State = cluster.Leaving
			m.GivenUp = m.GivenUp || o.Force
		}
		return nil
	})
	if err != nil {
		return controlError("remove "+id, err)
	}
	n.log.Info("member leaves", "member", id, "by", o.By)
	return nil
}

// mayLeave says what keeps a member from being removed.
func (n *Node) mayLeave(id string, force bool) error {
	target, ok := n.control.Member(id)
	if !ok {
		return doc.Errorf(doc.NotFound, "there is no member %s", id)
	}
	stay, up := 0, 0
	for _, m := range n.control.Members() {
		state := doc.MemberState(m.State)
		if m.ID == id || (state != doc.MemberActive && state != doc.MemberDraining) {
			continue
		}
		stay++
		if n.isUp(m.ID) {
			up++
		}
	}
	switch {
	case stay == 0:
		return doc.Errorf(doc.Conflict, "%s is the only member: stop it instead, or add another one first", target.Name)
	case up*2 <= stay:
		return doc.Errorf(doc.Conflict, "only %d of the %d other members answer: start them first; if they are gone for good, see recto recover", up, stay)
	case n.isUp(id) && force:
		return doc.Errorf(doc.Conflict, "%s answers: remove it without --force, so that what only it keeps is copied first", target.Name)
	}
	return nil
}

// Finalise implements api.Cluster.
func (c clusterPort) Finalise(ctx context.Context, by string) error {
	if err := c.n.control.RaiseLevel(ctx); err != nil {
		return controlError("finalise the upgrade", err)
	}
	c.n.log.Info("upgrade finalised", "level", c.n.control.Level(), "by", by)
	return nil
}

// controlError gives an error of the control plane the domain's code.
func controlError(what string, err error) error {
	var e *doc.Error
	if errors.As(err, &e) {
		return err
	}
	code := doc.Unavailable
	switch {
	case errors.Is(err, cluster.ErrConflict), errors.Is(err, cluster.ErrFenced), errors.Is(err, cluster.ErrLevel):
		code = doc.Conflict
	case errors.Is(err, cluster.ErrTooLarge):
		code = doc.TooLarge
	case errors.Is(err, cluster.ErrNoMember):
		code = doc.NotFound
	}
	return doc.Errorf(code, "%s: %w", what, err)
}

// standing is where this member stands.
func (n *Node) standing() doc.MemberState {
	m, ok := n.control.Member(n.id.Node)
	if !ok {
		return doc.MemberActive // before its first entry
	}
	return doc.MemberState(m.State)
}

// memberPort is the way of the API to what this member knows of itself.
type memberPort struct{ n *Node }

// Standing implements api.Member.
func (m memberPort) Standing() doc.MemberState { return m.n.standing() }

// Alarms implements api.Member.
func (m memberPort) Alarms() []doc.Alarm {
	if a := m.n.alarms.Load(); a != nil {
		return *a
	}
	return nil
}

// Position implements api.Member.
func (m memberPort) Position() doc.Position {
	return doc.Position{Log: m.n.db.Index().Applied(), Control: m.n.control.Status().Applied}
}

// Reach implements api.Member.
func (m memberPort) Reach(ctx context.Context, p doc.Position) error {
	n := m.n
	if p.Control > n.control.Status().Applied {
		if err := n.control.Barrier(ctx); err != nil {
			return controlError("catch up with the settings", err)
		}
	}
	q := n.queue.Load()
	if p.Log <= n.db.Index().Applied() || q == nil {
		return nil
	}
	_, last, err := q.Bounds(ctx)
	if err != nil {
		return err
	}
	return n.db.Index().Wait(ctx, min(p.Log, last))
}

var (
	_ api.Cluster = clusterPort{}
	_ api.Member  = memberPort{}
)
