package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// handle makes Fiber's handler of a route: everything that happens to every
// request, in one place and in this order.
func (s *Server) handle(r *route) fiber.Handler {
	return func(fc *fiber.Ctx) error {
		start := time.Now()
		c, done := s.begin(fc, r)
		defer done()
		err := c.run()
		if err != nil {
			c.refuse(err)
		}
		c.end(start, err)
		return nil
	}
}

// unrouted answers what reached no route: no such path or method, and requests
// that fasthttp itself refuses.
func (s *Server) unrouted(fc *fiber.Ctx, err error) error {
	start := time.Now()
	r := &route{perm: auth.Public, page: !strings.HasPrefix(fc.Path(), prefix) && strings.Contains(fc.Get(fiber.HeaderAccept), "text/html")}
	c, done := s.begin(fc, r)
	defer done()
	c.refuse(err)
	c.end(start, err)
	return nil
}

// outermost is around everything. Methods that Fiber answers by itself, without a
// look at the body, end the connection: the body would be taken for the next
// request. And a panic in the frame around handlers must not end the process.
func (s *Server) outermost(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	known := map[string]bool{}
	for _, m := range fiber.DefaultMethods {
		known[m] = true
	}
	return func(ctx *fasthttp.RequestCtx) {
		defer func() {
			if p := recover(); p != nil {
				s.log.Error("server panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
				ctx.ResetBody()
				ctx.SetStatusCode(fasthttp.StatusInternalServerError)
				ctx.SetConnectionClose()
			}
		}()
		if !known[string(ctx.Method())] {
			refuseMethod(ctx)
			return
		}
		next(ctx)
	}
}

func refuseMethod(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	if raw := rawConn(ctx.Conn()); raw != nil {
		raw.unread.Store(true)
	}
	f := protocol(fiber.ErrMethodNotAllowed, strings.ToLower(rand.Text()))
	text, err := json.Marshal(Failure{f.body})
	if err != nil {
		panic("api: a failure does not marshal: " + err.Error()) // plain strings always do
	}
	ctx.Response.Header.Set("X-Request-Id", f.body.RequestID)
	ctx.Response.Header.SetContentType(fiber.MIMEApplicationJSON)
	ctx.SetStatusCode(f.status)
	ctx.SetBody(text)
}

// begin makes the call of a request and sets what every answer carries.
func (s *Server) begin(fc *fiber.Ctx, r *route) (c *call, done func()) {
	c = &call{Ctx: fc, s: s, route: r, id: strings.ToLower(rand.Text()), in: s.newBody(fc)}
	c.ctx, done = s.base, func() {}
	if !r.long {
		ctx, cancel := context.WithTimeoutCause(s.base, s.cfg.Handle, context.DeadlineExceeded)
		c.ctx, done = ctx, cancel
	}
	c.Set("X-Request-Id", c.id)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set(fiber.HeaderContentSecurityPolicy, contentSecurity)
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderCacheControl, "no-store")
	if s.certs != nil && s.cfg.CertFile != "" {
		// Not with a self-made certificate: on a shared host name it would lock
		// browsers out of everything else there.
		c.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000")
	}
	return c, done
}

// contentSecurity lets pages use what this server serves and nothing else.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// run takes the request through its route. A panic is one request's failure.
func (c *call) run() (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.s.log.Error("request panicked", slog.String("request_id", c.id), slog.String("route", c.route.path),
				slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if err := c.catchUp(); err != nil {
		return err
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	switch {
	case c.who.May(c.route.perm):
	case c.who.Kind == auth.Anonymous:
		return &doc.Error{Code: doc.Unauthorized, Message: "sign in, or send an API key as \"Authorization: Bearer rk_…\""}
	default:
		return doc.Errorf(doc.Forbidden, "the role %s does not allow this (it needs %s)", c.who.Role, c.route.perm)
	}
	if err := c.sameOrigin(); err != nil {
		return err
	}
	if err := c.validate(); err != nil {
		return err
	}
	if c.route.status != 0 {
		c.Status(c.route.status)
	}
	if err := c.route.handler(c); err != nil {
		return err
	}
	c.leavePosition()
	return nil
}

// refuse renders an error.
func (c *call) refuse(err error) {
	f := fail(err, c.id)
	c.Response().ResetBody()
	switch {
	case c.route.page && f.status == fiber.StatusUnauthorized:
		next := "/"
		if c.Method() == fiber.MethodGet {
			next = c.OriginalURL()
		}
		err = c.Redirect("/login?next="+url.QueryEscape(next), fiber.StatusSeeOther)
	case c.route.page:
		f.headers(c.Ctx)
		err = c.s.pageFailure(c, f)
	default:
		err = f.write(c.Ctx)
	}
	if err != nil {
		c.Status(fiber.StatusInternalServerError)
	}
}

// end deals with what is left of the body, and logs the request: never its
// query, its file names or its content.
func (c *call) end(start time.Time, err error) {
	if !c.in.finish() {
		c.Context().SetConnectionClose()
	}
	took, status := time.Since(start), c.Response().StatusCode()
	if c.s.cfg.Observe != nil {
		c.s.cfg.Observe(c.Method(), c.route.path, status, took)
	}
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("method", c.Method()), slog.String("route", c.route.path), slog.Int("status", status),
		slog.Int64("ms", took.Milliseconds()), slog.Int64("bytes_in", c.in.read),
		slog.String("who", c.who.String()), slog.String("from", c.IP()), slog.String("request_id", c.id),
	}
	if c.route.action != "" {
		attrs = append(attrs, slog.String("action", c.route.action))
	}
	if c.route.path != "" { // Fiber has no parameters without a route
		if id := c.document(); id.Valid() {
			attrs = append(attrs, slog.String("document", string(id)))
		}
	}
	var coded *doc.Error
	switch {
	case status >= 500 && err != nil:
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", err.Error()))
	case errors.As(err, &coded):
		attrs = append(attrs, slog.String("code", string(coded.Code)), slog.String("detail", coded.Detail))
	case c.route.action == "" && status < 400:
		level = slog.LevelDebug
	}
	c.s.log.LogAttrs(c.ctx, level, "request", attrs...)
}

// param gives a path parameter, decoded.
func (c *call) param(name string) (string, error) {
	v, err := url.PathUnescape(c.Params(name))
	if err != nil {
		return "", doc.Errorf(doc.Invalid, "the address is not encoded correctly")
	}
	return v, nil
}

// document gives the path parameter id, checked by validate.
func (c *call) document() doc.ID { return doc.ID(c.Params("id")) }
