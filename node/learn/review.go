package learn

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// Names of checks that a person's word leaves on a field.
const (
	checkApproved = "approved"    // a person looked and left it as it was
	checkUnfound  = "not-on-page" // a person gave it, and it stands nowhere on the pages
)

// checkVendor is how picking says that memory of the vendor spoke for a value.
const checkVendor = "vendor"

// Correct makes the revision after rec that a person's correction asks for: rec
// has been read as t, and these are its words. A value in any form is brought to
// its canonical one. Errors: Conflict (not read yet, or another revision is newer
// than the one the person saw), Invalid (unknown field, a value of another form).
func Correct(rec doc.Record, t doc.Type, reading doc.Reading, c doc.Correction, by string, at time.Time) (doc.Record, error) {
	if rec.Result == nil || rec.State != doc.StateReview && rec.State != doc.StateDone {
		return doc.Record{}, doc.Errorf(doc.Conflict, "document %s is %s: it can be reviewed once it has been read", rec.ID, rec.State)
	}
	finder := fields.NewFinder(reading, t)
	labels, err := labelsOf(*rec.Result, t, c, finder.Hints())
	if err != nil {
		return doc.Record{}, err
	}
	tables, err := tablesOf(t, c, finder)
	if err != nil {
		return doc.Record{}, err
	}
	review := doc.Review{By: by, At: at, Type: t.Name, Labels: labels}
	if old := rec.Review; old != nil && old.Type == t.Name {
		review.Labels = over(old.Labels, labels)
		review.Read = old.Read
	} else {
		review.Read = picked(rec.Result.Fields)
	}
	result := Confirm(*rec.Result, t, review.Labels, finder)
	for _, table := range tables {
		result.Fields = put(without(result.Fields, table.Name), t, table)
	}
	for name, v := range c.Fields {
		if spec, ok := t.Field(name); ok && spec.Type == doc.Table && v == nil {
			result.Fields = without(result.Fields, name)
		}
	}
	if c.Approve {
		for i := range result.Fields {
			accept(&result.Fields[i])
		}
	}
	review.Unfound = unfound(result.Fields, review.Labels)
	result.Warnings = warnings(result)
	review.Vendor = vendorOf(t, review.Labels, reading)
	to := doc.StateDone
	if t.Open(result.Fields, review.Labels) {
		to = doc.StateReview
	}
	next, err := rec.Next(to, by, at)
	if err != nil {
		return doc.Record{}, err
	}
	next.Result, next.Review = &result, &review
	return next, nil
}

// labelsOf gives the canonical labels that c says: of the fields it names, and
// when it approves also of all others as they stand.
func labelsOf(r doc.Result, t doc.Type, c doc.Correction, h fields.Hints) (map[string]string, error) {
	labels := map[string]string{}
	for name, v := range c.Fields {
		spec, err := specOf(r, t, name)
		if err != nil {
			return nil, err
		}
		switch {
		case v == nil && spec.Type != doc.Table:
			labels[name] = ""
		case v == nil:
		case spec.Type == doc.Table:
			return nil, doc.Errorf(doc.Invalid, "%s is a table: send its rows under \"rows\"", name)
		case spec.Repeated:
			return nil, doc.Errorf(doc.Invalid, "%s is repeated: send all its values as a list under \"values\"", name)
		default:
			if labels[name], err = canonical(spec, *v, h); err != nil {
				return nil, err
			}
		}
	}
	for name, values := range c.Values {
		spec, err := specOf(r, t, name)
		if err != nil {
			return nil, err
		}
		if _, twice := labels[name]; twice || !spec.Repeated {
			return nil, doc.Errorf(doc.Invalid, "%s: \"values\" is for repeated fields, each named once; send a single value under \"fields\"", name)
		}
		if labels[name], err = canonicals(spec, values, h); err != nil {
			return nil, err
		}
	}
	if !c.Approve {
		return labels, nil
	}
	for _, spec := range t.Fields {
		if _, named := labels[spec.Name]; !named && spec.Type != doc.Table {
			labels[spec.Name] = doc.JoinValues(r.Values(spec.Name))
		}
	}
	return labels, nil
}

// canonicals gives the label of a repeated field: its values in canonical form, each once.
func canonicals(spec doc.FieldSpec, values []string, h fields.Hints) (string, error) {
	var out []string
	for _, v := range values {
		value, err := canonical(spec, v, h)
		if err != nil {
			return "", err
		}
		if !slices.Contains(out, value) {
			out = append(out, value)
		}
	}
	return doc.JoinValues(out), nil
}

// specOf gives the spec of a field of t, or of one that a type with open keys
// found by itself.
func specOf(r doc.Result, t doc.Type, name string) (doc.FieldSpec, error) {
	if spec, ok := t.Field(name); ok {
		return spec, nil
	}
	if f := r.Field(name); f != nil {
		return doc.FieldSpec{Name: name, Type: f.Type}, nil
	}
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return doc.FieldSpec{}, doc.Errorf(doc.Invalid, "type %s has no field %q; it has: %s", t.Name, name, strings.Join(names, ", "))
}

