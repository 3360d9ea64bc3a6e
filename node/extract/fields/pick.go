package fields

import (
	"cmp"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// least is the score under which a candidate is no answer at all.
const least = 0.2

// leastLearned is the probability under which what something learned has chosen
// is no answer: a doubtful value to look at is worth more to a person than none.
const leastLearned = 0.1

// likelyEnough says whether the first of ranked is likely enough to be an answer. A field
// that each document of the type has is answered by what something learned thinks little
// of, where all others together are less likely.
func likelyEnough(spec doc.FieldSpec, ranked []scored) bool {
	if len(ranked) == 0 {
		return false
	}
	c := ranked[0]
	if c.method != byScorer {
		return c.score >= least
	}
	others := 0.0
	for _, o := range ranked[1:] {
		others += o.score
	}
	return c.score >= leastLearned || spec.Required && c.score > others
}

// further is from which score on a repeated field has another value: one too many is seen, and so
// is one that is missing.
const further = 0.5

// eachOf gives the candidates of each value of a field, the chosen one first. A repeated field has,
// besides the likeliest, all that are likelier than not and stand elsewhere, in the order of their places.
func eachOf(spec doc.FieldSpec, ranked []scored) [][]scored {
	if !spec.Repeated {
		return [][]scored{ranked}
	}
	var chosen, rest []scored
	form := func(c scored) string { return CompareForm(spec.Type, c.Value) }
	for k, c := range ranked {
		if k > 0 && c.score < further {
			rest = append(rest, c)
			continue
		}
		same := slices.IndexFunc(chosen, func(o scored) bool {
			return shortFor(form(c), form(o)) || o.Row == c.Row && o.at.from < c.at.to && c.at.from < o.at.to
		})
		switch {
		case same < 0:
			chosen = append(chosen, c)
		case strings.HasPrefix(form(c), form(chosen[same])+" "):
			chosen[same] = c // the name in full
		}
	}
	slices.SortStableFunc(chosen, func(a, b scored) int { return cmp.Or(a.Row-b.Row, a.at.from-b.at.from) })
	out := make([][]scored, len(chosen))
	for i, c := range chosen {
		out[i] = append([]scored{c}, rest...)
	}
	return out
}

// shortFor says whether two values name one thing: they are the same, or one goes on where the other
// ends ("PALM" and "PALM INC").
func shortFor(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+" ") || strings.HasPrefix(b, a+" ")
}

// Pick finds the fields of t in a reading with the rules that need no training.
// A field that is not found is left out. Values of tables stand in Rows.
func Pick(reading doc.Reading, t doc.Type) []doc.Field {
	return PickWith(reading, t, Knowledge{})
}

// PickWith is Pick with what was learned.
func PickWith(reading doc.Reading, t doc.Type, k Knowledge) []doc.Field {
	r := newTaughtReader(reading, t, k.wordingOf)
	r.wide = k.Model != nil || k.Memory.vendorOf(r) != nil // memory knows places that no label leads to
	var out []doc.Field
	for _, a := range r.answers(t, k) {
		if p, ok := k.Model.confidence(a); ok {
			a.field.Confidence, a.field.Model = Rounded(p), k.Model.Digest()
		}
		out = append(out, a.field)
	}
	for _, spec := range t.Fields {
		if spec.Type == doc.Table {
			if f, ok := r.table(spec); ok {
				out = append(out, f)
			}
		}
	}
	if t.OpenKeys {
		out = append(out, r.keyValues(t)...)
	}
	return k.atSite(Check(t, inOrder(t, out)))
}

// inOrder puts fields in the order of their type; others stay behind.
func inOrder(t doc.Type, fs []doc.Field) []doc.Field {
	at := map[string]int{}
	for i, f := range t.Fields {
		at[f.Name] = i - len(t.Fields)
	}
	slices.SortStableFunc(fs, func(a, b doc.Field) int { return at[a.Name] - at[b.Name] })
	return fs
}

// answers gives the fields of t that are no tables, with what the judge of
// confidence sees of them.
func (r *reader) answers(t doc.Type, k Knowledge) []answer {
	vendor := k.Memory.vendorOf(r)
	ranked := make([][]scored, len(t.Fields))
	for i := range t.Fields {
		ranked[i] = k.Model.rescore(r, i, vendor)
	}
	r.keepApart(ranked)
	proven := r.settleSums(t, ranked)
	r.settleTaxes(t, ranked, proven)
	r.deriveTaxes(t, ranked, proven)
	open := r.deriveAdjustments(t, ranked, proven)
	silence(t, ranked, proven)
	r.equals(t, ranked, open)
	var out []answer
	for i, spec := range t.Fields {
		if spec.Type == doc.Table || !likelyEnough(spec, ranked[i]) {
			continue
		}
		for _, one := range eachOf(spec, ranked[i]) {
			out = append(out, answer{r.field(spec, one, proven[i]), r.sureView(i, one, proven[i])})
		}
	}
	return r.withCurrency(t, out)
}

// offers is the candidates of a field as the rules rank them, and what a learned
// scorer sees of each.
type offers struct {
	list  []scored
	views [][]float32 // nil until something learned asks
	words [][]uint32
}

// offered gives the candidates of field i; the caller does not change them.
func (r *reader) offered(i int) *offers {
	if r.memo == nil {
		r.memo = map[int]*offers{}
	}
	o, ok := r.memo[i]
	if !ok {
		o = &offers{list: r.candidatesFor(i, r.fields[i])}
		r.memo[i] = o
	}
	return o
}

// seen is offered with the views.
func (r *reader) seen(i int) *offers {
	o := r.offered(i)
	if o.views == nil {
		o.views = r.fullViews(i, o.list)
		for k := range o.list {
			o.words = append(o.words, r.wordsAround(&o.list[k]))
		}
	}
	return o
}

