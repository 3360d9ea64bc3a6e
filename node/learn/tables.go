package learn

import (
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// tablesOf makes the tables whose rows c gives.
func tablesOf(t doc.Type, c doc.Correction, finder *fields.Finder) ([]doc.Field, error) {
	var out []doc.Field
	for _, name := range sortedNames(c.Rows) {
		spec, ok := t.Field(name)
		if !ok || spec.Type != doc.Table {
			return nil, doc.Errorf(doc.Invalid, "type %s has no table %q", t.Name, name)
		}
		if _, twice := c.Fields[name]; twice {
			return nil, doc.Errorf(doc.Invalid, "%s is named under \"fields\" and under \"rows\"", name)
		}
		table := doc.Field{Name: name, Type: doc.Table, Source: doc.FromPerson, Method: "review"}
		for n, cells := range c.Rows[name] {
			row, err := rowOf(spec, cells, finder)
			if err != nil {
				return nil, doc.Errorf(doc.Invalid, "%s, row %d: %w", name, n+1, err)
			}
			table.Rows = append(table.Rows, row)
		}
		accept(&table)
		out = append(out, table)
	}
	return out, nil
}

func rowOf(table doc.FieldSpec, cells map[string]string, finder *fields.Finder) ([]doc.Field, error) {
	columns := doc.Type{Name: table.Name, Fields: table.Columns}
	for name := range cells {
		if _, err := specOf(doc.Result{}, columns, name); err != nil {
			return nil, err
		}
	}
	var row []doc.Field
	for _, spec := range table.Columns {
		v, ok := cells[spec.Name]
		if !ok {
			continue
		}
		value, err := canonical(spec, v, finder.Hints())
		if err != nil {
			return nil, err
		}
		f := doc.Field{Name: spec.Name, Value: value, Type: spec.Type, Source: doc.FromPerson, Method: "review"}
		locate(&f, columns, finder)
		row = append(row, f)
	}
	return row, nil
}
