package learn

import (
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
		result.Fields = put(result.Fields, t, table.Name, table)
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
			result.Fields = put(result.Fields, t, f.Name, f)
		}
	}
	result.Warnings = warnings(result)
	r.Result = &result
	if !t.Open(result.Fields, r.Review.Labels) {
		r.State = doc.StateDone
	}
}
