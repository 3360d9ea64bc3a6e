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
	point, comma, us, clock, order := 0, 0, 0, 0, 0
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
	most := 0
	for c, n := range seen { // ties go to the name that sorts first, so that the same page always gives the same answer
		if n > most || n == most && c < h.Currency {
			h.Currency, most = c, n
		}
	}
	dollars := h.Currency == "USD" || h.Currency == ""
	h.MonthFirst = order < 0 || order == 0 && dollars && us > 0
	if us > 0 && dollars {
		h.Country = "US"
	}
	return h
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
