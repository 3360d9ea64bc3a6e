package fields

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// amount is a parsed sum of money.
type amount struct {
	value    string // decimal string with two digits
	currency string // ISO 4217, empty when the text does not say
	decimals int    // digits after the mark as printed
}

var (
	creditMark = regexp.MustCompile(`(?i)(^|[\d\s.,])(CR|-|–|−)\s*$`)
	dashCents  = regexp.MustCompile(`[.,][-–—=]{1,2}$`)
)

// parseMoney reads an amount in any common notation: 1.234,56 and 1,234.56 and
// 1'234.50 and 1 234,56, with a sign or code of a currency before or after it,
// with a minus before or after it, in brackets, or with CR behind it.
func parseMoney(s string, h Hints) (amount, bool) {
	s = tidy(s)
	rest, cur := cutCurrency(s, h)
	negative := false
	if strings.HasPrefix(rest, "(") && strings.HasSuffix(rest, ")") {
		negative, rest = true, rest[1:len(rest)-1]
		rest, cur = orCurrency(rest, cur, h)
	}
	if dashCents.MatchString(rest) {
		rest = dashCents.ReplaceAllString(rest, ".00")
	}
	for {
		t := strings.TrimSpace(rest)
		switch {
		case strings.HasPrefix(t, "-"), strings.HasPrefix(t, "–"), strings.HasPrefix(t, "−"):
			negative = true
			rest = strings.TrimLeft(t, "-–− ")
			rest, cur = orCurrency(rest, cur, h)
		case strings.HasPrefix(t, "+"):
			rest = t[1:]
		case creditMark.MatchString(t):
			negative = true
			rest = strings.TrimRight(t, "-–−CRcr ")
		default:
			v, decimals, ok := parseDecimal(t, h.Decimal)
			if !ok {
				return amount{}, false
			}
			value, ok := cents(v, negative)
			return amount{value, cur, decimals}, ok
		}
		if rest == t {
			return amount{}, false
		}
	}
}

func orCurrency(s, cur string, h Hints) (string, string) {
	rest, c := cutCurrency(s, h)
	if cur == "" {
		cur = c
	}
	return rest, cur
}

// cents rounds a decimal string half away from zero to two digits.
func cents(v string, negative bool) (string, bool) {
	if whole, frac, _ := strings.Cut(v, "."); !negative && len(frac) <= 2 && len(whole) > 0 && digitsOnly(whole+frac) && (whole[0] != '0' || whole == "0") {
		return whole + "." + (frac + "00")[:2], true // the common case, without big numbers
	}
	r, ok := new(big.Rat).SetString(v)
	if !ok {
		return "", false
	}
	s := r.FloatString(2)
	if negative && strings.Trim(s, "0.") != "" {
		s = "-" + s
	}
	return s, true
}

const maxDigits = 18 // more is no amount, and would not fit an int64 of cents

// parseDecimal reads digits with thousands and decimal marks and gives them with
// a point as decimal mark. decimal is the document's mark, or 0.
func parseDecimal(s string, decimal byte) (v string, decimals int, ok bool) {
	digits, marks, ok := splitDigits(s)
	if !ok || len(digits) == 0 || len(digits) > maxDigits {
		return "", 0, false
	}
	cut := decimalCut(digits, marks, decimal)
	if cut < 0 || !groupsHold(marks, cut, len(digits)) {
		return "", 0, false
	}
	whole, frac := digits[:cut], digits[cut:]
	if whole == "" {
		whole = "0"
	}
	if frac == "" {
		return whole, 0, true
	}
	return whole + "." + frac, len(frac), true
}

// mark is a separator and the number of digits before it.
type mark struct {
	at int
	r  byte // '.', ',', ' ' or '\''
}

