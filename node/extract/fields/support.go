package fields

import (
	"github.com/recto-edge/recto/node/doc"
)

// supportDepth is how many candidates of each other field are tried.
const supportDepth = 3

// support gives the amounts, in hundredths, that a check of the type asks of
// field i when the other fields are what the rules find for them, each with the
// least score among those: 0..1. "paid-change=total" says what the total is where
// the paid and the change are known.
func (r *reader) support(i int) map[int64]float64 {
	if r.supports == nil {
		r.supports = map[int]map[int64]float64{}
	}
	if s, ok := r.supports[i]; ok {
		return s
	}
	out := map[int64]float64{}
	r.supports[i] = out
	for _, check := range r.typ.Checks {
		terms, ok := parseSum(r.typ, check)
		if !ok {
			continue
		}
		for k, t := range terms {
			if t.field == i {
				r.solve(terms, k, out)
			}
		}
	}
	return out
}

// otherSupport is how well an amount would do as another field than i: what was
// handed over, where what was to be paid and the change add up to it.
func (r *reader) otherSupport(i int, n int64) float64 {
	best := 0.0
	for j, spec := range r.fields {
		if j != i && spec.Type == doc.Money {
			best = max(best, r.support(j)[n])
		}
	}
	return best
}

// solve gives term k every value that the others leave for it.
func (r *reader) solve(terms []term, k int, out map[int64]float64) {
	var try func(n int, sum int64, least float64, known int)
	try = func(n int, sum int64, least float64, known int) {
		if n == len(terms) {
			if v := -sum * terms[k].sign; known >= 2 || known == 1 && len(terms) == 2 {
				out[v] = max(out[v], least)
			}
			return
		}
		if n == k {
			try(n+1, sum, least, known)
			return
		}
		for _, c := range r.ruled(terms[n].field) {
			if v, ok := minor(c.Value); ok && v != 0 {
				try(n+1, sum+terms[n].sign*v, min(least, c.score), known+1)
			}
		}
		if terms[n].maybe {
			try(n+1, sum, least, known)
		}
	}
	try(0, 0, 1, 0)
}

// ruled gives the first candidates of an amount as the rules rank them.
func (r *reader) ruled(i int) []scored {
	if r.fields[i].Type != doc.Money {
		return nil
	}
	list := r.offered(i).list
	for k, c := range list {
		if k == supportDepth || c.score < 0.3 {
			return list[:k]
		}
	}
	return list
}
