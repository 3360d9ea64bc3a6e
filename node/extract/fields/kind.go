package fields

import (
	"regexp"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// documentKinds maps the heading of a document to its code in UNTDID 1001, more
// special kinds first.
var documentKinds = []struct {
	form *regexp.Regexp
	code string
}{
	{regexp.MustCompile(`(?i)rechnungskorrektur|korrekturrechnung|corrected invoice|facture rectificative`), "384"},
	{regexp.MustCompile(`(?i)\b(gutschrift|credit note|avoir|nota di credito|nota de crédito|creditnota)\b`), "381"},
	{regexp.MustCompile(`(?i)\b(abschlagsrechnung|teilrechnung|partial invoice|facture d'acompte)\b`), "326"},
	{regexp.MustCompile(`(?i)\b(proforma|pro-forma)`), "325"},
	{regexp.MustCompile(`(?i)\b(handelsrechnung|rechnung|invoice|facture|fattura|factura|factuur|faktura)\b`), "380"},
}

var (
	kindPrinted = regexp.MustCompile(`\((\d{3})\)`)
	kindRows    = 30 // how far down a heading is looked for
)

// kind ranks the code of the document's heading: the one printed behind it in
// brackets, else the one the heading stands for.
func (r *reader) kind(i int, spec doc.FieldSpec) []scored {
	out := r.rank(i)
	for n, rw := range r.layout.rows {
		if n >= kindRows || rw.page > 0 {
			break
		}
		if len(strings.Fields(rw.text)) > 14 {
			continue // a sentence, not a heading
		}
		for k, d := range documentKinds {
			m := d.form.FindStringIndex(rw.text)
			if m == nil {
				continue
			}
			s := rw.spanAt(m[0], m[1])
			code, score := d.code, 0.6-0.05*float64(k)-0.005*float64(n)
			if p := kindPrinted.FindStringSubmatchIndex(rw.text[m[1]:]); p != nil && p[0] < 30 {
				code, score = rw.text[m[1]+p[2]:m[1]+p[3]], 0.9
				s = s.with(rw.spanAt(m[1]+p[0], m[1]+p[1]))
			}
			c := r.lineValue(spec.Type, rw, s, rw.textOf(s), score)
			c.Value = code
			out = append(out, c)
			break
		}
	}
	return r.bestOfEach(out)
}

func (s span) with(o span) span { return span{min(s.from, o.from), max(s.to, o.to)} }
