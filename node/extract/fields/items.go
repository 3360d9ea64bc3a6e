package fields

import (
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// table answers a field of type table: taxes by their arithmetic, everything
// else by its head.
func (r *reader) table(spec doc.FieldSpec) (doc.Field, bool) {
	if spec.Hint == "taxes" {
		return r.taxTable(spec)
	}
	x := indexLabels(labelsOf(spec.Columns))
	f := doc.Field{Name: spec.Name, Type: doc.Table, Method: "table", Confidence: 0.6}
	var box doc.Box
	page, bare := -1, false
	for next := 0; ; {
		h, ok := r.findHead(spec, x, next)
		if !ok && len(f.Rows) == 0 && !bare {
			h, ok = r.bareHead(spec)
			bare = true
		}
		if !ok {
			break
		}
		var rows []*row
		rows, next = r.bodyRows(spec, x, h)
		next = max(next, h.last+1)
		for _, it := range r.items(spec, &h, rows) {
			cells := r.itemRow(spec, h, it)
			if r.noItems[it.lines[it.anchor].row.index] || len(cells) < 2 || bare && !has(cells, "quantity") {
				continue
			}
			if page < 0 {
				page = it.page()
			}
			if it.page() == page {
				box = box.Union(it.box())
			}
			f.Rows = append(f.Rows, cells)
		}
	}
	if len(f.Rows) == 0 {
		return doc.Field{}, false
	}
	r.derive(spec, f.Rows)
	f.Page, f.Box, f.Source = r.pageNumber(page), &box, sourceOf(r.layout.pages[page])
	return f, true
}

// item is one entry of a table: its lines, and which of them has its amount.
type item struct {
	lines  []tableLine
	anchor int
}

func (it item) page() int { return it.lines[it.anchor].row.page }

// box gives the place of the item on the page of its amount.
func (it item) box() doc.Box {
	var b doc.Box
	for _, l := range it.lines {
		if l.row.page == it.page() {
			b = b.Union(l.row.box)
		}
	}
	return b
}

// whole says whether a piece is a cell of its own, not a part of running text.
func (p piece) whole() bool {
	c := p.row.cells[p.row.tokens[p.at.from].cell]
	return c == p.at
}

// pieces gives what stands in a column, line by line. When anchored is set, the
// amount's line comes first, and of the others only what is a cell of its own.
func (it item) pieces(c int, anchored bool) []piece {
	if c < 0 {
		return nil
	}
	var out []piece
	for i, l := range it.lines {
		for _, p := range l.cells[c] {
			if !anchored || i == it.anchor || p.whole() {
				out = append(out, p)
			}
		}
	}
	if a := it.lines[it.anchor].cells[c]; anchored && len(a) > 0 {
		out = append(slices.Clone(a), slices.DeleteFunc(out, func(p piece) bool { return p.row == a[0].row })...)
	}
	return out
}

// items cuts the body of a table into its entries: first with the columns that
// the head names and all lines with figures, then, when the lines with amounts
// are known, with the columns that these show, and with those that arithmetic
// says are quantity, price and amount.
func (r *reader) items(spec doc.FieldSpec, h *head, rows []*row) []item {
	r.addUnnamed(h, rows)
	lines := r.body(h, rows, func(i int) bool { return figuresOn(rows[i]) >= 2 })
	g := r.rolesByHead(spec, h, lines)
	its := r.cut(h, lines, g)
	if len(its) == 0 {
		return nil
	}
	anchored := map[*row]bool{}
	for _, it := range its {
		anchored[it.lines[it.anchor].row] = true
	}
	lines = r.body(h, rows, func(i int) bool { return anchored[rows[i]] })
	g = r.rolesByHead(spec, h, lines)
	if its = r.cut(h, lines, g); len(its) == 0 {
		return nil
	}
	if better := r.rolesByValues(spec, h, its, g); better != g {
		if again := r.cut(h, lines, better); len(again) > 0 {
			g, its = better, again
		}
	}
	its = r.real(its, g)
	r.giveRoles(spec, h, its, g)
	return its
}

// real leaves out lines with an amount that are no items: where most items have
// a quantity or a price, a line without either, and without a position, is a
// surcharge or a note, unless the sum of the items needs it.
func (r *reader) real(its []item, g roles3) []item {
	if g.total < 0 {
		return its
	}
	var full, rest []item
	var sum, fullSum int64
	for _, it := range its {
		ls := it.lines[:it.anchor+1]
		n := int64(0)
		for _, p := range it.pieces(g.total, true) {
			if a, ok := parseMoney(p.text, r.hints); ok {
				n, _ = minor(a.value)
				break
			}
		}
		if r.allowance(it, g) {
			continue
		}
		rest, sum = append(rest, it), sum+n
		if r.filledWithin(ls, g.quantity) || r.filledWithin(ls, g.price) || g.pos >= 0 && slices.ContainsFunc(it.lines, func(l tableLine) bool { return positioned(l, g.pos) }) {
			full, fullSum = append(full, it), fullSum+n
		}
	}
	if len(rest) == 0 {
		return its
	}
	if len(full) == len(rest) {
		return rest
	}
	totals := r.labelledAmounts()
	if 2*len(full) < len(rest) || totals[sum] && !totals[fullSum] {
		return rest
	}
	return full
}

// allowance says whether a line with an amount is a discount or surcharge on what
// stands above it: it is named so, but for what is taken off a price in its own cell,
// and has no price.
func (r *reader) allowance(it item, g roles3) bool {
	l := it.lines[it.anchor]
	if r.filled(l, g.price) && r.filled(l, g.quantity) {
		return false
	}
	for c := range l.cells {
		if c != g.pos && c != g.price && len(l.cells[c]) > 0 && adjusts(l.cells[c][0].text) {
			return true
		}
	}
	return false
}

// labelledAmounts gives the amounts of the document that stand behind the label
// of one of its sums.
func (r *reader) labelledAmounts() map[int64]bool {
	out := map[int64]bool{}
	for _, m := range r.matches {
		if r.fields[m.field].Type != doc.Money {
			continue
		}
		for _, c := range r.onRow(m.row.index, doc.Money) {
			if n, ok := minor(c.Value); ok && c.at.from >= m.at.to {
				out[n] = true
			}
		}
	}
	return out
}

// cut finds the lines that carry an item's amount and divides the lines between
// them.
func (r *reader) cut(h *head, lines []tableLine, g roles3) []item {
	anchors := r.anchors(lines, g)
	if len(anchors) == 0 {
		return nil
	}
	height := r.layout.height[h.page]
	starts := []int{r.firstLine(lines, anchors[0], height)}
	above := r.textAbove(lines[starts[0]:anchors[0]], lines[anchors[0]], g)
	for k := 1; k < len(anchors); k++ {
		starts = append(starts, r.divide(lines, starts[k-1], anchors[k-1], anchors[k], g, above))
	}
	var out []item
	for k, a := range anchors {
		end := r.lastLine(lines, a, height) + 1
		if k+1 < len(anchors) {
			end = starts[k+1]
		}
		out = append(out, item{lines: lines[starts[k]:end], anchor: a - starts[k]})
	}
	return out
}

// anchors gives the lines with an item's amount, and those that have the other
// figures of an item whose amount was not read.
func (r *reader) anchors(lines []tableLine, g roles3) []int {
	var out []int
	for i, l := range lines {
		if r.hasAmount(l, g.total) {
			out = append(out, i)
		}
	}
	var lost []int
	numbered := r.numbered(lines, out, g)
	for i, l := range lines {
		if r.hasAmount(l, g.total) {
			continue
		}
		k, _ := slices.BinarySearch(out, i)
		if numbered && positioned(l, g.pos) && len(l.cells[g.text]) > 0 {
			lost = append(lost, i)
			continue
		}
		if !r.filled(l, g.quantity) || !r.filled(l, g.price) {
			continue
		}
		before := k > 0 && r.filledWithin(lines[max(out[k-1], i-maxItemLines):i], g.quantity)
		after := k < len(out) && r.filled(lines[out[k]], g.quantity)
		if (before || k == 0) && (after || k == len(out)) {
			lost = append(lost, i)
		}
	}
	out = append(out, lost...)
	slices.Sort(out)
	return out
}

// numbered says whether the position stands on the line of the amount and of the
// text, as far as lines with an amount are known: then each position begins an item.
func (r *reader) numbered(lines []tableLine, anchors []int, g roles3) bool {
	if g.pos < 0 || g.text < 0 || len(anchors) == 0 {
		return false
	}
	for _, a := range anchors {
		if !positioned(lines[a], g.pos) || len(lines[a].cells[g.text]) == 0 {
			return false
		}
	}
	return true
}

func (r *reader) hasAmount(l tableLine, c int) bool {
	if c < 0 {
		return false
	}
	for _, p := range l.cells[c] {
		if a, ok := parseMoney(p.text, r.hints); ok && (a.decimals > 0 || !r.decimals()) {
			return true
		}
	}
	return false
}

// decimals says whether the document's amounts have decimals at all.
func (r *reader) decimals() bool { return r.largest > 0 }

// filled says whether a line has a figure in column c.
func (r *reader) filled(l tableLine, c int) bool {
	return c >= 0 && slices.ContainsFunc(l.cells[c], func(p piece) bool { _, ok := r.figure(p.text); return ok })
}

// filledWhole leaves out figures within running text.
func (r *reader) filledWhole(l tableLine, c int) bool {
	return c >= 0 && slices.ContainsFunc(l.cells[c], func(p piece) bool { _, ok := r.figure(p.text); return ok && p.whole() })
}

func (r *reader) filledWithin(ls []tableLine, c int) bool {
	return slices.ContainsFunc(ls, func(l tableLine) bool { return r.filled(l, c) })
}

// lineGap gives how far line i stands below those before it, in pixels; the
// edge of a page counts as one line.
func lineGap(lines []tableLine, i, height int) int {
	if i == 0 || lines[i].row.page != lines[i-1].row.page {
		return height
	}
	return lines[i].row.box[1] - lines[i-1].row.box[3]
}

// firstLine gives the first line of the first item: what stands above its amount
// without a wide gap.
func (r *reader) firstLine(lines []tableLine, anchor, height int) int {
	i := anchor
	for i > 0 && anchor-i < 8 && lineGap(lines, i, height) < 3*height && lines[i-1].row.page == lines[anchor].row.page {
		i--
	}
	return i
}

// lastLine gives the last line of the last item.
func (r *reader) lastLine(lines []tableLine, anchor, height int) int {
	i := anchor
	for i+1 < len(lines) && lineGap(lines, i+1, height) < 4*height && lines[i+1].row.page == lines[anchor].row.page {
		i++
	}
	return i
}

// textAbove says whether the description of an item begins above its figures.
func (r *reader) textAbove(above []tableLine, anchor tableLine, g roles3) bool {
	if g.text < 0 {
		return false
	}
	height := r.layout.height[anchor.row.page]
	for _, l := range above {
		if r.filled(l, g.quantity) || r.filled(l, g.price) || r.filled(l, g.rate) {
			return false
		}
		for _, p := range l.cells[g.text] {
			if _, letters := counts(p.text); letters > 2 && p.row.boxOf(p.at)[3] < anchor.row.box[1]+height/3 {
				return true
			}
		}
	}
	return false
}

// maxItemLines bounds how far from its amount an item begins, in lines.
const maxItemLines = 40

// divide gives the first line of the item whose amount is on line b, when the one
// before has its amount on line a: not after the first figure that must be of the
// second, and where the gap is widest if text stands above the figures in this
// table; else it begins with that figure's line.
func (r *reader) divide(lines []tableLine, start, a, b int, g roles3, above bool) int {
	limit := b
	start, a = max(start, b-maxItemLines), max(a, b-maxItemLines)
	for i := a + 1; i < b; i++ {
		if r.startsNext(lines[start:i], lines[i], g) {
			limit = i
			break
		}
	}
	if !above {
		for limit-1 > a && overlap(lines[limit-1].row.box, lines[limit].row.box) > 0.3 && lines[limit-1].row.box[1] > lines[a].row.box[3] {
			limit-- // a line that stands beside it, but a little higher
		}
		return limit
	}
	best, most := limit, -1<<30
	for i := a + 1; i <= limit; i++ {
		if gap := lineGap(lines, i, r.layout.height[lines[i].row.page]); gap >= most {
			best, most = i, gap
		}
	}
	return best
}

// startsNext says whether a line has a figure in a column in which those before it
// have theirs already, so that it belongs to the next item.
func (r *reader) startsNext(before []tableLine, l tableLine, g roles3) bool {
	for _, c := range []int{g.quantity, g.rate} {
		if r.filledWhole(l, c) && r.filledWithin(before, c) {
			return true
		}
	}
	return g.pos >= 0 && positioned(l, g.pos) && slices.ContainsFunc(before, func(b tableLine) bool { return positioned(b, g.pos) })
}

func positioned(l tableLine, c int) bool {
	return len(l.cells[c]) > 0 && isPosition(l.cells[c][0].text)
}
