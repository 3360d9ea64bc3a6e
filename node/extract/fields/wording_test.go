package fields_test

import (
	"fmt"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// bookingType is a type as an admin writes it who has seen few documents.
var bookingType = doc.Type{Name: "booking", Title: "Booking", Fields: []doc.FieldSpec{
	{Name: "from", Type: doc.Date, Labels: []string{"flight"}},
	{Name: "number", Type: doc.Identifier, Labels: []string{"booking no"}},
	{Name: "gross", Type: doc.Money, Labels: []string{"total", "to pay"}},
}}

// booking is what a person said of the booking of a vendor whose page has these lines.
func booking(vendor string, labels map[string]string, lines ...string) fields.Lesson {
	return fields.Lesson{ID: vendor, Vendor: vendor, Labels: labels, Reading: page(append([]string{vendor + " TRAVEL LTD"}, lines...)...)}
}

func readBooking(m *fields.Memory, name string, lines ...string) string {
	if f := get(fields.PickWith(booking("GANNET", nil, lines...).Reading, bookingType, fields.Knowledge{Memory: m}), name); f != nil {
		return f.Value
	}
	return ""
}

// TestCorrectionsTeachLabels: the words beside a value that somebody confirmed are labels of its
// field on documents of other vendors: before it in its cell or in the one before, or over it.
func TestCorrectionsTeachLabels(t *testing.T) {
	t.Parallel()
	said := map[string]string{"from": "2026-03-16", "number": "KX-4711"}
	for name, c := range map[string]struct{ first, next []string }{
		"in the cell":     {[]string{"Schedule Dates 16.03.2026", "Your Ref KX-4711"}, []string{"Schedule Dates 20.04.2026", "Your Ref ZZ-0815"}},
		"the cell before": {[]string{"Schedule Dates|16.03.2026", "Your Ref|KX-4711"}, []string{"Schedule Dates|20.04.2026", "Your Ref|ZZ-0815"}},
		"over it":         {[]string{"Schedule Dates|Your Ref", "16.03.2026|KX-4711"}, []string{"Schedule Dates|Your Ref", "20.04.2026|ZZ-0815"}},
	} {
		m := fields.NewMemory(bookingType, []fields.Lesson{booking("ALBATROS", said, c.first...)})
		for field, want := range map[string]string{"from": "2026-04-20", "number": "ZZ-0815"} {
			if got := readBooking(nil, field, c.next...); got != "" {
				t.Fatalf("%s: %s is read as %q without corrections: the test tests nothing", name, field, got)
			}
			if got := readBooking(m, field, c.next...); got != want {
				t.Errorf("%s: %s is read as %q, want %q", name, field, got, want)
			}
		}
	}
}

// TestLabelsAreTrustedByWhereTheyLed: of two labels the one counts more that led to confirmed
// values, and a learned one that led elsewhere on most documents counts for nothing.
func TestLabelsAreTrustedByWhereTheyLed(t *testing.T) {
	t.Parallel()
	var lessons []fields.Lesson
	for i := range 4 {
		lessons = append(lessons, booking(fmt.Sprint("V", i), map[string]string{"gross": fmt.Sprintf("%d.00", 200+i), "from": "2026-03-16"},
			fmt.Sprintf("Total|%d.00", 100+i), fmt.Sprintf("To pay|%d.00", 200+i), fmt.Sprintf("Printed|%d.03.2026", 16+i), "Flight|16.03.2026"))
	}
	m := fields.NewMemory(bookingType, lessons)
	if got := readBooking(nil, "gross", "Total|11.00", "To pay|22.00"); got != "11.00" {
		t.Fatalf("gross is read as %q without corrections: the test tests nothing", got)
	}
	if got := readBooking(m, "gross", "Total|11.00", "To pay|22.00"); got != "22.00" {
		t.Errorf("gross is read as %q though it stood behind the other label four times", got)
	}
	once := fields.NewMemory(bookingType, lessons[:1])
	if got := readBooking(once, "from", "Printed|20.04.2026"); got != "2026-04-20" {
		t.Fatalf("from is read as %q after one document: the test tests nothing", got)
	}
	if got := readBooking(m, "from", "Printed|20.04.2026"); got != "" {
		t.Errorf("from is read as %q behind a label that led there by chance", got)
	}
}

// TestRichLabelsAreLeftAlone: whoever named many labels of a field has seen many documents.
func TestRichLabelsAreLeftAlone(t *testing.T) {
	t.Parallel()
	rich := bookingType
	rich.Fields = []doc.FieldSpec{{Name: "from", Type: doc.Date, Labels: []string{"a1", "b1", "c1", "d1", "e1", "f1", "g1", "flight"}}}
	m := fields.NewMemory(rich, []fields.Lesson{booking("ALBATROS", map[string]string{"from": "2026-03-16"}, "Schedule Dates|16.03.2026")})
	if f := get(fields.PickWith(booking("GANNET", nil, "Schedule Dates|20.04.2026").Reading, rich, fields.Knowledge{Memory: m}), "from"); f != nil && f.Value != "" {
		t.Errorf("from is read as %q", f.Value)
	}
}

// TestModelsLearnLabels: a model that was trained on documents knows their labels, which are
// kept with it, and tries no document by labels that only its own vendor has.
func TestModelsLearnLabels(t *testing.T) {
	t.Parallel()
	var lessons []fields.Lesson
	for i := range 8 {
		label := "Your Ref"
		if i%4 == 0 {
			label = fmt.Sprintf("Of Office %c", 'A'+i)
		}
		number := fmt.Sprint("KX-471", i)
		lessons = append(lessons, booking(fmt.Sprint("V", i), map[string]string{"number": number}, "Branch|AB-123", label+"|"+number, "Desk|CD-123"))
	}
	m, err := fields.Learn(bookingType, lessons, fields.LearnOptions{Folds: 4})
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if m, err = fields.DecodeModel(b); err != nil {
		t.Fatal(err)
	}
	next := booking("GANNET", nil, "Branch|EF-123", "Your Ref|ZZ-0815", "Desk|GH-123").Reading
	if f := get(fields.PickWith(next, bookingType, fields.Knowledge{Model: m}), "number"); f == nil || f.Value != "ZZ-0815" {
		t.Errorf("the number is read as %+v", f)
	}
	if n := m.Wording["number"]["yourref"]; n != (fields.Led{Label: "Your Ref", Right: 6, Of: 6}) {
		t.Errorf("the label is known as %+v", n)
	}
}
