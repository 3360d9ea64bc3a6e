package eval

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Form brings a value to the form in which it is compared with a label.
type Form func(ft doc.FieldType, s string) string

// Options says how to score.
type Options struct {
	Types      []doc.Type // those that results may name: their aliases join labels and fields
	Form       Form
	Precisions []float64 // for coverage; none: 0.95, 0.98, 0.99
	Rows       []RowRule // further ways to count rows of tables; the strict figure stays
}

// RowRule is a way to count a row of a table as right, besides all its labelled cells
// being equal.
type RowRule struct {
	Name    string   // of the figure: "pieces alike"
	Columns []string // only these count, where the table has them; none: all that are labelled
	// Alike say whether a cell shows what its label says without being equal to it.
	Alike []func(cell doc.Field, label string) bool
}

// The names of parts.
const (
	All    = "all"
	Known  = "known"
	Unseen = "unseen"
)

// guess is a prediction with its confidence and whether it is right.
type guess struct {
	name       string // of the label
	document   int    // index of the outcome
	confidence float64
	right      bool
	accepted   bool
}

// The marks of a field, see Mark.
const (
	markNone    = '-'
	markRight   = 'r'
	markWrong   = 'w'
	markMissed  = 'm'
	markUnasked = 'x'
)

type scorer struct {
	opt     Options
	types   map[string]doc.Type
	names   []string // of the set's labels, sorted
	tables  map[string]*Tally
	tallies []map[string]*Tally // by outcome, then by name
	guesses []guess
	missed  []int // labelled fields without an answer, by outcome
	words   Words
	report  Report
}

// Score compares outcomes with the labels of their cases. Only fields that some
// label of the set names count; an outcome without a case is left out.
func Score(cases []Case, outcomes []Outcome, opt Options) Report {
	if len(opt.Precisions) == 0 {
		opt.Precisions = []float64{0.95, 0.98, 0.99}
	}
	byID := map[string]Case{}
	for _, c := range cases {
		byID[c.ID] = c
	}
	outcomes = slices.DeleteFunc(slices.Clone(outcomes), func(o Outcome) bool { _, ok := byID[o.ID]; return !ok })
	s := &scorer{opt: opt, types: map[string]doc.Type{}, tables: map[string]*Tally{}, names: labelNames(byID, outcomes)}
	s.report = Report{Version: ReportVersion, Misses: []Miss{}, Marks: Marks{Fields: s.names, Documents: map[string]Mark{}}}
	for _, t := range opt.Types {
		s.types[t.Name] = t
	}
	for i, o := range outcomes {
		s.document(i, byID[o.ID], o)
	}
	return s.finish(outcomes)
}

