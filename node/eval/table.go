package eval

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// rowsOf reads a label that is a list of records.
func rowsOf(raw json.RawMessage) ([]map[string]string, bool) {
	var list []map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &list) != nil || list == nil {
		return nil, false
	}
	out := make([]map[string]string, len(list))
	for i, rec := range list {
		out[i] = map[string]string{}
		for k, v := range rec {
			if s, ok := scalarOf(v); ok && s != "" {
				out[i][k] = s
			}
		}
	}
	return out, true
}

// table matches the rows of an answer with those of the label, each with at most
// one, most equal cells first, counts cells by column and whole rows, and notes the
// cells that are wrong and the rows that nothing stands for.
func (s *scorer) table(f compared, labels []map[string]string) {
	name, spec := f.name, f.spec
	var rows [][]doc.Field
	if f.got != nil {
		rows = f.got.Rows
	}
	columns := map[string]bool{}
	for _, l := range labels {
		for k := range l {
			columns[k] = true
		}
	}
	t := s.tally(s.tables, name+" (rows)")
	t.Labelled += len(labels)
	t.Predicted += len(rows)
	partner := s.pair(spec, labels, rows)
	for _, rule := range s.opt.Rows {
		s.rowsBy(rule, name, spec, labels, rows)
	}
	for i, l := range labels {
		if partner[i] < 0 {
			s.report.Misses = append(s.report.Misses, f.unfound(i, l))
		} else if s.equalCells(spec, l, rows[partner[i]]) == len(l) {
			t.Right++
			t.RightStrict++
		}
		for _, k := range slices.Sorted(maps.Keys(l)) {
			v := l[k]
			c := s.tally(s.tables, name+"."+k)
			c.Labelled++
			if partner[i] < 0 {
				continue
			}
			cell := cellOf(rows[partner[i]], k, spec)
			if cell == nil || !s.same(cell.Type, cell.Value, v) {
				s.miss(f.cell(i, k, v, cell))
				continue
			}
			c.Right++
			if plain(cell.Value) == plain(v) || plain(cell.Raw) == plain(v) {
				c.RightStrict++
			}
		}
	}
	for j, row := range rows {
		if len(row) > 0 && !slices.Contains(partner, j) {
			s.miss(f.unasked(row))
		}
		for k := range columns {
			if cell := cellOf(row, k, spec); cell != nil {
				s.tally(s.tables, name+"."+k).Predicted++
			}
		}
	}
}

// cell is a labelled cell of row i of a table, and what was got in its place.
func (f compared) cell(i int, column, label string, got *doc.Field) compared {
	f.name, f.spec = fmt.Sprintf("%s row %d %s", f.name, i+1, column), specFor(doc.Type{Fields: f.spec.Columns}, column)
	f.label, f.labelled, f.got = label, true, got
	return f
}

// unfound is labelled row i of a table that nothing was got for, its cells as one value.
func (f compared) unfound(i int, label map[string]string) Miss {
	var values []string
	for _, k := range slices.Sorted(maps.Keys(label)) {
		values = append(values, label[k])
	}
	return Miss{ID: f.c.ID, Field: fmt.Sprintf("%s row %d", f.name, i+1), Label: strings.Join(values, cellsApart), Link: document(f.c.Path, 0)}
}

const cellsApart = " | "

// unasked is a row that no label has, its cells as one value.
func (f compared) unasked(row []doc.Field) compared {
	all := row[0]
	var values []string
	for _, cell := range row {
		if cell.Value == "" {
			continue
		}
		values = append(values, cell.Value)
		if cell.Page == all.Page && cell.Box != nil && all.Box != nil {
			box := all.Box.Union(*cell.Box)
			all.Box = &box
		}
	}
	all.Value = strings.Join(values, cellsApart)
	f.name, f.spec, f.got = f.name+" row", doc.FieldSpec{}, &all
	return f
}

// rowsBy counts the rows of a table once more, as a rule says.
func (s *scorer) rowsBy(rule RowRule, name string, spec doc.FieldSpec, labels []map[string]string, rows [][]doc.Field) {
	if len(rule.Columns) > 0 {
		if !slices.ContainsFunc(spec.Columns, func(c doc.FieldSpec) bool { return slices.Contains(rule.Columns, c.Name) }) {
			return // a table of another kind
		}
		labels = onlyColumns(spec, labels, rule.Columns)
	}
	t := s.tally(s.tables, name+" (rows, "+rule.Name+")")
	t.Labelled += len(labels)
	t.Predicted += len(rows)
	partner := s.pair(spec, labels, rows)
	for i, l := range labels {
		if partner[i] >= 0 && s.alikeCells(spec, l, rows[partner[i]], rule.Alike) == len(l) {
			t.Right++
			t.RightStrict++
		}
	}
}

// onlyColumns leaves of each labelled row the cells of the columns named.
func onlyColumns(spec doc.FieldSpec, labels []map[string]string, columns []string) []map[string]string {
	out := make([]map[string]string, len(labels))
	for i, l := range labels {
		out[i] = map[string]string{}
		for k, v := range l {
			if slices.Contains(columns, specFor(doc.Type{Fields: spec.Columns}, k).Name) {
				out[i][k] = v
			}
		}
	}
	return out
}

func (s *scorer) same(ft doc.FieldType, a, b string) bool {
	return s.opt.Form(ft, a) == s.opt.Form(ft, b)
}

// cellOf gives the cell of a row that a label's column means.
func cellOf(row []doc.Field, name string, spec doc.FieldSpec) *doc.Field {
	column := specFor(doc.Type{Fields: spec.Columns}, name).Name
	for i := range row {
		if row[i].Name == column && row[i].Value != "" {
			return &row[i]
		}
	}
	return nil
}

func (s *scorer) equalCells(spec doc.FieldSpec, label map[string]string, row []doc.Field) int {
	return s.alikeCells(spec, label, row, nil)
}

// alikeCells counts the cells of a row that are equal to the label's, or alike by a rule.
func (s *scorer) alikeCells(spec doc.FieldSpec, label map[string]string, row []doc.Field, alike []func(cell doc.Field, label string) bool) int {
	n := 0
	for k, v := range label {
		cell := cellOf(row, k, spec)
		if cell == nil {
			continue
		}
		if s.same(cell.Type, cell.Value, v) || slices.ContainsFunc(alike, func(same func(doc.Field, string) bool) bool { return same(*cell, v) }) {
			n++
		}
	}
	return n
}

// pair gives for each label the index of the row matched with it, or -1.
func (s *scorer) pair(spec doc.FieldSpec, labels []map[string]string, rows [][]doc.Field) []int {
	type match struct{ label, row, equal int }
	var all []match
	for i, l := range labels {
		for j, r := range rows {
			if n := s.equalCells(spec, l, r); n > 0 {
				all = append(all, match{i, j, n})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b match) int { return cmp.Compare(b.equal, a.equal) })
	partner := make([]int, len(labels))
	for i := range partner {
		partner[i] = -1
	}
	taken := map[int]bool{}
	for _, m := range all {
		if partner[m.label] < 0 && !taken[m.row] {
			partner[m.label] = m.row
			taken[m.row] = true
		}
	}
	return partner
}

// tableTallies gives the counts of all tables, each table's cells together first.
func (s *scorer) tableTallies() []Tally {
	sums := map[string]*Tally{}
	var out []Tally
	for name, t := range s.tables {
		if table, _, ok := strings.Cut(name, "."); ok && !strings.Contains(table, "(") {
			s.tally(sums, table+" (cells)").add(*t)
		}
		t.finish()
		out = append(out, *t)
	}
	for _, t := range sums {
		t.finish()
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Tally) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
