package fields

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Spans of time as contracts state them: "three (3) years", "18 months", "zwei Jahre". The
// canonical form is the number and the unit in English, "3 years": ISO 8601 has P3Y, which few
// people can read.

// numerals are numbers as words, up to which contracts write them out.
var numerals = map[string]int{
	"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
	"eleven": 11, "twelve": 12, "fifteen": 15, "eighteen": 18, "twenty": 20, "thirty": 30, "thirtysix": 36,
	"fortyfive": 45, "fortyeight": 48, "sixty": 60, "ninety": 90, "twentyfour": 24,
	"ein": 1, "eine": 1, "einem": 1, "einen": 1, "eines": 1, "einer": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6,
	"sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "zwölf": 12, "achtzehn": 18, "vierundzwanzig": 24, "sechsunddreißig": 36,
	"un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8, "neuf": 9, "dix": 10, "douze": 12,
	"uno": 1, "una": 1, "dos": 2, "due": 2, "tres": 3, "tre": 3, "cuatro": 4, "quattro": 4, "cinco": 5, "cinque": 5,
}

// timeUnits are the beginnings of units, the longer ones first, with the unit they are.
var timeUnits = []struct{ prefix, unit string }{
	{"day", "day"},
	{"tag", "day"},
	{"jour", "day"},
	{"día", "day"},
	{"giorn", "day"},
	{"week", "week"},
	{"woche", "week"},
	{"semaine", "week"},
	{"semana", "week"},
	{"settiman", "week"},
	{"month", "month"},
	{"monat", "month"},
	{"mois", "month"},
	{"mes", "month"},
	{"year", "year"},
	{"jahr", "year"},
	{"année", "year"},
	{"año", "year"},
	{"ann", "year"},
	{"ans", "year"},
}

var durationForm = regexp.MustCompile(`(?i)(\d{1,3}|[\p{L}]+(?:-\p{L}+)?)\s*(?:[(\[]\s*(\d{1,3})\s*[)\]]\s*)?-?\s*(?:full |whole |calendar |consecutive |volle |vollen )?` +
	`(days?|weeks?|months?|years?|tage?n?|wochen?|monate?n?|jahre?n?|jours?|semaines?|mois|ans?|années?|días?|semanas?|mes|meses|años?|giorn[oi]|settiman[ae]|mes[ei]|ann[oi])(?:[^\p{L}\d]|$)`)

// findDurations finds all spans of time in s.
func findDurations(s string) []foundValue {
	var out []foundValue
	for at := 0; at < len(s); {
		m := durationForm.FindStringSubmatchIndex(s[at:])
		if m == nil {
			break
		}
		word, unit := s[at+m[2]:at+m[3]], strings.ToLower(s[at+m[6]:at+m[7]])
		n, ok := numeral(word)
		if m[4] >= 0 { // "three (3) years": the figure counts
			n, _ = strconv.Atoi(s[at+m[4] : at+m[5]])
			ok = n > 0
		}
		if ok {
			out = append(out, foundValue{spanOfTime(n, unit), at + m[2], at + m[7]})
			at += m[7]
			continue
		}
		at += m[2] + len(word) // "period of two years": the next word may be the number
	}
	return out
}

func numeral(word string) (int, bool) {
	if n, err := strconv.Atoi(word); err == nil {
		return n, n > 0
	}
	n, ok := numerals[strings.ReplaceAll(strings.ToLower(word), "-", "")]
	return n, ok
}

func spanOfTime(n int, unit string) string {
	i := slices.IndexFunc(timeUnits, func(u struct{ prefix, unit string }) bool { return strings.HasPrefix(unit, u.prefix) })
	if i < 0 {
		return ""
	}
	s := strconv.Itoa(n) + " " + timeUnits[i].unit
	if n != 1 {
		s += "s"
	}
	return s
}

func canonicalDuration(s string) (string, bool) {
	found := findDurations(tidy(s))
	if len(found) == 0 {
		return "", false
	}
	return found[0].value, true
}
