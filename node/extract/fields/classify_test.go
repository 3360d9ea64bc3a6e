package fields_test

import (
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/extract/types"
)

// weighTicket is a type as an admin writes it: a few labels, nothing learned.
var weighTicket = doc.Type{
	Name: "weighbridge_ticket", Title: "Weighbridge ticket", Keywords: []string{"weighbridge", "tare"},
	Fields: []doc.FieldSpec{
		{Name: "vehicle", Title: "Vehicle", Type: doc.Identifier, Labels: []string{"vehicle reg", "registration"}},
		{Name: "gross_weight", Title: "Gross weight", Type: doc.Number, Labels: []string{"gross weight"}},
		{Name: "tare_weight", Title: "Tare weight", Type: doc.Number, Labels: []string{"tare weight"}},
		{Name: "haulier", Title: "Haulier", Type: doc.Name},
	},
}

func TestClassifyKnowsTypesOfAnAdmin(t *testing.T) {
	all := append(types.Shipped(), weighTicket)
	v := fields.Classify(page("Miller Quarries", "WEIGHBRIDGE TICKET", "Vehicle Reg: AB12 CDE", "Haulier: Jones Transport",
		"Gross weight | 18 240 kg", "Tare weight | 7 100 kg", "Net weight | 11 140 kg", "Driver signature"), all)
	if v.Type != weighTicket.Name || v.Confidence < 0.7 {
		t.Errorf("a document of the new type is taken for %s (%.2f)", v.Type, v.Confidence)
	}
	v = fields.Classify(page("CORNER SHOP", "Cashier: 4", "Coffee | | 2.50", "Subtotal | | 2.50", "Cash | | 5.00", "Change | | 2.50", "Thank you, please come again"), all)
	if v.Type != "receipt" {
		t.Errorf("with the new type there, a receipt is taken for %s (%.2f)", v.Type, v.Confidence)
	}
}

func TestClassifyIsHonestAboutTheUnknown(t *testing.T) {
	letter := page("Dear neighbours,", "the street festival takes place on the second Saturday of June.", "Please move your cars by eight in the morning.", "The committee")
	v := fields.Classify(letter, types.Shipped())
	if v.Type != fields.Generic || v.Closest == "" || v.Closest == fields.Generic || v.Closeness > 0.3 {
		t.Errorf("a letter: %+v; want generic, with the closest type and how far it is", v)
	}
	var only []doc.Type
	for _, x := range types.Shipped() {
		if x.Name != "order" && x.Name != fields.Generic {
			only = append(only, x)
		}
	}
	if v := fields.Classify(letter, only); v.Type == "" || v.Confidence >= fields.SureType {
		t.Errorf("with no generic type: %+v; want the closest one, not sure", v)
	}
	if v := fields.Classify(doc.Reading{Pages: []doc.Page{{Number: 1, Blank: true}}}, types.Shipped()); v.Type != fields.Generic || v.Confidence > 0.5 {
		t.Errorf("an empty page: %+v; nothing speaks for or against any type", v)
	}
}

// TestClassifyWithoutTheType: what the model knows as a type that this node does
// not have is unknown, not the next best.
func TestClassifyWithoutTheType(t *testing.T) {
	lines := []string{"Invoice", "Invoice Number: 12 | Invoice Date: 01.02.2026", "Bill to", "Quantity | Unit price | Line total",
		"2 | 10.00 | 20.00", "Net total | 20.00", "VAT 20% | 4.00", "Amount due | 24.00", "IBAN | BIC", "Payment terms: 30 days", "Due date"}
	if v := fields.Classify(page(lines...), types.Shipped()); v.Type != "invoice" || v.Confidence < fields.SureType {
		t.Fatalf("an invoice is taken for %+v", v)
	}
	var rest []doc.Type
	for _, x := range types.Shipped() {
		if x.Name != "invoice" {
			rest = append(rest, x)
		}
	}
	if v := fields.Classify(page(lines...), rest); v.Type != fields.Generic {
		t.Errorf("on a node without invoices an invoice is taken for %+v, want unknown", v)
	}
}

func TestParseClassesRefuses(t *testing.T) {
	good := `{"names":["a"],"temperature":1,"match":[0,0,0,0,0,0,0,0,0],"weights":[[0]],"words":["x"]}`
	for name, s := range map[string]string{
		"cut":              good[:40],
		"another version":  strings.Replace(good, `"match":[0,`, `"match":[`, 1),
		"a missing weight": good,
		"unknown key":      strings.Replace(good, `"words"`, `"wrods"`, 1),
		"no temperature":   strings.Replace(good, `"temperature":1`, `"temperature":0`, 1),
	} {
		if _, err := fields.ParseClasses([]byte(s)); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("%s: error %v, want code invalid", name, err)
		}
	}
}

// TestTrainClassesTellsApart trains on two made-up types and holds back groups.
func TestTrainClassesTellsApart(t *testing.T) {
	kinds := []doc.Type{
		{Name: "apple", Title: "Apple", Keywords: []string{"orchard"}, Fields: []doc.FieldSpec{{Name: "crate", Type: doc.Text, Labels: []string{"crate"}}}},
		{Name: "boat", Title: "Boat", Keywords: []string{"harbour"}, Fields: []doc.FieldSpec{{Name: "mast", Type: doc.Text, Labels: []string{"mast"}}}},
		{Name: fields.Generic, OpenKeys: true},
	}
	var samples []fields.ClassSample
	for i := range 40 {
		group := string(rune('a' + i%20))
		samples = append(samples,
			fields.ClassSample{Reading: page("from the orchard "+group, "crate: red", "sweet and ripe"), Type: "apple", Group: group},
			fields.ClassSample{Reading: page("in the harbour "+group, "mast: tall", "sails and ropes"), Type: "boat", Group: group},
			fields.ClassSample{Reading: page("dear "+group, "how are you", "yours"), Group: group})
	}
	m, answers := fields.TrainClasses(samples, kinds, []string{"apple", "boat"})
	right := 0
	for _, a := range answers {
		want := samples[a.Sample].Type
		if want == "" {
			want = fields.Generic
		}
		if a.Verdict.Type == want {
			right++
		}
	}
	if len(answers) != len(samples) || right < len(samples)*95/100 {
		t.Errorf("%d of %d held-back documents are right", right, len(answers))
	}
	if v := m.Classify(page("the old harbour", "mast: broken"), kinds); v.Type != "boat" {
		t.Errorf("a new document is taken for %+v", v)
	}
}
