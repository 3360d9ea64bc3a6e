package fields

import (
	"regexp"
	"strings"
)

// vatForms holds the published form of each country's VAT number, with the
// prefix it is written with.
var vatForms = map[string]*regexp.Regexp{
	"AT": regexp.MustCompile(`^ATU\d{8}$`),
	"BE": regexp.MustCompile(`^BE[01]\d{9}$`),
	"BG": regexp.MustCompile(`^BG\d{9,10}$`),
	"CH": regexp.MustCompile(`^CHE\d{9}(MWST|TVA|IVA)?$`),
	"CY": regexp.MustCompile(`^CY\d{8}[A-Z]$`),
	"CZ": regexp.MustCompile(`^CZ\d{8,10}$`),
	"DE": regexp.MustCompile(`^DE\d{9}$`),
	"DK": regexp.MustCompile(`^DK\d{8}$`),
	"EE": regexp.MustCompile(`^EE\d{9}$`),
	"EL": regexp.MustCompile(`^EL\d{9}$`),
	"ES": regexp.MustCompile(`^ES[A-Z0-9]\d{7}[A-Z0-9]$`),
	"FI": regexp.MustCompile(`^FI\d{8}$`),
	"FR": regexp.MustCompile(`^FR[A-HJ-NP-Z0-9]{2}\d{9}$`),
	"GB": regexp.MustCompile(`^GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})$`),
	"HR": regexp.MustCompile(`^HR\d{11}$`),
	"HU": regexp.MustCompile(`^HU\d{8}$`),
	"IE": regexp.MustCompile(`^IE\d[A-Z0-9+*]\d{5}[A-Z]{1,2}$`),
	"IT": regexp.MustCompile(`^IT\d{11}$`),
	"LT": regexp.MustCompile(`^LT(\d{9}|\d{12})$`),
	"LU": regexp.MustCompile(`^LU\d{8}$`),
	"LV": regexp.MustCompile(`^LV\d{11}$`),
	"MT": regexp.MustCompile(`^MT\d{8}$`),
	"NL": regexp.MustCompile(`^NL\d{9}B\d{2}$`),
	"NO": regexp.MustCompile(`^NO\d{9}(MVA)?$`),
	"PL": regexp.MustCompile(`^PL\d{10}$`),
	"PT": regexp.MustCompile(`^PT\d{9}$`),
	"RO": regexp.MustCompile(`^RO\d{2,10}$`),
	"SE": regexp.MustCompile(`^SE\d{12}$`),
	"SI": regexp.MustCompile(`^SI\d{8}$`),
	"SK": regexp.MustCompile(`^SK\d{10}$`),
}

// canonicalVAT gives a VAT number that has the form of its country. A number
// without prefix takes that of country when the form then fits. In countries
// whose numbers are digits only, letters that OCR mistakes are read as digits.
func canonicalVAT(s, country string) (string, bool) {
	t := compact(s)
	if len(t) < 6 || len(t) > 18 {
		return "", false
	}
	for _, v := range []string{t, vatDigits(t), country + t} {
		if len(v) > 2 {
			if f, ok := vatForms[v[:2]]; ok && f.MatchString(v) {
				return v, true
			}
		}
	}
	return "", false
}

// vatFormed says whether v has the form of its country's numbers.
func vatFormed(v string) bool {
	form := vatForms[v[:min(2, len(v))]]
	return form != nil && form.MatchString(v)
}

func vatDigits(t string) string {
	switch t[:2] {
	case "DE", "IT", "PL", "PT", "HR", "DK", "FI", "LU", "SE", "BE":
	default:
		return t
	}
	var b strings.Builder
	b.WriteString(t[:2])
	for _, r := range t[2:] {
		d, ok := digitOf(r)
		if r == 'L' { // a small l, before it was made a capital
			d, ok = '1', true
		}
		if !ok {
			return t
		}
		b.WriteByte(d)
	}
	return b.String()
}

// vatCheck says whether the check digits of a canonical VAT number hold; known
// is false for countries whose rule is not implemented.
func vatCheck(v string) (holds, known bool) {
	if len(v) < 4 {
		return false, false
	}
	d := digits(v[2:])
	switch v[:2] {
	case "DE":
		return len(d) == 9 && iso7064(d), true
	case "HR":
		return len(d) == 11 && iso7064(d), true
	case "AT":
		return len(d) == 8 && checkAT(d), true
	case "IT":
		return len(d) == 11 && luhn(d), true
	case "FR":
		return checkFR(v[2:])
	case "BE":
		return len(d) == 10 && value(d[:8])%97 == 97-value(d[8:]), true
	case "CH":
		return len(d) == 9 && weighted(d, []int{5, 4, 3, 2, 7, 6, 5, 4}, 11) == (11-d[8])%11, true
	case "PL":
		return len(d) == 10 && weighted(d, []int{6, 5, 7, 2, 3, 4, 5, 6, 7}, 11) == d[9], true
	case "LU":
		return len(d) == 8 && value(d[:6])%89 == value(d[6:]), true
	case "DK":
		return len(d) == 8 && weighted(d, []int{2, 7, 6, 5, 4, 3, 2, 1}, 11) == 0, true
	}
	return false, false
}

func digits(s string) []int {
	var d []int
	for _, r := range s {
		if isDigit(r) {
			d = append(d, int(r-'0'))
		}
	}
	return d
}

func value(d []int) int {
	n := 0
	for _, x := range d {
		n = n*10 + x
	}
	return n
}

func weighted(d, weights []int, mod int) int {
	sum := 0
	for i, w := range weights {
		sum += d[i] * w
	}
	return sum % mod
}

// iso7064 is the hybrid system modulo 11,10.
func iso7064(d []int) bool {
	p := 10
	for _, x := range d[:len(d)-1] {
		s := (x + p) % 10
		if s == 0 {
			s = 10
		}
		p = 2 * s % 11
	}
	return (11-p)%10 == d[len(d)-1]
}

func checkAT(d []int) bool {
	sum := 4
	for i, x := range d[:7] {
		if i%2 == 1 {
			x = x*2/10 + x*2%10
		}
		sum += x
	}
	return (10-sum%10)%10 == d[7]
}

func luhn(d []int) bool {
	sum := 0
	for i, x := range d {
		if (len(d)-i)%2 == 0 {
			if x *= 2; x > 9 {
				x -= 9
			}
		}
		sum += x
	}
	return sum%10 == 0
}

// checkFR knows the rule for keys of two digits; keys with letters are not published.
func checkFR(s string) (holds, known bool) {
	d := digits(s)
	if len(d) != 11 {
		return false, false
	}
	return value(d[:2]) == (12+3*(value(d[2:])%97))%97, true
}
