package fields

import (
	"math/big"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// derive adds to the rows of a table what the page says elsewhere, or by arithmetic.
func (r *reader) derive(spec doc.FieldSpec, rows [][]doc.Field) {
	r.countPositions(spec, rows)
	r.unroundPrices(rows)
	r.oneRate(spec, rows)
}

// priceDigits are the decimals that prices are kept with where they are printed with fewer.
const priceDigits = 4

// unroundPrices gives prices the decimals that were not printed: 5,000 at 0.05 for 260.00
// are 0.052 each. The amounts must be known to be right: they make a sum of the document.
func (r *reader) unroundPrices(rows [][]doc.Field) {
	var sum int64
	for _, row := range rows {
		t := cellNamed(row, "line_total")
		if t == nil {
			return
		}
		n, ok := minor(t.Value)
		if !ok {
			return
		}
		sum += n
	}
	if !r.labelledAmounts()[sum] {
		return
	}
	for _, row := range rows {
		q, p, t := cellNamed(row, "quantity"), cellNamed(row, "unit_price"), cellNamed(row, "line_total")
		if q == nil || p == nil {
			continue
		}
		if v, ok := unrounded(p.Value, p.Raw, q.Value, t.Value); ok {
			p.Alternatives = append(p.Alternatives, doc.Alternative{Value: p.Value, Confidence: p.Confidence})
			p.Value, p.Confidence, p.Method = v, cellDerived, "derived"
		}
	}
}

// unrounded gives the price that makes amount of quantity, where the one printed is that
// price with fewer decimals, and does not.
func unrounded(price, printed, quantity, amount string) (string, bool) {
	decimals, ok := decimalsOf(printed)
	p, okP := new(big.Rat).SetString(price)
	q, okQ := new(big.Rat).SetString(quantity)
	t, okT := new(big.Rat).SetString(amount)
	if !ok || !okP || !okQ || !okT || decimals >= priceDigits || q.Sign() == 0 || isProduct(q, p, t) {
		return "", false
	}
	exact, _ := new(big.Rat).SetString(new(big.Rat).Quo(t, q).FloatString(priceDigits))
	if !isProduct(q, exact, t) || exact.FloatString(decimals) != p.FloatString(decimals) {
		return "", false
	}
	return decimalOf(exact), true
}

// decimalsOf counts the digits behind the last mark of a printed number: two at least, for
// a mark with one behind it may part anything.
func decimalsOf(printed string) (int, bool) {
	i := strings.LastIndexAny(printed, ".,")
	if i < 0 {
		return 0, false
	}
	n, _ := counts(printed[i:])
	return n, n >= 2
}

// oneRate gives all rows the tax rate of the document, where it has only one and the table
// has no column for it.
func (r *reader) oneRate(spec doc.FieldSpec, rows [][]doc.Field) {
	k := columnIndex(spec, "tax_rate")
	taxes := r.findTaxes()
	if k < 0 || len(taxes) == 0 {
		return
	}
	for _, t := range taxes {
		if t.rate.Value != taxes[0].rate.Value {
			return
		}
	}
	for _, row := range rows {
		if cellNamed(row, "tax_rate") != nil {
			return
		}
	}
	for i := range rows {
		at := 0
		for at < len(rows[i]) && columnIndex(spec, rows[i][at].Name) < k {
			at++
		}
		cell := r.cell(spec.Columns[k], taxes[0].rate, cellDerived, "derived")
		rows[i] = append(rows[i][:at:at], append([]doc.Field{cell}, rows[i][at:]...)...)
	}
}
