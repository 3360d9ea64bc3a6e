package fields

import (
	"math"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// A view is what the learned scorer sees of a candidate: one number a column,
// NaN where a column does not apply. Columns are named, so that a model that
// was trained on other columns is noticed and not misread. None of them knows a
// name of a vendor: they say how a candidate stands to labels, to the page, to
// the other candidates and to the sums.
var viewColumns = []string{
	"rule", "lead", "rank", "count", "relation", "label", "strength", "label length", "edge", "gap", "between",
	"x", "y", "left", "right", "page", "page from end", "pages", "row from top", "rows to end", "height",
	"largest", "first", "last", "repeats", "conf", "decimals", "clock", "beside id", "rounded", "twin", "sign", "tendered",
	"other label", "size rank", "sum of", "part of", "column sum", "tax role", "check", "other check", "cells", "cell", "words on row",
	"length", "digits", "letters", "upper", "legal", "trade", "street", "year", "date rank", "range",
	"top rule", "negative", "zero",
	"words", "words for", "words against",
}

// wordColumn is where the columns of the words begin.
var wordColumn = slices.Index(viewColumns, "words")

// amountFacts is what the amounts of a document say about each other, in
// hundredths.
type amountFacts struct {
	size   map[int64]int   // rank by size among distinct amounts, 0 for the largest
	sum    map[int64]int   // in how many ways an amount is the sum of two others
	part   map[int64]int   // in how many sums of two an amount has a part
	twin   map[int64]int   // 1: a rounded form of another amount; -1: that other
	role   map[int64]int   // 1 net, 2 tax, 3 gross in a table of taxes that adds up
	column map[[2]int]bool // row and first token of amounts that sum up the column above
}

// maxTwin is by how much, in hundredths, a till that knows no smaller coin than
// five rounds.
const maxTwin = 4

// maxAmounts bounds the search for sums on a page full of numbers.
const maxAmounts = 60

func (r *reader) amountFacts() *amountFacts {
	if r.facts != nil {
		return r.facts
	}
	f := &amountFacts{size: map[int64]int{}, sum: map[int64]int{}, part: map[int64]int{}, twin: map[int64]int{}, role: map[int64]int{}, column: map[[2]int]bool{}}
	r.facts = f
	var ns []int64
	for _, c := range r.all {
		if n, ok := minor(c.Value); ok && c.Type == doc.Money && c.Decimals == 2 && n > 0 {
			ns = append(ns, n)
		}
	}
	slices.Sort(ns)
	ns = slices.Compact(ns)
	slices.Reverse(ns)
	has := map[int64]bool{}
	for i, n := range ns {
		f.size[n] = i
		has[n] = true
	}
	for _, n := range ns {
		for d := int64(1); d <= maxTwin; d++ {
			for _, o := range []int64{n - d, n + d} {
				if has[o] && n%5 == 0 && o%5 != 0 {
					f.twin[n], f.twin[o] = 1, -1
				}
			}
		}
	}
	top := ns[:min(len(ns), maxAmounts)]
	for i, a := range top {
		for _, b := range top[i:] {
			if has[a+b] {
				f.sum[a+b]++
				f.part[a]++
				f.part[b]++
			}
		}
	}
	var net, tax int64
	for _, x := range r.findTaxes() {
		b, _ := minor(x.basis.Value)
		a, _ := minor(x.amount.Value)
		net, tax = net+b, tax+a
	}
	if tax != 0 {
		f.role[net+tax], f.role[net], f.role[tax] = 3, 1, 2
	}
	r.columnSums(f)
	return f
}

// columnSums marks amounts that are the sum of the amounts right above them in
// their column.
func (r *reader) columnSums(f *amountFacts) {
	h := 20
	if len(r.layout.height) > 0 {
		h = r.layout.height[0]
	}
	var column []Candidate
	for _, c := range r.all {
		if c.Type == doc.Money && c.Decimals == 2 {
			column = append(column, c)
		}
	}
	for i, c := range column {
		want, ok := minor(c.Value)
		if !ok || want <= 0 {
			continue
		}
		var sum int64
		seen := 0
		for k := i - 1; k >= 0 && seen < 40 && i-k < 120; k-- {
			a := column[k]
			if a.Page != c.Page || a.Row == c.Row || abs(int64(a.Box[2]-c.Box[2])) > int64(h) {
				continue
			}
			n, _ := minor(a.Value)
			sum += n
			if seen++; seen > 1 && sum == want {
				f.column[[2]int{c.Row, c.at.from}] = true
				break
			}
			if sum > want {
				break
			}
		}
	}
}

// otherLabel is how strongly a label of another field of the same type points
// at a piece of the page.
func (r *reader) otherLabel(i int, c Candidate) float64 {
	if r.pointed == nil {
		r.pointed = map[pointedAt]map[int]float64{}
		for _, m := range r.matches {
			for _, s := range r.beside(m, r.fields[m.field]) {
				at := pointedAt{s.Row, s.at.from, s.Type}
				if r.pointed[at] == nil {
					r.pointed[at] = map[int]float64{}
				}
				r.pointed[at][m.field] = max(r.pointed[at][m.field], labelScore(s.Features))
			}
		}
	}
	best := 0.0
	for field, s := range r.pointed[pointedAt{c.Row, c.at.from, c.Type}] {
		if field != i {
			best = max(best, s)
		}
	}
	return best
}

type pointedAt struct {
	row, from int
	kind      doc.FieldType
}

var nan = float32(math.NaN())

func flag(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// views gives the view of each candidate of field i, in the order of list, which
// is ranked by the rules.
func (r *reader) views(i int, list []scored) [][]float32 {
	out := make([][]float32, len(list))
	dates := dateRanks(list)
	for k := range list {
		out[k] = r.view(i, list, k, dates)
	}
	return out
}

func dateRanks(list []scored) map[string]int {
	var ds []string
	for _, c := range list {
		if c.Type == doc.Date {
			ds = append(ds, c.Value)
		}
	}
	slices.Sort(ds)
	out := map[string]int{}
	for i, d := range slices.Compact(ds) {
		out[d] = i
	}
	return out
}

func (r *reader) view(i int, list []scored, k int, dates map[string]int) []float32 {
	c := &list[k]
	f := &c.Features
	rw := r.layout.rows[c.Row]
	x := make([]float32, 0, len(viewColumns))
	put := func(vs ...float32) { x = append(x, vs...) }
	next := 0.0
	if k > 0 {
		next = list[0].score
	} else if len(list) > 1 {
		next = list[1].score
	}
	put(float32(c.score), float32(c.score-next), float32(min(k, 20)), float32(min(len(list), 60)))
	if f.Relation == NoLabel {
		put(0, nan, nan, nan, nan, nan, nan)
	} else {
		put(float32(f.Relation), float32(f.Label), float32(f.Strength), float32(f.LabelLen), flag(f.Edge), float32(min(f.Gap, 60)), float32(f.Between))
	}
	w, _ := r.extent(r.layout.pages[c.Page])
	put(float32(f.X), float32(f.Y), float32(c.Box[0])/float32(max(w, 1)), float32(c.Box[2])/float32(max(w, 1)))
	put(float32(min(f.PageIndex, 20)), float32(min(f.Pages-1-f.PageIndex, 20)), float32(min(f.Pages, 20)))
	first, last := r.rowsOfPage(c.Page)
	put(float32(min(c.Row-first, 100)), float32(min(last-c.Row, 100)), float32(f.Height))
	put(flag(f.Largest), flag(f.First), flag(f.Last), float32(min(f.Repeats, 20)), float32(f.WordConf), float32(f.Cents), flag(f.Clock), flag(f.BesideID), flag(f.Rounded))
	put(r.moneyView(c)...)
	put(float32(r.otherLabel(i, c.Candidate)))
	put(r.sumView(i, c)...)
	put(float32(len(rw.cells)), float32(min(cellOf(rw, c.at), 10)), float32(min(len(rw.tokens), 40)))
	put(textView(c)...)
	if c.Type == doc.Date && len(c.Value) == 10 {
		put(float32(c.Value[2]-'0')*10+float32(c.Value[3]-'0'), float32(dates[c.Value]), float32(c.Range))
	} else {
		put(nan, nan, nan)
	}
	put(float32(list[0].score), flag(strings.HasPrefix(c.Value, "-")), flag(c.Value == "0.00"), 0, 0, 0)
	return x
}

func cellOf(rw *row, s span) int {
	if s.from < len(rw.tokens) {
		return rw.tokens[s.from].cell
	}
	return 0
}

func (r *reader) rowsOfPage(page int) (first, last int) {
	if r.pageRows == nil {
		r.pageRows = make([][2]int, len(r.layout.pages))
		for i := range r.pageRows {
			r.pageRows[i] = [2]int{-1, -1}
		}
		for i, rw := range r.layout.rows {
			if r.pageRows[rw.page][0] < 0 {
				r.pageRows[rw.page][0] = i
			}
			r.pageRows[rw.page][1] = i
		}
	}
	return r.pageRows[page][0], r.pageRows[page][1]
}

func (r *reader) moneyView(c *scored) []float32 {
	n, ok := minor(c.Value)
	if !ok || c.Type != doc.Money {
		return []float32{nan, nan, nan}
	}
	return []float32{float32(r.amountFacts().twin[n]), flag(c.HasSign), float32(r.nearly[n])}
}

func (r *reader) sumView(i int, c *scored) []float32 {
	n, ok := minor(c.Value)
	if !ok || c.Type != doc.Money {
		return []float32{nan, nan, nan, nan, nan, nan, nan}
	}
	f := r.amountFacts()
	size := nan
	if k, ok := f.size[n]; ok {
		size = float32(min(k, 30))
	}
	return []float32{size, float32(min(f.sum[n], 9)), float32(min(f.part[n], 9)), flag(f.column[[2]int{c.Row, c.at.from}]), float32(f.role[n]), float32(r.support(i)[n]), float32(r.otherSupport(i, n))}
}

func textView(c *scored) []float32 {
	switch c.Type {
	case doc.Money, doc.Date, doc.Number, doc.Percent:
		return []float32{nan, nan, nan, nan, nan, nan, nan}
	}
	d, l := counts(c.Value)
	upper := 0
	for _, r := range c.Value {
		if r >= 'A' && r <= 'Z' {
			upper++
		}
	}
	return []float32{float32(min(len(c.Value), 120)), float32(d), float32(min(l, 120)), float32(upper) / float32(max(l, 1)),
		flag(legalForm.MatchString(c.Value)), flag(trade.MatchString(c.Value)), flag(street.MatchString(c.Value))}
}
