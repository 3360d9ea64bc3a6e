package fields

import (
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// Bounds of what may be a label, in letters and words.
const (
	leastLabel   = 3
	longestLabel = 30
	mostWords    = 4
)

// labelsBeside gives what may be labels of a confirmed value wherever it stands: the words before
// it in its cell, or else in the cell before, and the cell above.
func (r *reader) labelsBeside(spec doc.FieldSpec, value string) []string {
	var out []string
	add := func(rw *row, at span) {
		from := at.to
		for from > at.from && at.to-from < mostWords && !hasDigit(rw.tokens[from-1].squash) {
			from--
		}
		printed := rw.textOf(span{from, at.to})
		if n := len(squash(printed)); n >= leastLabel && n <= longestLabel && !slices.Contains(out, printed) {
			out = append(out, printed)
		}
	}
	for _, at := range r.standsAt(spec, value) {
		cell := at.row.cells[at.row.tokens[at.at.from].cell]
		before := wordsBefore(at.row, span{cell.from, at.at.from})
		for k := at.row.tokens[at.at.from].cell - 1; before.to == before.from && k >= 0; k-- {
			before = wordsBefore(at.row, at.row.cells[k])
		}
		add(at.row, before)
		if up, c, ok := r.cellAbove(at.row, at.row.boxOf(at.at)); ok {
			add(up, c)
		}
	}
	return out
}

// wordsBefore gives what is left of at without the numbers and marks at its end.
func wordsBefore(rw *row, at span) span {
	for at.to > at.from {
		if t := rw.tokens[at.to-1]; t.squash != "" && !hasDigit(t.squash) {
			break
		}
		at.to--
	}
	return at
}

// cellAbove gives the nearest cell above a box, in reach of it.
func (r *reader) cellAbove(rw *row, box doc.Box) (*row, span, bool) {
	for k := rw.index - 1; k >= 0 && r.layout.rows[k].page == rw.page; k-- {
		up := r.layout.rows[k]
		if box[1]-up.box[3] > reach*r.layout.height[rw.page] {
			break
		}
		for _, c := range up.cells {
			if b := up.boxOf(c); b[0] < box[2] && b[2] > box[0] {
				return up, c, true
			}
		}
	}
	return nil, span{}, false
}

// standsOn is a place on a row.
type standsOn struct {
	row *row
	at  span
}

// standsAt gives the places where a value stands: candidates of its type, or whole words that
// spell it.
func (r *reader) standsAt(spec doc.FieldSpec, value string) []standsOn {
	var out []standsOn
	want := CompareForm(spec.Type, value)
	for _, c := range r.all {
		if c.Type == spec.Type && CompareForm(spec.Type, c.Value) == want {
			out = append(out, standsOn{r.layout.rows[c.Row], c.at})
		}
	}
	if len(out) > 0 {
		return out
	}
	letters := squash(value)
	for _, rw := range r.layout.rows {
		for from := range rw.tokens {
			if to, rest := rw.spell(from, letters); letters != "" && rest == "" {
				out = append(out, standsOn{rw, span{from, to}})
			}
		}
	}
	return out
}
