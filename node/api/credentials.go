package api

import (
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// authenticate finds out who is asking: by API key, or else by session cookie.
// Credentials that do not hold are refused, save where everybody may enter.
func (c *call) authenticate() error {
	c.still = func() bool { return true }
	header := c.Get(fiber.HeaderAuthorization)
	token := c.Cookies(c.s.cookie())
	var err error
	switch {
	case header != "":
		secret, ok := strings.CutPrefix(header, "Bearer ")
		if !ok {
			err = &doc.Error{Code: doc.Unauthorized, Message: "send an API key as \"Authorization: Bearer rk_…\""}
			break
		}
		c.who, err = c.s.auth.CheckKey(secret)
		a, was := c.s.auth, c.who
		c.still = func() bool { now, err := a.CheckKey(secret); return err == nil && now == was }
	case token != "":
		err = c.resume(token)
	}
	if err != nil && c.route.perm == auth.Public && doc.CodeOf(err) == doc.Unauthorized {
		c.who, c.session, err = auth.Principal{}, nil, nil
	}
	return err
}

func (c *call) resume(token string) error {
	sess, err := c.s.auth.Resume(c.ctx, token)
	if err != nil {
		if doc.CodeOf(err) == doc.Unauthorized {
			c.signOut()
		}
		return err
	}
	c.who, c.session = sess.Principal, &sess
	if sess.Renewed {
		c.signIn(sess)
	}
	a, ctx, was := c.s.auth, c.s.base, sess.Principal
	c.still = func() bool {
		now, err := a.Resume(ctx, sess.Token)
		return err == nil && now.Principal == was
	}
	return nil
}

// cookie is the name of the session cookie. Not all browsers take the __Host-
// prefix and Secure without TLS: Chromium does on a loopback address, others do
// not. So plain HTTP has a name of its own.
func (s *Server) cookie() string {
	if s.certs != nil {
		return "__Host-recto"
	}
	return "recto"
}

// signIn hands out a session's token.
func (c *call) signIn(sess auth.Session) { c.setCookie(sess.Token, time.Time{}) }

// signOut has the browser forget its token.
func (c *call) signOut() { c.setCookie("", time.Unix(1, 0)) }

func (c *call) setCookie(value string, expires time.Time) {
	c.Cookie(&fiber.Cookie{
		Name: c.s.cookie(), Value: value, Path: "/", Expires: expires,
		Secure: c.s.certs != nil, HTTPOnly: true, SameSite: fiber.CookieSameSiteStrictMode,
	})
}

var errCrossSite = &doc.Error{
	Code: doc.Forbidden, Detail: "cross_site",
	Message: "this request did not come from a page of this server",
}

// sameOrigin refuses writes that another site has a browser send. Browsers say
// where a request comes from; what says nothing is no browser, and has no
// business with a session cookie. API keys are not sent by browsers on their own.
func (c *call) sameOrigin() error {
	switch c.Method() {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
		return nil
	}
	if c.who.Kind == auth.ByKey {
		return nil
	}
	if site := c.Get("Sec-Fetch-Site"); site != "" {
		if site == "same-origin" {
			return nil
		}
		return errCrossSite
	}
	if origin := c.Get(fiber.HeaderOrigin); origin != "" {
		u, err := url.Parse(origin)
		if err == nil && u.Host != "" && strings.EqualFold(u.Host, string(c.Request().Host())) {
			return nil
		}
		return errCrossSite
	}
	if c.session != nil {
		return errCrossSite
	}
	return nil
}
