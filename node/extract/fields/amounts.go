package fields

import (
	"regexp"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// money finds the amounts of a row.
func (r *row) money(h Hints, dates []Candidate) []Candidate {
	var out []Candidate
	for _, m := range amountSpans(r.text) {
		start, end := m[0], m[1]
		if start >= end || !standsAlone(r.text, start, end) {
			continue
		}
		if strings.Contains(r.text[start:end], " ") && !spacedAmount(r.text[start:end]) {
			continue
		}
		c := r.candidate(doc.Money, start, end, "")
		if overlapsAny(c.at, dates) {
			continue
		}
		a, ok := parseMoney(misreadSign(r.text[start:end], h), h)
		if !ok {
			continue
		}
		if a.decimals == 0 && a.currency == "" && len(digits(c.Raw)) > 7 && digitsOnly(c.Raw) {
			continue // a number of something, not an amount
		}
		c.Value, c.Currency, c.Decimals = a.value, a.currency, a.decimals
		out = append(out, c)
	}
	return append(out, r.misreadMarks(h, dates)...)
}

// amountSpans gives the pieces of a row's text that may be amounts, in bytes. What is
// cut off one, at the edge of a cell or before the next amount, is looked at again: the
// sign in "Subtotal (4)|RM41.45" belongs to what follows.
func amountSpans(text string) [][2]int {
	var out [][2]int
	for at := 0; at < len(text); {
		m := moneyForm.FindStringIndex(text[at:])
		if m == nil {
			break
		}
		start, end := trimSpan(text, at+m[0], at+m[1])
		if end < len(text) && isDigit(rune(text[end])) {
			end = start + len(strings.TrimRight(text[start:end], signLetters))
		}
		out = append(out, [2]int{start, end})
		at = max(end, at+m[0]+1)
	}
	return out
}

// signLetters are what a sign behind an amount, and the blank before it, are made of.
const signLetters = " ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz$€£¥."

// misreadSign gives back the dollar that was read as a letter, on a page that prints it
// before its amounts: "S8.20".
func misreadSign(s string, h Hints) string {
	if rest, ok := strings.CutPrefix(s, "S"); ok && h.dollarSigns {
		return "$" + rest
	}
	return s
}

var (
	dollarBefore = regexp.MustCompile(`\$\s?\d`)
	// misreadMark is an amount whose mark was read as another: with a sign before it
	// any, without one a dash.
	misreadMark = regexp.MustCompile(`^(?:((?:` + moneySigns + `|\p{Sc})\s?\d{1,6})[-:]|(\d{1,6})-)(\d{2})$`)
)

// misreadMarks finds amounts that fill a cell and whose mark was misread: "RM10:05",
// and "Total|110-00" where words stand before it.
func (r *row) misreadMarks(h Hints, dates []Candidate) []Candidate {
	var out []Candidate
	for i, cell := range r.cells {
		last := cell.to - 1
		m := misreadMark.FindStringSubmatch(r.tokens[last].text)
		if m == nil || m[1] == "" && (i == 0 || cell.to-cell.from > 1) {
			continue
		}
		c := r.candidate(doc.Money, r.starts[last], r.starts[last]+len(r.tokens[last].text), "")
		if a, ok := parseMoney(m[1]+m[2]+"."+m[3], h); ok && !overlapsAny(c.at, dates) {
			c.Value, c.Currency, c.Decimals = a.value, a.currency, a.decimals
			out = append(out, c)
		}
	}
	return out
}
