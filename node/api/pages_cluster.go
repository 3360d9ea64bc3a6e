package api

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/ui"
)

// severe is the severity of alarms that cannot wait: they show on every page.
const severe = "critical"

func (s *Server) clusterPages() []route {
	if s.ports.Cluster == nil {
		return nil
	}
	const member = "/cluster/members/:member"
	return []route{
		{method: "GET", path: "/cluster", perm: auth.StatusRead, handler: s.clusterPage, page: true, summary: "the machines"},
		{method: "GET", path: "/cluster/add", perm: auth.Members, handler: s.invitePage, page: true, summary: "add a machine"},
		{method: "POST", path: "/cluster/add", perm: auth.Members, action: "member.invite", handler: s.inviteForm, page: true, summary: "make the command that adds a machine"},
		{method: "POST", path: member + "/drain", perm: auth.Members, action: "member.drain", handler: s.drainForm, page: true, summary: "drain a machine, or let it work again"},
		{method: "GET", path: member + "/remove", perm: auth.Members, handler: s.removePage, page: true, summary: "ask before a machine is removed"},
		{method: "POST", path: member + "/remove", perm: auth.Members, action: "member.remove", handler: s.removeForm, page: true, summary: "remove a machine"},
		{method: "GET", path: "/cluster/finalise", perm: auth.Members, handler: s.finalisePage, page: true, summary: "ask before an upgrade is finalised"},
		{method: "POST", path: "/cluster/finalise", perm: auth.Members, action: "cluster.finalise", handler: s.finaliseForm, page: true, summary: "finalise an upgrade"},
	}
}

// urgent counts the alarms that show on every page.
func (c *call) urgent() int {
	if c.s.ports.Member == nil || !c.who.May(auth.StatusRead) {
		return 0
	}
	n := 0
	for _, a := range c.s.ports.Member.Alarms() {
		if a.Severity == severe {
			n++
		}
	}
	return n
}

func (s *Server) clusterPage(c *call) error {
	v, err := c.view()
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, m := range v.Members {
		names[m.ID] = m.Name
	}
	view := ui.Cluster{
		Frame: c.frame("cluster"), ID: v.ID, Advice: v.Advice, Goal: v.Goal, Level: v.Level, LevelUp: v.LevelUp,
		Log:    ui.LogState{Replicas: v.Log.Replicas, Want: v.Log.Want, Leader: names[v.Log.Leader], Works: v.Log.Works, LastSeq: v.Log.LastSeq},
		Copies: ui.CopiesState{Kind: v.Copies.Kind, Want: v.Copies.Want, Due: v.Copies.Due, Checked: v.Copies.Checked, Healed: v.Copies.Healed, Round: v.Copies.Round},
	}
	for _, a := range v.Alarms {
		who := a.Member
		if name, ok := names[who]; ok {
			who = name
		}
		view.Alarms = append(view.Alarms, ui.Alarm{Critical: a.Severity == severe, Member: who, Text: a.Text})
	}
	slices.SortStableFunc(view.Alarms, func(a, b ui.Alarm) int {
		switch {
		case a.Critical == b.Critical:
			return 0
		case a.Critical:
			return -1
		}
		return 1
	})
	for _, st := range v.Steps {
		view.Steps = append(view.Steps, ui.Step{Text: st.Text, Done: st.Done, Error: st.Error})
	}
	for _, m := range v.Members {
		if m.State == doc.MemberRemoved {
			view.Removed = append(view.Removed, memberView(m, v))
		} else {
			view.Members = append(view.Members, memberView(m, v))
		}
	}
	return c.render(ui.PageCluster, view)
}

// indexSlack is how many messages an index may lack before that is worth a word:
// it follows the log by a moment.
const indexSlack = 100

func memberView(m doc.Member, v doc.ClusterView) ui.Member {
	out := ui.Member{
		ID: m.ID, Name: m.Name, State: string(m.State), Role: m.Role, Self: m.ID == v.Self, Up: m.Up, Ready: m.Ready,
		Since: m.Since, SeenAt: m.SeenAt, Peer: m.Peer, Version: m.Version, Missing: m.Missing, Skills: m.Skills,
		Workers: m.Workers, Busy: m.Busy, DiskUsed: m.DiskUsed, DiskFree: m.DiskFree, Skew: m.ClockSkew, CertUntil: m.CertUntil,
		LogCopy: m.LogCopy, LogSeq: m.LogSeq, LogBehind: m.LogBehind, IndexSeq: m.IndexSeq, CopiesDue: m.CopiesDue, Note: m.Note,
	}
	if last := v.Log.LastSeq; last > m.IndexSeq+indexSlack {
		out.IndexBehind = last - m.IndexSeq
	}
	return out
}

