package api

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/ui"
)

const (
	latestRows = 8
	listRows   = 50
)

// channels are the ways in that the list offers to filter by.
var channels = []string{"http", "folder", "cli", "archive", "batch"}

func (s *Server) overviewPage(c *call) error {
	types := c.catalogue()
	view := ui.Overview{Frame: c.frame("overview"), Counts: map[string]int{}, Origin: c.BaseURL()}
	view.Types = types.options("")
	if c.who.May(auth.StatusRead) {
		view.Missing = s.ports.Status.Missing()
		o, err := s.ports.Status.Overview(c.ctx)
		if err != nil {
			return err
		}
		view.Total, view.Today, view.LastHour, view.PerHour = o.Total, o.Today, o.LastHour, o.PerHour[:]
		for state, n := range o.ByState {
			view.Counts[string(state)] = n
		}
	}
	if c.who.May(auth.Read) {
		list, err := s.ports.Documents.List(c.ctx, doc.Query{Limit: latestRows})
		if err != nil {
			return err
		}
		view.Latest = rows(list, types)
	}
	return c.render(ui.PageOverview, view)
}

// uploadForm takes files from a browser that runs no scripts.
func (s *Server) uploadForm(c *call) error {
	receipts, err := s.receive(c)
	if err != nil {
		return err
	}
	to := "/"
	if c.who.May(auth.Read) {
		to = "/documents"
		if len(receipts) == 1 {
			to += "/" + string(receipts[0].ID)
		}
	}
	return c.Redirect(to, fiber.StatusSeeOther)
}

func (s *Server) documentsPage(c *call) error {
	q := doc.Query{
		Text: c.Query("q"), State: doc.State(c.Query("state")), Type: c.Query("type"),
		Channel: c.Query("channel"), Cursor: c.Query("cursor"), Limit: listRows,
	}
	if q.State != "" && !slices.Contains(doc.States, q.State) {
		return doc.Errorf(doc.Invalid, "there is no state %q", q.State)
	}
	list, err := s.ports.Documents.List(c.ctx, q)
	if err != nil {
		return err
	}
	types := c.catalogue()
	view := ui.Documents{
		Frame: c.frame("documents"), TypeList: types.options(q.Type),
		Query: ui.Query{Text: q.Text, State: string(q.State), Type: q.Type, Channel: q.Channel, Cursor: q.Cursor},
		Rows:  rows(list, types), Matched: list.Matched, Next: list.Next,
	}
	for _, state := range doc.States {
		view.States = append(view.States, ui.Option{Value: string(state), Selected: state == q.State})
	}
	known := channels
	if q.Channel != "" && !slices.Contains(known, q.Channel) {
		known = append(slices.Clone(known), q.Channel)
	}
	for _, ch := range known {
		view.Channels = append(view.Channels, ui.Option{Value: ch, Selected: ch == q.Channel})
	}
	return c.render(ui.PageDocuments, view)
}

func rows(list doc.List, types catalogue) []ui.Row {
	out := make([]ui.Row, 0, len(list.Documents))
	for _, d := range list.Documents {
		row := ui.Row{
			ID: string(d.ID), Name: d.Name, State: string(d.State), Channel: d.Channel, Headline: d.Headline,
			Reason: sentence(d.Reason), Pages: d.Pages, Size: d.Size, ReceivedAt: d.ReceivedAt, Revision: d.Revision,
			Lowest: d.Lowest, HasLowest: d.Lowest > 0,
		}
		if d.Type != "" {
			row.Type = types.title(d.Type)
		}
		out = append(out, row)
	}
	return out
}
