package fields

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// scored is a candidate with what a scorer said about it for one field.
type scored struct {
	Candidate
	Features
	score    float64
	lines    []string // of an address of several, each as it is read
	rule     float64  // what the rules said, where something learned has scored since
	recalled bool     // memory of the vendor speaks for it
	unaided  float64  // the score before memory of the vendor was asked
	near     nearness // it is read as a value that was confirmed before
	unfit    bool     // does not have the form that the field demands
	method   string
	checks   []string
}

// reader holds what one call of Pick knows about a document.
type reader struct {
	layout    *layout
	hints     Hints
	byRow     [][]Candidate  // all, by row
	rowLabels [][]labelMatch // matches, by row
	all       []Candidate
	labels    *labelIndex
	matches   []labelMatch // of all fields, top to bottom
	fields    []doc.FieldSpec
	repeats   map[string]int // by type and value
	largest   int64
	rounded   map[int64]bool        // amounts that another amount and a printed rounding make
	tender    map[int64]int         // see tendered
	nearly    map[int64]int         // the same, with a sum rounded for cash
	first     map[doc.FieldType]int // row of the first and last candidate of a type
	last      map[doc.FieldType]int
	account   account
	parties   *parties
	patterns  map[string]*regexp.Regexp
	taxes     []taxRow

	taxesKnown bool

	strength map[string]map[string]float64 // of labels by field and form, as corrections say; nil: by their order
	wide     bool                          // candidates also where the rules see none, for a scorer that learned
	facts    *amountFacts
	pointed  map[pointedAt]map[int]float64
	pageRows [][2]int

	typ      doc.Type
	supports map[int]map[int64]float64
	memo     map[int]*offers
	lines    []line
	running  *prose       // nil until a field is looked for in it
	noItems  map[int]bool // rows that a sum has proven to be discounts or charges
}

func newReader(reading doc.Reading, t doc.Type) *reader {
	return newTaughtReader(reading, t, func(string) Wording { return nil })
}

// newTaughtReader is newReader with what was learned of the labels of each field.
func newTaughtReader(reading doc.Reading, t doc.Type, wordingOf func(field string) Wording) *reader {
	t, strength := taught(t, wordingOf)
	l := newLayout(reading)
	r := &reader{
		strength: strength, layout: l, hints: hintsOf(l), fields: t.Fields, typ: t,
		repeats: map[string]int{}, patterns: map[string]*regexp.Regexp{}, first: map[doc.FieldType]int{}, last: map[doc.FieldType]int{},
	}
	r.all = l.candidates(r.hints)
	if slices.ContainsFunc(t.Fields, func(f doc.FieldSpec) bool { return f.Type == doc.Duration }) { // they are not looked for in vain
		for _, rw := range l.rows {
			r.all = append(r.all, rw.durations()...)
		}
	}
	r.byRow = make([][]Candidate, len(l.rows))
	for _, c := range r.all {
		r.byRow[c.Row] = append(r.byRow[c.Row], c)
		r.repeats[string(c.Type)+c.Value]++
		if _, ok := r.first[c.Type]; !ok {
			r.first[c.Type] = c.Row
		}
		r.last[c.Type] = c.Row
		if n, ok := minor(c.Value); ok && c.Type == doc.Money && c.Decimals == 2 {
			r.largest = max(r.largest, n)
		}
	}
	r.rounded, r.tender = r.roundings(), r.tendered(0)
	if r.nearly = r.tender; r.nearly == nil {
		r.nearly = r.tendered(tenderOff)
	}
	r.account = r.findAccount()
	r.labels = indexLabels(labelsOf(t.Fields))
	r.matches = r.labels.matches(l.rows)
	r.rowLabels = make([][]labelMatch, len(l.rows))
	for _, m := range r.matches {
		r.rowLabels[m.row.index] = append(r.rowLabels[m.row.index], m)
	}
	return r
}

// rank gives the candidates of field i, best first, each value once.
func (r *reader) rank(i int) []scored {
	spec := r.fields[i]
	var out []scored
	for _, m := range r.matches {
		if m.field == i {
			out = append(out, r.beside(m, spec)...)
		}
	}
	if r.wide && wideTypes[spec.Type] || spec.Hint != "" || spec.Type == doc.IBAN || spec.Type == doc.VATID || spec.Type == doc.Email {
		for _, c := range r.all {
			if c.Type == spec.Type {
				out = append(out, r.judge(spec, c, r.place(c)))
			}
		}
	}
	if spec.Hint == "largest" {
		out = append(out, r.charged(spec)...)
	}
	return r.bestOfEach(out)
}

// wideTypes are the types whose values are all tried as a value of each field.
var wideTypes = map[doc.FieldType]bool{doc.Money: true, doc.Date: true, doc.IBAN: true, doc.VATID: true, doc.Email: true, doc.Percent: true}

