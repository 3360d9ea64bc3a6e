package api

import (
	"strings"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/ui"
)

func (s *Server) typesPage(c *call) error {
	list, err := s.ports.Types.List(c.ctx)
	if err != nil {
		return err
	}
	view := ui.Types{Frame: c.frame("types")}
	for _, t := range list {
		view.List = append(view.List, typeView(t))
	}
	return c.render(ui.PageTypes, view)
}

func (s *Server) typePage(c *call) error {
	t, err := s.ports.Types.Get(c.ctx, c.Params("type"))
	if err != nil {
		return err
	}
	view := typeView(t)
	view.Frame = c.frame("types")
	return c.render(ui.PageType, view)
}

func typeView(t doc.Type) ui.Type {
	v := ui.Type{
		Name: t.Name, Caption: t.Title, Revision: t.Revision(),
		Keywords: t.Keywords, Checks: t.Checks, OpenKeys: t.OpenKeys, Fields: specs(t.Fields),
	}
	if v.Caption == "" {
		v.Caption = readable(t.Name)
	}
	return v
}

func specs(fields []doc.FieldSpec) []ui.Spec {
	var out []ui.Spec
	for _, f := range fields {
		v := ui.Spec{
			Name: f.Name, Title: f.Title, Kind: string(f.Type), Required: f.Required, Repeated: f.Repeated,
			Pattern: f.Pattern, Hint: f.Hint, Columns: specs(f.Columns),
		}
		if v.Title == "" {
			v.Title = readable(f.Name)
		}
		for _, label := range f.Labels {
			if avoid, ok := strings.CutPrefix(label, "!"); ok {
				v.Avoid = append(v.Avoid, avoid)
			} else {
				v.Labels = append(v.Labels, label)
			}
		}
		out = append(out, v)
	}
	return out
}

func (s *Server) statusPage(c *call) error {
	st, err := s.nodeStatus(c)
	if err != nil {
		return err
	}
	view := ui.Status{
		Frame: c.frame("status"), Name: st.Name, Standing: string(st.Standing), Node: st.Node, Cluster: st.Cluster, Commit: st.Commit, StartedAt: st.StartedAt,
		Ready: st.Ready, Missing: st.Missing, Models: st.Models,
		MaxBytes: st.Limits.MaxBytes, MaxPages: st.Limits.MaxPages, MaxPixels: st.Limits.MaxPixels,
	}
	view.Version = st.Version
	for _, e := range st.Engines {
		view.Engines = append(view.Engines, ui.Engine{Name: e.Name, Version: e.Version, State: e.State, Detail: e.Detail})
	}
	return c.render(ui.PageStatus, view)
}
