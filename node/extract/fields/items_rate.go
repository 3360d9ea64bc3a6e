package fields

import (
	"regexp"
	"strings"
)

var (
	zeroRate   = regexp.MustCompile(`^[Oo]\s?%`) // a nought read as a letter
	rateBegins = regexp.MustCompile(`^\d{1,2}(?:[.,]\d{1,2})?\s?%`)
)

// splitRate takes tax rates from among quantities, where the two columns stand so close
// that their words run together: "10 pcs 19 %".
func splitRate(ps []piece) (quantities, rates []piece) {
	for _, p := range ps {
		cut := p.at.to
		for k := p.at.from; p.row != nil && k < p.at.to; k++ {
			if rateBegins.MatchString(p.row.textOf(span{k, p.at.to})) {
				cut = k
				break
			}
		}
		if cut == p.at.to {
			quantities = append(quantities, p)
			continue
		}
		if cut > p.at.from {
			at := span{p.at.from, cut}
			quantities = append(quantities, piece{p.row, at, p.row.textOf(at)})
		}
		at := span{cut, p.at.to}
		rates = append(rates, piece{p.row, at, p.row.textOf(at)})
	}
	if len(quantities) == 0 {
		return ps, nil // a discount, or a quantity in per cent
	}
	return quantities, rates
}

// rate puts the tax rate that one of the pieces holds.
func (m *rowMaker) rate(ps []piece) {
	for _, p := range ps {
		if zeroRate.MatchString(p.text) {
			m.put("tax_rate", "0", p, cellSure, "table")
			return
		}
		if v, ok := canonicalPercent(strings.Trim(p.text, "()[]"), m.r.hints); ok && hundredths(v) >= 0 && hundredths(v) <= maxRate*100 {
			m.put("tax_rate", v, p, cellSure, "table")
			return
		}
		if f := percentForm.FindStringSubmatch(p.text); f != nil {
			if v, ok := canonicalPercent(f[1], m.r.hints); ok {
				m.put("tax_rate", v, p, cellSure, "table")
				return
			}
		}
	}
}
