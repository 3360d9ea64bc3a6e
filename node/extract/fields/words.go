package fields

import (
	"hash/fnv"
	"math"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// Words around a candidate speak for or against it. How much each says is
// counted over vendors, and a training example is judged without its own vendor
// (leave-one-out target encoding, Micci-Barreca 2001): so the trees above see the
// words of a vendor as they will see those of one they never met.

// WordTable is how much words in a place say for a field, in log odds.
type WordTable struct {
	Words []uint32  `json:"w"` // hashes of place and word, ascending
	Says  []float32 `json:"s"`
}

// fewestVendors is from how many vendors on a word says something.
const fewestVendors = 2

// says gives what the table knows of a word; 0 for an unknown one.
func (t *WordTable) says(w uint32) float64 {
	if t == nil {
		return 0
	}
	if i, ok := slices.BinarySearch(t.Words, w); ok {
		return float64(t.Says[i])
	}
	return 0
}

// wordView gives the sum, the greatest and the least of what words say.
func wordView(words []uint32, says func(uint32) float64) [3]float32 {
	sum, most, least := 0.0, 0.0, 0.0
	for _, w := range words {
		s := says(w)
		sum += s
		most, least = max(most, s), min(least, s)
	}
	return [3]float32{float32(sum), float32(most), float32(least)}
}

// wordsAround gives the hashes of the words that stand around a candidate, each
// with its place: left of it, right of it, above and below; and for names and
// addresses those in it and those of the lines before and after.
func (r *reader) wordsAround(c *scored) []uint32 {
	var out []uint32
	put := func(place, word string) {
		if word != "" && len(word) < 40 {
			h := fnv.New32a()
			h.Write([]byte(place))
			h.Write([]byte(word))
			out = append(out, h.Sum32())
		}
	}
	if c.Type == doc.Name || c.Type == doc.Address {
		r.wordsOfRun(c, put)
	}
	rw := r.layout.rows[c.Row]
	phrase := ""
	for k, n := c.at.from-1, 0; k >= 0 && n < 8; k-- {
		w := shapeOf(rw.tokens[k])
		if w == "" {
			continue
		}
		if n == 0 {
			put("left1 ", w)
		}
		if n < 4 {
			phrase = w + " " + phrase
			put("leftphrase ", phrase)
		}
		put("left ", w)
		n++
	}
	if phrase == "" {
		put("left1 ", "nothing")
	}
	for k, n := c.at.to, 0; k < len(rw.tokens) && n < 3; k++ {
		if w := shapeOf(rw.tokens[k]); w != "" {
			put("right ", w)
			n++
		}
	}
	r.wordsOver(c, -1, "above", put)
	r.wordsOver(c, 1, "below", put)
	slices.Sort(out)
	return slices.Compact(out)
}

// wordsOver puts the words of the next row above or below: those over the
// candidate, and the first of the row.
func (r *reader) wordsOver(c *scored, step int, place string, put func(place, word string)) {
	i := c.Row + step
	if i < 0 || i >= len(r.layout.rows) || r.layout.rows[i].page != c.Page {
		return
	}
	rw := r.layout.rows[i]
	h := r.layout.height[c.Page]
	for k, t := range rw.tokens {
		w := shapeOf(t)
		if t.box[0] < c.Box[2]+h && t.box[2] > c.Box[0]-h {
			put(place+" ", w)
		} else if k < 3 {
			put(place+" row ", w)
		}
	}
}

func (r *reader) wordsOfRun(c *scored, put func(place, word string)) {
	ls := r.headLines()
	from, to, ok := linesOf(ls, c)
	if !ok || c.Page > 0 {
		return
	}
	line := func(i int, first, rest string) {
		if i < 0 || i >= len(ls) {
			put(first, "nothing")
			return
		}
		for k, t := range ls[i].row.tokens {
			if w := shapeOf(t); k == 0 {
				put(first, w)
			} else {
				put(rest, w)
			}
		}
		if n := len(ls[i].row.tokens); n > 0 {
			put(rest+"last ", shapeOf(ls[i].row.tokens[n-1]))
		}
	}
	line(from-1, "before1 ", "before ")
	line(to+1, "after1 ", "after ")
	line(from, "in first1 ", "in first ")
	if to > from {
		line(to, "in last1 ", "in last ")
	}
}

// shapeOf is a word as it is counted: squashed, and digits as their number, since
// numbers of one vendor say nothing about another.
func shapeOf(t token) string {
	d, l := counts(t.squash)
	switch {
	case d == 0:
		return t.squash
	case l == 0:
		return "#" + string(rune('0'+min(d, 9)))
	case d >= l:
		return "#a"
	}
	return "a#"
}

// wordCount is what was seen of a word with one field, by vendor.
type wordCount struct {
	yes, no float64
	vendors map[string][2]float64
}

// countWords learns what words say of field i from desks.
func countWords(ds []*desk, i int) map[uint32]*wordCount {
	out := map[uint32]*wordCount{}
	for _, d := range ds {
		if _, ok := d.right[i]; !ok {
			continue
		}
		for k, words := range d.r.seen(i).words {
			yes, no := 0.0, d.weight
			if d.right[i][k] {
				yes, no = d.weight, 0
			}
			for _, w := range words {
				c := out[w]
				if c == nil {
					c = &wordCount{vendors: map[string][2]float64{}}
					out[w] = c
				}
				v := c.vendors[d.Vendor]
				c.vendors[d.Vendor] = [2]float64{v[0] + yes, v[1] + no}
				c.yes, c.no = c.yes+yes, c.no+no
			}
		}
	}
	return out
}

// logOdds is what yes and no say against the rate that is usual.
func logOdds(yes, no, base float64) float64 {
	const belief = 2.0
	p := (yes + belief*base) / (yes + no + belief)
	return 0.5 * (math.Log(p/(1-p)) - math.Log(base/(1-base)))
}

// wordTable keeps what more than one vendor's words say.
func wordTable(counted map[uint32]*wordCount, base float64) *WordTable {
	t := &WordTable{}
	for w, c := range counted {
		if len(c.vendors) >= fewestVendors && math.Abs(logOdds(c.yes, c.no, base)) > 0.15 {
			t.Words = append(t.Words, w)
		}
	}
	slices.Sort(t.Words)
	for _, w := range t.Words {
		c := counted[w]
		t.Says = append(t.Says, float32(math.Round(100*logOdds(c.yes, c.no, base))/100))
	}
	return t
}

// without is what a word says when one vendor is left out.
func without(c *wordCount, vendor string, base float64) float64 {
	if c == nil {
		return 0
	}
	v, mine := c.vendors[vendor]
	others := len(c.vendors)
	if mine {
		others--
	}
	if others < fewestVendors {
		return 0
	}
	return logOdds(max(0, c.yes-v[0]), max(0, c.no-v[1]), base)
}
