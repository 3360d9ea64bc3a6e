package fields

import (
	"regexp"
	"strings"
)

var (
	numberMark = regexp.MustCompile(`(?i)^\W*(nr|no|num(ber|mer)?|n°|nº|numéro|número)[.:]*$|^#$`)
	gluedMark  = regexp.MustCompile(`(?i)^(nr|no|n°|nº|id|num)[.:#]+\s*`)
	gluedTail  = regexp.MustCompile(`(?i)\s*([-–,;/(]+\s*(page|seite|pag|pagina)|(page|seite|pag|pagina)\.?\s*\d.*)$`)
)

// bareIdentifier cuts off what is glued to an identifier and is none of it: the
// word for a number before it, a count of pages or a date behind it.
func bareIdentifier(s string) string {
	if m := gluedMark.FindString(s); m != "" && hasDigit(s[len(m):]) {
		s = s[len(m):]
	}
	if i := gluedTail.FindStringIndex(s); i != nil && i[0] > 0 && hasDigit(s[:i[0]]) {
		s = s[:i[0]]
	}
	for _, mark := range []string{"/", "-", ",", "|"} {
		before, after, _ := strings.Cut(s, mark)
		before, after = strings.TrimSpace(before), strings.TrimSpace(after)
		if ds := findDates(after, Hints{}); len(ds) == 1 && !ds[0].loose && ds[0].start == 0 && ds[0].end == len(after) && hasDigit(before) && len(before) > 3 {
			return before
		}
	}
	return s
}

// identifierSpan takes the first token with a digit, and what hangs on it: pieces
// that a dash or slash at an edge joins.
func identifierSpan(row *row, s span) span {
	from := s.from
	for i := from; i < s.to-1 && i < from+6; i++ { // "Rechnung des Versicherers (575) Nr. 1234"
		if numberMark.MatchString(row.tokens[i].text) && hasDigit(row.tokens[i+1].text) {
			from = i + 1
			break
		}
		if hasDigit(row.tokens[i].text) && !kindCode.MatchString(row.tokens[i].text) {
			break
		}
	}
	s.from = from
	for from < s.to && from < s.from+4 {
		if hasDigit(row.tokens[from].text) && !kindCode.MatchString(row.tokens[from].text) {
			break
		}
		from++
	}
	if from >= s.to || from >= s.from+4 {
		return span{s.from, s.from + 1}
	}
	if from == s.from+1 && len(row.tokens[s.from].squash) <= 4 && allUpper(row.tokens[s.from].text) && hasAlnum(row.tokens[s.from].text) {
		from = s.from // a short series in capitals before the number: "RE 2026-1"
	}
	to := from + 1
	for to < s.to {
		last, next := row.tokens[to-1].text, row.tokens[to].text
		d, _ := counts(last)
		joined := strings.HasSuffix(last, "-") || strings.HasSuffix(last, "/") || strings.HasPrefix(next, "-") || strings.HasPrefix(next, "/")
		if !joined && d > 0 && !(digitsOnly(last) && digitsOnly(next) && len(last) < 6) {
			break
		}
		to++
	}
	return span{from, to}
}

var kindCode = regexp.MustCompile(`^\(\d{2,3}\)$`)

func digitsOnly(s string) bool {
	d, _ := counts(s)
	return d == len(s)
}

func allUpper(s string) bool { return s == strings.ToUpper(s) }

func hasAlnum(s string) bool { return strings.ContainsFunc(s, isAlnum) }

// looksLikeIdentifier wants a digit, not too many letters around it, and no date.
func looksLikeIdentifier(v string) bool {
	d, l := counts(v)
	if ds := findDates(v, Hints{}); len(ds) > 0 && ds[0].end-ds[0].start == len(v) {
		return false
	}
	return d > 0 && l <= 3*d+6 && len(v) >= 1 && !strings.Contains(v, "@")
}

// codeWord says whether a span is a word in capitals alone in its cell behind a
// colon: a reference without digits, "Service: SERVEXEC".
func codeWord(row *row, s span) bool {
	text := row.tokens[s.from].text
	if s.to-s.from != 1 || s.from == 0 || len(text) < 4 || !allUpper(text) || !strings.HasSuffix(row.tokens[s.from-1].text, ":") {
		return false
	}
	return s.to == row.cells[row.tokens[s.from].cell].to && !strings.ContainsAny(text, ":.")
}