// labelNames gives the names of all labels of the cases with an outcome.
func labelNames(byID map[string]Case, outcomes []Outcome) []string {
	names := []string{}
	seen := map[string]bool{}
	for _, o := range outcomes {
		for name := range byID[o.ID].Labels {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func (s *scorer) document(i int, c Case, o Outcome) {
	s.report.Documents++
	s.report.Seconds += o.Seconds
	s.missed = append(s.missed, 0)
	s.tallies = append(s.tallies, map[string]*Tally{})
	if o.Err != nil {
		s.report.Unread++
		s.report.Failures = append(s.report.Failures, Failure{ID: c.ID, Code: doc.CodeOf(o.Err), Error: o.Err.Error(), Link: c.Path})
	}
	if o.Truth != nil {
		s.words.add(CompareWords(*o.Truth, o.Reading))
	}
	t := s.types[o.Result.Type]
	var marks strings.Builder
	for _, name := range s.names {
		spec := specFor(t, name)
		label, labelled := c.Labels[name]
		if rows, ok := rowsOf(label); ok || spec.Type == doc.Table {
			s.table(compared{document: i, c: c, o: o, name: name, spec: spec, got: o.Result.Field(spec.Name)}, rows)
			marks.WriteByte(markNone)
			continue
		}
		if values, ok := Values(label); ok && spec.Repeated {
			marks.WriteByte(s.list(compared{document: i, c: c, o: o, name: name, spec: spec}, values))
			continue
		}
		text, scalar := scalarOf(label)
		if labelled && !scalar {
			marks.WriteByte(markNone)
			continue // neither a value, a list of values nor rows: nothing to compare with
		}
		f := compared{i, c, o, name, spec, text, labelled && text != "", fieldFor(o.Result, spec)}
		marks.WriteByte(s.field(f))
	}
	s.report.Marks.Documents[c.ID] = Mark{Vendor: Vendor(c), Marks: marks.String()}
}

// specFor gives the field of t that a label name means: by name or by alias; a
// field of that very name, as text, when t has none.
func specFor(t doc.Type, name string) doc.FieldSpec {
	if f, ok := t.Field(name); ok {
		return f
	}
	for _, f := range t.Fields {
		if slices.Contains(f.Aliases, name) {
			return f
		}
	}
	return doc.FieldSpec{Name: name}
}

// fieldFor gives the field of a result that spec names; a field without a value
// is none.
func fieldFor(r doc.Result, spec doc.FieldSpec) *doc.Field {
	f := r.Field(spec.Name)
	if f == nil || f.Value == "" {
		return nil
	}
	return f
}

// compared is one field of one document: its label and what was got.
type compared struct {
	document int
	c        Case
	o        Outcome
	name     string
	spec     doc.FieldSpec
	label    string
	labelled bool
	got      *doc.Field // nil: nothing
}

// kind is the field's type: as declared, else as found.
func (f compared) kind() doc.FieldType {
	switch {
	case f.spec.Type != "":
		return f.spec.Type
	case f.got != nil && f.got.Type != "":
		return f.got.Type
	}
	return doc.Text
}

// field counts one field and gives its mark.
func (s *scorer) field(f compared) byte {
	t := s.tally(s.tallies[f.document], f.name)
	mark := byte(markNone)
	if f.labelled {
		t.Labelled++
		mark = markMissed
	}
	if f.got == nil {
		if f.labelled {
			s.missed[f.document]++
			s.miss(f)
		}
		return mark
	}
	t.Predicted++
	mark = markUnasked
	if f.labelled {
		mark = markWrong
		ft := f.kind()
		if s.same(ft, f.got.Value, f.label) || ft == doc.Date && sixDigits(f.got.Value, f.label) {
			t.Right++
			mark = markRight
		}
		if plain(f.got.Raw) == plain(f.label) || plain(f.got.Value) == plain(f.label) {
			t.RightStrict++
		}
	}
	s.guesses = append(s.guesses, guess{f.name, f.document, f.got.Confidence, mark == markRight, f.got.Accepted})
	if mark != markRight {
		s.miss(f)
	}
	if f.got.Accepted {
		mark -= 'a' - 'A'
	}
	return mark
}

// miss notes a field that is wrong, and doubts its label when the document does
// not show it.
func (s *scorer) miss(f compared) {
	m := Miss{ID: f.c.ID, Field: f.name, Label: f.label, Link: document(f.c.Path, 0)}
	if f.got != nil {
		m.Got, m.Confidence, m.Page, m.Accepted = f.got.Value, f.got.Confidence, f.got.Page, f.got.Accepted
		m.Box, m.Link = f.got.Box, document(f.c.Path, f.got.Page)
	}
	if f.labelled && len(f.o.Reading.Pages) > 0 {
		page, box := place(f.o.Reading, f.kind(), f.label, s.opt.Form, slackRead)
		if page > 0 {
			m.LabelPage, m.LabelBox = page, &box
		}
		if f.o.Truth != nil { // it knows better what stands there
			page, _ = place(*f.o.Truth, f.kind(), f.label, s.opt.Form, slackTruth)
		}
		if page == 0 {
			m.Doubt = true
			s.report.Doubts = append(s.report.Doubts, Doubt{ID: f.c.ID, Line: f.c.Line, Field: f.name, Label: f.label})
		}
	}
	s.report.Misses = append(s.report.Misses, m)
}

// sixDigits says whether label is the date as it stands in a machine-readable
// zone, YYMMDD, which has no century to compare.
func sixDigits(iso, label string) bool {
	return len(iso) == 10 && len(label) == 6 && iso[2:4]+iso[5:7]+iso[8:10] == label
}

// plain is the strict form: upper case with single blanks.
func plain(s string) string { return strings.Join(strings.Fields(strings.ToUpper(s)), " ") }

func (s *scorer) tally(in map[string]*Tally, name string) *Tally {
	if in[name] == nil {
		in[name] = &Tally{Name: name}
	}
	return in[name]
}

// scalarOf reads a label that is one string or number.
func scalarOf(raw json.RawMessage) (string, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, true
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String(), true
	}
	return "", len(raw) == 0 || string(raw) == "null"
}

func (s *scorer) finish(outcomes []Outcome) Report {
	r := s.report
	r.Part = s.part(All, func(int) bool { return true })
	r.Tables = s.tableTallies()
	if s.words.Documents > 0 {
		s.words.finish()
		r.Words = &s.words
	}
	points := curve(s.guesses, r.Micro.Labelled)
	r.Curve = thin(points)
	r.Reliable = []Reliability{reliability(All, s.guesses)}
	for _, t := range r.Fields {
		if gs := slices.DeleteFunc(slices.Clone(s.guesses), func(g guess) bool { return g.name != t.Name }); len(gs) > 0 {
			r.Reliable = append(r.Reliable, reliability(t.Name, gs))
		}
	}
	r.Costs = costs(s.guesses, s.missed)
	if slices.ContainsFunc(outcomes, func(o Outcome) bool { return o.Fold > 0 }) {
		for _, known := range []bool{true, false} {
			name := map[bool]string{true: Known, false: Unseen}[known]
			p := s.part(name, func(i int) bool { return outcomes[i].Known == known })
			if p.Of > 0 {
				r.Parts = append(r.Parts, p)
			}
		}
	}
	return r
}

// part gives the figures over the documents for which in holds.
func (s *scorer) part(name string, in func(document int) bool) Part {
	p := Part{Name: name, Micro: Tally{Name: "micro"}, Fields: []Tally{}}
	sums := map[string]*Tally{}
	for i, tallies := range s.tallies {
		if !in(i) {
			continue
		}
		p.Of++
		for n, t := range tallies {
			s.tally(sums, n).add(*t)
		}
	}
	for _, n := range s.names {
		if t := sums[n]; t != nil && t.Labelled+t.Predicted > 0 {
			p.Micro.add(*t)
			t.finish()
			p.Fields = append(p.Fields, *t)
		}
	}
	p.Micro.finish()
	var gs []guess
	for _, g := range s.guesses {
		if !in(g.document) {
			continue
		}
		gs = append(gs, g)
		if g.accepted {
			p.Accepted++
			if !g.right {
				p.SilentErrors++
			}
		}
	}
	p.ECE = reliability(name, gs).ECE
	points := curve(gs, p.Micro.Labelled)
	for _, at := range s.opt.Precisions {
		p.Coverage = append(p.Coverage, coverage(points, p.Micro.Labelled, at))
	}
	p.AcceptedPrecision = ratio(p.Accepted-p.SilentErrors, p.Accepted)
	p.AcceptedLower = Lower(p.Accepted-p.SilentErrors, p.Accepted)
	p.AcceptedShare = ratio(p.Accepted, p.Micro.Labelled)
	return p
}
