package fields

import (
	"regexp"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// adjustment is a row that takes something off the sum of the line items, or adds to it: a
// discount, freight.
type adjustment struct {
	Candidate
	added    bool
	carriage bool
	cents    int64 // without its sign, which is printed or not
}

const (
	maxAdjustments = 12  // rows that are tried
	surely         = 0.5 // score from which on an amount may prove others
)

// adjusted is a check base-taken?+added?=net, by the indexes of its fields.
type adjusted struct{ base, taken, added, net int }

func adjustedCheck(t doc.Type) (adjusted, bool) {
	for _, check := range t.Checks {
		x, ok := parseSum(t, check)
		if ok && len(x) == 4 && !x[0].maybe && x[1].maybe && x[1].sign < 0 && x[2].maybe && x[2].sign > 0 {
			return adjusted{x[0].field, x[1].field, x[2].field, x[3].field}, true
		}
	}
	return adjusted{}, false
}

// Words that begin a row of what is taken off or added. Carriage is an item like others where
// the table of items has it.
const (
	takenWords = `rabatt|nachlass|abschlag|skonto|remise|rabais|discount|allowance|sconto|descuento|korting`
	addedWords = `zuschlag|charge|surcharge`
)

var (
	takenStart    = regexp.MustCompile(`(?i)^\W*(?:rechnungs|gesamt|sonder|mengen)?(?:` + takenWords + `)\b`)
	addedStart    = regexp.MustCompile(`(?i)^\W*(?:rechnungs|gesamt|sonder|mengen|(?:extra|additional) )?(?:` + addedWords + `)\b`)
	carriageStart = regexp.MustCompile(`(?i)^\W*(?:freight|shipping|delivery|fracht|versand(?:kosten)?|frais de (?:port|livraison)|spese di (?:spedizione|trasporto)|portes|verzendkosten)\b`)
)

// adjusts says whether a text begins as that of a discount or surcharge.
func adjusts(text string) bool { return takenStart.MatchString(text) || addedStart.MatchString(text) }

// deriveAdjustments answers the sums of what was taken off and added between the line items
// and the net total (EN 16931, BT-106 to BT-109), where a page prints each discount and charge on
// a row of its own, or the sum of the line items nowhere. Nothing is derived that does not
// come to the net total: then it gives the field for the sum of the line items, of which is only
// known that it is another one; else -1.
func (r *reader) deriveAdjustments(t doc.Type, ranked [][]scored, proven map[int]bool) (open int) {
	x, ok := adjustedCheck(t)
	if !ok {
		return -1
	}
	r.noItems = nil // a reader may be asked again, with other answers
	defer func() { unsigned(ranked, x) }()
	if len(ranked[x.net]) == 0 || ranked[x.net][0].score < surely {
		return -1
	}
	net, _ := minor(ranked[x.net][0].Value)
	all := r.adjustments()
	if len(all) == 0 {
		return -1
	}
	items := r.itemAmounts()
	all = slices.DeleteFunc(all, func(a adjustment) bool {
		return a.carriage && slices.ContainsFunc(items, func(c Candidate) bool { return c.Row == a.Row })
	})
	if len(all) == 0 {
		return -1
	}
	bases := bases(ranked[x.base], items, all)
	for n := len(all); n > 0; n-- { // the longest run of them first
		for from := 0; from+n <= len(all); from++ {
			for _, base := range bases {
				sum := totalOf(base)
				for _, a := range all[from : from+n] {
					sum += a.change()
				}
				if sum == net {
					r.takeAdjustments(x, base, all[from:from+n], ranked, proven)
					return -1
				}
			}
		}
	}
	return x.base
}

func (a adjustment) change() int64 {
	if a.added {
		return a.cents
	}
	return -a.cents
}

// adjustments gives the rows of which a cell begins with a word for what is taken off or
// added, and that end in an amount, top to bottom.
func (r *reader) adjustments() []adjustment {
	var out []adjustment
	for _, rw := range r.layout.rows {
		for _, cell := range rw.cells {
			text := rw.textOf(cell)
			carriage := carriageStart.MatchString(text)
			added := carriage || addedStart.MatchString(text)
			if !added && !takenStart.MatchString(text) || strings.HasPrefix(text, "(") {
				continue // in brackets it tells what was taken off a price
			}
			var last Candidate
			for _, c := range r.onRow(rw.index, doc.Money) {
				if c.at.from > max(cell.from, last.at.from) {
					last = c
				}
			}
			if n, ok := minor(last.Value); ok && n != 0 && last.Decimals == 2 && len(out) < maxAdjustments {
				out = append(out, adjustment{last, added, carriage, abs(n)})
			}
			break
		}
	}
	return out
}

// itemAmounts gives the amounts of the line items; nil when not each has one.
func (r *reader) itemAmounts() []Candidate {
	for _, spec := range r.fields {
		if spec.Type != doc.Table || spec.Hint != "items" {
			continue
		}
		var out []Candidate
		f, _ := r.table(spec)
		for _, row := range f.Rows {
			at := r.printed(cellNamed(row, "line_total"))
			if at == nil {
				return nil
			}
			out = append(out, *at)
		}
		return out
	}
	return nil
}

// bases gives what may be the sum of the line items: amounts that are printed as such, and
// the amounts of the items themselves, which the adjustments are none of.
func bases(printed []scored, items []Candidate, but []adjustment) [][]Candidate {
	var out [][]Candidate
	for _, c := range printed[:min(len(printed), sumDepth)] {
		if c.Decimals == 2 {
			out = append(out, []Candidate{c.Candidate})
		}
	}
	items = slices.DeleteFunc(items, func(c Candidate) bool {
		return slices.ContainsFunc(but, func(a adjustment) bool { return a.Row == c.Row })
	})
	if len(items) > 0 {
		out = append(out, items)
	}
	return out
}

// printed gives the amount that a cell of a table was read from; nil when there is none.
func (r *reader) printed(cell *doc.Field) *Candidate {
	for i := range r.all {
		c := &r.all[i]
		if cell != nil && cell.Box != nil && c.Type == doc.Money && c.Value == cell.Value && c.Box == *cell.Box && r.pageNumber(c.Page) == cell.Page {
			return c
		}
	}
	return nil
}

// takeAdjustments answers the fields of a check whose sum holds.
func (r *reader) takeAdjustments(x adjusted, base []Candidate, of []adjustment, ranked [][]scored, proven map[int]bool) {
	r.put(x.base, totalOf(base), base, ranked)
	r.noItems = map[int]bool{}
	for _, a := range of {
		r.noItems[a.Row] = true
	}
	for f, added := range map[int]bool{x.taken: false, x.added: true} {
		var parts []Candidate
		for _, a := range of {
			if a.added == added {
				a.Value = strings.TrimPrefix(a.Value, "-")
				parts = append(parts, a.Candidate)
			}
		}
		if n, _ := minor(firstValue(ranked[f])); len(parts) > 0 && (!proven[f] || n != totalOf(parts)) { // printed as a sum too
			r.putParts(f, parts, ranked)
			proven[f] = true
		}
	}
	proven[x.base], proven[x.net] = true, true
}

func firstValue(list []scored) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].Value
}

// unsigned drops the minus of what is taken off, where the net total has none.
func unsigned(ranked [][]scored, x adjusted) {
	if len(ranked[x.net]) == 0 || strings.HasPrefix(ranked[x.net][0].Value, "-") || len(ranked[x.taken]) == 0 {
		return
	}
	c := &ranked[x.taken][0]
	c.Value = strings.TrimPrefix(c.Value, "-")
}
