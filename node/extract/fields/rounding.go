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

// roundedShare is how likely, against the exact sum, the rounded form of it must
// be to be taken.
const roundedShare = 0.2

// preferRounded puts the rounded form of a total before its exact sum where both
// stand on the document and both are likely: what was rounded is what was paid.
func (r *reader) preferRounded(list []scored) {
	if len(list) < 2 || list[0].Type != doc.Money {
		return
	}
	exact, ok := minor(list[0].Value)
	if !ok {
		return
	}
	for k := 1; k < len(list); k++ {
		if r.roundedFrom(list[k], exact) && list[k].score >= roundedShare*list[0].score {
			rounded := list[k]
			copy(list[1:k+1], list[:k])
			list[0] = rounded
			list[0].score = max(rounded.score, list[1].score)
			return
		}
	}
}

// roundedFrom says whether c is the rounded form of an exact amount.
func (r *reader) roundedFrom(c scored, exact int64) bool {
	n, ok := minor(c.Value)
	facts := r.amountFacts()
	return ok && facts.twin[n] == 1 && facts.twin[exact] == -1 && abs(n-exact) <= maxTwin
}
