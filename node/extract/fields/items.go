package fields

import (
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// column is a column of a table as its header shows it.
type column struct {
	spec   int // index in the table's columns
	x0, x1 int
}

// header is the head of a table of items.
type header struct {
	columns []column
	last    int // index of its last row
	page    int
}

// table answers a field of type table: taxes by their arithmetic, everything
// else by its header.
func (r *reader) table(spec doc.FieldSpec) (doc.Field, bool) {
	if spec.Hint == "taxes" {
		return r.taxTable(spec)
	}
	h, ok := r.findHeader(spec, 0)
	if !ok {
		return doc.Field{}, false
	}
	f := doc.Field{Name: spec.Name, Type: doc.Table, Source: sourceOf(r.layout.pages[h.page]), Method: "table", Confidence: 0.6, Page: r.pageNumber(h.page)}
	var box doc.Box
	for ok {
		items, end := r.items(spec, h)
		for _, it := range items {
			if row := r.itemRow(spec, it); len(row) > 1 {
				f.Rows = append(f.Rows, row)
				if it.page == h.page && r.pageNumber(h.page) == f.Page {
					box = box.Union(it.box)
				}
			}
		}
		h, ok = r.findHeader(spec, end)
	}
	f.Box = &box
	return f, len(f.Rows) > 0
}

// findHeader finds the next row from index on that names at least three columns.
func (r *reader) findHeader(spec doc.FieldSpec, from int) (header, bool) {
	x := indexLabels(labelsOf(spec.Columns))
	for i := from; i < len(r.layout.rows); i++ {
		rw := r.layout.rows[i]
		h := header{page: rw.page, last: i}
		h.add(x.inRow(rw), rw)
		if len(h.columns) == 0 {
			continue
		}
		for _, b := range r.layout.below(rw, 4) { // heads are often two or three lines high
			if b.box[1]-r.layout.rows[h.last].box[3] > r.layout.height[rw.page] || len(r.onRow(b.index, doc.Money)) > 1 {
				break
			}
			before := len(h.columns)
			if h.add(x.inRow(b), b); len(h.columns) > before {
				h.last = b.index
			}
		}
		if len(h.columns) >= 3 && h.has(spec, doc.Money, doc.Number) {
			return h, true
		}
	}
	return header{}, false
}

func (h *header) add(ms []labelMatch, rw *row) {
	for _, m := range ms {
		if m.sim < 1 && len(m.form) < 7 || slices.ContainsFunc(h.columns, func(c column) bool { return c.spec == m.field }) {
			continue
		}
		b := rw.boxOf(m.at)
		if slices.ContainsFunc(h.columns, func(c column) bool { return b[0] < c.x1 && b[2] > c.x0 }) {
			continue
		}
		h.columns = append(h.columns, column{m.field, b[0], b[2]})
	}
}

func (h *header) has(spec doc.FieldSpec, types ...doc.FieldType) bool {
	return slices.ContainsFunc(h.columns, func(c column) bool { return slices.Contains(types, spec.Columns[c.spec].Type) })
}

// of gives the column that a box belongs to: the one it overlaps most, else the
// nearest within reach.
func (h *header) of(b doc.Box, height int) (column, bool) {
	best, most := -1, -3*height
	for i, c := range h.columns {
		if o := min(b[2], c.x1) - max(b[0], c.x0); o > most {
			best, most = i, o
		}
	}
	if best < 0 {
		return column{}, false
	}
	return h.columns[best], true
}

// item is one line of the table: pieces of text by column.
type item struct {
	cells map[int][]piece
	box   doc.Box
	page  int
	last  int // index of its last row
}

// items reads the lines under a header until the totals begin or the page ends.
func (r *reader) items(spec doc.FieldSpec, h header) ([]item, int) {
	var out []item
	height := r.layout.height[h.page]
	i := h.last + 1
	for ; i < len(r.layout.rows) && r.layout.rows[i].page == h.page; i++ {
		rw := r.layout.rows[i]
		if r.totalsBegin(rw) || len(out) > 0 && rw.box[1]-r.layout.rows[out[len(out)-1].last].box[3] > 8*height {
			break
		}
		cells := map[int][]piece{}
		for _, c := range rw.cells {
			if col, ok := h.of(rw.boxOf(c), height); ok {
				cells[col.spec] = append(cells[col.spec], piece{rw, c, rw.textOf(c)})
			}
		}
		switch {
		case r.begins(spec, cells, out):
			out = append(out, item{cells: cells, box: rw.box, page: rw.page, last: i})
		case len(out) > 0:
			it := &out[len(out)-1]
			if rw.box[1]-r.layout.rows[it.last].box[3] > 2*height {
				continue
			}
			for k, ps := range cells {
				if strings.HasPrefix(ps[0].text, "=") && spec.Columns[k].Type != doc.Text {
					it.cells[k] = ps // what is left after a discount
					continue
				}
				if len(it.cells[k]) == 0 || spec.Columns[k].Type == doc.Text && r.continues(it.cells[k], ps[0]) {
					it.cells[k] = append(it.cells[k], ps...)
				}
			}
			it.box, it.last = it.box.Union(rw.box), i
		}
	}
	return out, i
}

// continues says whether a piece of text is the next line of what stands above it
// in its column, and no note with a key of its own.
func (r *reader) continues(above []piece, p piece) bool {
	last := above[len(above)-1]
	gap := p.row.boxOf(p.at)[1] - last.row.boxOf(last.at)[3]
	return gap < r.layout.height[p.row.page]*4/5 && !strings.Contains(p.text, ":")
}

// totalsBegin says whether a row starts with the label of one of the document's
// sums and has an amount.
func (r *reader) totalsBegin(rw *row) bool {
	if len(r.onRow(rw.index, doc.Money)) == 0 {
		return false
	}
	for _, m := range r.onLabels(rw) {
		if r.fields[m.field].Type == doc.Money && m.sim == 1 && m.at.from <= 1 {
			return true
		}
	}
	return false
}

// begins says whether a row starts a new item: it has a position, or numbers in
// at least two columns of which the current item has one already.
func (r *reader) begins(spec doc.FieldSpec, cells map[int][]piece, out []item) bool {
	numbers, again := 0, false
	for k, ps := range cells {
		switch spec.Columns[k].Type {
		case doc.Money, doc.Number, doc.Percent:
			if _, ok := r.columnValue(spec.Columns[k], ps[0].text); ok {
				numbers++
				again = again || len(out) == 0 || len(out[len(out)-1].cells[k]) > 0
			}
		}
		if spec.Columns[k].Name == "pos" && isPosition(ps[0].text) && len(cells) > 1 {
			return true
		}
	}
	return numbers >= 2 && again
}

var position = regexp.MustCompile(`^#?\d{1,4}[.)]?(\d{1,3})?$`)

func isPosition(s string) bool { return position.MatchString(strings.TrimSpace(s)) }

var (
	quantityUnit = regexp.MustCompile(`^([-–]?[\d.,' ]*\d)\s*(?:x\b)?\s*([\p{L}²³.]{1,12})?$`)
	codeThenText = regexp.MustCompile(`^([A-Z0-9][A-Z0-9_./\-]*\d[A-Z0-9_./\-]*)\s+[-–]\s+(.+)$`)
)

// columnValue reads the text of a cell as a value of the column's type.
func (r *reader) columnValue(col doc.FieldSpec, s string) (string, bool) {
	if i := strings.LastIndex(s, "="); i >= 0 {
		s = s[i+1:]
	}
	switch col.Type {
	case doc.Number:
		h := r.hints
		if m := quantityUnit.FindStringSubmatch(strings.TrimSpace(s)); m != nil {
			s = m[1]
		} else if a, ok := parseMoney(s, h); ok {
			rest, _ := cutCurrency(tidy(s), h)
			if v, ok := canonicalNumber(rest, h); ok {
				return v, true
			}
			return trimZeros(a.value), true
		}
		return canonicalNumber(s, h)
	case doc.Money, doc.Percent:
		return Canonical(col.Type, s, r.hints)
	}
	return Canonical(col.Type, s, r.hints)
}

// itemRow turns an item into the fields of a row and checks quantity times price.
func (r *reader) itemRow(spec doc.FieldSpec, it item) []doc.Field {
	var out []doc.Field
	put := func(col doc.FieldSpec, raw, value string, p piece) {
		if value != "" && !has(out, col.Name) {
			c := Candidate{Raw: raw, Value: value, Page: it.page, Box: p.row.boxOf(p.at)}
			out = append(out, r.cell(col, c, 0.6, "table"))
		}
	}
	columns := doc.Type{Fields: spec.Columns}
	for k, col := range spec.Columns {
		ps := it.cells[k]
		if len(ps) == 0 {
			continue
		}
		text := ps[0].text
		if col.Type == doc.Text {
			text = joinTexts(ps)
		}
		if m := codeThenText.FindStringSubmatch(text); m != nil && col.Name == "description" {
			if art, ok := columns.Field("article_no"); ok && len(it.cells) > 0 {
				put(art, m[1], m[1], ps[0])
				text = m[2]
			}
		}
		if m := quantityUnit.FindStringSubmatch(strings.TrimSpace(text)); m != nil && m[2] != "" && col.Name == "quantity" {
			if unit, ok := columns.Field("unit"); ok {
				put(unit, m[2], unitCode(m[2]), ps[0])
			}
		}
		if v, ok := r.columnValue(col, text); ok && (col.Type != doc.Identifier || hasDigit(v)) {
			put(col, text, v, ps[0])
		}
	}
	return out
}

func joinTexts(ps []piece) string {
	parts := make([]string, len(ps))
	for i, p := range ps {
		parts[i] = p.text
	}
	return tidy(strings.Join(parts, " "))
}

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
