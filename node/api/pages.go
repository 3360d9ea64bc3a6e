package api

import (
	"bytes"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/ui"
)

// pageRoutes are the pages for people and their static files. Each is a line of
// the same table as the rest: page true gives errors as pages and sends who is
// not signed in to /login. Every page and form works without scripts; with
// scripts, pages use the API like any other client.
func (s *Server) pageRoutes() []route {
	return append(s.clusterPages(), []route{
		{method: "GET", path: "/static/*", perm: auth.Public, handler: s.static(s.ui.Static()), page: true, summary: "style and scripts"},
		{method: "GET", path: "/setup", perm: auth.Public, handler: s.setupPage, page: true, summary: "the one-time link"},
		{method: "POST", path: "/setup", perm: auth.Public, action: "user.setup", handler: s.setupForm, page: true, summary: "make the first admin"},
		{method: "GET", path: "/login", perm: auth.Public, handler: s.loginPage, page: true, summary: "sign in"},
		{method: "POST", path: "/login", perm: auth.Public, action: "session.open", handler: s.loginForm, page: true, summary: "sign in"},
		{method: "POST", path: "/logout", perm: auth.Account, action: "session.close", handler: s.logoutForm, page: true, summary: "sign out"},
		{method: "GET", path: "/", perm: auth.Known, handler: s.overviewPage, page: true, summary: "overview"},
		{method: "POST", path: "/upload", perm: auth.Submit, action: "document.submit", handler: s.uploadForm, page: true, long: true, upload: multipartForm, summary: "add files"},
		{method: "GET", path: "/documents", perm: auth.Read, handler: s.documentsPage, page: true, summary: "documents"},
		{method: "GET", path: "/documents/:id", perm: auth.Read, handler: s.documentPage, page: true, summary: "one document"},
		{method: "POST", path: "/documents/:id/retry", perm: auth.Retry, action: "document.retry", handler: s.retryForm, page: true, summary: "read again"},
		{method: "GET", path: "/types", perm: auth.TypesRead, handler: s.typesPage, page: true, summary: "document types"},
		{method: "GET", path: "/types/:type", perm: auth.TypesRead, handler: s.typePage, page: true, summary: "one document type"},
		{method: "GET", path: "/status", perm: auth.StatusRead, handler: s.statusPage, page: true, summary: "the node"},
	}...)
}

// frame is what stands around every page.
func (c *call) frame(section string) ui.Frame {
	return ui.Frame{
		Section: section, User: c.who.Name, Role: string(c.who.Role), Version: c.s.cfg.Version, Urgent: c.urgent(),
		May: ui.May{
			Submit: c.who.May(auth.Submit), Read: c.who.May(auth.Read), Retry: c.who.May(auth.Retry),
			Types: c.who.May(auth.TypesRead), Status: c.who.May(auth.StatusRead),
			Cluster: c.s.ports.Cluster != nil && c.who.May(auth.StatusRead), Members: c.who.May(auth.Members),
		},
	}
}

// render answers with a page.
func (c *call) render(page string, view any) error {
	var out bytes.Buffer
	if err := c.s.ui.Render(&out, page, view); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Send(out.Bytes())
}

// pageFailure renders an error for a person.
func (s *Server) pageFailure(c *call, f failure) error {
	view := ui.Error{Frame: c.frame(""), Status: f.status, Message: sentence(f.body.Message)}
	if f.status >= fiber.StatusInternalServerError {
		view.RequestID = f.body.RequestID
	}
	c.Status(f.status)
	return c.render(ui.PageError, view)
}

// sentence makes a text that stands on its own out of an error's message.
func sentence(s string) string {
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// readable makes a title out of a name: gross_total becomes Gross total.
func readable(name string) string {
	s := strings.TrimSpace(strings.NewReplacer("_", " ", ".", " ").Replace(name))
	if s == "" {
		return name
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// catalogue is the document types by name, for titles and choices.
type catalogue struct {
	list   []doc.Type
	byName map[string]doc.Type
}

// catalogue gives all types; a person who may not see them, or a node that does
// not have them right now, still gets a page.
func (c *call) catalogue() catalogue {
	k := catalogue{byName: map[string]doc.Type{}}
	if !c.who.May(auth.TypesRead) {
		return k
	}
	k.list, _ = c.s.ports.Types.List(c.ctx) // without: names instead of titles
	for _, t := range k.list {
		k.byName[t.Name] = t
	}
	return k
}

// title is what people call a type.
func (k catalogue) title(name string) string {
	if t, ok := k.byName[name]; ok && t.Title != "" {
		return t.Title
	}
	return readable(name)
}

func (k catalogue) options(selected string) []ui.Option {
	var out []ui.Option
	for _, t := range k.list {
		out = append(out, ui.Option{Value: t.Name, Text: k.title(t.Name), Selected: t.Name == selected})
	}
	return out
}
