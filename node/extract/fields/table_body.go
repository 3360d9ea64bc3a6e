package fields

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
)

// tableLine is a row of a table's body: what stands in each column.
type tableLine struct {
	row   *row
	cells [][]piece // by column
}

var (
	// carriedOver is the sum that a page takes over from the one before, or hands on.
	carriedOver = regexp.MustCompile(`(?i)(^|\s)([üu]bertrag|[üu]bertragen|zwischensumme seite|carried (forward|over)|brought forward|carry.?over|balance forward|report(er)?|[àa] reporter|a riportare|riporto|suma y sigue|transport|page total|seitensumme|total de la page)\b`)
	sectionHead = regexp.MustCompile(`^[-–—=*\s]{2,}.*[-–—=*\s]{2,}$`) // "--- Drinks ---"
	// taxStart begins a line of taxes.
	taxStart   = regexp.MustCompile(`(?i)^\W*(zzgl|zuzüglich|plus|incl|inkl|davon|add)?\W*(\d{1,2}([.,]\d+)?\s?%)?\W*((umsatz|mehrwert|versicherungs)?steuer(betrag|satz)?|umsatzssteuer|u\.?st\.?|mwst\.?|vat|value added tax|sales tax|tax|t\.?v\.?a\.?|taxe sur|iva|gst|btw|moms)([\s:(\d]|$)`)
	figureForm = regexp.MustCompile(`^[\p{Sc}(+=±–−-]*\d[\d.,'’]*[)%\p{Sc}–−-]*$`)
	unitish    = regexp.MustCompile(`^[\p{L}²³./%\p{Sc}]{1,12}$`)
)

// isFigure says whether a word is a number, with what may hang on it.
func isFigure(s string) bool { return figureForm.MatchString(s) }

// figuresOn counts the figures of a row that stand for themselves.
func figuresOn(rw *row) int {
	n := 0
	for _, t := range rw.tokens {
		if isFigure(t.text) {
			n++
		}
	}
	return n
}

// bodyRows gives the rows under a head down to the totals, over page breaks, and
// the index at which to look for the next table.
func (r *reader) bodyRows(spec doc.FieldSpec, x *labelIndex, h head) (rows []*row, next int) {
	prev := r.layout.rows[h.last]
	i := h.last + 1
	for ; i < len(r.layout.rows); i++ {
		rw := r.layout.rows[i]
		height := r.layout.height[rw.page]
		switch {
		case rw.page != prev.page:
			if !r.goesOn(h, rw) {
				return rows, i
			}
			if again, ok := r.headAgain(spec, x, h, rw); ok { // the head is printed anew
				i = again
				prev = r.layout.rows[again]
				continue
			}
		case rw.box[1]-prev.box[3] > 10*height:
			return rows, i
		}
		ends := r.tableEnds(rw)
		if ends && !r.subtotal(rw) || len(rows) > 0 && otherHead(rw, h) {
			return rows, i
		}
		prev = rw
		if !ends && !sectionHead.MatchString(rw.text) && !carriedOver.MatchString(rw.text) && len(rw.tokens) <= 3*mostHeadWords {
			rows = append(rows, rw)
		}
	}
	return rows, i
}

// headAgain looks at the top of a page for the head of the table that began
// before, in the same place, and gives its last row.
func (r *reader) headAgain(spec doc.FieldSpec, x *labelIndex, h head, top *row) (int, bool) {
	for i := top.index; i < len(r.layout.rows) && i < top.index+12 && r.layout.rows[i].page == top.page; i++ {
		if again, ok := r.headAt(spec, x, i); ok {
			return again.last, sameColumns(h, again, 2*r.layout.height[top.page])
		}
	}
	return 0, false
}

func sameColumns(a, b head, slack int) bool {
	if len(a.columns) != len(b.columns) {
		return false
	}
	for i := range a.columns {
		if d := a.columns[i].x0 - b.columns[i].x0; d > slack || d < -slack {
			return false
		}
	}
	return true
}

// goesOn says whether the page that top begins continues the table of h: within
// its first rows comes one with figures under the head's columns, or the head.
func (r *reader) goesOn(h head, top *row) bool {
	if top.page > h.page+maxTablePages {
		return false
	}
	last := h.columns[len(h.columns)-1]
	for i := top.index; i < len(r.layout.rows) && i < top.index+15 && r.layout.rows[i].page == top.page; i++ {
		rw := r.layout.rows[i]
		if r.tableEnds(rw) || otherHead(rw, h) {
			return false
		}
		if r.amountsOn(rw) > 0 && figuresOn(rw) >= 2 && rw.box[2] > last.x0 && rw.box[0] < h.columns[max(0, len(h.columns)-2)].x0 {
			return true
		}
	}
	return false
}

