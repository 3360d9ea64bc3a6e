package fields

import (
	"iter"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/learn"
)

// sureColumns are what the judge of confidence sees of a chosen value.
var sureColumns = []string{
	"rate", "letters read", "score", "lead", "second", "rule", "rules agree", "plausible", "least conf", "mean conf", "page conf", "sum", "respelled",
	"label", "relation", "repeats", "length", "digits", "twin", "tax role", "sums", "check", "other check", "year", "odd characters", "rank by rules", "kind",
	"first line", "lines", "postcode last", "number first", "legal last", "known words", "gap after", "heading after", "address after", "plain after", "recalled",
}

// Columns that are asked for by themselves.
const (
	rateColumn = 0
	readColumn = 1
)

// answer is a chosen value with what the judge of confidence sees of it.
type answer struct {
	field doc.Field
	x     []float32
}

// sureView gives the columns of sureColumns for the first of ranked.
func (r *reader) sureView(i int, ranked []scored, sum bool) []float32 {
	c := &ranked[0]
	second, plausible, bestRule := 0.0, 0, 0.0
	byRule := 0
	for k := range ranked {
		bestRule = max(bestRule, ranked[k].rule)
		if k > 0 {
			second = max(second, ranked[k].score)
			if ranked[k].rule > c.rule {
				byRule++
			}
		}
		if ranked[k].score > 0.1 {
			plausible++
		}
	}
	least, mean := r.confWithin(c.Page, c.Box)
	d, l := counts(c.Value)
	n, _ := minor(c.Value)
	x := []float32{0, r.lettersRead(c.Page, c.Box), float32(c.score), float32(c.score - second), float32(second), float32(c.rule), flag(c.rule >= bestRule), float32(min(plausible, 9)),
		float32(least), float32(mean), float32(r.pageConf(c.Page)), flag(sum), flag(respelled(*c)),
		float32(c.Label), float32(c.Relation), float32(min(c.Repeats, 9)), float32(min(len(c.Value), 120)), float32(d) / float32(max(1, d+l))}
	if c.Type == doc.Money {
		f := r.amountFacts()
		x = append(x, float32(f.twin[n]), float32(f.role[n]), float32(min(f.sum[n], 9)), float32(r.support(i)[n]), float32(r.otherSupport(i, n)))
	} else {
		x = append(x, nan, nan, nan, nan, nan)
	}
	if c.Type == doc.Date && len(c.Value) == 10 {
		x = append(x, float32(c.Value[2]-'0')*10+float32(c.Value[3]-'0'))
	} else {
		x = append(x, nan)
	}
	x = append(x, float32(oddCharacters(c.Raw)), float32(min(byRule, 20)), float32(kindNumber[c.Type]))
	if c.Type != doc.Name && c.Type != doc.Address {
		for len(x) < len(sureColumns)-1 {
			x = append(x, nan)
		}
		return append(x, flag(c.recalled))
	}
	s := r.spanView(c)
	at := func(name string) float32 { return s[spanColumn[name]] }
	return append(x, at("first line"), at("lines"), at("postcode last"), at("number first"), at("legal last"), knownWords(c.Value),
		at("gap after"), at("after heading"), at("after address"), at("after plain"), flag(c.recalled))
}

var spanColumn = func() map[string]int {
	out := map[string]int{}
	for i, n := range spanColumns {
		out[n] = i
	}
	return out
}()

var kindNumber = map[doc.FieldType]int{doc.Money: 1, doc.Date: 2, doc.Name: 3, doc.Address: 4, doc.Identifier: 5, doc.IBAN: 6, doc.VATID: 7, doc.Text: 8}

// confWithin gives the least and the mean confidence of the words in a box.
func (r *reader) confWithin(page int, b doc.Box) (least, mean float64) {
	least = 1
	n, sum := 0.0, 0.0
	for w := range r.wordsWithin(page, b) {
		least = min(least, w.Confidence)
		sum += w.Confidence
		n++
	}
	if n == 0 {
		return 0, 0
	}
	return least, sum / n
}

// lettersRead is the probability that every letter in a box was read right, by the
// reader's own account. A word's confidence is the mean of its letters': one letter of
// ten that may well be another hides in it, and alone makes a wrong date or amount.
func (r *reader) lettersRead(page int, b doc.Box) float32 {
	logs, any := 0.0, false
	for w := range r.wordsWithin(page, b) {
		any = true
		logs += float64(utf8.RuneCountInString(w.Text)) * math.Log(max(w.Confidence, 1e-3))
	}
	if !any {
		return nan
	}
	return float32(math.Exp(logs))
}

// wordsWithin gives the words whose middle lies in a box.
func (r *reader) wordsWithin(page int, b doc.Box) iter.Seq[doc.Word] {
	return func(yield func(doc.Word) bool) {
		for _, w := range r.layout.pages[page].Words {
			x, y := (w.Box[0]+w.Box[2])/2, (w.Box[1]+w.Box[3])/2
			if x >= b[0] && x < b[2] && y >= b[1] && y < b[3] && !yield(w) {
				return
			}
		}
	}
}

func (r *reader) pageConf(page int) float64 {
	n, sum := 0.0, 0.0
	for _, w := range r.layout.pages[page].Words {
		sum += w.Confidence
		n++
	}
	return sum / max(n, 1)
}

// oddCharacters counts what seldom stands in a value: marks in the middle of
// words, digits among letters, single letters.
func oddCharacters(s string) int {
	n := 0
	for _, w := range strings.Fields(s) {
		rs := []rune(w)
		for i, c := range rs {
			inner := i > 0 && i < len(rs)-1
			switch {
			case strings.ContainsRune("{}[]|\\~^_=!?;*\"<>", c):
				n++
			case inner && isDigit(c) && !isDigit(rs[i-1]) && !isDigit(rs[i+1]) && isAlnum(rs[i-1]) && isAlnum(rs[i+1]):
				n++
			case c > 0x7f && isAlnum(c):
				n++
			}
		}
		if len(rs) == 1 && isAlnum(rs[0]) && !isDigit(rs[0]) {
			n++
		}
	}
	return min(n, 9)
}

// knownWords is the share of the long words of s that the lexicon knows.
func knownWords(s string) float32 {
	known, all := 0, 0
	for _, w := range strings.Fields(s) {
		q := squash(w)
		if d, l := counts(q); l < 4 || d > 0 {
			continue
		}
		all++
		if lexicon[q] {
			known++
		}
	}
	if all == 0 {
		return nan
	}
	return float32(known) / float32(all)
}

// beforeJudging is what the judge begins from, as log odds: a value is right when it is
// the right one, as often as its field is, and its letters were read right.
func beforeJudging(rate float64, x []float32) float64 {
	if read := float64(x[readColumn]); !math.IsNaN(read) {
		rate *= read
	}
	return learn.Logit(rate)
}

// confidence is how sure the model is of a chosen value, 0..1: calibrated on
// held-back documents when there were enough of them.
func (m *Model) confidence(a answer) (p float64, ok bool) {
	if m == nil || m.Sure == nil || a.x == nil {
		return 0, false
	}
	rate, ok := m.Rates[a.field.Name]
	if !ok {
		return 0, false
	}
	x := slices.Clone(a.x)
	x[rateColumn] = float32(rate)
	by := m.stranger
	if slices.Contains(a.field.Checks, fromVendor) {
		by = m.known
	}
	return by.Confidence(a.field.Name, m.Sure.Probability(x, beforeJudging(rate, x))), true
}
