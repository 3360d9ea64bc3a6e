package fields

import (
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// slip is how a reading differs from the value it may be.
type slip struct {
	edits int     // characters that differ, but for shapes that OCR confuses
	share float64 // of the value's characters
	most  int     // of them close together: a word misread, or another word
	part  bool    // only lines of the value are known
}

// Bounds of what a misreading is.
const (
	leastSlipped = 6 // characters of a value that may be misread
	slipShare    = 8 // one character in so many may differ
	slipReach    = 8 // characters that are close together
	slipsWithin  = 3 // so many differ among these at most: more are another word
)

// nearest finds the confirmed value that a reading, in its form for comparison,
// was most likely meant to be: letters that differ only here and there, and blanks and
// marks. Digits must be the same but for one that was lost: another number is another value.
func nearest(form string, ft doc.FieldType, lasts map[string]int) (string, *slip) {
	best, most := "", 0
	var how *slip
	for last, n := range lasts {
		other := CompareForm(ft, last)
		if form == other {
			return "", nil
		}
		if n < most || n == most && most > 0 && last > best {
			continue
		}
		if s := slipOf(strings.ReplaceAll(form, " ", ""), strings.ReplaceAll(other, " ", "")); s != nil {
			best, most, how = last, n, s
		}
	}
	return best, how
}

// slipOf says how a may be b with a few misread characters; nil when it may not.
func slipOf(a, b string) *slip {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	limit := len(y) / slipShare
	if len(y) < leastSlipped || len(x)-len(y) > limit || len(y)-len(x) > limit {
		return nil
	}
	if da, db := digitsOf(a), digitsOf(b); da != db && !(len(da) != len(db) && distance(da, db, 1) <= 1 && len(db) >= 4) {
		return nil
	}
	at := edits(x, y, limit)
	if at == nil {
		return nil
	}
	most := 0
	for i, from := range *at {
		n := 0
		for _, p := range (*at)[i:] {
			if p < from+slipReach {
				n++
			}
		}
		most = max(most, n)
	}
	if most > slipsWithin {
		return nil
	}
	return &slip{edits: len(*at), share: float64(len(*at)) / float64(len(y)), most: most}
}

// edits gives where in b its shortest alignment with a differs, in order; nil when in
// more than limit places. Shapes that OCR confuses are no difference.
func edits(a, b []rune, limit int) *[]int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
		for j := 1; j <= len(b); j++ {
			if i == 0 {
				rows[0][j] = j
				continue
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+unlike(a[i-1], b[j-1]))
		}
	}
	if rows[len(a)][len(b)] > limit {
		return nil
	}
	at := []int{}
	for i, j := len(a), len(b); i > 0 || j > 0; {
		switch {
		case i > 0 && j > 0 && rows[i][j] == rows[i-1][j-1]+unlike(a[i-1], b[j-1]):
			i, j = i-1, j-1
			if unlike(a[i], b[j]) > 0 {
				at = append(at, j)
			}
		case i > 0 && rows[i][j] == rows[i-1][j]+1:
			i--
			at = append(at, j)
		default:
			j--
			at = append(at, j)
		}
	}
	for l, r := 0, len(at)-1; l < r; l, r = l+1, r-1 {
		at[l], at[r] = at[r], at[l]
	}
	return &at
}

// unlike is 1 for two characters that OCR does not commonly confuse.
func unlike(a, b rune) int {
	if a == b || a < 0x80 && b < 0x80 && confusable(byte(a), byte(b)) {
		return 0
	}
	return 1
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if isDigit(r) {
			return r
		}
		return -1
	}, s)
}
