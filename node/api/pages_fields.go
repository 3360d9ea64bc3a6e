package api

import (
	"fmt"
	"slices"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/ui"
)

// boxes collects where values stand while their views are made.
type boxes struct{ byPage map[int][]ui.Box }

func titleOf(spec doc.FieldSpec, name string) string {
	if spec.Title != "" {
		return spec.Title
	}
	return readable(name)
}

// field is the view of one value; its box goes to its page under the same key.
func (b *boxes) field(key string, f doc.Field, spec doc.FieldSpec, cell bool) ui.Field {
	v := ui.Field{
		Key: key, Name: f.Name, Title: titleOf(spec, f.Name), Kind: string(f.Type), Value: f.Value, Raw: f.Raw,
		Currency: f.Currency, Confidence: f.Confidence, Accepted: f.Accepted, Source: string(f.Source),
		Method: f.Method, Model: f.Model, Checks: f.Checks, Failed: f.FailedChecks, Page: f.Page,
	}
	for _, a := range f.Alternatives {
		v.Alternatives = append(v.Alternatives, ui.Alternative{Value: a.Value, Confidence: a.Confidence})
	}
	if f.Page > 0 && f.Box != nil && !f.Box.Empty() {
		v.Boxed = true
		b.byPage[f.Page] = append(b.byPage[f.Page], ui.NewBox(key, v.Title+": "+f.Value, *f.Box, f.Confidence, cell))
	}
	return v
}

// table is the view of a field with rows: a column for each name that occurs, in
// the order of the type's columns, then of their first occurrence.
func (b *boxes) table(i int, f doc.Field, spec doc.FieldSpec) ui.Table {
	t := ui.Table{
		Name: f.Name, Title: titleOf(spec, f.Name), Confidence: f.Confidence,
		Source: string(f.Source), Page: f.Page,
	}
	columns := columnsOf(f, spec)
	for _, col := range columns {
		t.Columns = append(t.Columns, ui.Column{
			Name: col.Name, Title: titleOf(col, col.Name),
			Numeric: slices.Contains([]doc.FieldType{doc.Money, doc.Number, doc.Percent}, col.Type),
		})
	}
	for r, row := range f.Rows {
		cells := make([]ui.Field, len(columns))
		for _, cell := range row {
			at := slices.IndexFunc(columns, func(s doc.FieldSpec) bool { return s.Name == cell.Name })
			if at >= 0 && cells[at].Key == "" {
				cells[at] = b.field(fmt.Sprintf("f%dr%dc%d", i, r, at), cell, columns[at], true)
			}
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

func columnsOf(f doc.Field, spec doc.FieldSpec) []doc.FieldSpec {
	occurs := map[string]bool{}
	var extra []doc.FieldSpec
	for _, row := range f.Rows {
		for _, cell := range row {
			declared := slices.ContainsFunc(spec.Columns, func(s doc.FieldSpec) bool { return s.Name == cell.Name })
			if !declared && !occurs[cell.Name] {
				extra = append(extra, doc.FieldSpec{Name: cell.Name, Type: cell.Type})
			}
			occurs[cell.Name] = true
		}
	}
	var out []doc.FieldSpec
	for _, col := range spec.Columns {
		if occurs[col.Name] {
			out = append(out, col)
		}
	}
	return append(out, extra...)
}
