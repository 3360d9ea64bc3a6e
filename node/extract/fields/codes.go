package fields

import (
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// compact gives the letters and digits of s in upper case, without blanks.
func compact(s string) string {
	return strings.ReplaceAll(foldText(s), " ", "")
}

// canonicalIdentifier drops blanks and what stands around an identifier; marks
// inside it stay, for they are part of how the sender writes it.
func canonicalIdentifier(s string) (string, bool) {
	t := strings.ToUpper(strings.Join(strings.Fields(norm.NFKC.String(s)), ""))
	t = strings.Trim(t, `.,:;#*"'|<>=`)
	if strings.HasPrefix(t, "(") && strings.HasSuffix(t, ")") {
		t = t[1 : len(t)-1]
	}
	if d, l := counts(t); d+l == 0 || len(t) > 64 {
		return "", false
	}
	return t, true
}

var ibanForm = regexp.MustCompile(`^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$`)

// ibanLength is the length of an IBAN by country, for those that are common.
var ibanLength = map[string]int{
	"AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18,
	"FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20,
	"LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24,
	"SM": 27, "TR": 26, "AE": 23, "SA": 24, "IL": 23,
}

// ibanParts says of which characters the part behind the check digits is made,
// by country: n a digit, a a letter, c either, each with its count.
var ibanParts = map[string]string{
	"AT": "n16", "BE": "n12", "BG": "a4n6c8", "CH": "n5c12", "CZ": "n20", "DE": "n18", "DK": "n14", "EE": "n16", "ES": "n20", "FI": "n14",
	"FR": "n10c11n2", "GB": "a4n14", "GR": "n7c16", "HR": "n17", "HU": "n24", "IE": "a4n14", "IT": "a1n10c12", "LI": "n5c12", "LT": "n16",
	"LU": "n3c13", "LV": "a4c13", "NL": "a4n10", "NO": "n11", "PL": "n24", "PT": "n21", "RO": "a4c16", "SE": "n20", "SI": "n15", "SK": "n20",
}

// canonicalIBAN gives an IBAN without blanks when its length and its check
// digits (ISO 7064, modulo 97) hold. Letters that OCR put where only a digit can
// stand are read as that digit and the other way round, and a long run of zeros
// is made as long as the country's numbers are: OCR miscounts them.
func canonicalIBAN(s string) (string, bool) {
	t := compact(s)
	if len(t) < 13 || len(t) > 36 {
		return "", false
	}
	if ibanHolds(t) {
		return t, true
	}
	t = ibanShaped(t)
	if ibanHolds(t) {
		return t, true
	}
	if n := ibanLength[t[:2]]; n > 0 && n != len(t) && abs(int64(n-len(t))) <= 3 {
		if at := strings.Index(t, "00000"); at > 3 {
			end := at
			for end < len(t) && t[end] == '0' {
				end++
			}
			if zeros := end - at + n - len(t); zeros > 3 {
				if v := ibanShaped(t[:at] + strings.Repeat("0", zeros) + t[end:]); ibanHolds(v) {
					return v, true
				}
			}
		}
	}
	return "", false
}

// ibanShaped reads each character as a letter or a digit, whichever the country
// has at its place.
func ibanShaped(t string) string {
	b := []byte(t)
	for i := 0; i < 4; i++ {
		b[i] = asPart(b[i], "aann"[i])
	}
	at := 4
	parts := ibanParts[string(b[:2])]
	for len(parts) > 1 {
		kind, size := parts[0], 1
		for size < len(parts) && isDigit(rune(parts[size])) {
			size++
		}
		count, _ := strconv.Atoi(parts[1:size])
		for ; count > 0 && at < len(b); count-- {
			b[at] = asPart(b[at], kind)
			at++
		}
		parts = parts[size:]
	}
	return string(b)
}

// asPart reads a character as a digit or letter that OCR takes it for.
func asPart(c, kind byte) byte {
	switch d, ok := digitOf(rune(c)); {
	case kind == 'n' && c == 'L':
		return '1'
	case kind == 'n' && c == 'G':
		return '6'
	case kind == 'n' && ok:
		return d
	case kind == 'a':
		if i := strings.IndexByte("0158", c); i >= 0 {
			return "OISB"[i]
		}
	}
	return c
}

func ibanHolds(t string) bool {
	if !ibanForm.MatchString(t) {
		return false
	}
	if n, ok := ibanLength[t[:2]]; ok && n != len(t) {
		return false
	}
	rest := 0
	for _, c := range t[4:] + t[:4] {
		if isDigit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}

var emailForm = regexp.MustCompile(`(?i)[a-z0-9][a-z0-9._%+\-]*@[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?(?:\.[a-z0-9\-]+)*\.[a-z]{2,12}`)

func canonicalEmail(s string) (string, bool) {
	m := emailForm.FindString(strings.ReplaceAll(norm.NFKC.String(s), " ", ""))
	return strings.ToLower(m), m != ""
}

var phoneForm = regexp.MustCompile(`(?:\+|00)?\s?\(?\d[\d\s()./\-–]{5,22}\d`)

// canonicalPhone keeps the digits of a telephone number and the plus before it.
func canonicalPhone(s string) (string, bool) {
	t := tidy(s)
	m := phoneForm.FindString(t)
	if m == "" {
		return "", false
	}
	m = strings.Replace(m, "(0)", "", 1)
	plus := strings.HasPrefix(strings.TrimSpace(m), "+")
	var b strings.Builder
	for _, r := range m {
		if isDigit(r) {
			b.WriteRune(r)
		}
	}
	v := b.String()
	if strings.HasPrefix(v, "00") && !plus {
		v, plus = v[2:], true
	}
	if len(v) < 6 || len(v) > 15 {
		return "", false
	}
	if plus {
		v = "+" + v
	}
	return v, true
}

// countries maps names, without accents and blanks, to ISO 3166 codes.
var countries = map[string]string{
	"deutschland": "DE", "germany": "DE", "allemagne": "DE", "germania": "DE", "alemania": "DE", "duitsland": "DE",
	"osterreich": "AT", "oesterreich": "AT", "austria": "AT", "autriche": "AT",
	"schweiz": "CH", "switzerland": "CH", "suisse": "CH", "svizzera": "CH",
	"frankreich": "FR", "france": "FR", "francia": "FR", "italien": "IT", "italy": "IT", "italia": "IT", "italie": "IT",
	"spanien": "ES", "spain": "ES", "espana": "ES", "espagne": "ES", "portugal": "PT",
	"niederlande": "NL", "netherlands": "NL", "thenetherlands": "NL", "nederland": "NL", "paysbas": "NL",
	"belgien": "BE", "belgium": "BE", "belgique": "BE", "belgie": "BE", "luxemburg": "LU", "luxembourg": "LU",
	"unitedkingdom": "GB", "greatbritain": "GB", "england": "GB", "royaumeuni": "GB", "grossbritannien": "GB", "vereinigteskonigreich": "GB", "scotland": "GB",
	"ireland": "IE", "irland": "IE", "irlande": "IE", "danemark": "DK", "denmark": "DK", "danmark": "DK",
	"schweden": "SE", "sweden": "SE", "sverige": "SE", "norwegen": "NO", "norway": "NO", "norge": "NO",
	"finnland": "FI", "finland": "FI", "suomi": "FI", "polen": "PL", "poland": "PL", "polska": "PL",
	"tschechien": "CZ", "czechrepublic": "CZ", "czechia": "CZ", "ungarn": "HU", "hungary": "HU",
	"kroatien": "HR", "croatia": "HR", "hrvatska": "HR", "litauen": "LT", "lithuania": "LT", "lietuva": "LT",
	"usa": "US", "unitedstates": "US", "unitedstatesofamerica": "US", "canada": "CA", "kanada": "CA",
	"malaysia": "MY", "singapore": "SG", "china": "CN", "japan": "JP", "india": "IN", "australia": "AU", "newzealand": "NZ",
}

const countryCodes = " AD AE AL AR AT AU BA BE BG BR CA CH CL CN CO CY CZ DE DK EE EG ES FI FR GB GR HK HR HU ID IE IL IN IS IT JP KR LI LT LU LV MA MC ME MK MT MX MY NL NO NZ PH PL PT QA RO RS RU SA SE SG SI SK SM TH TN TR TW UA US VN ZA "

func canonicalCountry(s string) (string, bool) {
	t := strings.ToUpper(strings.TrimSpace(s))
	if t == "UK" {
		return "GB", true
	}
	if len(t) == 2 && strings.Contains(countryCodes, " "+t+" ") {
		return t, true
	}
	c, ok := countries[squash(s)]
	return c, ok
}
