package doc

import "math/big"

// ValidIBAN says whether s, without blanks and in upper case, has the form of
// an IBAN and its check digits hold (ISO 13616, modulo 97).
func ValidIBAN(s string) bool {
	if len(s) < 15 || len(s) > 34 {
		return false
	}
	var digits []byte
	for i, c := range []byte(s[4:] + s[:4]) {
		letter, digit := c >= 'A' && c <= 'Z', c >= '0' && c <= '9'
		switch at := (i + 4) % len(s); {
		case at < 2 && !letter, at >= 2 && at < 4 && !digit:
			return false
		case digit:
			digits = append(digits, c)
		case letter:
			digits = append(digits, '0'+(c-'A'+10)/10, '0'+(c-'A'+10)%10)
		default:
			return false
		}
	}
	n, ok := new(big.Int).SetString(string(digits), 10)
	return ok && new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1
}
