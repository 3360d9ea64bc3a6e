package fields

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// months holds the first letters of month names, without accents, in English,
// German, French, Italian, Spanish, Portuguese, Dutch, Swedish and Malay. A name
// is recognised when it starts with one of them and is no longer than a name.
var months = []struct {
	prefix string
	n      int
}{
	{"janv", 1}, {"jan", 1}, {"gen", 1}, {"ene", 1},
	{"fevr", 2}, {"feb", 2}, {"fev", 2},
	{"marz", 3}, {"mars", 3}, {"mar", 3}, {"mrz", 3}, {"maer", 3}, {"mac", 3}, {"maa", 3},
	{"avr", 4}, {"apr", 4}, {"abr", 4},
	{"mai", 5}, {"may", 5}, {"mag", 5}, {"mei", 5}, {"maj", 5},
	{"juin", 6}, {"jun", 6}, {"giu", 6},
	{"juil", 7}, {"jul", 7}, {"lug", 7},
	{"aout", 8}, {"aug", 8}, {"ago", 8}, {"ogo", 8}, {"aou", 8},
	{"sep", 9}, {"set", 9},
	{"oct", 10}, {"okt", 10}, {"ott", 10}, {"out", 10},
	{"nov", 11},
	{"dec", 12}, {"dez", 12}, {"dic", 12}, {"dis", 12},
}

var longMonth = map[int]int{1: 7, 2: 9, 3: 7, 4: 7, 5: 6, 6: 6, 7: 7, 8: 7, 9: 10, 10: 8, 11: 8, 12: 9}

// monthNames are names of months in full, to find those with one wrong letter.
var monthNames = map[string]int{
	"january": 1, "januar": 1, "janvier": 1, "gennaio": 1, "enero": 1, "janeiro": 1, "januari": 1,
	"february": 2, "februar": 2, "fevrier": 2, "febbraio": 2, "febrero": 2, "fevereiro": 2, "februari": 2,
	"march": 3, "maerz": 3, "marzo": 3, "marco": 3, "maart": 3, "april": 4, "avril": 4, "aprile": 4, "abril": 4,
	"maggio": 5, "giugno": 6, "junio": 6, "junho": 6, "luglio": 7, "julio": 7, "julho": 7, "juillet": 7,
	"august": 8, "agosto": 8, "augustus": 8, "augusti": 8, "september": 9, "septembre": 9, "settembre": 9, "septiembre": 9, "setembro": 9,
	"october": 10, "oktober": 10, "octobre": 10, "ottobre": 10, "octubre": 10, "outubro": 10,
	"november": 11, "novembre": 11, "noviembre": 11, "novembro": 11, "december": 12, "dezember": 12, "decembre": 12, "dicembre": 12, "diciembre": 12, "dezembro": 12,
}

func monthOf(name string) (int, bool) {
	s := strings.NewReplacer("0", "o", "1", "l").Replace(squash(name))
	if len(s) < 3 {
		return 0, false
	}
	for _, m := range months {
		if strings.HasPrefix(s, m.prefix) && len(s) <= longMonth[m.n] {
			return m.n, true
		}
	}
	if len(s) < 6 {
		return 0, false
	}
	found := 0
	for full, n := range monthNames {
		if distance(s, full, 1) <= 1 {
			if found != 0 && found != n {
				return 0, false
			}
			found = n
		}
	}
	return found, found != 0
}

const dg = `[\dOolI]` // a digit, or what OCR makes of one

