package fields

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// derived is the method of a value that is worked out of what is printed.
const derived = "derived"

// maxTotals is how many candidates for a total are tried.
const maxTotals = 5

// maxTaxRows bounds the search for the rows of a tax table that make a total.
const maxTaxRows = 6

// taxCheck gives the net, tax and gross fields of a check net+tax=gross.
func taxCheck(t doc.Type) (net, tax, gross int, ok bool) {
	for _, check := range t.Checks {
		terms, ok := parseSum(t, check)
		if ok && len(terms) == 3 && !terms[0].maybe && !terms[1].maybe && terms[1].sign > 0 && !strings.Contains(check, "-") {
			return terms[0].field, terms[1].field, terms[2].field, true
		}
	}
	return 0, 0, 0, false
}

// deriveTaxes answers net and tax where the page prints them only in parts: as
// one amount for each rate, or as two amounts side by side that make the total.
// Nothing is derived that does not add up to a total printed on the page.
func (r *reader) deriveTaxes(t doc.Type, ranked [][]scored, proven map[int]bool) {
	net, tax, gross, ok := taxCheck(t)
	if !ok || proven[net] && proven[tax] {
		return
	}
	rows := r.summaryRows()
	for k, total := range ranked[gross] {
		if k == maxTotals {
			return
		}
		sum, ok := minor(total.Value)
		if k == 0 && ok && r.taxBetween(sum, net, tax, ranked) {
			proven[net], proven[tax] = true, true
			return
		}
		if !ok || sum <= 0 || total.Decimals != 2 || total.score < max(least, ranked[gross][0].score/2) {
			continue
		}
		nets, taxes := r.partsByRate(rows, sum)
		if taxes == nil {
			nets, taxes = r.pairOnRow(rows, sum)
		}
		if taxes == nil {
			continue
		}
		if ranked[gross][0].score < 0.5 { // a total with a label may be rounded: it stays
			ranked[gross] = append([]scored{total}, append(ranked[gross][:k:k], ranked[gross][k+1:]...)...)
		}
		n := totalOf(taxes)
		r.put(tax, n, taxes, ranked)
		proven[tax] = true
		if nets != nil || r.amount(sum-n) != nil {
			r.put(net, sum-n, nets, ranked)
			proven[net] = true
		}
		return
	}
}

// taxBetween answers the tax that lies between a net amount and the total, each
// with a label, where it is printed somewhere.
func (r *reader) taxBetween(total int64, net, tax int, ranked [][]scored) bool {
	if len(ranked[net]) == 0 || ranked[net][0].score < 0.5 || ranked[net][0].Decimals != 2 {
		return false
	}
	n, ok := minor(ranked[net][0].Value)
	d := total - n
	if !ok || n == 0 || abs(d)*10 > abs(n)*3 || d != 0 && (d < 0) != (n < 0) {
		return false
	}
	for k, c := range ranked[tax] { // the sign of a credit note's tax is often lost
		v, _ := minor(c.Value)
		if v == d || v == -d {
			if v != d {
				c.Value = negate(c.Value)
			}
			c.score = max(c.score, 0.7)
			ranked[tax] = append([]scored{c}, append(ranked[tax][:k:k], ranked[tax][k+1:]...)...)
			return true
		}
	}
	return d > 0 && r.promote(tax, d, ranked)
}

// equals answers a field of a check whose optional terms are all absent with the
// one other term that is left: nothing to pay in advance means that all is due. The field
// open is left out; -1 is none.
func (r *reader) equals(t doc.Type, ranked [][]scored, open int) {
	for _, check := range t.Checks {
		terms, ok := parseSum(t, check)
		if !ok {
			continue
		}
		var left []int
		optional := 0
		for _, x := range terms {
			answered := len(ranked[x.field]) > 0 && ranked[x.field][0].score >= least
			switch {
			case !x.maybe:
				left = append(left, x.field)
			case answered && strings.Trim(ranked[x.field][0].Value, "-0.") != "":
				optional = len(terms)
			default:
				optional++
			}
		}
		if len(left) != 2 || optional == 0 || optional >= len(terms) {
			continue
		}
		for k, f := range left {
			other := ranked[left[1-k]]
			if f != open && (len(ranked[f]) == 0 || ranked[f][0].score < least) && len(other) > 0 && other[0].score >= 0.5 {
				c := other[0]
				c.score, c.method = 0.5, derived
				ranked[f] = append([]scored{c}, ranked[f]...)
			}
		}
	}
}

// silence drops the answers of optional fields with which a check does not hold, where it holds
// without them: where all is due, nothing was paid in advance. A zero that is printed for one
// is its answer then.
func silence(t doc.Type, ranked [][]scored, proven map[int]bool) {
	for _, check := range t.Checks {
		terms, ok := parseSum(t, check)
		if !ok {
			continue
		}
		var required, optional []int
		var without, with int64
		sure := true
		for _, x := range terms {
			if len(ranked[x.field]) == 0 {
				sure = sure && x.maybe
				continue
			}
			c := ranked[x.field][0]
			n, _ := minor(c.Value)
			with += x.sign * n
			if x.maybe && !proven[x.field] {
				optional = append(optional, x.field)
				continue
			}
			required = append(required, x.field)
			without += x.sign * n
			sure = sure && c.score >= surely
		}
		if !sure || without != 0 || with == 0 || len(required) != 2 || standTogether(ranked[required[0]][0], ranked[required[1]][0]) {
			continue
		}
		for _, f := range optional {
			zero := slices.IndexFunc(ranked[f], func(c scored) bool { return strings.Trim(c.Value, "-0.") == "" })
			if zero < 0 {
				ranked[f] = nil
				continue
			}
			ranked[f] = ranked[f][zero:]
		}
	}
}

