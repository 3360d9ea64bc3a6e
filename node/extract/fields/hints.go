package fields

import (
	"regexp"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

var (
	pointCents = regexp.MustCompile(`\d\.\d\d(?:\D|$)`)
	commaCents = regexp.MustCompile(`\d,\d\d(?:\D|$)`)
	usPlace    = regexp.MustCompile(`\b(?:AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|IA|ID|IL|IN|KS|KY|LA|MA|MD|ME|MI|MN|MO|MS|MT|NC|ND|NE|NH|NJ|NM|NV|NY|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VA|VT|WA|WI|WV|WY|DC),?\s+\d{5}(?:-\d{4})?\b`)
	clockAMPM  = regexp.MustCompile(`(?i)\d{1,2}:\d{2}(?::\d{2})?\s?[ap]m\b`)
)

// hintsOf learns from the whole document how its dates and amounts are written.
func hintsOf(l *layout) Hints {
	var h Hints
	point, comma, dollar, us, clock, order := 0, 0, 0, 0, 0, 0
	seen := map[string]int{}
	for _, r := range l.rows {
		for _, c := range currenciesIn(r.text) {
			seen[c]++
		}
		if d, _ := counts(r.text); d < 3 {
			continue
		}
		point += len(pointCents.FindAllString(r.text, -1))
		comma += len(commaCents.FindAllString(r.text, -1))
		dollar += len(dollarBefore.FindAllString(r.text, -1))
		us += len(usPlace.FindAllString(r.text, -1))
		clock += len(clockAMPM.FindAllString(r.text, -1))
		for _, d := range findDates(r.text, h) {
			order += d.order
		}
	}
	switch {
	case point > 2*comma:
		h.Decimal = '.'
	case comma > 2*point:
		h.Decimal = ','
	}
	h.dollarSigns = dollar > 1
	most := 0
	for c, n := range seen { // ties go to the name that sorts first, so that the same page always gives the same answer
		if n > most || n == most && c < h.Currency {
			h.Currency, most = c, n
		}
	}
	h.Currency = currencyHere(l, h.Currency)
	dollars := h.Currency == "USD" || h.Currency == ""
	h.MonthFirst = order < 0 || order == 0 && dollars && us > 0
	if us > 0 && dollars {
		h.Country = "US"
	}
	return h
}

// homes are what only documents of one country or currency area show: how it
// writes postal codes, names its taxes and numbers its businesses.
var homes = []struct {
	form     *regexp.Regexp
	currency string
}{
	{regexp.MustCompile(`\b(?:AB|BC|MB|NB|NL|NS|NT|NU|ON|PE|QC|SK|YT)\b.{0,20}\b[ABCEGHJ-NPRSTVXY]\d[A-Z]\s?\d[A-Z]\d\b|(?i:\b(?:tvq|tps|hst)\b)`), "CAD"},
	{regexp.MustCompile(`(?i)\babn\b\W*\d{2}\s?\d{3}|\bpty\.?\s+ltd`), "AUD"},
	{regexp.MustCompile(`(?i)\bsingapore\s+\(?\d{6}\b|\bpte\.?\s+ltd`), "SGD"},
	{regexp.MustCompile(`(?i)\bhong\s?kong\b`), "HKD"},
	{regexp.MustCompile(`(?i)\bp\.?\s?r\.?\s?china\b`), "CNY"},
	{regexp.MustCompile(`(?i)\bsdn\.?\s?bhd\b`), "MYR"},
	{usPlace, "USD"},
	{regexp.MustCompile(`(?i)\b(?:mwst|ust-?id\S*|steuer-?\s?n(?:umme)?r|st-?nr|umsatzsteuer|partita\s+iva|p\.\s?iva|n\.?i\.?f|c\.?i\.?f|btw|siret)\b`), "EUR"},
}

// currencyHere gives the currency of the country that the document shows, where
// its amounts have no sign or only a dollar's.
func currencyHere(l *layout, said string) string {
	if said != "" && said != "USD" {
		return said
	}
	seen := map[string]int{}
	for _, r := range l.rows {
		if r.page > 1 && r.page < len(l.pages)-1 {
			continue // where a sender names itself is enough
		}
		for _, f := range [...]string{"USD", "US$", "U.S."} {
			if said != "" && strings.Contains(r.text, f) {
				return said
			}
		}
		for _, x := range homes {
			if (said == "" || x.currency != "EUR" && x.currency != "MYR") && x.form.MatchString(r.text) {
				seen[x.currency]++
			}
		}
	}
	for _, x := range homes { // ties go to the first
		if seen[x.currency] > seen[said] {
			said = x.currency
		}
	}
	return said
}

var signFind = regexp.MustCompile(`\p{Sc}|\b[A-Z]{3}\b|\bRM\s?\d|\b[Ee]uro?\b|\(RM\)|\bRM\b|\bSFr\.?|\bkr\b|\bz[łl]\b`)

// currenciesIn gives the codes of the currencies that a text names.
func currenciesIn(s string) []string {
	var out []string
	for _, m := range signFind.FindAllString(s, -1) {
		m = strings.Trim(strings.TrimRight(m, "0123456789"), "() ")
		if c, ok := currencyOf(m, Hints{}); ok && c != "TRY" && c != "ALL" {
			out = append(out, c)
		}
	}
	return out
}

func sourceOf(p doc.Page) doc.Source {
	if p.Source == "" {
		return doc.FromOCR
	}
	return p.Source
}