// bestOfEach ranks candidates by score, each value once; what the rules think
// nothing of stays only for a scorer that learned.
func (r *reader) bestOfEach(in []scored) []scored {
	slices.SortStableFunc(in, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var out []scored
	seen := map[string]bool{}
	for _, c := range in {
		if (c.score > 0 || r.wide && !c.unfit) && !seen[c.Value] {
			seen[c.Value] = true
			out = append(out, c)
		}
	}
	return out
}

// judge scores c for spec.
func (r *reader) judge(spec doc.FieldSpec, c Candidate, f Features) scored {
	s := scored{Candidate: c, Features: f, score: ruleScore(spec, c, f), method: "label"}
	if spec.Pattern != "" && !r.fits(spec, c.Value) {
		s.score, s.unfit = 0, true
	}
	if f.Relation == NoLabel {
		s.method = "layout"
	}
	return s
}

// fits says whether a value has the form that the field demands.
func (r *reader) fits(spec doc.FieldSpec, value string) bool {
	re, ok := r.patterns[spec.Pattern]
	if !ok {
		re, _ = regexp.Compile(spec.Pattern) // a valid type's patterns compile
		r.patterns[spec.Pattern] = re
	}
	return re == nil || re.MatchString(value)
}

// place gives the features of c that need no label.
func (r *reader) place(c Candidate) Features {
	p := r.layout.pages[c.Page]
	f := Features{
		PageIndex: c.Page, Pages: len(r.layout.pages), WordConf: c.Conf, Cents: c.Decimals, HasSign: c.Currency != "",
		Repeats: r.repeats[string(c.Type)+c.Value], First: r.first[c.Type] == c.Row, Last: r.last[c.Type] == c.Row,
	}
	if w, h := r.extent(p); w > 0 && h > 0 {
		f.X = float64(c.Box[0]+c.Box[2]) / 2 / float64(w)
		f.Y = float64(c.Box[1]+c.Box[3]) / 2 / float64(h)
	}
	f.Height = float64(c.Box.H()) / float64(r.layout.height[c.Page])
	if n, ok := minor(c.Value); ok && c.Type == doc.Money {
		f.Largest = n >= r.largest
		f.Rounded, f.Tender, f.Settled = r.rounded[n], r.tender[n], r.account.says(n)
		f.OnEntry = r.account.rows[c.Row]
	}
	f.BesideID = c.Type == doc.Date && r.besideID(c)
	if c.Type == doc.Date {
		f.Entry = r.account.days[c.Value]
	}
	f.Clock = c.Type == doc.Date && clock.MatchString(r.layout.rows[c.Row].text)
	return f
}

// besideID says whether the label of the document's own number is the last one
// before c on its row: "Invoice No. 4711 of 5 March 2026", and not "refers to
// invoice 4711 of" nor "invoice for order 12 of".
func (r *reader) besideID(c Candidate) bool {
	var last labelMatch
	for _, m := range r.rowLabels[c.Row] {
		if m.at.to < c.at.from && r.fields[m.field].Type == doc.Identifier && m.at.to > last.at.to {
			last = m
		}
	}
	if last.row == nil || c.at.from-last.at.to >= 8 {
		return false
	}
	spec := r.fields[last.field]
	return spec.Required && !r.inText(last, spec)
}

// onLabels gives the labels that stand on a row.
func (r *reader) onLabels(rw *row) []labelMatch { return r.rowLabels[rw.index] }

// extent is the page's size, or that of its words when the page has none.
func (r *reader) extent(p doc.Page) (w, h int) {
	if p.Width > 0 && p.Height > 0 {
		return p.Width, p.Height
	}
	var b doc.Box
	for _, x := range p.Words {
		b = b.Union(x.Box)
	}
	return b[2], b[3]
}

// labelled gives the features of c as the value of the label at m.
func (r *reader) labelled(m labelMatch, c Candidate, rel Relation, between int) Features {
	f := r.place(c)
	f.Relation, f.Label, f.LabelLen, f.Edge, f.Between = rel, m.sim, len(m.form), m.edge, between
	f.Strength = 1 - float64(m.rank)/float64(max(m.of, 1))
	if s, ok := r.strength[r.fields[m.field].Name][m.form]; ok {
		f.Strength = s
	}
	if c.Type != doc.Money && c.Type != doc.Date { // the order of labels says much about sums and dates, and little about the rest
		f.Strength = 0.5 + f.Strength/2
	}
	lb := m.row.boxOf(m.at)
	h := float64(max(r.layout.height[c.Page], 1))
	if rel == RightOf && c.at.from == m.at.to {
		f.Edge = true
	}
	if rel == RightOf {
		f.Gap = float64(max(0, c.Box[0]-lb[2])) / h
	} else {
		f.Gap = float64(max(0, c.Box[1]-lb[3])) / h
	}
	return f
}
