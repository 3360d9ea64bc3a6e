package fields

import (
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// bareHead makes the head of a table that has none printed: rows of a text and
// three figures, of which two multiply to the third, one under the other. Two such
// rows make a table, with the columns in which their figures stand.
func (r *reader) bareHead(spec doc.FieldSpec) (head, bool) {
	names := []string{"quantity", "unit_price", "line_total", "description"}
	for _, n := range names {
		if columnIndex(spec, n) < 0 {
			return head{}, false
		}
	}
	var h head
	found, lastRow := 0, -1
	for _, rw := range r.layout.rows {
		if r.tableEnds(rw) {
			if found > 1 {
				break
			}
			found = 0
			continue
		}
		boxes, ok := r.productRow(rw)
		if !ok {
			continue
		}
		if found > 0 && (rw.page != h.page || rw.index-lastRow > 6 || !h.under(boxes, r.layout.height[rw.page])) {
			if found > 1 {
				break
			}
			found = 0
		}
		if found == 0 {
			h = head{page: rw.page, first: rw.index - 1, last: rw.index - 1, columns: make([]column, len(names))}
			for i := range h.columns {
				h.columns[i] = column{x0: boxes[i][0], x1: boxes[i][2], named: map[int]float64{columnIndex(spec, names[i]): 1}, spec: -1}
			}
		}
		for i := range h.columns {
			h.columns[i].x0, h.columns[i].x1 = min(h.columns[i].x0, boxes[i][0]), max(h.columns[i].x1, boxes[i][2])
		}
		found, lastRow = found+1, rw.index
	}
	if found < 2 {
		return head{}, false
	}
	slices.SortFunc(h.columns, func(a, b column) int { return a.x0 + a.x1 - b.x0 - b.x1 })
	return h, true
}

// under says whether figures end, and a text begins, where those of the columns do.
func (h *head) under(boxes [4]doc.Box, height int) bool {
	for i, b := range boxes {
		d := b[2] - h.columns[i].x1
		if i == 3 {
			d = b[0] - h.columns[i].x0
		}
		if d > 2*height || d < -2*height {
			return false
		}
	}
	return true
}

// productRow finds on a row the places of a quantity, a price, their product and
// the longest text.
func (r *reader) productRow(rw *row) (boxes [4]doc.Box, ok bool) {
	if len(rw.tokens) > mostHeadWords || figuresOn(rw) < 3 || r.amountsOn(rw) < 2 {
		return boxes, false
	}
	var places []span
	var values []float64
	letters := 0
	for _, c := range rw.cells {
		if _, n := counts(rw.textOf(c)); n > letters {
			letters, boxes[3] = n, rw.boxOf(c)
		}
		if v, ok := r.figure(rw.textOf(c)); ok && len(places) < maxFigureColumns {
			f, _ := v.Float64()
			places, values = append(places, c), append(values, f)
		}
	}
	for t := len(places) - 1; t > 1 && letters > 3; t-- {
		for p := t - 1; p > 0; p-- {
			for q := p - 1; q >= 0; q-- {
				if values[t] != 0 && anyProduct(values[q:q+1], values[p:p+1], values[t:t+1]) {
					boxes[0], boxes[1], boxes[2] = rw.boxOf(places[q]), rw.boxOf(places[p]), rw.boxOf(places[t])
					return boxes, !boxes[3].Empty() && boxes[3] != boxes[0]
				}
			}
		}
	}
	return boxes, false
}