// candidatesFor ranks the candidates of one field: by labels, and for fields
// with a place on the page by layout.
func (r *reader) candidatesFor(i int, spec doc.FieldSpec) []scored {
	if spec.Type == doc.Table || spec.Type == doc.Currency && len(spec.Labels) == 0 || spec.Hint == "code" {
		return nil // found elsewhere: a table, the document's currency, a barcode
	}
	role, part, isParty := strings.Cut(spec.Hint, " ")
	if r.wide && spec.Hint == "top" && (spec.Type == doc.Name || spec.Type == doc.Address) {
		return r.bestOfEach(append(r.headTop(i, spec), r.runs(spec)...))
	}
	switch {
	case isParty && (role == "seller" || role == "buyer"):
		return r.partyPart(i, spec, role, part)
	case spec.Hint == "prose":
		return r.inProse(i, spec)
	case spec.Hint == "document kind":
		return r.kind(i, spec)
	case spec.Hint == "top" && spec.Type == doc.Name:
		return r.headTop(i, spec)
	case spec.Hint == "top" && spec.Type == doc.Address:
		return r.headTop(i, spec)
	}
	return r.rank(i)
}

// headTop gives the names or addresses that the rules find at the head of the page.
func (r *reader) headTop(i int, spec doc.FieldSpec) []scored {
	if spec.Type == doc.Name {
		return r.bestOfEach(append(r.rank(i), r.headNames(spec)...))
	}
	return r.bestOfEach(append(r.rank(i), r.headAddress(spec)...))
}

// field makes the answer for spec of its ranked candidates.
func (r *reader) field(spec doc.FieldSpec, ranked []scored, sum bool) doc.Field {
	c := ranked[0]
	box := c.Box
	f := doc.Field{Name: spec.Name, Value: c.Value, Raw: c.Raw, Type: spec.Type, Page: c.Page + 1, Box: &box,
		Source: doc.FromOCR, Method: c.method, Checks: []string{foundOnPage}}
	if c.Page < len(r.layout.pages) {
		p := r.layout.pages[c.Page]
		f.Source = sourceOf(p)
		if p.Number > 0 {
			f.Page = p.Number
		}
	}
	if respelled(c) {
		f.Checks = []string{"spelling"} // what stands on the page is Raw
	}
	if c.recalled {
		f.Checks = append(f.Checks, fromVendor) // as it was confirmed before
	}
	if c.method == domestic || c.method == derived {
		f.Checks = []string{"derived"} // what stands on the page only lets it be inferred
	}
	if spec.Type == doc.Money {
		f.Currency = c.Currency
		if f.Currency == "" {
			f.Currency = r.hints.Currency
		}
	}
	next := 0.0
	for _, a := range ranked[1:] {
		next = max(next, a.score)
		if len(f.Alternatives) < 3 && a.score > 0.1 {
			f.Alternatives = append(f.Alternatives, doc.Alternative{Value: a.Value, Confidence: Rounded(confidence(a.score, c.score, false) / 2)})
		}
	}
	if sum {
		f.Method = "sum"
		f.Checks = append(f.Checks, "sum")
	}
	f.Confidence = Rounded(confidence(c.score, next, sum))
	return f
}

// respelled says whether a name or address was read as words of the lexicon, so
// that its value is not, letter by letter, what stands on the page.
func respelled(c scored) bool {
	switch c.Type {
	case doc.Name, doc.Address, doc.Text:
		return squash(foldText(c.Value)) != squash(foldText(c.Raw))
	}
	return false
}

// confidence is an honest guess until it is calibrated: it grows with the score
// and with the lead over the next candidate, and a sum that holds adds to it.
func confidence(score, next float64, sum bool) float64 {
	c := 0.25 + 0.6*score + 0.25*max(0, score-next)
	if sum {
		c += 0.15
	}
	return min(c, 0.98)
}

// Rounded is a confidence as answers state it, to the thousandth.
func Rounded(x float64) float64 { return float64(int(x*1000+0.5)) / 1000 }

// withCurrency answers a currency field from the amounts and signs of the document.
func (r *reader) withCurrency(t doc.Type, fs []answer) []answer {
	for _, spec := range t.Fields {
		if spec.Type != doc.Currency {
			continue
		}
		if answered(fs, spec.Name) || r.hints.Currency == "" {
			continue
		}
		f := doc.Field{Name: spec.Name, Value: r.hints.Currency, Type: doc.Currency, Confidence: 0.8, Source: doc.FromOCR, Method: "sign"}
		if rw, s, ok := r.signOf(r.hints.Currency); ok {
			box := rw.boxOf(s)
			f.Raw, f.Page, f.Box, f.Source = rw.textOf(s), r.layout.pages[rw.page].Number, &box, sourceOf(r.layout.pages[rw.page])
			f.Checks = []string{foundOnPage}
		}
		x := make([]float32, len(sureColumns))
		for k := range x {
			x[k] = nan
		}
		fs = append(fs, answer{f, x})
	}
	return fs
}

// signOf finds the first place where the currency is named.
func (r *reader) signOf(code string) (*row, span, bool) {
	for _, rw := range r.layout.rows {
		for _, m := range signFind.FindAllStringIndex(rw.text, -1) {
			if cs := currenciesIn(rw.text[m[0]:m[1]]); len(cs) == 1 && cs[0] == code {
				return rw, rw.spanAt(m[0], m[1]), true
			}
		}
	}
	return nil, span{}, false
}

func has(fs []doc.Field, name string) bool {
	return slices.ContainsFunc(fs, func(f doc.Field) bool { return f.Name == name })
}

func answered(as []answer, name string) bool {
	for _, a := range as {
		if a.field.Name == name {
			return true
		}
	}
	return false
}
