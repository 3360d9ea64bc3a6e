package fields

import (
	"regexp"
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

// canonicalIBAN gives an IBAN without blanks when its length and its check
// digits (ISO 7064, modulo 97) hold. Letters that OCR put where only a digit
// can stand are read as that digit.
func canonicalIBAN(s string) (string, bool) {
	t := compact(s)
	if len(t) < 15 || len(t) > 34 {
		return "", false
	}
	if ibanHolds(t) {
		return t, true
	}
	b := []byte(t)
	for i := 2; i < len(b); i++ {
		if d, ok := digitOf(rune(b[i])); ok && (i < 4 || t[:2] == "DE" || t[:2] == "AT" || t[:2] == "CH") {
			b[i] = d
		}
	}
	if !ibanHolds(string(b)) {
		return "", false
	}
	return string(b), true
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