var (
	dateYMD  = regexp.MustCompile(`((?:19|20|2O)` + dg + `{2})\s?[-/.年]\s?(` + dg + `{1,2})\s?[-/.月]\s?(` + dg + `{1,2})`)
	dateNum  = regexp.MustCompile(`(` + dg + `{1,2})\s?[-/.,'’]\s?(` + dg + `{1,2})\s?[-/.,'’]\s?((?:19|2[0Oo])` + dg + `{2}|['’]?` + dg + `{2})`)
	dateDot  = strictDate(`\.`)
	dateDash = strictDate(`-`)
	dateSlsh = strictDate(`/`)
	dateGap  = regexp.MustCompile(`(\d{2})\s(\d{2})[-/](20\d{2}|\d{2})`) // a thin first mark that was not read
	dateDMon = regexp.MustCompile(`(?i)(\d{1,2})(?:st|nd|rd|th|er|º|\.)?(?:\s+day\s+of\s|\s+del?\s)?[\s\-/.,]{0,3}([\p{L}01]{3,10})\.?(?:\s+del?\s)?[\s\-/.,']{0,3}((?:19|20)\d{2}|\d{2})`)
	dateMonD = regexp.MustCompile(`(?i)([\p{L}01]{3,10})\.?[\s\-/.]{0,2}(\d{1,2})(?:st|nd|rd|th)?[\s,.\-/']{1,3}((?:19|20)\d{2}|\d{2})`)
	dateGlue = regexp.MustCompile(`(?i)(\p{L}{3,9})\.?(\d{1,2})['’]((?:19|20)\d{2}|\d{2})`) // May10'19
	dateYMon = regexp.MustCompile(`(?i)((?:19|20)\d{2})[\s\-/.]{1,2}([\p{L}01]{3,10})\.?[\s\-/.]{1,2}(\d{1,2})`)
	dateFlat = regexp.MustCompile(`^((?:19|20)\d{2})(\d{2})(\d{2})$`)
	flatDMY  = regexp.MustCompile(`^(\d{2})(\d{2})((?:19|20)\d{2})$`)
)

// strictDate is day, month and year, or month, day and year, with twice the same
// mark and no blank.
func strictDate(mark string) *regexp.Regexp {
	return regexp.MustCompile(`(` + dg + `{1,2})` + mark + `(` + dg + `{1,2})` + mark + `((?:19|2[0Oo])` + dg + `{2}|` + dg + `{2})`)
}

// dateSpan is a date found in a text.
type dateSpan struct {
	value      string
	start, end int
	loose      bool // marks that differ or have blanks around them
	order      int  // +1 when only day-first works, -1 when only month-first does, 0 when both or neither matters
}

// findDates finds all dates in s.
func findDates(s string, h Hints) []dateSpan {
	var out []dateSpan
	if d, _ := counts(s); d < 3 { // fewer make no date: "5 Mai 9"
		return nil
	}
	add := func(m []int, value string, order int, ok bool) {
		if !ok {
			return
		}
		follows := slices.ContainsFunc(out, func(d dateSpan) bool { return d.end == m[0]-1 }) // the second of a range
		if touchesDigits(s, m[0], m[1], follows) {
			return
		}
		for _, d := range out {
			if m[0] < d.end && d.start < m[1] {
				return
			}
		}
		out = append(out, dateSpan{value: value, start: m[0], end: m[1], order: order})
	}
	part := func(m []int, i int) string { return s[m[2*i]:m[2*i+1]] }
	for _, m := range dateYMD.FindAllStringSubmatchIndex(s, -1) {
		v, ok := ymd(part(m, 1), number(part(m, 2)), number(part(m, 3)))
		add(m, v, 0, ok)
	}
	for _, form := range []*regexp.Regexp{dateSlsh, dateDot, dateDash, dateNum, dateGap} { // strict forms first: they win over what lies across them
		for _, m := range form.FindAllStringSubmatchIndex(s, -1) {
			hm := h
			hm.MonthFirst = h.MonthFirst && form != dateDot // dots are written day first everywhere
			v, order, ok := dayAndMonth(part(m, 1), part(m, 2), part(m, 3), hm)
			loose := form == dateNum || form == dateGap
			if loose {
				order = 0
			}
			n := len(out)
			if add(m, v, order, ok); len(out) > n {
				out[n].loose = loose
			}
		}
	}
	for _, m := range dateDMon.FindAllStringSubmatchIndex(s, -1) {
		if n, ok := monthOf(part(m, 2)); ok {
			v, ok := ymd(part(m, 3), n, number(part(m, 1)))
			add(m, v, 0, ok)
		}
	}
	for _, form := range []*regexp.Regexp{dateMonD, dateGlue} {
		for _, m := range form.FindAllStringSubmatchIndex(s, -1) {
			if n, ok := monthOf(part(m, 1)); ok {
				v, ok := ymd(part(m, 3), n, number(part(m, 2)))
				add(m, v, 0, ok)
			}
		}
	}
	for _, m := range dateYMon.FindAllStringSubmatchIndex(s, -1) {
		if n, ok := monthOf(part(m, 2)); ok {
			v, ok := ymd(part(m, 1), n, number(part(m, 3)))
			add(m, v, 0, ok)
		}
	}
	return out
}