// standTogether says whether two answers are one piece of the page.
func standTogether(a, b scored) bool { return a.Row == b.Row && a.at == b.at }

func totalOf(cs []Candidate) (n int64) {
	for _, c := range cs {
		v, _ := minor(c.Value)
		n += v
	}
	return n
}

// put puts the amount n first among the candidates of a field: where it is
// printed, else as the sum of its parts.
func (r *reader) put(f int, n int64, parts []Candidate, ranked [][]scored) {
	if !r.promote(f, n, ranked) && len(parts) > 0 {
		r.putParts(f, parts, ranked)
	}
}

// putParts puts the sum of parts first among the candidates of a field.
func (r *reader) putParts(f int, parts []Candidate, ranked [][]scored) {
	c, n, method := parts[0], totalOf(parts), derived
	if len(parts) == 1 {
		method = "sum" // it is printed
	}
	raw := []string{c.Raw}
	for _, p := range parts[1:] {
		raw = append(raw, p.Raw)
		c.Conf = min(c.Conf, p.Conf)
		if p.Page == c.Page {
			c.Box = c.Box.Union(p.Box)
		}
	}
	c.Raw, c.Value = strings.Join(raw, " + "), fmt.Sprintf("%d.%02d", n/100, n%100)
	ranked[f] = append([]scored{{Candidate: c, Features: r.place(c), score: 0.7, method: method}}, ranked[f]...)
}

// partsByRate gives the net and tax amounts of two or more rates that together
// make a total. Where no net amounts are printed, what each rate implies must
// come to the total, within what rounding to a cent allows.
func (r *reader) partsByRate(near []summaryRow, total int64) (nets, taxes []Candidate) {
	rows := r.findTaxes()
	for set := 1<<min(len(rows), maxTaxRows) - 1; set > 0; set-- { // all of them first
		nets, taxes = nil, nil
		for i, x := range rows[:min(len(rows), maxTaxRows)] {
			if set&(1<<i) != 0 {
				nets, taxes = append(nets, x.basis), append(taxes, x.amount)
			}
		}
		if totalOf(taxes) > 0 && totalOf(nets)+totalOf(taxes) == total {
			return nets, taxes
		}
	}
	taxes = nil
	rates := map[string]bool{}
	implied, slack := 0.0, 1.0
	for _, rw := range near {
		ps := r.onRow(rw.index, doc.Percent)
		if len(ps) != 1 || rates[ps[0].Value] || !rw.tax {
			continue
		}
		rate := float64(hundredths(ps[0].Value)) / 10000
		for _, a := range r.onRow(rw.index, doc.Money) {
			n, _ := minor(a.Value)
			if a.Decimals == 2 && n > 0 && rate > 0 && rate < 0.3 && a.at != ps[0].at {
				rates[ps[0].Value] = true
				taxes = append(taxes, a)
				implied += float64(n) * (1 + 1/rate)
				slack += 0.5 * (1 + 1/rate)
				break
			}
		}
	}
	if len(taxes) > 1 && implied-slack <= float64(total) && float64(total) <= implied+slack {
		return nil, taxes
	}
	return nil, nil
}

// pairOnRow finds two amounts side by side that make a total, the smaller a tax
// of the larger at a rate that is printed on the page.
func (r *reader) pairOnRow(rows []summaryRow, total int64) (nets, taxes []Candidate) {
	for _, rw := range rows {
		if rw.since > taxReach {
			continue
		}
		amounts := r.onRow(rw.index, doc.Money)
		for i, a := range amounts {
			for _, b := range amounts[i+1:] {
				x, _ := minor(a.Value)
				y, _ := minor(b.Value)
				if a.Decimals != 2 || b.Decimals != 2 || x+y != total || min(x, y) <= 0 || min(x, y)*10 > max(x, y)*3 {
					continue
				}
				if x < y {
					a, b = b, a
				}
				return []Candidate{a}, []Candidate{b}
			}
		}
	}
	return nil, nil
}

// taxNames are the words for a tax on sales in more languages than a table of
// taxes is looked for in: here the amounts must add up.
var taxNames = regexp.MustCompile(`(?i)steuer|\b(ust|mwst|vat|tax(e|es)?|tva|iva|gst|hst|sst|pdv|btw|moms|mva|dph|pvm|alv|káfa|áfa|porez\w*|impuestos?|imposta|belasting|kdv)\b`)

// taxReach is how many rows under a word for a tax its amounts may stand.
const taxReach = 7

// summaryRow is a row on a page where a document sums up.
type summaryRow struct {
	*row
	tax   bool // it names a tax
	since int  // rows since one that does
}

// summaryRows gives the rows of the first and last pages: what lies between them
// in a long document are its lines.
func (r *reader) summaryRows() []summaryRow {
	var out []summaryRow
	since := taxReach + 1
	for _, rw := range r.layout.rows {
		if rw.page > 1 && rw.page < len(r.layout.pages)-2 {
			continue
		}
		s := summaryRow{row: rw, tax: taxNames.MatchString(rw.text), since: since + 1}
		if s.tax {
			s.since = 0
		}
		since = s.since
		out = append(out, s)
	}
	return out
}
