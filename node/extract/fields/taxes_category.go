package fields

import (
	"regexp"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Categories of a tax, as e-invoices write them (UNTDID 5305).
var (
	categoryCode = regexp.MustCompile(`^\(?(S|Z|E|AE|K|G|O|L|M)\)?$`)
	inBrackets   = regexp.MustCompile(`\((S|Z|E|AE|K|G|O|L|M)\)`)

	// reasons say by their words why no tax is due, the narrow ones first.
	reasons = []struct {
		words *regexp.Regexp
		code  string
	}{
		{regexp.MustCompile(`(?i)reverse.?charge|steuerschuldnerschaft|autoliquidation|inversi[oó]n del sujeto|verlegd`), "AE"},
		{regexp.MustCompile(`(?i)innergemeinschaft|intra.?communaut|intra.?community|intracomunitari|vatex-eu-ic`), "K"},
		{regexp.MustCompile(`(?i)ausfuhr|\bexport|exportation|drittland`), "G"},
		{regexp.MustCompile(`(?i)nicht steuerbar|not subject to|outside (the )?scope|hors champ|non soumis`), "O"},
		{regexp.MustCompile(`(?i)befreit|steuerfrei|exempt|exon[eé]r|esente|exento|vrijgesteld|kleinunternehmer|§\s?(4|19)\b|vatex-eu-\d`), "E"},
	}
)

// category says which category of tax a line of the tax table has: the code
// printed on it, else what the words around it say. A rate above nothing is the
// standard category, and no tax without a reason is the category of zero rates.
func (r *reader) category(t taxRow) Candidate {
	rw := r.layout.rows[t.rate.Row]
	for i, tok := range rw.tokens {
		bracket := inBrackets.FindStringSubmatch(tok.text)
		alone := rw.cells[tok.cell].to-rw.cells[tok.cell].from == 1 && categoryCode.MatchString(tok.text)
		switch {
		case bracket != nil:
			return rw.candidate(doc.Identifier, rw.starts[i], rw.starts[i]+len(tok.text), bracket[1])
		case alone:
			return rw.candidate(doc.Identifier, rw.starts[i], rw.starts[i]+len(tok.text), strings.Trim(tok.text, "()"))
		}
	}
	derived := t.rate
	derived.Type, derived.Value = doc.Identifier, "S"
	if hundredths(t.rate.Value) > 0 {
		return derived
	}
	for _, n := range r.linesAround(rw, 3) {
		if m := inBrackets.FindStringSubmatchIndex(n.text); m != nil && taxWord.MatchString(n.text) {
			return n.candidate(doc.Identifier, m[0], m[1], n.text[m[2]:m[3]])
		}
		for _, w := range reasons {
			if m := w.words.FindStringIndex(n.text); m != nil {
				return n.candidate(doc.Identifier, m[0], m[1], w.code)
			}
		}
	}
	derived.Value = "Z"
	return derived
}

// linesAround gives rw and the rows within n of it on its page, nearest first,
// as far as they are no lines of another tax.
func (r *reader) linesAround(rw *row, n int) []*row {
	out := []*row{rw}
	for d := 1; d <= n; d++ {
		for _, i := range []int{rw.index + d, rw.index - d} {
			if i >= 0 && i < len(r.layout.rows) && r.layout.rows[i].page == rw.page && len(r.onRow(i, doc.Money)) < 2 {
				out = append(out, r.layout.rows[i])
			}
		}
	}
	return out
}
