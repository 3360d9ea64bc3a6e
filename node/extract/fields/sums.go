package fields

import (
	"regexp"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// term is a field of a sum check with its sign.
type term struct {
	field int // index in the type
	sign  int64
	maybe bool // counts as zero when it is not on the page
}

var sumForm = regexp.MustCompile(`^[a-z][a-z0-9_]*(\?)?([+-][a-z][a-z0-9_]*(\?)?)*~?=[a-z][a-z0-9_]*$`)

// parseSum reads a check such as "net+tax=total" or "gross-prepaid?=due" into
// terms that add up to zero; ok is false when it is no sum of fields of t. "net+tax~=total"
// is the same to whoever chooses values by it; see forCash for what it allows.
func parseSum(t doc.Type, check string) (terms []term, ok bool) {
	s := strings.ReplaceAll(check, " ", "")
	if !sumForm.MatchString(s) {
		return nil, false
	}
	left, right, _ := strings.Cut(s, "=")
	left = strings.TrimSuffix(left, "~")
	add := func(name string, sign int64) bool {
		name, maybe := strings.CutSuffix(name, "?")
		for i, f := range t.Fields {
			if f.Name == name && f.Type == doc.Money {
				terms = append(terms, term{i, sign, maybe})
				return true
			}
		}
		return false
	}
	sign := int64(1)
	for left != "" {
		n := strings.IndexAny(left, "+-")
		name := left
		if n >= 0 {
			name = left[:n]
		}
		if !add(name, sign) {
			return nil, false
		}
		if n < 0 {
			break
		}
		sign = 1
		if left[n] == '-' {
			sign = -1
		}
		left = left[n+1:]
	}
	return terms, add(right, -1)
}

// settleSums reorders candidates where a sum of the type holds among them, and
// says which fields a sum has proven. A sum is believed when its amounts are
// different pieces of the page and at least two of its terms are not zero.
func (r *reader) settleSums(t doc.Type, ranked [][]scored) map[int]bool {
	proven := map[int]bool{}
	for _, check := range t.Checks {
		terms, ok := parseSum(t, check)
		if !ok {
			continue
		}
		best, found := bestSum(terms, ranked, proven)
		if !found {
			continue
		}
		for i, k := range best {
			if k < 0 {
				continue
			}
			f := terms[i].field
			proven[f] = true
			c := ranked[f][k%flip]
			c.score = max(c.score, ranked[f][0].score) // as likely at least as what it takes the place of
			if k >= flip {
				c.Value = negate(c.Value)
			}
			k %= flip
			rest := append(ranked[f][:k:k], ranked[f][k+1:]...)
			ranked[f] = append([]scored{c}, rest...)
		}
	}
	return proven
}

const (
	sumDepth   = 5    // candidates of each field that are tried
	flip       = 1000 // added to a choice whose sign is turned
	doubted    = 0.85 // score below which what learned chose is in doubt
	nearly     = 0.7  // of the best score: what a candidate must have that is nearly as good
	likely     = 0.6  // of the best score: what a candidate of the rules must have
	leastMoved = 0.02 // of that score: what another candidate than learned chose must have
)

// negate turns the sign of a canonical amount.
func negate(v string) string {
	if rest, ok := strings.CutPrefix(v, "-"); ok {
		return rest
	}
	if strings.Trim(v, "0.") == "" {
		return v
	}
	return "-" + v
}

// bestSum finds the choice of one candidate a term whose sum is zero and whose
// scores are highest; -1 stands for a term that is absent.
func bestSum(terms []term, ranked [][]scored, proven map[int]bool) (best []int, found bool) {
	choice := make([]int, len(terms))
	top := -1.0
	var try func(i int, sum int64, score float64)
	try = func(i int, sum int64, score float64) {
		if i == len(terms) {
			if abs(sum) == 0 && score > top && plausible(terms, ranked, choice) {
				top, best, found = score, append([]int(nil), choice...), true
			}
			return
		}
		f := terms[i].field
		depth, from := openTo(ranked[f], proven[f])
		for k := 0; k < len(ranked[f]) && k < depth; k++ {
			n, ok := minor(ranked[f][k].Value)
			if !ok || max(ranked[f][k].score, ranked[f][k].unaided) < from {
				continue
			}
			choice[i] = k
			try(i+1, sum+terms[i].sign*n, score+ranked[f][k].score)
			if terms[i].sign < 0 && i < len(terms)-1 && n != 0 { // what is taken off is often printed with its minus
				choice[i] = k + flip
				try(i+1, sum-terms[i].sign*n, score+ranked[f][k].score)
			}
		}
		if terms[i].maybe {
			choice[i] = -1
			try(i+1, sum, score)
		}
	}
	try(0, 0, 0)
	return best, found
}

// openTo says how many candidates of a field a sum may choose among, and from which score on.
func openTo(list []scored, proven bool) (depth int, from float64) {
	depth, from = sumDepth, 0
	if len(list) > 0 {
		from = max(0.15, likely*list[0].score)
		if list[0].method == byScorer {
			from = leastMoved * list[0].score
		}
	}
	if proven {
		depth = 1
	}
	return depth, from
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// taxed says whether terms are a net amount, its tax and both together.
func taxed(terms []term) bool {
	return len(terms) == 3 && !terms[0].maybe && !terms[1].maybe && terms[1].sign > 0
}

// plausible wants at least two different amounts that are not zero, that no piece of
// the page counts twice, that a tax is a part of its basis as rates are, and that what
// learned is not contradicted without need.
func plausible(terms []term, ranked [][]scored, choice []int) bool {
	if taxed(terms) {
		net, _ := minor(ranked[terms[0].field][choice[0]].Value)
		tax, _ := minor(ranked[terms[1].field][choice[1]].Value)
		if 100*abs(tax) > maxRate*abs(net) {
			return false
		}
	}
	type place struct{ row, from int }
	seen := map[place]bool{}
	values := map[string]bool{}
	n := 0
	for i, k := range choice {
		if k < 0 {
			continue
		}
		c := ranked[terms[i].field][k%flip]
		p := place{c.Row, c.at.from}
		if seen[p] {
			return false
		}
		seen[p] = true
		if c.Value != "0.00" {
			n++
			values[c.Value] = true
		}
	}
	return n >= 3 && len(values) >= 2 && outvoted(terms, ranked, choice)
}

// outvoted says whether a choice contradicts what learned chose nowhere, or in one field
// only, and there with reason: what learned chose is in doubt, or the other is nearly as
// good. Of many choices some fit by chance: what is sure stays, beside sure parts too, since
// a service charge or a discount may stand between. So does what was rounded for cash.
func outvoted(terms []term, ranked [][]scored, choice []int) bool {
	moved := -1 // the term that is contradicted
	for i, k := range choice {
		if k < 0 || k%flip == 0 || ranked[terms[i].field][0].method != byScorer {
			continue
		}
		if moved >= 0 {
			return false
		}
		moved = i
	}
	if moved < 0 {
		return true
	}
	list := ranked[terms[moved].field]
	from, to := list[0], list[choice[moved]%flip]
	was, _ := minor(from.Value)
	is, _ := minor(to.Value)
	sure := from.score
	if from.unaided > 0 { // what stands on the page overrules memory
		sure = min(sure, from.unaided)
	}
	return abs(was-is) > maxTwin && (sure < doubted || max(to.score, to.unaided) >= nearly*sure)
}
