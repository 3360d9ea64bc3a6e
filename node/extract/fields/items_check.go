package fields

import (
	"math/big"
	"slices"
	"strconv"

	"github.com/recto-edge/recto/node/doc"
)

// checkRows notes in the cells of each row whether quantity times price is the
// row's total, where all three stand.
func checkRows(f *doc.Field) {
	rows := make([][]doc.Field, len(f.Rows))
	for i, row := range f.Rows {
		rows[i] = slices.Clone(row)
		q, p, t := cellNamed(rows[i], "quantity"), cellNamed(rows[i], "unit_price"), cellNamed(rows[i], "line_total")
		if q == nil || p == nil || t == nil {
			continue
		}
		a, okA := new(big.Rat).SetString(q.Value)
		b, okB := new(big.Rat).SetString(p.Value)
		if okA && okB {
			note(t, "product", new(big.Rat).Mul(a, b).FloatString(2) == t.Value)
		}
	}
	f.Rows = rows
}

func cellNamed(row []doc.Field, name string) *doc.Field {
	for i := range row {
		if row[i].Name == name {
			row[i].Checks, row[i].FailedChecks = slices.Clone(row[i].Checks), slices.Clone(row[i].FailedChecks)
			return &row[i]
		}
	}
	return nil
}

// countPositions fills in positions that were not read between or beside those
// that were, or that are not printed at all.
func (r *reader) countPositions(spec doc.FieldSpec, rows [][]doc.Field) {
	k := columnIndex(spec, "pos")
	if k < 0 {
		return
	}
	at := make([]int, len(rows))
	read := 0
	for i, row := range rows {
		at[i] = -1
		if f := cellNamed(row, "pos"); f != nil {
			read++
			if n, err := strconv.Atoi(f.Value); err == nil {
				at[i] = n
			}
		}
	}
	known := slices.Clone(at)
	for i := range at {
		if at[i] < 0 && i > 0 && at[i-1] >= 0 {
			at[i] = at[i-1] + 1
		}
	}
	for i := len(at) - 1; i >= 0; i-- {
		if at[i] < 0 && i+1 < len(at) && at[i+1] > 0 {
			at[i] = at[i+1] - 1
		}
	}
	for i := range rows {
		if cellNamed(rows[i], "pos") != nil || known[i] >= 0 {
			continue
		}
		n := at[i]
		if n < 0 {
			if read > 0 {
				continue
			}
			n = i + 1
		}
		if read == 0 {
			n = i + 1
		}
		f := doc.Field{Name: "pos", Value: strconv.Itoa(n), Type: spec.Columns[k].Type, Confidence: cellDerived, Method: "derived",
			Page: rows[i][0].Page, Source: rows[i][0].Source, Box: rows[i][0].Box}
		rows[i] = slices.Insert(rows[i], 0, f)
	}
}
