package fields

import (
	"regexp"

	"github.com/recto-edge/recto/node/doc"
)

var (
	clock        = regexp.MustCompile(`\d{1,2}\s?[:.]\s?\d{2}(\s?[:.]\s?\d{2})?\s?([AaPp][Mm]|Uhr)?`)
	roundingWord = regexp.MustCompile(`(?i)r[o0]und(ed|ing|s)?\b|\brnd|rundung|arrondi|arrotond|avrundning|afronding|pembundaran|pelarasan`)
)

// maxRounding is the most that a till rounds by, in hundredths.
const maxRounding = 50

// roundings finds the amounts that are the sum of another amount and of what a
// line of the page says was rounded: where a till prints both, the rounded one
// is what was paid.
func (r *reader) roundings() map[int64]bool {
	out := map[int64]bool{}
	amounts := map[int64]bool{}
	var deltas []int64
	for _, c := range r.all {
		n, ok := minor(c.Value)
		if !ok || c.Type != doc.Money || c.Decimals != 2 {
			continue
		}
		amounts[n] = true
		if n != 0 && abs(n) <= maxRounding && roundingWord.MatchString(r.layout.rows[c.Row].text) {
			deltas = append(deltas, n)
		}
	}
	for _, d := range deltas {
		for n := range amounts {
			if n > maxRounding && amounts[n+d] {
				out[n+d] = true
			}
			// many tills print the amount of a rounding without its sign
			if n > maxRounding && amounts[n-d] && (n-d)%5 == 0 && n%5 != 0 {
				out[n-d] = true
			}
		}
	}
	for _, d := range deltas { // what is rounded again is not the end
		for n := range out {
			if n%5 != 0 && out[n+d] {
				delete(out, n)
			}
		}
	}
	return out
}
