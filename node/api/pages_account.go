package api

import (
	"errors"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/ui"
)

func (s *Server) setupPage(c *call) error {
	return c.render(ui.PageSetup, ui.Setup{Token: c.Query("token"), Done: !s.auth.NeedsSetup()})
}

func (s *Server) setupForm(c *call) error {
	v, err := c.values()
	if err != nil {
		return err
	}
	view := ui.Setup{Token: v.Get("token"), Name: v.Get("name")}
	if v.Get("password") != v.Get("again") {
		view.Mismatch = true
		c.Status(fiber.StatusBadRequest)
		return c.render(ui.PageSetup, view)
	}
	sess, err := s.auth.Setup(c.ctx, view.Token, view.Name, v.Get("password"))
	if err != nil {
		if view.Error, err = c.answerable(err); err != nil {
			return err
		}
		return c.render(ui.PageSetup, view)
	}
	c.enter(sess)
	return c.Redirect("/", fiber.StatusSeeOther)
}

func (s *Server) loginPage(c *call) error {
	return c.render(ui.PageLogin, ui.Login{Next: local(c.Query("next")), NeedsSetup: s.auth.NeedsSetup()})
}

func (s *Server) loginForm(c *call) error {
	v, err := c.values()
	if err != nil {
		return err
	}
	view := ui.Login{Next: local(v.Get("next")), Name: v.Get("name"), NeedsSetup: s.auth.NeedsSetup()}
	sess, err := s.auth.Login(c.ctx, view.Name, v.Get("password"), c.IP())
	if err != nil {
		if view.Error, err = c.answerable(err); err != nil {
			return err
		}
		return c.render(ui.PageLogin, view)
	}
	c.enter(sess)
	return c.Redirect(view.Next, fiber.StatusSeeOther)
}

// answerable gives the text of an error that a person can answer by typing
// something else, and sets the status; other errors it gives back.
func (c *call) answerable(err error) (string, error) {
	var throttled *auth.Throttled
	switch doc.CodeOf(err) {
	case doc.Unauthorized, doc.Forbidden, doc.Invalid:
	default:
		if !errors.As(err, &throttled) {
			return "", err
		}
	}
	f := fail(err, c.id)
	c.Status(f.status)
	if f.status != fiber.StatusUnauthorized { // no WWW-Authenticate: it is for programs
		f.headers(c.Ctx)
	}
	return sentence(f.body.Message), nil
}

func (s *Server) logoutForm(c *call) error {
	if err := s.logout(c); err != nil {
		return err
	}
	return c.Redirect("/login", fiber.StatusSeeOther)
}

// local gives the path of this server that target names, or "/": a link to the
// sign-in page must not be able to send people elsewhere afterwards.
func local(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.ContainsAny(target, "\\\r\n\t") {
		return "/"
	}
	return u.RequestURI()
}
