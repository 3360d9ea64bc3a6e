package fields

import (
	"regexp"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Candidate is a piece of a page that might be some field's value.
type Candidate struct {
	Type     doc.FieldType
	Raw      string // as printed
	Value    string // canonical
	Currency string // for money
	Page     int    // index of the page in the reading
	Row      int    // index of the row, top to bottom over all pages
	Box      doc.Box
	Conf     float64 // least confidence of its words, the reader's own
	Decimals int     // digits behind the mark for money, digits of the year for a date, 1 for a doubtful one
	Range    int     // 1 for the first and 2 for the second date of a printed range

	at span
}

// moneySigns are the letters that stand beside an amount, as a pattern.
var moneySigns = `RM|EURO?|SFr\.?|Fr\.?|kr\.?|zł|Kč|Rs\.?|Rp\.?|` + strings.ReplaceAll(strings.TrimSpace(codes), " ", "|")

// moneyForm finds what may be an amount: digits with marks, with or without a
// sign or code around them. Neither groups of digits nor a minus behind them are
// taken from the next cell.
var (
	moneyForm = regexp.MustCompile(`(?i)(?:(?:\b(?:` + moneySigns + `|[a-z]{2}\$)|\p{Sc})\s?)?[-–−(]?\s?(?:(?:\b(?:` + moneySigns + `)|\p{Sc})\s?)?` +
		`(?:\d[\dOolIS]{0,2}(?:[.,'’ \x{a0}\x{202f}][\dOolIS]{3})+(?:\s?[.,]\s?[\dOolIS]{2})?|[\dOoIlS]*\d[\dOolIS]*(?:\s?[.,·]\s?[\dOolIS]{1,4}\d?)?|[.,][\d]{2})` +
		`(?:[.,][-–—]{1,2})?\)?(?:\s?(?:` + moneySigns + `|\p{Sc})| ?(?:-|−|CR))?`)
	percentForm = regexp.MustCompile(`(\d{1,3}(?:\s?[.,]\s?\d{1,3})?)\s?(?:%|٪|pct|prozent)`)
	ibanFind    = regexp.MustCompile(`[A-Z]{2}\s?[\dOIlS]{2}(?:\s?[A-Z0-9OIlS]{2,4}){3,8}(?:\s?[A-Z0-9]{1,3})?`)
	vatFind     = regexp.MustCompile(`\b(?:ATU|CHE|[A-Z]{2})[ .\-]?[A-Z0-9](?:[ .\-]?[A-Z0-9]){6,12}`) // not into the next cell
)

// candidates finds the typed candidates of all rows; one text may be candidate
// of several types.
func (l *layout) candidates(h Hints) []Candidate {
	var out []Candidate
	for _, r := range l.rows {
		if strings.ContainsRune(r.text, '@') {
			out = append(out, r.found(doc.Email, emailForm, h)...)
		}
		d, _ := counts(r.text)
		if d == 0 {
			continue
		}
		dates := r.dates(h)
		out = append(out, dates...)
		out = append(out, r.percents(h)...)
		out = append(out, r.money(h, dates)...)
		if d >= 6 { // the shortest of these has as many
			out = append(out, r.found(doc.IBAN, ibanFind, h)...)
			out = append(out, r.found(doc.VATID, vatFind, h)...)
			out = append(out, r.found(doc.Phone, phoneForm, h)...)
		}
	}
	return out
}

func (r *row) candidate(ft doc.FieldType, start, end int, value string) Candidate {
	s := r.spanAt(start, end)
	return Candidate{Type: ft, Raw: strings.TrimSpace(strings.ReplaceAll(r.text[start:end], "\t", " ")), Value: value,
		Page: r.page, Row: r.index, Box: r.boxOf(s), Conf: r.confOf(s), at: s}
}

func (r *row) dates(h Hints) []Candidate {
	var out []Candidate
	found := findDates(strings.ReplaceAll(r.text, "\t", " "), h)
	found = slices.DeleteFunc(found, func(d dateSpan) bool { // the cents of an amount and the cell next to it are no date
		return d.start > 1 && strings.Contains(".,", r.text[d.start-1:d.start]) && isDigit(rune(r.text[d.start-2])) && strings.Contains(r.text[d.start:d.end], "\t")
	})
	slices.SortFunc(found, func(a, b dateSpan) int { return a.start - b.start })
	for i, d := range found {
		c := r.candidate(doc.Date, d.start, d.end, d.value)
		if c.Decimals = yearDigits(c.Raw, d.value); d.loose && c.Decimals == 2 {
			c.Decimals = 1
		}
		switch {
		case i > 0 && isRange(r.text, found[i-1], d):
			c.Range = 2
		case i+1 < len(found) && isRange(r.text, d, found[i+1]):
			c.Range = 1
		}
		out = append(out, c)
	}
	for i, t := range r.tokens {
		if v, ok := flatDate(strings.Trim(t.text, ".,:;")); ok {
			out = append(out, r.candidate(doc.Date, r.starts[i], r.starts[i]+len(t.text), v))
		}
	}
	return out
}

var rangeMark = regexp.MustCompile(`(?i)^\s*(-|–|—|~|to|thru|through|until|bis|au|al|a|till?|tot)\s*$`)

// isRange says whether two dates that follow each other make a range.
func isRange(text string, a, b dateSpan) bool {
	return a.end < b.start && a.value <= b.value && rangeMark.MatchString(text[a.end:b.start])
}

// yearDigits says how the year is printed: 4 or 2 digits.
func yearDigits(raw, value string) int {
	if strings.Contains(strings.Map(toDigit, raw), value[:4]) {
		return 4
	}
	return 2
}

func toDigit(r rune) rune {
	if d, ok := digitOf(r); ok {
		return rune(d)
	}
	return r
}

func (r *row) percents(h Hints) []Candidate {
	var out []Candidate
	if !strings.ContainsAny(r.text, "%٪pP") {
		return nil
	}
	for _, m := range percentForm.FindAllStringSubmatchIndex(r.text, -1) {
		if v, ok := canonicalPercent(r.text[m[2]:m[3]], h); ok {
			out = append(out, r.candidate(doc.Percent, m[0], m[1], v))
		}
	}
	return out
}

func (r *row) durations() []Candidate {
	var out []Candidate
	for _, d := range findDurations(strings.ReplaceAll(r.text, "\t", " ")) {
		out = append(out, r.candidate(doc.Duration, d.start, d.end, d.value))
	}
	return out
}

func (r *row) found(ft doc.FieldType, form *regexp.Regexp, h Hints) []Candidate {
	var out []Candidate
	for _, m := range form.FindAllStringIndex(r.text, -1) {
		start, end := m[0], m[1]
		if v, ok := Canonical(ft, r.text[start:end], h); ok {
			out = append(out, r.candidate(ft, start, end, v))
			continue
		}
		if ft == doc.IBAN || ft == doc.VATID { // the match may have run into the next word
			for end = strings.LastIndexAny(r.text[start:end], " \t-."); end > 6; end = strings.LastIndexAny(r.text[start:start+end], " \t-.") {
				if v, ok := Canonical(ft, r.text[start:start+end], h); ok {
					out = append(out, r.candidate(ft, start, start+end, v))
					break
				}
			}
		}
	}
	return out
}

func trimSpan(s string, start, end int) (int, int) {
	for start < end && (s[start] == ' ' || s[start] == '\t') {
		start++
	}
	for end > start && (s[end-1] == ' ' || s[end-1] == '\t') {
		end--
	}
	if i := strings.IndexByte(s[start:end], '\t'); i >= 0 { // never over the edge of a cell, unless a sign stands before it
		if _, ok := currencyOf(s[start:start+i], Hints{}); !ok {
			if d, _ := counts(s[start : start+i]); d > 0 {
				return start, start + i
			}
			return start + i + 1, end
		}
	}
	return start, end
}

// spacedAmount allows blanks where they may stand: beside a sign or a mark and
// between groups of three digits.
var spacedForm = regexp.MustCompile(`^\D*(\d{1,3}( \d{3})+([.,]\d{2})?|[\dOolIS.,'’]+\s?[.,]\s?\d{1,2}|[\dOolIS.,'’]+)\D*$`)

func spacedAmount(s string) bool { return spacedForm.MatchString(strings.ReplaceAll(s, "\t", " ")) }

// standsAlone says that the span is not cut out of a longer word or number.
func standsAlone(s string, start, end int) bool {
	if start > 0 {
		switch c := s[start-1]; {
		case isDigit(rune(c)), c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= 0x80 && !strings.HasSuffix(s[:start], "€") && !strings.HasSuffix(s[:start], "£"):
			return false
		case (c == '/' || c == '-' || c == '.' || c == ',') && start > 1 && isAlnum(rune(s[start-2])):
			return false
		}
	}
	if end < len(s) {
		switch c := s[end]; {
		case c == '%', isDigit(rune(c)), c == '/', c == '@':
			return false
		case c == ' ' && end+1 < len(s) && s[end+1] == '%':
			return false
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			// a tax mark may be glued to an amount with decimals: 12.00A
			return end+1 == len(s) || s[end+1] == ' ' || s[end+1] == '\t' || end+2 == len(s)
		case (c == '-' || c == ':' || c == '.' || c == ',') && end+1 < len(s) && isDigit(rune(s[end+1])):
			return false
		}
	}
	return true
}

func overlapsAny(s span, cs []Candidate) bool {
	for _, c := range cs {
		if s.from < c.at.to && c.at.from < s.to {
			return true
		}
	}
	return false
}
