package fields

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
)

// roles3 says which columns hold the figures of an item, by index; -1 where none does.
type roles3 struct {
	pos, text, quantity, price, rate, total int
}

// figure reads the number in the text of a cell, whatever stands beside it.
func (r *reader) figure(s string) (*big.Rat, bool) {
	v, ok := r.columnValue(doc.FieldSpec{Type: doc.Number}, s)
	if !ok {
		return nil, false
	}
	return new(big.Rat).SetString(v)
}

// rolesByHead takes the roles from the head alone, as far as the lines hold
// figures there.
func (r *reader) rolesByHead(spec doc.FieldSpec, h *head, lines []tableLine) roles3 {
	figures, amounts, rates := make([]int, len(h.columns)), make([]int, len(h.columns)), make([]int, len(h.columns))
	for _, l := range lines[:min(len(lines), maxBandRows)] {
		for c := range h.columns {
			if r.filled(l, c) {
				figures[c]++
			}
			if r.hasAmount(l, c) {
				amounts[c]++
			}
			if slices.ContainsFunc(l.cells[c], func(p piece) bool { return r.isRate(p.text) }) {
				rates[c]++
			}
		}
	}
	taken := map[int]bool{}
	best := func(name string, share func(c int) float64) int {
		k := columnIndex(spec, name)
		found, most := -1, 0.0
		for c := range h.columns {
			if w := h.columns[c].named[k] * share(c); !taken[c] && w > 0 && w >= most {
				found, most = c, w
			}
		}
		if found >= 0 {
			taken[found] = true
		}
		return found
	}
	all := func(int) float64 { return 1 }
	some := func(n []int) func(c int) float64 { return func(c int) float64 { return float64(min(n[c], 1)) } }
	g := roles3{pos: best("pos", all), text: best("description", all)}
	g.total = best("line_total", some(amounts))
	g.price = best("unit_price", some(figures))
	g.quantity = best("quantity", some(figures))
	// "VAT" stands over rates and over amounts of tax.
	g.rate = best("tax_rate", func(c int) float64 { return float64(rates[c]) / float64(max(figures[c], rates[c], 1)) })
	for c := len(h.columns) - 1; g.total < 0 && c >= 0; c-- { // no head over the amounts: they stand rightmost
		if amounts[c] > 0 && !taken[c] {
			g.total = c
		}
	}
	return g
}

// isRate says whether the text of a cell may be a tax rate.
func (r *reader) isRate(s string) bool {
	if strings.Contains(s, "%") || zeroRate.MatchString(s) {
		return true
	}
	v, ok := canonicalPercent(strings.Trim(s, "()[]"), r.hints)
	return ok && hundredths(v) >= 0 && hundredths(v) <= maxRate*100
}

// Bounds of the search for roles: columns, and items on which they are tried.
const (
	maxFigureColumns = 8
	maxTried         = 40
)

// rolesByValues tries which columns are quantity, price and amount, and takes
// those under which most products hold, unless the head says otherwise.
func (r *reader) rolesByValues(spec doc.FieldSpec, h *head, its []item, g roles3) roles3 {
	its = its[:min(len(its), maxTried)]
	var columns []int
	values := make([][][]float64, len(h.columns))
	for c := range h.columns {
		values[c] = r.figuresOf(its, c)
		if n := countFilled(values[c]); n*3 >= len(its) && n > 0 && c != g.pos && c != g.text && !r.percents(its, c) && len(columns) < maxFigureColumns {
			columns = append(columns, c)
		}
	}
	q, p, t := columnIndex(spec, "quantity"), columnIndex(spec, "unit_price"), columnIndex(spec, "line_total")
	if q < 0 || p < 0 || t < 0 {
		return g
	}
	best, most := g, r.fit(h, values, g, q, p, t)+0.05
	for _, a := range columns {
		for _, b := range columns {
			for _, c := range columns {
				if a == b || b == c || a == c {
					continue
				}
				try := g
				try.quantity, try.price, try.total = a, b, c
				if try.rate == a || try.rate == b || try.rate == c {
					continue
				}
				if f := r.fit(h, values, try, q, p, t); f > most {
					best, most = try, f
				}
			}
		}
	}
	return best
}

// fit says how well head and arithmetic agree with a choice of columns.
func (r *reader) fit(h *head, values [][][]float64, g roles3, q, p, t int) float64 {
	score := 0.0
	for _, x := range []struct{ column, spec int }{{g.quantity, q}, {g.price, p}, {g.total, t}} {
		if x.column < 0 {
			continue
		}
		named := h.columns[x.column].named
		other := 0.0
		for k, w := range named {
			if k != x.spec {
				other = max(other, w)
			}
		}
		score += named[x.spec]
		if named[x.spec] == 0 {
			score -= other
		}
	}
	if g.quantity < 0 || g.price < 0 || g.total < 0 {
		return score
	}
	held, all := 0, 0
	for i := range values[g.total] {
		if len(values[g.total][i]) == 0 || len(values[g.quantity][i]) == 0 || len(values[g.price][i]) == 0 {
			continue
		}
		all++
		if anyProduct(values[g.quantity][i], values[g.price][i], values[g.total][i]) {
			held++
		}
	}
	if g.total > g.price && g.total > g.quantity {
		score += 0.1
	}
	if g.quantity < g.price {
		score += 0.05
	}
	if all == 0 {
		return score
	}
	return score + 2.5*float64(held)/float64(all)
}