func splitDigits(s string) (digits string, marks []mark, ok bool) {
	if !mostlyDigits(s) {
		return "", nil, false
	}
	var b strings.Builder
	var sep byte
	for _, r := range strings.TrimSpace(s) {
		if d, ok := digitOf(r); ok {
			if sep != 0 {
				marks = append(marks, mark{b.Len(), sep})
			}
			sep = 0
			b.WriteByte(d)
			continue
		}
		var m byte
		switch r {
		case '.', '·', ':', ';':
			m = '.'
		case ',', '‚':
			m = ','
		case ' ', '\u00a0', '\u202f':
			m = ' '
		case '\'', '’', '´', '`':
			m = '\''
		default:
			return "", nil, false
		}
		if sep == 0 || sep == ' ' {
			sep = m
		} else if m != ' ' {
			return "", nil, false // two marks side by side
		}
	}
	if sep != 0 && sep != ' ' { // a mark at the end belongs to the sentence, not to the number
		return b.String(), marks, true
	}
	return b.String(), marks, true
}

// decimalCut says how many digits stand before the decimal mark: all of them
// when there is none, -1 when the marks make no number.
func decimalCut(digits string, marks []mark, decimal byte) int {
	if len(marks) == 0 {
		return len(digits)
	}
	last := marks[len(marks)-1]
	after := len(digits) - last.at
	if last.r == ' ' || last.r == '\'' {
		if after == 3 {
			return len(digits)
		}
		return -1
	}
	same := 0
	for _, m := range marks {
		if m.r == last.r {
			same++
		}
	}
	switch {
	case same == len(marks) && same > 1: // 1.234.567, or 1.234.56 where OCR lost the comma
		if after == 3 {
			return len(digits)
		}
		return last.at
	case same > 1: // 1,234.567.890: both kinds, the last one repeated
		return -1
	case len(marks) > 1: // both kinds: the last is the decimal mark
		return last.at
	case after == 3 && last.at <= 3 && last.at > 0 && digits[0] != '0' && decimal != last.r:
		return len(digits)
	default:
		return last.at
	}
}

// groupsHold says whether the marks before the decimal mark stand between groups
// of three digits (or of two, as in India, when the last group has three).
func groupsHold(marks []mark, cut, n int) bool {
	prev := -1
	for i, m := range marks {
		if m.at == cut && cut < n {
			continue
		}
		next := cut
		if i+1 < len(marks) {
			next = marks[i+1].at
		}
		size := next - m.at
		if size != 3 && (size != 2 || next == cut) {
			return false
		}
		if prev < 0 && m.at > 3 {
			return false
		}
		prev = m.at
	}
	return true
}

// minor reads a canonical amount as an integer of hundredths.
func minor(value string) (int64, bool) {
	n, err := strconv.ParseInt(strings.Replace(value, ".", "", 1), 10, 64)
	return n, err == nil && strings.Contains(value, ".")
}

func canonicalNumber(s string, h Hints) (string, bool) {
	t := strings.TrimSpace(norm.NFKC.String(s))
	negative := strings.HasPrefix(t, "-") || strings.HasSuffix(t, "-")
	v, _, ok := parseDecimal(strings.Trim(t, "-+ "), h.Decimal)
	if !ok {
		return "", false
	}
	v = trimZeros(v)
	if negative && v != "0" {
		v = "-" + v
	}
	return v, true
}

// trimZeros drops what adds nothing: leading zeros, and zeros behind the point.
func trimZeros(v string) string {
	if strings.Contains(v, ".") {
		v = strings.TrimRight(strings.TrimRight(v, "0"), ".")
	}
	v = strings.TrimLeft(v, "0")
	if v == "" || v[0] == '.' {
		v = "0" + v
	}
	return v
}

func canonicalPercent(s string, h Hints) (string, bool) {
	t := strings.TrimSpace(strings.TrimSuffix(tidy(s), "%"))
	h.Decimal = ',' // a rate is never in the thousands: 7,000 % is seven
	if strings.Contains(t, ".") {
		h.Decimal = '.'
	}
	v, ok := canonicalNumber(t, h)
	if !ok {
		return "", false
	}
	if n, err := strconv.ParseFloat(v, 64); err != nil || n > 1000 || n < -1000 {
		return "", false
	}
	return v, true
}
