package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/ui"
)

// sizedPages bounds for how many pages a document's page states their sizes; the
// boxes of later ones appear with their pictures.
const sizedPages = 20

// relatives bounds how many children are looked up by name.
const relatives = 100

func (s *Server) documentPage(c *call) error {
	id := c.document()
	if !id.Valid() {
		return doc.Errorf(doc.NotFound, "there is no document at this address")
	}
	rec, err := s.ports.Documents.Get(c.ctx, id)
	if err != nil {
		return err
	}
	types := c.catalogue()
	view := ui.Document{
		Frame: c.frame("documents"), ID: string(id), Name: rec.Name, State: string(rec.State), Revision: rec.Revision,
		Settled: rec.State.Settled(), SHA256: rec.SHA256, Size: rec.Size, Channel: rec.Channel, Sender: rec.Sender,
		Priority: string(rec.Priority), ReceivedAt: rec.ReceivedAt, UpdatedAt: rec.UpdatedAt, Attempts: rec.Attempts,
		Choices: types.options(""), Parent: c.relative(rec.Parent),
	}
	if rec.Reason != nil {
		view.Reason = &ui.Reason{Code: string(rec.Reason.Code), Detail: rec.Reason.Detail, Message: sentence(rec.Reason.Message)}
	}
	for i, child := range rec.Children {
		if i == relatives {
			break
		}
		view.Children = append(view.Children, *c.relative(child))
	}
	if rec.Result != nil {
		c.result(&view, *rec.Result, types)
	}
	view.History = c.history(id)
	return c.render(ui.PageDocument, view)
}

// relative names another document; one that cannot be looked up keeps its id.
func (c *call) relative(id doc.ID) *ui.Link {
	if id == "" {
		return nil
	}
	link := &ui.Link{ID: string(id), Name: string(id)}
	if rec, err := c.s.ports.Documents.Get(c.ctx, id); err == nil {
		link.Name, link.State = rec.Name, string(rec.State)
	}
	return link
}

// result fills in what was read.
func (c *call) result(v *ui.Document, r doc.Result, types catalogue) {
	kind := types.byName[r.Type]
	v.Type, v.TypeConfidence = r.Type, r.TypeConfidence
	if r.Type != "" {
		v.TypeTitle = types.title(r.Type)
	}
	v.Route, v.Cached, v.Models = string(r.Route), r.Cached, r.Models
	for _, w := range r.Warnings {
		v.Warnings = append(v.Warnings, sentence(w))
	}
	for stage, ms := range r.TimingsMS {
		v.Timings = append(v.Timings, ui.Timing{Stage: stage, MS: ms})
	}
	slices.SortFunc(v.Timings, func(a, b ui.Timing) int {
		return cmp.Or(cmp.Compare(b.MS, a.MS), cmp.Compare(a.Stage, b.Stage))
	})
	b := &boxes{byPage: map[int][]ui.Box{}}
	found := map[string]bool{}
	for i, f := range r.Fields {
		found[f.Name] = true
		spec, _ := kind.Field(f.Name)
		if f.Type == doc.Table || len(f.Rows) > 0 {
			v.Tables = append(v.Tables, b.table(i, f, spec))
			continue
		}
		field := b.field(fmt.Sprintf("f%d", i), f, spec, false)
		if !field.Accepted {
			v.ToCheck++
		}
		v.Fields = append(v.Fields, field)
	}
	for _, spec := range kind.Fields {
		if spec.Required && !found[spec.Name] {
			v.Missing = append(v.Missing, titleOf(spec, spec.Name))
		}
	}
	v.Pages = c.sheets(r.Pages, b)
}

// sheets are the pages with their boxes.
func (c *call) sheets(n int, b *boxes) []ui.Page {
	var out []ui.Page
	for i := 1; i <= n; i++ {
		p := ui.Page{Number: i, Boxes: b.byPage[i]}
		if i <= sizedPages {
			// A page whose size is not known is shown all the same.
			if page, err := c.s.ports.Content.Page(c.ctx, c.document(), i); err == nil {
				p.Width, p.Height, p.Turned, p.Blank, p.Warnings = page.Width, page.Height, page.Rotation, page.Blank, page.Warnings
			}
		}
		out = append(out, p)
	}
	return out
}

func (c *call) history(id doc.ID) []ui.Revision {
	recs, err := c.s.ports.Documents.Revisions(c.ctx, id)
	if err != nil {
		return nil // the document is what people came for
	}
	var out []ui.Revision
	var before *doc.Result
	for _, r := range recs {
		v := ui.Revision{Number: r.Revision, State: string(r.State), By: r.By, At: r.UpdatedAt}
		if r.Reason != nil {
			v.Reason = sentence(r.Reason.Message)
		}
		if r.Result != nil {
			if before != nil {
				v.Changed = changed(*before, *r.Result)
			}
			before = r.Result
		}
		out = append(out, v)
	}
	slices.Reverse(out)
	return out
}

// changed names the fields whose values differ.
func changed(before, now doc.Result) string {
	var names []string
	for _, f := range slices.Concat(now.Fields, before.Fields) {
		if name := readable(f.Name); !slices.Contains(names, name) && !slices.Equal(now.Values(f.Name), before.Values(f.Name)) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// retryForm has a document read again: as another type, or with a password.
func (s *Server) retryForm(c *call) error {
	id := c.document()
	if !id.Valid() {
		return doc.Errorf(doc.NotFound, "there is no document at this address")
	}
	v, err := c.values()
	if err != nil {
		return err
	}
	o := RetryOptions{Type: v.Get("type"), Password: v.Get("password"), By: c.who.String()}
	if _, err := s.ports.Documents.Retry(c.ctx, id, o); err != nil {
		return err
	}
	return c.Redirect("/documents/"+string(id), fiber.StatusSeeOther)
}
