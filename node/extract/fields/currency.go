package fields

import (
	"regexp"
	"strings"
)

// signs maps what stands for a currency in print to its code; longest first.
var signs = []struct{ sign, code string }{
	{"S$", "SGD"}, {"SGD$", "SGD"}, {"A$", "AUD"}, {"AU$", "AUD"}, {"C$", "CAD"}, {"CA$", "CAD"}, {"CAD$", "CAD"},
	{"HK$", "HKD"}, {"NZ$", "NZD"}, {"NT$", "TWD"}, {"US$", "USD"}, {"R$", "BRL"},
	{"€", "EUR"}, {"£", "GBP"}, {"¥", "JPY"}, {"円", "JPY"}, {"元", "CNY"}, {"RMB", "CNY"},
	{"₹", "INR"}, {"₩", "KRW"}, {"₺", "TRY"}, {"₴", "UAH"}, {"₽", "RUB"}, {"₪", "ILS"}, {"฿", "THB"}, {"₫", "VND"},
	{"EURO", "EUR"}, {"EUROS", "EUR"}, {"RM", "MYR"}, {"FR.", "CHF"}, {"SFR.", "CHF"}, {"SFR", "CHF"},
	{"ZŁ", "PLN"}, {"KČ", "CZK"}, {"FT", "HUF"}, {"KN", "HRK"}, {"LEI", "RON"}, {"RS.", "INR"}, {"RS", "INR"}, {"RP", "IDR"},
}

const codes = " AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HRK HUF IDR ILS INR ISK JPY KRW KWD MAD MXN MYR NOK NZD PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TND TRY TWD UAH USD VND ZAR "

func isCode(s string) bool {
	return len(s) == 3 && strings.Contains(codes, " "+strings.ToUpper(s)+" ")
}

var (
	leadLetters  = regexp.MustCompile(`^([\p{L}]{0,4}[\p{Sc}.]?)\s*([-–−+(]?\s*[\d.,].*)$`)
	trailLetters = regexp.MustCompile(`^(.*?[\d)\-–−])\s*([\p{L}]{0,5}[\p{Sc}.]?)$`)
	anyCode      = regexp.MustCompile(`[\p{L}]{2,5}\$?|\p{Sc}`)
)

// currencyOf gives the code that s stands for; a bare dollar or kr. sign is the
// document's currency when that fits, else the most common one.
func currencyOf(s string, h Hints) (string, bool) {
	u := strings.ToUpper(strings.TrimSpace(s))
	if code := strings.TrimSuffix(u, "$"); isCode(code) { // "USD$ 12.00" too
		return code, true
	}
	for _, x := range signs {
		if u == x.sign {
			return x.code, true
		}
	}
	switch u {
	case "$":
		if strings.HasSuffix(h.Currency, "D") || h.Currency == "MYR" || h.Currency == "MXN" {
			return h.Currency, true
		}
		return "USD", true
	case "KR", "KR.":
		switch h.Currency {
		case "DKK", "NOK":
			return h.Currency, true
		}
		return "SEK", true
	}
	return "", false
}

// cutCurrency takes the sign or code of a currency off the front or end of s.
func cutCurrency(s string, h Hints) (rest, currency string) {
	if m := leadLetters.FindStringSubmatch(s); m != nil && m[1] != "" {
		if c, ok := currencyOf(m[1], h); ok {
			s, currency = m[2], c
		}
	}
	if m := trailLetters.FindStringSubmatch(s); m != nil && m[2] != "" && m[2] != "." {
		if c, ok := currencyOf(m[2], h); ok {
			s = m[1]
			if currency == "" || currency == "USD" && c != "USD" {
				currency = c
			}
		}
	}
	return strings.TrimSpace(s), currency
}

// canonicalCurrency finds the first sign or code of a currency in s.
func canonicalCurrency(s string, h Hints) (string, bool) {
	t := tidy(s)
	if c, ok := currencyOf(t, h); ok {
		return c, true
	}
	if _, c := cutCurrency(t, h); c != "" {
		return c, true
	}
	for _, m := range anyCode.FindAllString(t, -1) {
		if c, ok := currencyOf(m, h); ok {
			return c, true
		}
	}
	return "", false
}
