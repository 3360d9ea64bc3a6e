package api

import (
	"context"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// Every member answers, and whoever has written finds it on any other member: the
// answer to a write carries the position it left behind, requests carry it back,
// and a member that is not as far yet waits a moment.
const (
	// PositionHeader carries a doc.Position, in answers to writes and in requests.
	PositionHeader = "Recto-Position"
	// BehindHeader is "true" in an answer that may lack what the request's
	// position stands for: the wait was given up.
	BehindHeader = "Recto-Behind"

	positionCookie  = "recto-position"
	positionKeep    = 30 * time.Second // in a browser: longer than members are apart
	maxPositionWait = 2 * time.Second
)

// position is what the request carries: in the header, or in the cookie when it
// comes from a browser.
func (c *call) position() (doc.Position, error) {
	if h := c.Get(PositionHeader); h != "" {
		return doc.ParsePosition(h)
	}
	p, err := doc.ParsePosition(c.Cookies(positionCookie))
	if err != nil {
		return doc.Position{}, nil // of another program on this host, or none
	}
	return p, nil
}

// catchUp waits until this member is where the request's sender has been. It
// comes before authentication: who signed in elsewhere is signed in here, too.
// What everybody may see does not depend on it, and documents are taken without
// waiting for anything.
func (c *call) catchUp() error {
	if c.s.ports.Member == nil || (c.route.perm == auth.Public && c.route.action == "") {
		return nil
	}
	p, err := c.position()
	if err != nil || c.s.ports.Member.Position().Holds(p) {
		return err
	}
	if c.route.upload == "" {
		ctx, cancel := context.WithTimeout(c.s.open, c.s.cfg.MaxBehind)
		defer cancel()
		if err = c.s.ports.Member.Reach(ctx, p); err == nil {
			return nil
		}
		c.s.log.Debug("answers behind the sender's position", slog.String("request_id", c.id), slog.String("position", p.String()), slog.Any("error", err))
	}
	c.behind = p
	c.Set(BehindHeader, "true")
	return nil
}

// leavePosition says with the answer to a write where it left this member.
func (c *call) leavePosition() {
	if c.s.ports.Member == nil || c.route.action == "" {
		return
	}
	p := c.s.ports.Member.Position().Max(c.behind)
	c.Set(PositionHeader, p.String())
	if c.session == nil {
		return // a program, which keeps the header if it cares
	}
	c.Cookie(&fiber.Cookie{
		Name: positionCookie, Value: p.String(), Path: "/", MaxAge: int(positionKeep.Seconds()),
		Secure: c.s.certs != nil, HTTPOnly: true, SameSite: fiber.CookieSameSiteStrictMode,
	})
}
