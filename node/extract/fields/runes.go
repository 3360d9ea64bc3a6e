package fields

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

func isAlnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// squash gives the letters and digits of s in lower case without accents: the
// form in which label words are compared.
func squash(s string) string {
	if plain(s) {
		return squashASCII(s)
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		switch {
		case r == 'ß':
			b.WriteString("ss")
		case unicode.Is(unicode.Mn, r):
		case isAlnum(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func squashASCII(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b = append(b, c)
		}
	}
	return string(b)
}

// digitOf reads a character as a digit, letting the letters that OCR mistakes
// for digits pass.
func digitOf(r rune) (byte, bool) {
	switch {
	case isDigit(r):
		return byte(r), true
	case r == 'O' || r == 'o' || r == 'Q' || r == 'D':
		return '0', true
	case r == 'l' || r == 'I' || r == '|' || r == 'i' || r == '!':
		return '1', true
	case r == 'S' || r == 's':
		return '5', true
	case r == 'B':
		return '8', true
	case r == 'Z' || r == 'z':
		return '2', true
	}
	return 0, false
}

// mostlyDigits says whether s has at least as many digits as letters, and one.
func mostlyDigits(s string) bool {
	d, l := counts(s)
	return d > 0 && d >= l
}

// counts gives the number of digits and of letters in s.
func counts(s string) (digits, letters int) {
	for _, r := range s {
		switch {
		case isDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	return digits, letters
}

// distance is the Levenshtein distance of a and b, or limit+1 when it is more
// than limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	var buf [2][64]int
	if len(b) >= 64 {
		if a == b {
			return 0
		}
		return limit + 1
	}
	prev, cur := buf[0][:len(b)+1], buf[1][:len(b)+1]
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		best := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] || confusable(a[i-1], b[j-1]) {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			best = min(best, cur[j])
		}
		if best > limit {
			return limit + 1
		}
		prev, cur = cur, prev
	}
	return prev[len(b)]
}

// confusable says whether OCR commonly takes one of two characters for the other.
func confusable(a, b byte) bool {
	return shape(a) == shape(b)
}

// shapes writes characters that OCR takes for each other as one.
func shapes(s string) string {
	out := []byte(s)
	for i, c := range out {
		out[i] = shape(c)
	}
	return string(out)
}

func shape(c byte) byte {
	switch c {
	case '0':
		return 'o'
	case '1', 'i':
		return 'l'
	case '5':
		return 's'
	case '8':
		return 'b'
	}
	return c
}