// maxTablePages bounds how far one table goes without its head being found anew.
const maxTablePages = 50

// tableEnds says whether the totals or the table of taxes begin at a row.
func (r *reader) tableEnds(rw *row) bool {
	amounts := r.amountsOn(rw)
	if amounts == 0 {
		return false
	}
	if taxStart.MatchString(rw.text) && (len(r.ratesOn(rw, true)) > 0 || amounts > 1) {
		return true
	}
	few := figuresOn(rw) <= 3
	for _, m := range r.onLabels(rw) {
		if r.fields[m.field].Type != doc.Money || m.sim < 1 || strings.HasPrefix(rw.tokens[m.at.from].text, "(") {
			continue // in brackets it tells which price a price is
		}
		if few && m.at.from <= 1 || m.at == rw.cells[0] { // a row of totals has the label alone in its first cell
			return true
		}
	}
	return false
}

// subtotal says whether the table goes on under a sum: soon comes a row with a
// text and three figures, the last of them in the column of the sum.
func (r *reader) subtotal(sum *row) bool {
	height := r.layout.height[sum.page]
	bottom := sum.box[3]
	for _, rw := range r.layout.below(sum, 5) {
		if rw.box[1]-bottom > 4*height || r.tableEnds(rw) || taxWord.MatchString(rw.text) {
			return false
		}
		bottom = rw.box[3]
		_, letters := counts(rw.textOf(rw.cells[0]))
		if d := rw.box[2] - sum.box[2]; letters > 3 && figuresOn(rw) >= 3 && r.amountsOn(rw) >= 2 && d < height && d > -height {
			return true
		}
	}
	return false
}

// otherHead says whether a row looks like the head of another table: several
// short texts over the width of this one, and no digit.
func otherHead(rw *row, h head) bool {
	d, _ := counts(rw.text)
	if d > 0 || len(rw.cells) < 3 || len(rw.tokens) > min(len(rw.cells), 5)*len(rw.cells)*9/10 || strings.HasSuffix(rw.tokens[0].text, ":") {
		return false
	}
	left, right := h.columns[0].x0, h.columns[len(h.columns)-1].x1
	return rw.box.W() > (right-left)*2/3
}

// setBands finds the edges between the columns: where between two heads the
// fewest words of the body stand, each row counted by its weight, and where what
// stands under one head alone is on that head's side.
func (h *head) setBands(rows []*row, weight func(i int) float64) {
	cut := make([]edge, max(0, len(h.columns)-1))
	for i := range cut {
		a, b := h.columns[i], h.columns[i+1]
		from := (a.x0 + a.x1) / 2
		to := max((b.x0+b.x1)/2, from+1)
		cut[i] = edge{from: from, to: to, a: min(a.x1, to), b: max(b.x0, from), cost: make([]float64, to-from)}
	}
	for i, rw := range rows {
		w := weight(i)
		for _, t := range rw.tokens {
			for k := range cut {
				cut[k].add(t.box[0], t.box[2], w)
			}
			if n := h.alone(t.box); n >= 0 && isFigure(t.text) {
				h.side(cut, n, t.box, w)
			}
		}
		for _, c := range rw.cells {
			box := rw.boxOf(c)
			if n := h.alone(box); n >= 0 {
				h.side(cut, n, box, w)
			}
		}
	}
	for i := range h.columns {
		h.columns[i].lo, h.columns[i].hi = -1<<30, 1<<30
	}
	for i := range cut {
		x := cut[i].best()
		h.columns[i].hi, h.columns[i+1].lo = x, x
	}
}

