package mrz

import (
	"cmp"
	"slices"
	"strings"
)

// charValue is the value of a character in a check sum (ICAO 9303-3): digits
// count as themselves, letters from 10, a filler as nothing; -1 for all else.
func charValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10
	case c == '<':
		return 0
	}
	return -1
}

// checkDigit computes the check digit of s with the weights 7, 3, 1.
func checkDigit(s string) byte {
	weights := [3]int{7, 3, 1}
	sum := 0
	for i := range len(s) {
		sum += max(charValue(s[i]), 0) * weights[i%3]
	}
	return byte('0' + sum%10)
}

// holds says whether digit is the check digit of s. An empty field may have a
// filler for its digit.
func holds(s string, digit byte) bool {
	if digit == '<' {
		return strings.Trim(s, "<") == ""
	}
	return checkDigit(s) == digit
}

// What OCR confuses in OCR-B, by what can stand in the place.
var (
	toDigit  = map[byte]byte{'O': '0', 'Q': '0', 'D': '0', 'U': '0', 'I': '1', 'L': '1', 'J': '1', 'Z': '2', 'A': '4', 'S': '5', 'G': '6', 'T': '7', 'B': '8', '<': '0'}
	toLetter = map[byte]byte{'0': 'O', '1': 'I', '2': 'Z', '4': 'A', '5': 'S', '6': 'G', '7': 'T', '8': 'B'}
	// lookalikes are what a character of a number may really be, likeliest first.
	lookalikes = map[byte]string{
		'O': "0QD", '0': "OQD", 'Q': "0O", 'D': "0O", 'U': "0", 'I': "1LT", '1': "ILT", 'L': "1I", 'J': "1", 'Z': "27", '2': "Z", 'S': "5", '5': "S",
		'B': "8", '8': "B", 'G': "6", '6': "G", 'T': "7", '7': "TZ", 'A': "4", '4': "A", 'K': "<", 'C': "<G", 'E': "F", 'F': "E", 'M': "N", 'N': "M", 'V': "Y", 'Y': "V", '3': "8B", '9': "5",
	}
)

// digits turns letters that look like digits into them; fillers stay.
func digits(s string) string {
	b := []byte(s)
	for i, c := range b {
		if d, ok := toDigit[c]; ok && c != '<' {
			b[i] = d
		}
	}
	return string(b)
}

func letters(s string) string {
	b := []byte(s)
	for i, c := range b {
		if l, ok := toLetter[c]; ok {
			b[i] = l
		}
	}
	return string(b)
}

// checked is a field with its check digit, as read or repaired.
type checked struct {
	value   string // without the digit, fillers included
	digit   byte
	ok      bool     // the digit holds
	repairs int      // characters changed to make it hold
	others  []string // other values that would hold after as many changes
	doubt   bool     // one of them is as likely
}

// checkNumber repairs a field of letters and digits: as few lookalikes as
// possible, at most two, are exchanged until the check digit holds.
func checkNumber(value string, digit byte) checked {
	if d, ok := toDigit[digit]; ok && digit != '<' {
		digit = d
	}
	if holds(value, digit) {
		return checked{value: value, digit: digit, ok: true}
	}
	if t := zeros(value); differences(t, value) >= 2 && holds(t, digit) {
		return checked{value: t, digit: digit, ok: true, repairs: 2}
	}
	one := exchange(value)
	for repairs, tries := 1, one; repairs <= 2; repairs++ {
		var hits []swap
		for _, t := range tries {
			if holds(t.text, digit) && !slices.ContainsFunc(hits, func(h swap) bool { return h.text == t.text }) {
				hits = append(hits, t)
			}
		}
		if len(hits) > 0 {
			slices.SortStableFunc(hits, func(a, b swap) int { return cmp.Compare(a.cost, b.cost) })
			c := checked{value: hits[0].text, digit: digit, ok: true, repairs: repairs}
			for _, h := range hits[1:] {
				c.others = append(c.others, h.text)
				c.doubt = c.doubt || h.cost == hits[0].cost
			}
			return c
		}
		var next []swap
		for _, t := range one {
			for _, u := range exchange(t.text) {
				next = append(next, swap{u.text, t.cost + u.cost})
			}
		}
		tries = next
	}
	return checked{value: value, digit: digit}
}

// zeros reads every O, Q and D behind the first two characters as a zero: in
// numbers like A00000000 OCR takes them for letters one and all.
func zeros(s string) string {
	b := []byte(s)
	for i := 2; i < len(b); i++ {
		if strings.IndexByte("OQDG", b[i]) >= 0 {
			b[i] = '0'
		}
	}
	return string(b)
}

func differences(a, b string) int {
	n := 0
	for i := range len(a) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// swap is a text in which lookalikes were exchanged; the likelier the
// confusion, the lower the cost.
type swap struct {
	text string
	cost int
}

// exchange gives every string that differs from s in one lookalike.
func exchange(s string) []swap {
	var out []swap
	for i := range len(s) {
		for rank, c := range []byte(lookalikes[s[i]]) {
			cost := 3 + rank
			if strings.ContainsAny(s[i:i+1], "KCEFMNVY39AJU") {
				cost += 2
			}
			if i > 0 && !sameKind(s, i, s[i]) && sameKind(s, i, c) {
				cost -= 2 // a digit among digits, a letter among letters
			}
			out = append(out, swap{s[:i] + string(c) + s[i+1:], cost})
		}
	}
	return out
}

// sameKind says whether c at i would be of one kind, digit or letter, with a
// neighbour in s, and not of another kind than both.
func sameKind(s string, i int, c byte) bool {
	kind := func(c byte) int {
		if c == '<' {
			return 2
		}
		return min(charValue(c)/10, 1)
	}
	before, after := i > 0 && kind(s[i-1]) == kind(c), i+1 < len(s) && kind(s[i+1]) == kind(c)
	return before || after
}

// checkDate is checkNumber for six digits, some of which may be fillers.
func checkDate(value string, digit byte) checked {
	d := digits(value)
	c := checked{value: d, digit: digits(string(digit))[0]}
	for i := range len(d) {
		if d[i] != value[i] {
			c.repairs++
		}
	}
	c.ok = isDate(d) && holds(d, c.digit)
	if !c.ok && isDate(d) && c.digit == '<' && strings.Contains(d, "<") {
		c.ok = true // an unknown date may go without a digit
	}
	return c
}

// isDate says whether s has the form YYMMDD, fillers for what is unknown.
func isDate(s string) bool {
	if len(s) != 6 || strings.Trim(s, "0123456789<") != "" {
		return false
	}
	month, day := s[2:4], s[4:6]
	return (month == "<<" || month >= "01" && month <= "12") && (day == "<<" || day >= "01" && day <= "31") &&
		strings.Count(s[:2], "<") != 1 && strings.Count(day, "<") != 1
}
