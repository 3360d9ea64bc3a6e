package fields

import (
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// Bounds of the search for what was handed over.
const (
	changeRows   = 4 // rows from it down to the change
	changeAfter  = 2 // amounts from it to the change
	tenderWithin = 8 // amounts from what was to be paid down to the change
	tenderOff    = 4 // cents by which a sum was rounded to be paid in cash
)

// tendered finds what was to be paid (1) and what was handed over for it (-1): of three
// amounts near each other the last, the change, is what is left of the second when the
// first is taken off; where the second is taken off the first it is a discount. The last
// such three on the document count. It asks for no label, so it holds in any language and
// where a crooked page has torn amounts from their labels.
//
// What was to be paid may be off by so many cents. By more than none, three amounts meet
// by chance often enough that only a scorer that learned may use it.
func (r *reader) tendered(off int64) map[int64]int {
	type printed struct {
		n   int64
		row int
	}
	var ps []printed
	var zeros []int // rows that say 0.00
	for _, c := range r.all {
		n, ok := minor(c.Value)
		switch {
		case !ok || c.Type != doc.Money || c.Decimals != 2:
		case n == 0:
			zeros = append(zeros, c.Row)
		default:
			ps = append(ps, printed{abs(n), c.Row}) // change is often printed with a minus
		}
	}
	none := func(given, change printed) bool { // a zero between them is the change
		return slices.ContainsFunc(zeros, func(row int) bool { return row > given.row && row < change.row })
	}
	beside := func(k int, n int64) bool {
		for i, p := range ps {
			if i != k && p.n == n && p.row == ps[k].row {
				return true
			}
		}
		return false
	}
	most := int64(0) // of the amounts under the change: nobody hands over less than what is to be paid
	for k := len(ps) - 1; k > 1; k-- {
		change := ps[k]
		if k+1 < len(ps) {
			most = max(most, ps[k+1].n)
		}
		for i := k - 1; i >= max(0, k-changeAfter); i-- {
			given := ps[i]
			due := given.n - change.n
			if due <= 0 || most > given.n || given.row == change.row || change.row-given.row > changeRows || beside(k, due) || none(given, change) {
				continue // on one row they are a basis and its tax
			}
			for j := i - 1; j >= max(0, k-tenderWithin); j-- {
				if abs(ps[j].n-due) <= off && ps[j].row != given.row && ps[j].n != given.n {
					return map[int64]int{ps[j].n: 1, given.n: -1}
				}
			}
		}
	}
	return nil
}
