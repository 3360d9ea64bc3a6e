package api

import (
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// How long what lets a machine in may hold.
const (
	defaultTokenTTL = time.Hour
	maxTokenTTL     = 7 * 24 * time.Hour
)

func (s *Server) clusterRoutes() []route {
	if s.ports.Cluster == nil {
		return nil
	}
	const base = prefix + "/cluster"
	return []route{
		{method: "GET", path: base, perm: auth.StatusRead, handler: s.cluster, summary: "the members, what is being done, and what an admin should know", answer: doc.ClusterView{}},
		{
			method: "POST", path: base + "/tokens", perm: auth.Members, action: "member.invite", handler: s.createToken, status: fiber.StatusCreated,
			summary: "let one new machine in: its command is shown this once", body: TokenRequest{}, noBody: true, answer: doc.JoinToken{},
		},
		{
			method: "POST", path: base + "/members/:member/drain", perm: auth.Members, action: "member.drain", handler: s.drain, status: fiber.StatusNoContent,
			summary: "have a member finish its work and take no more, or take work again", body: DrainRequest{},
		},
		{
			method: "DELETE", path: base + "/members/:member", perm: auth.Members, action: "member.remove", handler: s.removeMember, status: fiber.StatusAccepted,
			summary: "have a member leave for good; GET /cluster tells how it goes on",
			params:  []param{query("force", "give up what only this member holds; only for one that is down", openapi3.NewBoolSchema())},
		},
		{method: "POST", path: base + "/finalise", perm: auth.Members, action: "cluster.finalise", handler: s.finalise, status: fiber.StatusNoContent, summary: "put the features of an upgrade into use, once all members have it; there is no way back"},
	}
}

// The bodies of cluster routes.
type (
	// TokenRequest says how long a new machine has to join.
	TokenRequest struct {
		TTL string `json:"ttl,omitempty"` // 30m, 2h; default 1h, at most 168h
	}
	// DrainRequest switches draining.
	DrainRequest struct {
		On *bool `json:"on"` // false: take work again; never left out
	}
)

// view gives the cluster, its lists never null.
func (c *call) view() (doc.ClusterView, error) {
	v, err := c.s.ports.Cluster.View(c.ctx)
	if err != nil {
		return v, err
	}
	v.Members, v.Steps, v.Alarms = orEmpty(v.Members), orEmpty(v.Steps), orEmpty(v.Alarms)
	for i := range v.Members {
		m := &v.Members[i]
		m.Missing, m.Skills = orEmpty(m.Missing), orEmpty(m.Skills)
	}
	return v, nil
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *Server) cluster(c *call) error {
	v, err := c.view()
	if err != nil {
		return err
	}
	return c.JSON(v)
}

// member gives the member that the path names by its name or its ID.
func (c *call) member() (doc.Member, error) {
	name, err := c.param("member")
	if err != nil {
		return doc.Member{}, err
	}
	v, err := c.view()
	if err != nil {
		return doc.Member{}, err
	}
	return findMember(v.Members, name)
}

// findMember looks for an ID first, then for a name; a member that is still there
// goes before one of the same name that was removed.
func findMember(members []doc.Member, name string) (doc.Member, error) {
	var here, gone []doc.Member
	var names []string
	for _, m := range members {
		switch {
		case m.ID == name:
			return m, nil
		case m.State == doc.MemberRemoved:
			if strings.EqualFold(m.Name, name) {
				gone = append(gone, m)
			}
			continue
		case strings.EqualFold(m.Name, name):
			here = append(here, m)
		}
		names = append(names, m.Name)
	}
	if len(here) == 0 {
		here = gone
	}
	switch len(here) {
	case 0:
		return doc.Member{}, doc.Errorf(doc.NotFound, "there is no member %q; the members are %s", name, strings.Join(names, ", "))
	case 1:
		return here[0], nil
	}
	return doc.Member{}, doc.Errorf(doc.Conflict, "%d members are called %s: name the one you mean by its id, %s or %s", len(here), name, here[0].ID, here[1].ID)
}

func (s *Server) createToken(c *call) error {
	ttl, err := tokenTTL(c.input.(*TokenRequest).TTL)
	if err != nil {
		return err
	}
	t, err := s.ports.Cluster.Token(c.ctx, ttl, c.who.String())
	if err != nil {
		return err
	}
	return c.JSON(t)
}

func tokenTTL(text string) (time.Duration, error) {
	if text == "" {
		return defaultTokenTTL, nil
	}
	ttl, err := time.ParseDuration(text)
	if err != nil || ttl < time.Minute || ttl > maxTokenTTL {
		return 0, doc.Errorf(doc.Invalid, "ttl %q: use a time between 1m and 168h, such as 30m or 2h", text)
	}
	return ttl, nil
}

func (s *Server) drain(c *call) error {
	on := c.input.(*DrainRequest).On
	if on == nil {
		return doc.Errorf(doc.Invalid, "say on: true to drain the member, false to have it take work again")
	}
	m, err := c.member()
	if err != nil {
		return err
	}
	return s.ports.Cluster.Drain(c.ctx, m.ID, *on, c.who.String())
}

func (s *Server) removeMember(c *call) error {
	m, err := c.member()
	if err != nil {
		return err
	}
	return s.ports.Cluster.Remove(c.ctx, m.ID, RemoveOptions{Force: c.QueryBool("force"), By: c.who.String()})
}

func (s *Server) finalise(c *call) error { return s.ports.Cluster.Finalise(c.ctx, c.who.String()) }