// touchesDigits says whether the span is cut out of a longer number. A year of
// four digits may be followed by anything: OCR glues the time to it. A date that
// follows another by one mark is the end of a range.
func touchesDigits(s string, start, end int, follows bool) bool {
	if start > 0 && !follows {
		if c := s[start-1]; isDigit(rune(c)) || (c == '.' || c == '/' || c == '-') && start > 1 && isDigit(rune(s[start-2])) {
			return true
		}
	}
	if end < len(s) && isDigit(rune(s[end])) {
		fourDigitYear := end-start >= 8 && (s[end-4] == '2' || s[end-4] == '1')
		return !fourDigitYear || end+1 < len(s) && isDigit(rune(s[end+1])) && !(end+2 < len(s) && s[end+2] == ':')
	}
	return false
}

func dayAndMonth(a, b, year string, h Hints) (v string, order int, ok bool) {
	x, y := number(a), number(b)
	dmy, dmyOK := ymd(year, y, x)
	mdy, mdyOK := ymd(year, x, y)
	switch {
	case dmyOK && !mdyOK:
		return dmy, 1, true
	case mdyOK && !dmyOK:
		return mdy, -1, true
	case h.MonthFirst:
		return mdy, 0, mdyOK
	default:
		return dmy, 0, dmyOK
	}
}

// number reads digits with OCR's mistakes; -1 when it is none.
func number(s string) int {
	n := 0
	for _, r := range s {
		d, ok := digitOf(r)
		if !ok {
			return -1
		}
		n = n*10 + int(d-'0')
	}
	return n
}

var monthDays = [...]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// ymd makes an ISO date; a year of two digits lies between 1970 and 2069.
func ymd(year string, month, day int) (string, bool) {
	y := number(strings.TrimLeft(year, "'’"))
	if y >= 0 && y < 100 {
		y += 2000
		if y >= 2070 {
			y -= 100
		}
	}
	if y < 1900 || y > 2199 || month < 1 || month > 12 || day < 1 || day > monthDays[month-1] {
		return "", false
	}
	if leap := y%4 == 0 && (y%100 != 0 || y%400 == 0); month == 2 && day == 29 && !leap {
		return "", false
	}
	return fmt.Sprintf("%04d-%02d-%02d", y, month, day), true
}

func canonicalDate(s string, h Hints) (string, bool) {
	t := tidy(s)
	if v, ok := flatDate(t); ok {
		return v, true
	}
	if ds := findDates(t, h); len(ds) > 0 {
		return ds[0].value, true
	}
	return "", false
}

// flatDate reads eight digits without marks as a date.
func flatDate(s string) (string, bool) {
	if m := dateFlat.FindStringSubmatch(s); m != nil {
		month, _ := strconv.Atoi(m[2])
		day, _ := strconv.Atoi(m[3])
		if v, ok := ymd(m[1], month, day); ok {
			return v, true
		}
	}
	if m := flatDMY.FindStringSubmatch(s); m != nil {
		month, _ := strconv.Atoi(m[2])
		day, _ := strconv.Atoi(m[1])
		return ymd(m[3], month, day)
	}
	return "", false
}
