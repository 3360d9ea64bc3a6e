package fields

import (
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// column is a column of a table as its head shows it, and what it was found to hold.
type column struct {
	x0, x1 int             // of its head
	lo, hi int             // of its band: a word belongs to the column its middle lies in
	named  map[int]float64 // how well its head names a column of the type, by index: up to 1
	words  string          // its head
	spec   int             // the column of the type it holds, or -1
}

// head is the head of a table: one or several rows that name columns.
type head struct {
	columns     []column // left to right
	page        int
	first, last int // index of its rows
}

const (
	mostHeadRows  = 6  // most rows that the head of a table has
	mostHeadWords = 40 // a row with more words is running text
)

// findHead finds the next rows from index on that name the columns of a table.
func (r *reader) findHead(spec doc.FieldSpec, x *labelIndex, from int) (head, bool) {
	for i := from; i < len(r.layout.rows); i++ {
		if h, ok := r.headAt(spec, x, i); ok {
			return h, true
		}
	}
	return head{}, false
}

// headAt reads the head of a table that row i belongs to, if it does.
func (r *reader) headAt(spec doc.FieldSpec, x *labelIndex, i int) (head, bool) {
	rw := r.layout.rows[i]
	if len(rw.tokens) > mostHeadWords || r.amountsOn(rw) > 0 {
		return head{}, false
	}
	ms := certain(x.inCells(rw))
	if kinds(ms) < 2 {
		return head{}, false
	}
	h := head{page: rw.page, first: i, last: i}
	for _, u := range headUnits(rw, ms) {
		h.add(u, true)
	}
	r.extendUp(&h)
	r.extendDown(&h, x)
	return h, h.settle(spec)
}

// inCells finds labels within the cells of a row: a head's labels do not run over
// the gap to the next column. What is a label letter by letter is not taken for a
// part of one that only comes near.
func (x *labelIndex) inCells(rw *row) []labelMatch {
	var out []labelMatch
	exactly := &labelIndex{exact: x.exact, most: x.most}
	for _, c := range rw.cells {
		one := &row{tokens: rw.tokens[c.from:c.to], cells: []span{{0, c.to - c.from}}}
		one.tokens = slices.Clone(one.tokens)
		for i := range one.tokens {
			one.tokens[i].cell = 0
		}
		found := exactly.inRow(one)
		for _, m := range x.inRow(one) {
			if m.sim < 1 && !slices.ContainsFunc(found, func(o labelMatch) bool { return o.sim == 1 && m.at.from < o.at.to && o.at.from < m.at.to }) {
				found = append(found, m)
			}
		}
		for _, m := range found {
			m.row, m.at = rw, span{m.at.from + c.from, m.at.to + c.from}
			out = append(out, m)
		}
	}
	return out
}

// certain leaves out short labels that do not stand there letter by letter.
func certain(ms []labelMatch) []labelMatch {
	return slices.DeleteFunc(ms, func(m labelMatch) bool { return m.sim < 1 && len(m.form) < 7 })
}

func kinds(ms []labelMatch) int {
	seen := map[int]bool{}
	for _, m := range ms {
		seen[m.field] = true
	}
	return len(seen)
}

// amountsOn counts the amounts with decimals on a row.
func (r *reader) amountsOn(rw *row) int {
	n := 0
	for _, c := range r.onRow(rw.index, doc.Money) {
		if c.Decimals > 0 {
			n++
		}
	}
	return n
}

// headUnit is a piece of a head: a label, or words that are none.
type headUnit struct {
	box   doc.Box
	words string
	named map[int]float64
}

// headUnits cuts a row into labels with the words around them, and cells without
// a label.
func headUnits(rw *row, ms []labelMatch) []headUnit {
	var out []headUnit
	at := map[int]*headUnit{} // by first token
	covered := make([]bool, len(rw.tokens))
	for _, m := range ms {
		u, ok := at[m.at.from]
		if !ok {
			u = &headUnit{box: rw.boxOf(m.at), words: rw.textOf(m.at), named: map[int]float64{}}
			at[m.at.from] = u
			for k := m.at.from; k < m.at.to; k++ {
				covered[k] = true
			}
		}
		u.named[m.field] = max(u.named[m.field], m.weight())
	}
	for _, c := range rw.cells {
		var cell []headUnit
		for k := c.from; k < c.to; k++ {
			if u, ok := at[k]; ok {
				if len(cell) == 1 && len(cell[0].named) == 0 { // words before the first label belong to it
					u.box, u.words = u.box.Union(cell[0].box), cell[0].words+" "+u.words
					cell = cell[:0]
				}
				cell = append(cell, *u)
			}
			switch {
			case covered[k]:
			case len(cell) > 0: // words behind a label belong to it too
				last := &cell[len(cell)-1]
				last.box, last.words = last.box.Union(rw.tokens[k].box), last.words+" "+rw.tokens[k].text
			default:
				cell = append(cell, headUnit{box: rw.tokens[k].box, words: rw.tokens[k].text})
			}
		}
		out = append(out, cell...)
	}
	return out
}

// weight says how well a label names a column: earlier labels are stronger.
func (m labelMatch) weight() float64 {
	w := 1 - 0.5*float64(m.rank)/float64(max(m.of, 1))
	if !m.edge {
		w -= 0.2
	}
	return w * m.sim
}

// add puts a piece into the column it stands in, or makes a column of it.
func (h *head) add(u headUnit, mayOpen bool) {
	best, most := -1, 0.3
	for i, c := range h.columns {
		common := min(u.box[2], c.x1) - max(u.box[0], c.x0)
		if o := float64(common) / float64(max(1, min(u.box.W(), c.x1-c.x0))); o > most {
			best, most = i, o
		}
	}
	if best < 0 {
		if mayOpen {
			c := column{x0: u.box[0], x1: u.box[2], named: map[int]float64{}, spec: -1, words: u.words}
			for k, w := range u.named {
				c.named[k] = w
			}
			h.columns = append(h.columns, c)
		}
		return
	}
	c := &h.columns[best]
	c.x0, c.x1, c.words = min(c.x0, u.box[0]), max(c.x1, u.box[2]), c.words+" "+u.words
	for k, w := range u.named {
		c.named[k] = max(c.named[k], w*0.9)
	}
}

// extendUp takes in the words right above the head that stand over its columns.
func (r *reader) extendUp(h *head) {
	for n := 0; n < 2 && h.first > 0; n++ {
		rw, under := r.layout.rows[h.first-1], r.layout.rows[h.first]
		d, _ := counts(rw.text)
		if rw.page != h.page || d > 0 || under.box[1]-rw.box[3] > r.layout.height[h.page]/2 || len(rw.cells) > len(h.columns) || len(rw.tokens) > 8 || strings.Contains(rw.text, ":") {
			return
		}
		for _, c := range rw.cells {
			h.add(headUnit{box: rw.boxOf(c), words: rw.textOf(c)}, false)
		}
		h.first--
	}
}

// extendDown takes in the further rows of a head that is several lines high.
func (r *reader) extendDown(h *head, x *labelIndex) {
	height := r.layout.height[h.page]
	first := r.layout.rows[h.last]
	pending := []*row{}
	bottom := first.box[3]
	for _, b := range r.layout.below(first, mostHeadRows) {
		gap := b.box[1] - bottom
		d, _ := counts(b.text)
		if gap > height*4/5 || r.amountsOn(b) > 0 || d > 3 || len(b.tokens) > mostHeadWords || r.startsWithPosition(b) {
			break
		}
		ms := certain(x.inCells(b))
		whole := slices.DeleteFunc(slices.Clone(ms), func(m labelMatch) bool {
			c := b.cells[b.tokens[m.at.from].cell]
			return m.sim < 1 || m.at.from != c.from || m.at.to != c.to
		})
		tight := gap <= -height/8 && len(b.tokens) <= 3*len(b.cells) && d == 0
		if len(whole) == 0 && kinds(ms) < 2 {
			pending = append(pending, b)
			if !tight && len(pending) > 1 {
				break
			}
			if !tight {
				continue
			}
			ms = nil
		}
		for _, p := range pending {
			for _, u := range headUnits(p, nil) {
				h.add(u, false)
			}
		}
		pending = nil
		for _, u := range headUnits(b, ms) {
			h.add(u, len(u.named) > 0)
		}
		h.last, bottom = b.index, max(bottom, b.box[3])
	}
}

func (r *reader) startsWithPosition(rw *row) bool {
	return len(rw.cells) > 2 && isPosition(rw.textOf(rw.cells[0]))
}

// settle orders the columns, and says whether they are those of the table spec:
// three that the type names, a price or quantity among them, or a text and its
// amount.
func (h *head) settle(spec doc.FieldSpec) bool {
	slices.SortFunc(h.columns, func(a, b column) int { return a.x0 + a.x1 - b.x0 - b.x1 })
	named := map[int]bool{}
	for _, c := range h.columns {
		best, most := -1, 0.0
		for k, w := range c.named {
			if !named[k] && (w > most || w == most && k < best) {
				best, most = k, w
			}
		}
		if best >= 0 {
			named[best] = true
		}
	}
	has := func(name string) bool { return named[columnIndex(spec, name)] }
	if columnIndex(spec, "line_total") < 0 { // a table of another kind: any three columns
		return len(named) >= 3
	}
	text, amount := has("description"), has("line_total")
	if !has("quantity") && !has("unit_price") && h.ofTaxes() {
		return false
	}
	priced := has("unit_price") && (has("quantity") || text || amount) || has("quantity") && (text || amount)
	return len(named) >= 3 && (priced || text && amount) || text && amount && len(h.columns) <= 3
}

// ofTaxes says whether several columns speak of taxes: a table of taxes by rate.
func (h *head) ofTaxes() bool {
	n := 0
	for _, c := range h.columns {
		if taxWord.MatchString(c.words) {
			n++
		}
	}
	return n > 1
}

func columnIndex(spec doc.FieldSpec, name string) int {
	return slices.IndexFunc(spec.Columns, func(c doc.FieldSpec) bool { return c.Name == name })
}