// forms says how a value of each type is written, for who wrote it otherwise.
var forms = map[doc.FieldType]string{
	doc.Money: "an amount, as 1234.56", doc.Number: "a number, as 12.5", doc.Percent: "a percentage, as 19 or 7.5",
	doc.Date: "a date, as 2026-11-23", doc.Identifier: "a number or code", doc.IBAN: "an IBAN, as DE89370400440532013000",
	doc.VATID: "a VAT number with its country, as DE123456789", doc.Currency: "a currency, as EUR", doc.Country: "a country, as DE",
	doc.Email: "an e-mail address", doc.Phone: "a phone number",
}

func canonical(spec doc.FieldSpec, v string, h fields.Hints) (string, error) {
	form := forms[spec.Type]
	if form == "" {
		form = "a text"
	}
	value, ok := fields.Canonical(spec.Type, v, h)
	if !ok {
		return "", doc.Errorf(doc.Invalid, "%s: the value is not what the field holds: %s; use null when the document has none", spec.Name, form)
	}
	if spec.Pattern != "" {
		if re, err := regexp.Compile(spec.Pattern); err == nil && !re.MatchString(value) {
			return "", doc.Errorf(doc.Invalid, "%s: the value does not have the form that its type asks for: %s", spec.Name, spec.Pattern)
		}
	}
	return value, nil
}

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
		confirmed := confirm(out.Fields, t, spec, labels[name], finder)
		out.Fields = put(without(out.Fields, name), t, confirmed...)
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
// or else a new one.
func confirm(fs []doc.Field, t doc.Type, spec doc.FieldSpec, label string, finder *fields.Finder) []doc.Field {
	var read, out []doc.Field
	for _, f := range fs {
		if f.Name == spec.Name {
			read = append(read, f)
		}
	}
	values := []string{label}
	if label == "" || spec.Repeated {
		values = doc.SplitValues(label)
	}
	for _, value := range values {
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
	return out
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

// put sets fields of one name, of which fs has none, where the type's order has them.
func put(fs []doc.Field, t doc.Type, these ...doc.Field) []doc.Field {
	if len(these) == 0 {
		return fs
	}
	order := func(name string) int {
		return slices.IndexFunc(t.Fields, func(s doc.FieldSpec) bool { return s.Name == name })
	}
	at, own := len(fs), order(these[0].Name)
	for i := len(fs) - 1; i >= 0 && own >= 0; i-- {
		if order(fs[i].Name) > own {
			at = i
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

// over gives labels a with those of b over them.
func over(a, b map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range []map[string]string{a, b} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// picked gives what was picked from words: what calibration is about.
func picked(fs []doc.Field) []doc.Pick {
	var out []doc.Pick
	for _, f := range fs {
		if f.Type != doc.Table && (f.Source == doc.FromText || f.Source == doc.FromOCR) {
			known := slices.Contains(f.Checks, checkVendor)
			p := doc.Pick{Field: f.Name, Value: f.Value, Confidence: f.Confidence, Known: known, Model: f.Model}
			if f.Before > 0 {
				p.Confidence = f.Before
			}
			out = append(out, p)
		}
	}
	return out
}

// unfound names the labels that stand nowhere on the pages, as far as is known,
// and cannot be inferred from what does.
func unfound(fs []doc.Field, labels map[string]string) []string {
	var out []string
	for _, f := range fs {
		if _, ok := labels[f.Name]; ok && f.Box == nil && !derived(f) && !slices.Contains(out, f.Name) {
			out = append(out, f.Name)
		}
	}
	return out
}

const unfoundNote = ": what the reviewer gave does not stand on the pages; it is used, and nothing is learned from it"

// warnings says which values a person gave that stand nowhere.
func warnings(r doc.Result) []string {
	out := []string{}
	for _, w := range r.Warnings {
		if !strings.HasSuffix(w, unfoundNote) {
			out = append(out, w)
		}
	}
	for _, f := range r.Fields {
		if slices.Contains(f.Checks, checkUnfound) {
			out = append(out, f.Name+unfoundNote)
		}
	}
	return out
}

// vendorOf gives a key for who made a document: what a person said of the seller,
// else what stands at its head.
func vendorOf(t doc.Type, labels map[string]string, reading doc.Reading) string {
	for _, wanted := range []func(doc.FieldSpec) bool{
		func(s doc.FieldSpec) bool { return s.Type == doc.VATID && strings.HasPrefix(s.Hint, "seller") },
		func(s doc.FieldSpec) bool {
			return s.Type == doc.Name && (s.Hint == "top" || strings.HasPrefix(s.Hint, "seller"))
		},
	} {
		for _, s := range t.Fields {
			if v := labels[s.Name]; v != "" && wanted(s) {
				return strings.ReplaceAll(fields.CompareForm(s.Type, v), " ", "")
			}
		}
	}
	return fields.Vendor(reading)
}

func sortedNames[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Keep puts what a person said of a document, and the tables a person made, over
// what was read again since. A document of which nothing is left to look at is
// done.
func Keep(r *doc.Record, t doc.Type, reading doc.Reading, before []doc.Field) {
	result := Confirm(*r.Result, t, r.Review.Labels, fields.NewFinder(reading, t))
	for _, f := range before {
		if f.Type == doc.Table && f.Source == doc.FromPerson {
			result.Fields = put(without(result.Fields, f.Name), t, f)
		}
	}
	result.Warnings = warnings(result)
	r.Result = &result
	if !t.Open(result.Fields, r.Review.Labels) {
		r.State = doc.StateDone
	}
}
