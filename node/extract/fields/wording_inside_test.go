package fields

import (
	"fmt"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

// TestOthersWording: a lesson is read with what the other vendors' documents say of labels, and
// with nothing that only its own vendor's say.
func TestOthersWording(t *testing.T) {
	t.Parallel()
	typ := doc.Type{Name: "booking", Fields: []doc.FieldSpec{{Name: "from", Type: doc.Date, Labels: []string{"flight"}}}}
	lesson := func(vendor, label string) Lesson {
		words := []doc.Word{{Text: label, Box: doc.Box{100, 100, 200, 120}, Confidence: 1}, {Text: "16.03.2026", Box: doc.Box{400, 100, 500, 120}, Confidence: 1}}
		return Lesson{
			ID: vendor + label, Vendor: vendor, Labels: map[string]string{"from": "2026-03-16"},
			Reading: doc.Reading{Pages: []doc.Page{{Number: 1, Width: 1000, Height: 1400, Words: words}}},
		}
	}
	lessons := []Lesson{lesson("a", "Weeks"), lesson("a", "Days"), lesson("b", "Days"), lesson("b", "Flight")}
	all, others := wordings(typ, lessons, nil, func() bool { return false })
	if got, want := all["from"]["days"], (Led{"Days", 2, 2}); got != want {
		t.Errorf("all say %+v of days, want %+v", got, want)
	}
	for i, want := range []map[string]Led{
		{"flight": {"Flight", 1, 1}, "days": {"Days", 1, 1}}, // to vendor a
		{"flight": {"Flight", 0, 0}, "days": {"Days", 1, 1}, "weeks": {"Weeks", 1, 1}},
	} {
		got := others[2*i]["from"]
		if len(got) != len(want) {
			t.Errorf("vendor %s is read with %v, want %v", lessons[2*i].Vendor, got, want)
		}
		for form, n := range want {
			if got[form] != n {
				t.Errorf("vendor %s: %s is known as %+v, want %+v", lessons[2*i].Vendor, form, got[form], n)
			}
		}
	}
}

// TestFewLabelsAreKept: of too many labels those stay that led to most values.
func TestFewLabelsAreKept(t *testing.T) {
	t.Parallel()
	w := Wording{}
	for i := range mostLearned + 5 {
		w.note("from", Led{fmt.Sprintf("label %c%c", 'a'+i/26, 'a'+i%26), i % 200, 200})
	}
	w.keepBest(func(field, form string) int { return w[field][form].Right })
	if _, never := w["from"]["labelaa"]; len(w["from"]) != mostLearned || never {
		t.Errorf("%d labels are kept; one that never led right: %v", len(w["from"]), never)
	}
}
