package fields

import (
	"regexp"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// taxRow is a line of a tax table, recognised by its arithmetic: the rate of the
// basis is the amount.
type taxRow struct {
	rate, basis, amount Candidate

	spoken bool // words about taxes stand on the row or near it
}

// maxRate is the highest tax rate believed, in percent.
const maxRate = 30

var taxWord = regexp.MustCompile(`(?i)steuer|\b(ust|mwst|vat|tax|tva|iva|gst)\b`)

// findTaxes finds the lines of tax tables in any layout: rows where a rate, a
// basis and an amount agree, and rows with a rate and an amount whose basis
// stands nearby. Of several, those stay whose sum stands on the document.
func (r *reader) findTaxes() []taxRow {
	if r.taxesKnown {
		return r.taxes
	}
	r.taxesKnown = true
	var near []taxRow
	last := -1 << 30 // the last row that spoke of taxes
	for _, rw := range r.layout.rows {
		if taxWord.MatchString(rw.text) {
			last = rw.index
		}
		amounts := r.onRow(rw.index, doc.Money)
		if len(amounts) == 0 || adjusts(rw.text) {
			continue
		}
		spoken := r.taxSpoken(rw, last)
		rates := r.ratesOn(rw, spoken)
		t, ok := taxOnRow(rates, amounts)
		if !ok {
			if t, ok = r.taxNearby(rw, rates, amounts); ok {
				t.spoken = spoken
				near = append(near, t)
			}
			continue
		}
		t.spoken = spoken
		r.addTax(t)
	}
	if len(r.taxes) == 0 {
		for _, t := range near {
			r.addTax(t)
		}
	}
	r.taxes = r.provenTaxes(r.taxes)
	return r.taxes
}

// taxSpoken says whether a row stands in a table of taxes: the head or a row not
// far above it on its page, or the row under it, speaks of taxes.
func (r *reader) taxSpoken(rw *row, last int) bool {
	if last >= 0 && rw.index-last <= 8 && r.layout.rows[last].page == rw.page {
		return true
	}
	next := rw.index + 1
	return next < len(r.layout.rows) && r.layout.rows[next].page == rw.page && taxWord.MatchString(r.layout.rows[next].text)
}

// mostTaxRows bounds the lines among which those are sought that make a sum.
const mostTaxRows = 10

// provenTaxes gives those lines whose bases and amounts together stand on the
// document as a sum with a label: the most of them for which this holds, and
// lines that speak of taxes before others. When no sum holds, it keeps all that
// stand near a word about taxes.
func (r *reader) provenTaxes(rows []taxRow) []taxRow {
	if len(rows) == 0 || len(rows) > mostTaxRows {
		return rows
	}
	totals := r.labelledAmounts()
	best, most := slices.DeleteFunc(slices.Clone(rows), func(t taxRow) bool { return !t.spoken }), -1
	for set := 1; set < 1<<len(rows); set++ {
		var sum int64
		value := 0
		for i, t := range rows {
			if set&(1<<i) == 0 {
				continue
			}
			b, _ := minor(t.basis.Value)
			a, _ := minor(t.amount.Value)
			sum, value = sum+b+a, value+2
			if taxWord.MatchString(r.layout.rows[t.rate.Row].text) {
				value++
			}
		}
		if value > most && totals[sum] {
			best, most = nil, value
			for i, t := range rows {
				if set&(1<<i) != 0 {
					best = append(best, t)
				}
			}
		}
	}
	return best
}

func (r *reader) addTax(t taxRow) {
	same := func(o taxRow) bool {
		return o.rate.Value == t.rate.Value && (o.basis.Value == t.basis.Value || o.amount.Value == t.amount.Value && t.amount.Value != "0.00")
	}
	if !slices.ContainsFunc(r.taxes, same) {
		r.taxes = append(r.taxes, t)
	}
}

// ratesOn gives the percentages of a row, and where it stands among taxes also
// bare small numbers that may be one.
func (r *reader) ratesOn(rw *row, amongTaxes bool) []Candidate {
	out := r.onRow(rw.index, doc.Percent)
	if len(out) > 0 || !amongTaxes {
		return out
	}
	for i, t := range rw.tokens {
		if v, ok := canonicalPercent(strings.Trim(t.text, "()[]"), r.hints); ok && len(v) <= 5 && hundredths(v) >= 0 && hundredths(v) <= maxRate*100 {
			out = append(out, rw.candidate(doc.Percent, rw.starts[i], rw.starts[i]+len(t.text), v))
		}
	}
	return out
}

// hundredths reads a rate as an integer of hundredths of a percent; 0 when it is none.
func hundredths(v string) int64 {
	m, ok := cents(v, false)
	if !ok {
		return 0
	}
	n, _ := minor(m)
	return n
}

// agrees says whether amount is rate percent of basis, but for rounding.
func agrees(rate, basis, amount int64) bool {
	return abs(basis*rate-amount*10000) <= 10000+5000
}

// taxOnRow finds the rate, basis and amount on a row that agree best.
func taxOnRow(rates, amounts []Candidate) (taxRow, bool) {
	var best taxRow
	least := int64(-1)
	for _, p := range rates {
		rate := hundredths(p.Value)
		if rate < 0 || rate > maxRate*100 {
			continue
		}
		for _, b := range amounts {
			for _, a := range amounts {
				if b.at == a.at || b.at == p.at || a.at == p.at || b.Decimals != 2 || a.Decimals != 2 {
					continue
				}
				if off, ok := taxFits(rate, b, a); ok && (least < 0 || off < least) {
					best, least = taxRow{rate: p, basis: b, amount: a}, off
				}
			}
		}
		if least >= 0 {
			return best, true
		}
	}
	return taxRow{}, false
}

// taxFits says whether amount may be rate percent of basis, and how far it is off.
func taxFits(rate int64, b, a Candidate) (off int64, ok bool) {
	basis, _ := minor(b.Value)
	amount, _ := minor(a.Value)
	if basis < 0 && amount <= 0 { // a credit note
		basis, amount = -basis, -amount
	}
	if basis <= 0 || amount < 0 || (rate > 0) != (amount > 0) || rate > 0 && basis < 50 {
		return 0, false
	}
	return abs(basis*rate - amount*10000), agrees(rate, basis, amount)
}

// taxNearby takes a row with one amount, and looks for its basis a few rows off.
func (r *reader) taxNearby(rw *row, rates, amounts []Candidate) (taxRow, bool) {
	if len(amounts) == 0 || len(rates) != 1 || hundredths(rates[0].Value) == 0 || !strings.Contains(rates[0].Raw, "%") {
		return taxRow{}, false
	}
	nearby := r.around(rw, 8)
	for _, a := range amounts {
		amount, _ := minor(a.Value)
		if a.Decimals != 2 || amount <= 0 || a.at == rates[0].at {
			continue
		}
		for _, b := range nearby {
			basis, _ := minor(b.Value)
			if b.Decimals != 2 || basis <= amount {
				continue
			}
			if agrees(hundredths(rates[0].Value), basis, amount) {
				return taxRow{rate: rates[0], basis: b, amount: a}, true
			}
		}
	}
	return taxRow{}, false
}

// around gives the amounts within n rows of rw on its page, without its own.
func (r *reader) around(rw *row, n int) []Candidate {
	var out []Candidate
	for i := max(0, rw.index-n); i <= rw.index+n && i < len(r.layout.rows); i++ {
		if i != rw.index && r.layout.rows[i].page == rw.page {
			out = append(out, r.onRow(i, doc.Money)...)
		}
	}
	return out
}

// settleTaxes moves to the front the net, tax and gross amounts that the tax
// table proves, for every check of the form net+tax=gross. The table is believed
// when basis and tax together stand on the document as an amount of their own.
func (r *reader) settleTaxes(t doc.Type, ranked [][]scored, proven map[int]bool) {
	rows := r.findTaxes()
	if len(rows) == 0 {
		return
	}
	var net, tax int64
	for _, x := range rows {
		b, _ := minor(x.basis.Value)
		a, _ := minor(x.amount.Value)
		net, tax = net+b, tax+a
	}
	for _, check := range t.Checks {
		terms, ok := parseSum(t, check)
		if !ok || !taxed(terms) {
			continue
		}
		gross := r.amount(net + tax)
		if gross == nil || tax == 0 {
			return
		}
		for i, n := range []int64{net, tax, net + tax} {
			f := terms[i].field
			if len(ranked[f]) > 0 && ranked[f][0].score >= 0.5 && (i == 2 || ranked[f][0].method == byScorer) {
				continue // a total with a label may be rounded: it stays
			}
			if len(ranked[f]) > 0 && r.roundedFrom(ranked[f][0], n) {
				continue
			}
			if r.promote(f, n, ranked) {
				proven[f] = true
			}
		}
		return
	}
}

// amount gives the last place where an amount stands.
func (r *reader) amount(n int64) *Candidate {
	for i := len(r.all) - 1; i >= 0; i-- {
		if v, ok := minor(r.all[i].Value); ok && r.all[i].Type == doc.Money && r.all[i].Decimals == 2 && v == n {
			return &r.all[i]
		}
	}
	return nil
}

// promote puts the amount n first among the candidates of field f, if it stands
// on the document.
func (r *reader) promote(f int, n int64, ranked [][]scored) bool {
	for k, c := range ranked[f] {
		if v, ok := minor(c.Value); ok && v == n {
			c.score = max(c.score, 0.7)
			ranked[f] = append([]scored{c}, append(ranked[f][:k:k], ranked[f][k+1:]...)...)
			return true
		}
	}
	c := r.amount(n)
	if c == nil {
		return false
	}
	s := scored{Candidate: *c, Features: r.place(*c), score: 0.7, method: "sum"}
	ranked[f] = append([]scored{s}, ranked[f]...)
	return true
}

// taxTable answers a table of taxes by rate.
func (r *reader) taxTable(spec doc.FieldSpec) (doc.Field, bool) {
	rows := r.findTaxes()
	if len(rows) == 0 {
		return doc.Field{}, false
	}
	f := doc.Field{Name: spec.Name, Type: doc.Table, Source: sourceOf(r.layout.pages[rows[0].basis.Page]), Method: "sum", Confidence: 0.8}
	var box doc.Box
	for _, x := range rows {
		var cells []doc.Field
		for _, c := range []struct {
			name string
			c    Candidate
		}{{"rate", x.rate}, {"basis", x.basis}, {"amount", x.amount}, {"category", r.category(x)}} {
			if col, ok := (doc.Type{Fields: spec.Columns}).Field(c.name); ok {
				method, sure := "sum", 0.8
				if c.name == "category" && c.c.Raw == x.rate.Raw { // not printed: it follows from the rate
					method, sure = "derived", 0.6
				}
				cells = append(cells, r.cell(col, c.c, sure, method))
			}
		}
		f.Rows = append(f.Rows, cells)
		if x.amount.Page == rows[0].amount.Page {
			box = box.Union(x.rate.Box).Union(x.basis.Box).Union(x.amount.Box)
		}
	}
	f.Page, f.Box = r.pageNumber(rows[0].amount.Page), &box
	return f, true
}

// cell makes a table's cell of a candidate.
func (r *reader) cell(spec doc.FieldSpec, c Candidate, confidence float64, method string) doc.Field {
	box := c.Box
	f := doc.Field{Name: spec.Name, Value: c.Value, Raw: c.Raw, Type: spec.Type, Confidence: confidence, Page: r.pageNumber(c.Page),
		Box: &box, Source: sourceOf(r.layout.pages[c.Page]), Method: method}
	if spec.Type == doc.Money {
		f.Currency = r.hints.Currency
	}
	return f
}

func (r *reader) pageNumber(i int) int {
	if n := r.layout.pages[i].Number; n > 0 {
		return n
	}
	return i + 1
}
