package fields

import (
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// nearness says how a reading comes near to what was confirmed.
type nearness int

const (
	notNear    nearness = iota
	nearInPart          // lines of it are lines of a confirmed value misread
	nearInAll           // it is a confirmed value misread
)

// Bounds of what a misreading is.
const (
	leastSlipped = 6 // characters of a value that may be misread
	slipShare    = 8 // one character in so many may differ
	slipReach    = 8 // characters that are close together
	slipsWithin  = 3 // so many differ among these at most: more are another word
)

// likelyLead is how far behind the best score a candidate is still tried as a confirmed
// value misread.
const likelyLead = 0.4

// withNear adds, for each likely candidate that may be a confirmed value misread, that
// value as another reading of it.
func (v *Acquaintance) withNear(r *reader, spec doc.FieldSpec, list []scored) []scored {
	if len(v.Lasts[spec.Name]) == 0 {
		return list
	}
	forms, best := map[string]bool{}, 0.0
	for k := range list {
		forms[CompareForm(spec.Type, list[k].Value)] = true
		best = max(best, list[k].score)
	}
	for k := range len(list) {
		last, near := v.misread(r, spec, &list[k], list[k].score >= best-likelyLead)
		if form := CompareForm(spec.Type, last); near != notNear && !forms[form] {
			forms[form] = true
			c := list[k]
			c.Value, c.near = last, near
			list = append(list, c)
		}
	}
	return list
}

// misread gives the value that c may be misread from: a confirmed one, or one with lines of
// it. An unlikely candidate is tried only where it stands between the lines that the
// confirmed one stood between.
func (v *Acquaintance) misread(r *reader, spec doc.FieldSpec, c *scored, likely bool) (string, nearness) {
	lasts := v.Lasts[spec.Name]
	if likely {
		if last, ok := nearest(CompareForm(spec.Type, c.Value), spec.Type, lasts); ok && !r.saysElse(c, c.Raw, last) {
			return last, nearInAll
		}
	}
	if lasts[c.Value] == 0 && (likely || r.fitOf(c, v.Notes[spec.Name]).ends > 0) {
		return r.nearLines(c, v.Lines[spec.Name])
	}
	return "", notNear
}

// nearLines gives an address of which some lines are lines of a confirmed one misread, with
// these as they were confirmed: branches of a vendor may share all lines but the last.
func (r *reader) nearLines(c *scored, lines map[string]int) (string, nearness) {
	parts := slices.Clone(c.lines)
	if len(parts) < 2 {
		return "", notNear
	}
	near := notNear
	for k, part := range parts {
		if last, ok := nearest(CompareForm(c.Type, part), c.Type, lines); ok && !r.saysElse(c, part, last) {
			parts[k], near = last, nearInPart
		}
	}
	return joinLines(parts), near
}

// saysElse says whether a text of c has a word that was read beyond doubt and is not in
// the value that the text may be misread from: it is another value then. Doubled letters are
// no doubt of OCR's, nor are shapes in a word long enough not to be another one.
func (r *reader) saysElse(c *scored, text, value string) bool {
	clear := r.clearWords(c)
	for _, w := range strings.Fields(text) {
		form, whole := squash(w), squash(value) // blanks may be lost or too many
		if len(form) < leastElse || !clear[form] {
			continue
		}
		if len(form) >= leastWord {
			form, whole = shapes(form), shapes(whole)
		}
		if !strings.Contains(undoubled(whole), undoubled(form)) {
			return true
		}
	}
	return false
}

// undoubled writes each doubled letter once.
func undoubled(s string) string {
	return string(slices.Compact([]byte(s)))
}

// leastElse is of how many letters a word must be to make a value another one.
const leastElse = 2

// clearWords gives the words of a candidate that were read beyond doubt, in the form of
// squash.
func (r *reader) clearWords(c *scored) map[string]bool {
	out := map[string]bool{}
	for _, rw := range r.layout.rows {
		if rw.page != c.Page || rw.box[3] < c.Box[1] || rw.box[1] > c.Box[3] {
			continue
		}
		for form := range rw.clear(span{0, len(rw.tokens)}) {
			out[form] = true
		}
	}
	return out
}

// nearest finds the confirmed value that a reading, in its form for comparison,
// was most likely meant to be: letters that differ only here and there, and blanks and
// marks. Digits must be the same but for one that was lost: another number is another value,
// and so are words between the same others that only one of both has.
func nearest(form string, ft doc.FieldType, lasts map[string]int) (best string, ok bool) {
	most := 0
	for last, n := range lasts {
		other := CompareForm(ft, last)
		if form == other {
			return "", false
		}
		if n < most || n == most && most > 0 && last > best {
			continue
		}
		if slipped(form, other) && !oneMore(form, other) && !oneMore(other, form) {
			best, most = last, n
		}
	}
	return best, most > 0
}

// oneMore says whether a is b with one word more between its first and its last: OCR loses
// what stands at an edge, and letters of a word, but hardly a word between others.
func oneMore(a, b string) bool {
	words, whole := strings.Fields(a), shapes(squash(b))
	for i := 1; i < len(words)-1; i++ {
		if digits, _ := counts(words[i]); digits > 0 || words[i] == words[0] || words[i] == words[len(words)-1] {
			continue
		}
		if len(whole)+len(words[i]) == len(squash(a)) && shapes(squash(strings.Join(words[:i], "")+strings.Join(words[i+1:], ""))) == whole {
			return true
		}
	}
	return false
}

// slipped says whether a may be b with a few misread characters, both in the form for comparison.
func slipped(a, b string) bool {
	a, b = strings.ReplaceAll(a, " ", ""), strings.ReplaceAll(b, " ", "")
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	limit := len(y) / slipShare
	if len(y) < leastSlipped || len(x)-len(y) > limit || len(y)-len(x) > limit {
		return false
	}
	if da, db := digitsOf(a), digitsOf(b); da != db && !(len(da) != len(db) && distance(da, db, 1) <= 1 && len(db) >= 4) {
		return false
	}
	at := edits(x, y, limit)
	if at == nil {
		return false
	}
	for i, from := range *at {
		near := 0 // so many close together: a word misread, or another word
		for _, p := range (*at)[i:] {
			if p < from+slipReach {
				near++
			}
		}
		if near > slipsWithin {
			return false
		}
	}
	return true
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
