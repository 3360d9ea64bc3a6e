package fields

import (
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Place is where a value stands.
type Place struct {
	Page int // number of the page, 1 for the first
	Box  doc.Box
	Raw  string // as printed
}

// Finder finds values that are known on the pages of one document. It is not
// safe for concurrent use.
type Finder struct{ r *reader }

// NewFinder makes a Finder of a reading for fields of type t.
func NewFinder(reading doc.Reading, t doc.Type) *Finder {
	r := newReader(reading, t)
	r.wide = true
	return &Finder{r}
}

// Hints says how the document writes its values.
func (f *Finder) Hints() Hints { return f.r.hints }

// Find gives the place where the canonical value of a field most likely stands:
// as a candidate for that field, as a value of its type, or as these letters in
// this order.
func (f *Finder) Find(spec doc.FieldSpec, value string) (Place, bool) {
	want := CompareForm(spec.Type, value)
	same := func(c Candidate) bool { return CompareForm(spec.Type, c.Value) == want }
	for i := range f.r.fields {
		if f.r.fields[i].Name != spec.Name {
			continue
		}
		for _, c := range f.r.offered(i).list {
			if same(c.Candidate) {
				return f.place(c.Page, c.Box, c.Raw), true
			}
		}
	}
	for _, c := range f.r.all {
		if c.Type == spec.Type && same(c) {
			return f.place(c.Page, c.Box, c.Raw), true
		}
	}
	if spec.Type == doc.Currency {
		if rw, s, ok := f.r.signOf(value); ok {
			return f.place(rw.page, rw.boxOf(s), rw.textOf(s)), true
		}
	}
	return f.letters(squash(value))
}

// findsAll says whether all values of a label, in any form, stand on the document.
func (f *Finder) findsAll(spec doc.FieldSpec, label string) bool {
	for _, v := range spec.Values(label) {
		value, ok := Canonical(spec.Type, v, f.Hints())
		if ok {
			_, ok = f.Find(spec, value)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (f *Finder) place(page int, box doc.Box, raw string) Place {
	p := Place{Page: page + 1, Box: box, Raw: raw}
	if n := f.r.layout.pages[page].Number; n > 0 {
		p.Page = n
	}
	return p
}

// letters finds a run of whole words that spell want, over the ends of lines.
func (f *Finder) letters(want string) (Place, bool) {
	if want == "" {
		return Place{}, false
	}
	for _, rw := range f.r.layout.rows {
		for from := range rw.tokens {
			if box, raw, ok := f.follow(rw, from, want); ok {
				return f.place(rw.page, box, raw), true
			}
		}
	}
	return Place{}, false
}

// follow spells want from a word on: along its line, then on lines below it that
// begin at about the same left edge.
func (f *Finder) follow(rw *row, from int, want string) (box doc.Box, raw string, ok bool) {
	left, slack := rw.tokens[from].box[0], 2*f.r.layout.height[rw.page]
	var words []string
	for {
		to, rest := rw.spell(from, want)
		if to == from {
			return box, "", false
		}
		for _, t := range rw.tokens[from:to] {
			box, words = box.Union(t.box), append(words, t.text)
		}
		if want = rest; want == "" {
			return box, strings.Join(words, " "), true
		}
		if rw, from = f.lineBelow(rw, left, slack); rw == nil {
			return box, "", false
		}
	}
}

// spell follows want along whole words of a row, from a word on: to where, and what is left of
// it. A mark is no beginning: the next word is tried by itself.
func (r *row) spell(from int, want string) (to int, rest string) {
	if r.tokens[from].squash == "" {
		return from, want
	}
	for to, rest = from, want; to < len(r.tokens) && rest != ""; to++ {
		next, ok := strings.CutPrefix(rest, r.tokens[to].squash)
		if !ok {
			break
		}
		rest = next
	}
	return to, rest
}

// lineBelow gives the nearest of the next lines that has a word at the left edge.
func (f *Finder) lineBelow(rw *row, left, slack int) (*row, int) {
	for _, next := range f.r.layout.below(rw, 2) {
		for k, t := range next.tokens {
			if d := t.box[0] - left; d >= -slack && d <= slack {
				return next, k
			}
		}
	}
	return nil, 0
}
