package eval

import (
	"encoding/json"
	"fmt"
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
}

// guess is a prediction with its confidence and whether it is right.
type guess struct {
	confidence float64
	right      bool
	accepted   bool
}

type scorer struct {
	opt     Options
	types   map[string]doc.Type
	names   []string // of the set's labels, sorted
	tallies map[string]*Tally
	tables  map[string]*Tally
	guesses []guess
	report  Report
}

// Score compares outcomes with the labels of their cases. Only fields that some
// label of the set names count; an outcome without a case is left out.
func Score(cases []Case, outcomes []Outcome, opt Options) Report {
	if len(opt.Precisions) == 0 {
		opt.Precisions = []float64{0.95, 0.98, 0.99}
	}
	s := &scorer{opt: opt, types: map[string]doc.Type{}, tallies: map[string]*Tally{}, tables: map[string]*Tally{}}
	s.report.Misses = []Miss{}
	for _, t := range opt.Types {
		s.types[t.Name] = t
	}
	byID := map[string]Case{}
	for _, c := range cases {
		byID[c.ID] = c
	}
	inSet := map[string]bool{}
	for _, o := range outcomes {
		for name := range byID[o.ID].Labels {
			inSet[name] = true
		}
	}
	for name := range inSet {
		s.names = append(s.names, name)
	}
	slices.Sort(s.names)
	for _, o := range outcomes {
		if c, ok := byID[o.ID]; ok {
			s.document(c, o)
		}
	}
	return s.finish()
}

func (s *scorer) document(c Case, o Outcome) {
	s.report.Documents++
	s.report.Seconds += o.Seconds
	if o.Err != nil {
		s.report.Unread++
		s.report.Failures = append(s.report.Failures, Failure{ID: c.ID, Code: doc.CodeOf(o.Err), Error: o.Err.Error(), Link: c.Path})
	}
	t := s.types[o.Result.Type]
	for _, name := range s.names {
		spec := specFor(t, name)
		label, labelled := c.Labels[name]
		if rows, ok := rowsOf(label); ok || spec.Type == doc.Table {
			s.table(name, spec, rows, o.Result.Field(spec.Name))
			continue
		}
		text, scalar := scalarOf(label)
		if labelled && !scalar {
			continue // a list of loose values: nothing to compare with
		}
		s.field(c, name, spec, text, labelled && text != "", fieldFor(o.Result, spec))
	}
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

func (s *scorer) field(c Case, name string, spec doc.FieldSpec, label string, labelled bool, got *doc.Field) {
	t := s.tally(s.tallies, name)
	ft := spec.Type
	if ft == "" && got != nil {
		ft = got.Type
	}
	if ft == "" {
		ft = doc.Text
	}
	right := false
	if labelled {
		t.Labelled++
	}
	if got != nil {
		t.Predicted++
		if labelled {
			right = s.opt.Form(ft, got.Value) == s.opt.Form(ft, label) || ft == doc.Date && sixDigits(got.Value, label)
			if right {
				t.Right++
			}
			if plain(got.Raw) == plain(label) || plain(got.Value) == plain(label) {
				t.RightStrict++
			}
		}
		s.guesses = append(s.guesses, guess{got.Confidence, right, got.Accepted})
	}
	if right || got == nil && !labelled {
		return
	}
	m := Miss{ID: c.ID, Field: name, Label: label, Link: c.Path}
	if got != nil {
		m.Got, m.Confidence, m.Page, m.Accepted = got.Value, got.Confidence, got.Page, got.Accepted
		if got.Page > 0 && c.Path != "" {
			m.Link = fmt.Sprintf("%s#page=%d", c.Path, got.Page)
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

func (s *scorer) finish() Report {
	r := s.report
	r.Micro.Name = "micro"
	for _, name := range s.names {
		if t := s.tallies[name]; t != nil && t.Labelled+t.Predicted > 0 {
			r.Micro.add(*t)
			t.finish()
			r.Fields = append(r.Fields, *t)
		}
	}
	r.Micro.finish()
	r.Tables = s.tableTallies()
	r.ECE = calibration(s.guesses)
	for _, p := range s.opt.Precisions {
		r.Coverage = append(r.Coverage, coverage(s.guesses, r.Micro.Labelled, p))
	}
	for _, g := range s.guesses {
		if g.accepted {
			r.Accepted++
			if !g.right {
				r.SilentErrors++
			}
		}
	}
	return r
}