// alone gives the column whose head a box stands under, when it is only one.
func (h *head) alone(b doc.Box) int {
	found := -1
	for i, c := range h.columns {
		if b[0] < c.x1 && b[2] > c.x0 {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

// side counts against edges that would part box from column n.
func (h *head) side(cut []edge, n int, box doc.Box, w float64) {
	if n > 0 {
		cut[n-1].add(box[0]+1, cut[n-1].to, w)
	}
	if n < len(cut) {
		cut[n].add(cut[n].from, box[2], w)
	}
}

// edge is the space between the middles of two heads in which one column ends
// and the next begins.
type edge struct {
	from, to int
	a, b     int       // where the first head ends, and the second begins
	cost     []float64 // of an edge at each x
}

func (e *edge) add(x0, x1 int, w float64) {
	for x := max(x0, e.from); x < min(x1, e.to); x++ {
		e.cost[x-e.from] += w
	}
}

// best gives the middle of the widest stretch of least cost; one that reaches into
// the gap between the heads counts more.
func (e *edge) best() int {
	least := slices.Min(e.cost)
	at, most := (e.from+e.to)/2, -1
	for i := 0; i < len(e.cost); i++ {
		if e.cost[i] > least {
			continue
		}
		k := i
		for k < len(e.cost) && e.cost[k] <= least {
			k++
		}
		n := k - i
		if e.from+k > e.a && e.from+i < e.b {
			n *= 3
		}
		if n > most {
			at, most = e.from+(i+k)/2, n
		}
		i = k
	}
	return at
}

// addUnnamed makes a column of amounts that stand right of the last head.
func (r *reader) addUnnamed(h *head, rows []*row) {
	last := h.columns[len(h.columns)-1]
	height := r.layout.height[h.page]
	all, beyond := 0, 0
	var box doc.Box
	for _, rw := range rows[:min(len(rows), maxBandRows)] {
		if figuresOn(rw) < 2 || r.amountsOn(rw) == 0 {
			continue
		}
		all++
		if t := rw.tokens[len(rw.tokens)-1]; isFigure(t.text) && t.box[0] > last.x1+height {
			beyond++
			box = box.Union(t.box)
		}
	}
	if beyond > 0 && 2*beyond >= all {
		h.columns = append(h.columns, column{x0: box[0], x1: box[2], named: map[int]float64{}, spec: -1})
	}
}

// maxBandRows bounds the rows from which the edges of columns are learned.
const maxBandRows = 400

// body cuts the rows into the columns' cells. Those for which sure holds say where
// the columns are.
func (r *reader) body(h *head, rows []*row, sure func(i int) bool) []tableLine {
	h.setBands(rows[:min(len(rows), maxBandRows)], func(i int) float64 {
		if sure(i) {
			return 1
		}
		return 0.02
	})
	out := make([]tableLine, len(rows))
	for i, rw := range rows {
		out[i] = tableLine{row: rw, cells: make([][]piece, len(h.columns))}
		for _, c := range rw.cells {
			r.cutCell(h, rw, c, &out[i])
		}
	}
	return out
}

// cutCell gives the words of a cell to the columns they stand in. Words that run
// from a column of text into the next one stay together, up to the next figure.
func (r *reader) cutCell(h *head, rw *row, c span, line *tableLine) {
	col := make([]int, 0, c.to-c.from)
	running := c.to-c.from > 2 && !anyFigureEnds(rw, c)
	for k := c.from; k < c.to; k++ {
		t := rw.tokens[k]
		n := h.at((t.box[0] + t.box[2]) / 2)
		if k > c.from {
			before := col[len(col)-1]
			words := strings.ContainsFunc(t.text, unicode.IsLetter) && !(unitish.MatchString(t.text) && isFigure(rw.tokens[k-1].text))
			if n > before && hasText(rw, c.from, k, col, before) && (running || words && rw.tokens[k].box[0]-rw.tokens[k-1].box[2] < t.box.H()) && !r.figureColumnStarts(h, rw, k, n) {
				n = before
			}
			n = max(n, before)
		}
		col = append(col, n)
	}
	for from := 0; from < len(col); {
		to := from
		for to < len(col) && col[to] == col[from] {
			to++
		}
		s := span{c.from + from, c.from + to}
		line.cells[col[from]] = append(line.cells[col[from]], piece{rw, s, rw.textOf(s)})
		from = to
	}
}

// hasText says whether the words of the cell before token k, as far as they went
// to column n, are more than figures.
func hasText(rw *row, from, k int, col []int, n int) bool {
	for i := k - 1; i >= from && col[i-from] == n; i-- {
		if !isFigure(rw.tokens[i].text) {
			return true
		}
	}
	return false
}

// figureColumnStarts says whether token k is a figure that lies wholly in column n.
func (r *reader) figureColumnStarts(h *head, rw *row, k, n int) bool {
	t := rw.tokens[k]
	return isFigure(t.text) && t.box[0] >= h.columns[n].lo && t.box[2] <= h.columns[n].hi
}

// anyFigureEnds says whether a cell ends in a figure, as a row of figures that
// were read as one piece does.
func anyFigureEnds(rw *row, c span) bool {
	for k := max(c.from, c.to-2); k < c.to; k++ {
		if isFigure(rw.tokens[k].text) {
			return true
		}
	}
	return false
}

// at gives the column in whose band x lies.
func (h *head) at(x int) int {
	for i, c := range h.columns {
		if x < c.hi {
			return i
		}
	}
	return len(h.columns) - 1
}