func (s *Server) invitePage(c *call) error {
	return c.render(ui.PageInvite, ui.Invite{Frame: c.frame("cluster")})
}

func (s *Server) inviteForm(c *call) error {
	v, err := c.values()
	if err != nil {
		return err
	}
	ttl, err := tokenTTL(v.Get("ttl"))
	if err != nil {
		return err
	}
	view := ui.Invite{Frame: c.frame("cluster")}
	t, err := s.ports.Cluster.Token(c.ctx, ttl, c.who.String())
	if err != nil {
		if view.Error, err = c.changeable(err); err != nil {
			return err
		}
		return c.render(ui.PageInvite, view)
	}
	view.Command, view.Expires = t.Command, t.Expires
	return c.render(ui.PageInvite, view)
}

// changeable gives the text of an error that a person can do something about
// right where they are, and sets the status; other errors it gives back.
func (c *call) changeable(err error) (string, error) {
	switch doc.CodeOf(err) {
	case doc.Conflict, doc.Invalid, doc.Unavailable:
		f := fail(err, c.id)
		c.Status(f.status)
		f.headers(c.Ctx)
		return sentence(f.body.Message), nil
	}
	return "", err
}

func (s *Server) drainForm(c *call) error {
	v, err := c.values()
	if err != nil {
		return err
	}
	m, err := c.member()
	if err != nil {
		return err
	}
	if err := s.ports.Cluster.Drain(c.ctx, m.ID, v.Get("on") == "true", c.who.String()); err != nil {
		return err
	}
	return c.Redirect("/cluster", fiber.StatusSeeOther)
}

// removal is the page that says what removing a member means.
func (c *call) removal() (ui.Confirm, doc.Member, error) {
	name, err := c.param("member")
	if err != nil {
		return ui.Confirm{}, doc.Member{}, err
	}
	v, err := c.view()
	if err != nil {
		return ui.Confirm{}, doc.Member{}, err
	}
	m, err := findMember(v.Members, name)
	if err != nil {
		return ui.Confirm{}, m, err
	}
	view := ui.Confirm{
		Frame: c.frame("cluster"), What: "remove", Name: m.Name, Self: m.ID == v.Self, Down: !m.Up,
		Action: "/cluster/members/" + m.ID + "/remove",
	}
	for _, other := range v.Members {
		if other.ID != m.ID && other.State != doc.MemberRemoved && other.State != doc.MemberLeaving {
			view.Left++
		}
	}
	return view, m, nil
}

func (s *Server) removePage(c *call) error {
	view, _, err := c.removal()
	if err != nil {
		return err
	}
	return c.render(ui.PageConfirm, view)
}

func (s *Server) removeForm(c *call) error {
	v, err := c.values()
	if err != nil {
		return err
	}
	view, m, err := c.removal()
	if err != nil {
		return err
	}
	view.Force = v.Get("force") == "true"
	if err := s.ports.Cluster.Remove(c.ctx, m.ID, RemoveOptions{Force: view.Force, By: c.who.String()}); err != nil {
		if view.Error, err = c.changeable(err); err != nil {
			return err
		}
		return c.render(ui.PageConfirm, view)
	}
	return c.Redirect("/cluster", fiber.StatusSeeOther)
}

func (s *Server) finalisePage(c *call) error {
	v, err := c.view()
	if err != nil {
		return err
	}
	return c.render(ui.PageConfirm, ui.Confirm{Frame: c.frame("cluster"), What: "finalise", Level: v.LevelUp, Action: "/cluster/finalise"})
}

func (s *Server) finaliseForm(c *call) error {
	if err := s.ports.Cluster.Finalise(c.ctx, c.who.String()); err != nil {
		view := ui.Confirm{Frame: c.frame("cluster"), What: "finalise", Action: "/cluster/finalise"}
		if view.Error, err = c.changeable(err); err != nil {
			return err
		}
		if v, err := c.view(); err == nil {
			view.Level = v.LevelUp
		}
		return c.render(ui.PageConfirm, view)
	}
	return c.Redirect("/cluster", fiber.StatusSeeOther)
}