func anyProduct(qs, ps, ts []float64) bool {
	for _, q := range qs {
		for _, p := range ps {
			for _, t := range ts {
				if math.Abs(q*p-t) < 0.00501 {
					return true
				}
			}
		}
	}
	return false
}

// isProduct says whether q times p is t, rounded to two digits.
func isProduct(q, p, t *big.Rat) bool {
	return new(big.Rat).Mul(q, p).FloatString(2) == t.FloatString(2)
}

// figuresOf gives the figures of each item in a column, at most three.
func (r *reader) figuresOf(its []item, c int) [][]float64 {
	out := make([][]float64, len(its))
	for i, it := range its {
		for _, p := range it.pieces(c, true) {
			if v, ok := r.figure(p.text); ok && len(out[i]) < 3 {
				f, _ := v.Float64()
				out[i] = append(out[i], f)
			}
		}
	}
	return out
}

func countFilled(vs [][]float64) int {
	n := 0
	for _, v := range vs {
		if len(v) > 0 {
			n++
		}
	}
	return n
}

// percents says whether a column holds percentages.
func (r *reader) percents(its []item, c int) bool {
	n := 0
	for _, it := range its {
		if slices.ContainsFunc(it.lines[it.anchor].cells[c], func(p piece) bool { return strings.Contains(p.text, "%") }) {
			n++
		}
	}
	return 2*n >= len(its)
}

// giveRoles writes into the head which column holds what: the figures as found,
// then the others, the best named and fitting first.
func (r *reader) giveRoles(spec doc.FieldSpec, h *head, its []item, g roles3) {
	if g.rate < 0 {
		for c := range h.columns {
			if c != g.quantity && c != g.price && c != g.total && len(h.columns[c].named) == 0 && r.percents(its, c) && !offKey.MatchString(h.columns[c].words) {
				g.rate = c
			}
		}
	}
	given := map[int]bool{}
	for c := range h.columns {
		h.columns[c].spec = -1
	}
	for _, x := range []struct {
		column int
		name   string
	}{{g.quantity, "quantity"}, {g.price, "unit_price"}, {g.total, "line_total"}, {g.rate, "tax_rate"}} {
		if k := columnIndex(spec, x.name); x.column >= 0 && k >= 0 {
			h.columns[x.column].spec = k
			given[k] = true
		}
	}
	for {
		at, as, most := -1, -1, 0.0
		for c := range h.columns {
			if h.columns[c].spec >= 0 {
				continue
			}
			for k, w := range h.columns[c].named {
				if f := w * r.holds(spec.Columns[k], its, c); !given[k] && (f > most || f == most && at == c && k < as) {
					at, as, most = c, k, f
				}
			}
		}
		if at < 0 {
			break
		}
		h.columns[at].spec = as
		given[as] = true
	}
	if k := columnIndex(spec, "description"); k >= 0 && !given[k] {
		r.findText(h, its, k)
	}
}

// holds says how well what stands in a column is of the kind of a column of the type.
func (r *reader) holds(col doc.FieldSpec, its []item, c int) float64 {
	fit, all := 0, 0
	for _, it := range its[:min(len(its), maxTried)] {
		ps := it.pieces(c, true)
		if len(ps) == 0 {
			continue
		}
		all++
		text := ps[0].text
		ok := false
		switch {
		case col.Name == "pos":
			ok = isPosition(text)
		case col.Type == doc.Identifier:
			ok = slices.ContainsFunc(ps, func(p piece) bool { return hasDigit(p.text) })
		case col.Name == "unit":
			ok = unitish.MatchString(text)
		case col.Type == doc.Text || col.Type == doc.Name:
			ok = strings.ContainsFunc(text, unicode.IsLetter)
		default:
			_, ok = r.columnValue(col, text)
		}
		if ok {
			fit++
		}
	}
	if all == 0 {
		return 0.3
	}
	return 0.1 + 0.9*float64(fit)/float64(all)
}

// findText gives the role of the description to the unnamed column with most letters.
func (r *reader) findText(h *head, its []item, k int) {
	best, most := -1, len(its)*3
	for c := range h.columns {
		if h.columns[c].spec >= 0 {
			continue
		}
		n := 0
		for _, it := range its[:min(len(its), maxTried)] {
			for _, p := range it.pieces(c, false) {
				_, letters := counts(p.text)
				n += letters
			}
		}
		if n > most {
			best, most = c, n
		}
	}
	if best >= 0 {
		h.columns[best].spec = k
	}
}
