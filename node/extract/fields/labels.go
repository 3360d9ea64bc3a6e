package fields

import (
	"cmp"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// label is a label of a field, ready to be compared.
type label struct {
	field int // index of the field in the type; -1 for a phrase that is no label
	form  string
	rank  int // position among the field's labels: earlier ones are stronger
	of    int // how many labels the field has
}

// labelMatch is a place where a label stands.
type labelMatch struct {
	label
	row  *row
	at   span
	sim  float64 // 1 for an exact match
	edge bool    // nothing but label marks follows in its cell, or a colon does
}

// labelsOf collects the labels of specs. A label that begins with "!" is a
// phrase that contains a label of the field without being one ("total qty").
func labelsOf(specs []doc.FieldSpec) []label {
	var out []label
	for i, f := range specs {
		rank := 0
		for _, s := range f.Labels {
			if strings.HasPrefix(s, "!") {
				out = append(out, label{field: -1, form: squash(s)})
				continue
			}
			out = append(out, label{field: i, form: squash(s), rank: rank, of: len(f.Labels)})
			rank++
		}
	}
	return slices.DeleteFunc(out, func(l label) bool { return l.form == "" })
}

// labelIndex finds labels by their form, exactly or with a few wrong characters.
type labelIndex struct {
	exact  map[string][]label
	length map[int][]label    // for fuzzy comparison: forms of a length
	faint  map[string][]label // by what faint print leaves of the form, see fainted
	most   int
}

func indexLabels(ls []label) *labelIndex {
	x := &labelIndex{exact: map[string][]label{}, length: map[int][]label{}, faint: map[string][]label{}}
	for _, l := range ls {
		x.exact[l.form] = append(x.exact[l.form], l)
		if len(l.form) >= leastFuzzy {
			x.length[len(l.form)] = append(x.length[len(l.form)], l)
			f := fainted(l.form)
			x.faint[f] = append(x.faint[f], l)
		}
		x.most = max(x.most, len(l.form))
	}
	return x
}

// find gives the labels that s is, and how well it fits.
func (x *labelIndex) find(s string) (found []label, sim float64) {
	if ls := x.exact[s]; ls != nil {
		return ls, 1
	}
	if d, _ := counts(s); len(s) < leastFuzzy || d > len(s)/4 { // "vat 19" is no misread "vat id"
		return nil, 0
	}
	limit := 1 + len(s)/9
	best := limit + 1
	for n := len(s) - limit; n <= len(s)+limit; n++ {
		for _, l := range x.length[n] {
			if !confusable(l.form[0], s[0]) && !confusable(l.form[len(l.form)-1], s[len(s)-1]) {
				continue
			}
			switch d := distance(s, l.form, limit); {
			case d > limit:
			case d < best:
				best, found = d, append(found[:0:0], l)
			case d == best:
				found = append(found, l)
			}
		}
	}
	if found == nil {
		return x.faint[fainted(s)], faintSim
	}
	return found, 1 - float64(best)/float64(len(s))
}

const (
	leastFuzzy = 5   // letters of a label that may be misread
	faintSim   = 0.7 // how well a label fits of which only faint print is left
)

// fainted gives what is left of a form where the upper edge of the print is lost: T reads as
// I, O as U, R as K, beside what OCR confuses anyway. "TUIAL" is "TOTAL" then.
func fainted(form string) string {
	left := []byte(form)
	for i := range left {
		switch c := shape(left[i]); c {
		case 't':
			left[i] = shape('i')
		case 'o':
			left[i] = 'u'
		case 'r':
			left[i] = 'k'
		default:
			left[i] = c
		}
	}
	return string(left)
}

// matches finds where labels stand on rows. A label inside a longer one does not
// count: "total" in "sub total" is none.
func (x *labelIndex) matches(rows []*row) []labelMatch {
	var out []labelMatch
	for i, r := range rows {
		if i > 0 && rows[i-1].page == r.page {
			out = append(out, x.overLines(rows[i-1], r)...)
		}
		out = append(out, x.inRow(r)...)
	}
	return out
}

// stackedWords is how many words a cell may have that is half of a label.
const stackedWords = 3

// overLines finds labels set in two lines, such as "Purchase" over "Order No":
// the cells stand close, one under the other, and only together are a label. They
// count as standing where the lower one does.
func (x *labelIndex) overLines(upper, lower *row) []labelMatch {
	var out []labelMatch
	if lower.box[1]-upper.box[3] > lower.box.H() {
		return nil
	}
	for _, b := range lower.cells {
		if b.to-b.from > stackedWords {
			continue
		}
		below := lower.boxOf(b)
		for _, a := range upper.cells {
			above := upper.boxOf(a)
			if a.to-a.from > stackedWords || above[0] >= below[2] || above[2] <= below[0] || below[1]-above[3] > below.H() {
				continue
			}
			head, tail := squash(upper.textOf(a)), squash(lower.textOf(b))
			if head == "" || tail == "" || x.exact[head] != nil && x.exact[tail] != nil {
				continue
			}
			for _, l := range x.exact[head+tail] {
				if l.field >= 0 {
					out = append(out, labelMatch{label: l, row: lower, at: b, sim: 1, edge: true})
				}
			}
		}
	}
	return out
}

func (x *labelIndex) inRow(r *row) []labelMatch {
	var all []labelMatch
	for i := range r.tokens {
		if r.tokens[i].squash == "" {
			continue
		}
		s := ""
		for j := i; j < len(r.tokens) && j < i+7; j++ {
			if j > i && r.tokens[j].cell != r.tokens[i].cell && !near(r, j) {
				break
			}
			s += r.tokens[j].squash
			if len(s) > x.most+2 {
				break
			}
			if j > i && r.tokens[j].squash == "" {
				continue
			}
			ls, sim := x.find(s)
			for _, l := range ls {
				m := labelMatch{label: l, row: r, at: span{i, j + 1}, sim: sim}
				m.edge = endsLabel(r, j)
				all = append(all, m)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b labelMatch) int {
		return cmp.Or(cmp.Compare(len(b.form), len(a.form)), cmp.Compare(b.sim, a.sim))
	})
	var out []labelMatch
	for _, m := range all {
		covered := slices.ContainsFunc(out, func(o labelMatch) bool {
			return m.at.from < o.at.to && o.at.from < m.at.to && (m.at != o.at || m.sim < o.sim)
		})
		if !covered {
			out = append(out, m)
		}
	}
	return slices.DeleteFunc(out, func(m labelMatch) bool { return m.field < 0 })
}

// near says whether token j, though it begins a cell, stands close to the one before.
func near(r *row, j int) bool {
	return r.tokens[j].box[0]-r.tokens[j-1].box[2] < 2*r.tokens[j].box.H()
}

func endsLabel(r *row, j int) bool {
	t := r.tokens[j].text
	if strings.HasSuffix(t, ":") || strings.HasSuffix(t, "：") || strings.HasSuffix(t, "#") {
		return true
	}
	if j+1 >= len(r.tokens) || r.tokens[j+1].cell != r.tokens[j].cell {
		return true
	}
	return strings.HasPrefix(r.tokens[j+1].text, ":") || r.tokens[j+1].text == "#"
}
