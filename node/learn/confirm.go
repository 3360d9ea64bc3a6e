package learn

import (
	"slices"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// Confirm gives a result in which labelled fields are as a person said: the value
// of a label, found again on the page where it can be, accepted and certain. What
// was read instead stays as an alternative. finder may be nil: then new values
// have no place.
func Confirm(r doc.Result, t doc.Type, labels map[string]string, finder *fields.Finder) doc.Result {
	out := r
	out.Fields = slices.Clone(r.Fields)
	for i := range out.Fields {
		recheck(&out.Fields[i])
	}
	for _, name := range sortedNames(labels) {
		spec, _ := specOf(r, t, name)
		out.Fields = put(out.Fields, t, name, confirm(out.Fields, t, spec, labels[name], finder)...)
	}
	out.Fields = fields.Check(t, out.Fields)
	for i := range out.Fields {
		if _, ok := labels[out.Fields[i].Name]; ok {
			accept(&out.Fields[i])
		}
	}
	return out
}

// confirm gives the fields of spec as a label has them: for each of its values the one that was read,
// or else a new one. Where what is not repeated was read more than once, the label is that of the first.
func confirm(fs []doc.Field, t doc.Type, spec doc.FieldSpec, label string, finder *fields.Finder) []doc.Field {
	var read, out []doc.Field
	for _, f := range fs {
		if f.Name == spec.Name {
			read = append(read, f)
		}
	}
	more := read[:0]
	if label != "" && len(read) > 0 && !spec.Repeated {
		read, more = read[:1], read[1:]
	}
	for _, value := range spec.Values(label) {
		if i := slices.IndexFunc(read, func(f doc.Field) bool { return f.Value == value }); i >= 0 {
			f := read[i]
			f.Checks = with(f.Checks, checkApproved)
			if picked := f.Source == doc.FromText || f.Source == doc.FromOCR; picked && f.Box == nil && !derived(f) {
				locate(&f, t, finder)
			}
			out = append(out, f)
			continue
		}
		f := doc.Field{Name: spec.Name, Value: value, Type: spec.Type, Source: doc.FromPerson, Method: "review"}
		if spec.Type == doc.Money {
			f.Currency = currencyOf(fs)
		}
		if len(read) > 0 && !spec.Repeated {
			f.Currency, f.Type = read[0].Currency, read[0].Type
			f.Alternatives = alternatives(read[0], value)
		}
		locate(&f, t, finder)
		out = append(out, f)
	}
	return append(out, more...)
}

// currencyOf gives the currency in which the other amounts of a document are.
func currencyOf(fs []doc.Field) string {
	for _, f := range fs {
		if f.Currency != "" {
			return f.Currency
		}
	}
	return ""
}

func accept(f *doc.Field) {
	f.Accepted, f.Confidence = true, 1
	for _, row := range f.Rows {
		for i := range row {
			accept(&row[i])
		}
	}
}

// locate sets where a value stands, or notes that it stands nowhere.
func locate(f *doc.Field, t doc.Type, finder *fields.Finder) {
	spec, ok := t.Field(f.Name)
	if !ok {
		spec = doc.FieldSpec{Name: f.Name, Type: f.Type}
	}
	if finder != nil {
		if p, ok := finder.Find(spec, f.Value); ok {
			f.Page, f.Box, f.Raw = p.Page, &p.Box, p.Raw
			f.Checks = with(f.Checks, "found-on-page")
			return
		}
	}
	f.Checks = with(f.Checks, checkUnfound)
}

func derived(f doc.Field) bool { return slices.Contains(f.Checks, "derived") }

// recheck takes back the checks that compare fields with each other: one of them
// may change.
func recheck(f *doc.Field) {
	sum := func(s string) bool { return s == "sum" }
	f.Checks = slices.DeleteFunc(slices.Clone(f.Checks), sum)
	if slices.ContainsFunc(f.FailedChecks, sum) {
		f.FailedChecks = slices.DeleteFunc(slices.Clone(f.FailedChecks), sum)
		f.Confidence = min(1, 2*f.Confidence)
	}
}

// alternatives gives what was read for a field before it was corrected.
func alternatives(f doc.Field, label string) []doc.Alternative {
	out := []doc.Alternative{}
	for _, a := range append([]doc.Alternative{{Value: f.Value, Confidence: f.Confidence}}, f.Alternatives...) {
		if a.Value != label && a.Value != "" && !slices.ContainsFunc(out, func(o doc.Alternative) bool { return o.Value == a.Value }) {
			out = append(out, a)
		}
	}
	return out
}

// put sets the fields called name to these, in the place of the first of them or where the type's
// order has them.
func put(fs []doc.Field, t doc.Type, name string, these ...doc.Field) []doc.Field {
	at := slices.IndexFunc(fs, func(f doc.Field) bool { return f.Name == name })
	fs = without(fs, name)
	if at < 0 {
		order := func(name string) int {
			return slices.IndexFunc(t.Fields, func(s doc.FieldSpec) bool { return s.Name == name })
		}
		own := order(name)
		if at = slices.IndexFunc(fs, func(f doc.Field) bool { return own >= 0 && order(f.Name) > own }); at < 0 {
			at = len(fs)
		}
	}
	return slices.Insert(fs, at, these...)
}

func without(fs []doc.Field, name string) []doc.Field {
	return slices.DeleteFunc(fs, func(f doc.Field) bool { return f.Name == name })
}

func with(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(slices.Clone(list), s)
}
