package fields_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/extract/types"
)

func TestCheck(t *testing.T) {
	typ := doc.Type{Name: "x", Fields: []doc.FieldSpec{
		{Name: "net", Type: doc.Money}, {Name: "tax", Type: doc.Money}, {Name: "gross", Type: doc.Money},
		{Name: "iban", Type: doc.IBAN}, {Name: "vat", Type: doc.VATID}, {Name: "code", Type: doc.Identifier, Pattern: "^[0-9]+$"},
	}, Checks: []string{"net+tax=gross"}}
	in := []doc.Field{
		{Name: "net", Type: doc.Money, Value: "10.00", Confidence: 0.8}, {Name: "tax", Type: doc.Money, Value: "1.90", Confidence: 0.8}, {Name: "gross", Type: doc.Money, Value: "12.00", Confidence: 0.8},
		{Name: "iban", Type: doc.IBAN, Value: "DE88200800000970375700", Confidence: 0.8}, {Name: "vat", Type: doc.VATID, Value: "DE136695977", Confidence: 0.8}, {Name: "code", Type: doc.Identifier, Value: "A1", Confidence: 0.8},
	}
	before := slices.Clone(in)
	out := fields.Check(typ, in)
	if d := cmp.Diff(before, in); d != "" {
		t.Errorf("Check changed what it was given:\n%s", d)
	}
	want := map[string][2][]string{
		"net": {nil, {"sum"}}, "tax": {nil, {"sum"}}, "gross": {nil, {"sum"}}, "iban": {{"iban"}, nil}, "vat": {nil, {"vat"}}, "code": {nil, {"pattern"}},
	}
	for _, f := range out {
		if d := cmp.Diff(want[f.Name], [2][]string{f.Checks, f.FailedChecks}); d != "" {
			t.Errorf("%s (-want +got):\n%s", f.Name, d)
		}
		if want := map[bool]float64{true: 0.8, false: 0.5}[len(f.FailedChecks) == 0]; f.Confidence != want {
			t.Errorf("%s: confidence %v with failed checks %v", f.Name, f.Confidence, f.FailedChecks)
		}
	}
	if d := cmp.Diff(out, fields.Check(typ, out)); d != "" {
		t.Errorf("a second Check changes the first one's answer:\n%s", d)
	}
}

// TestCheckSumForCash: a sum that was rounded to the coins of a till is neither proven nor
// failed, where the type says so; any other difference fails.
func TestCheckSumForCash(t *testing.T) {
	t.Parallel()
	typ := doc.Type{Name: "r", Title: "R", Fields: []doc.FieldSpec{
		{Name: "net", Type: doc.Money}, {Name: "tax", Type: doc.Money}, {Name: "total", Type: doc.Money}, {Name: "paid", Type: doc.Money}, {Name: "change", Type: doc.Money},
	}}
	for _, c := range []struct {
		check, a, b, total string
		held, failed       bool
	}{
		{"net+tax~=total", "13.00", "0.78", "13.80", false, false},
		{"net+tax~=total", "13.00", "0.78", "13.78", true, false},
		{"net+tax~=total", "13.00", "0.78", "13.79", false, true}, // not of a till's coins
		{"net+tax~=total", "13.00", "0.78", "18.30", false, true},
		{"net+tax=total", "13.00", "0.78", "13.80", false, true},
		{"paid-change~=total", "20.00", "2.80", "17.22", false, false}, // what was rounded was paid
		{"paid-change~=total", "-20.00", "2.80", "17.20", true, false},
		{"paid-change~=total", "20.00", "2.80", "12.70", false, true},
	} {
		typ.Checks = []string{c.check}
		a, b := "net", "tax"
		if c.check[0] == 'p' {
			a, b = "paid", "change"
		}
		fs := fields.Check(typ, []doc.Field{{Name: a, Type: doc.Money, Value: c.a}, {Name: b, Type: doc.Money, Value: c.b}, {Name: "total", Type: doc.Money, Value: c.total}})
		for _, f := range fs {
			if held, failed := slices.Contains(f.Checks, "sum"), slices.Contains(f.FailedChecks, "sum"); held != c.held || failed != c.failed {
				t.Errorf("%s of %s, %s, %s: %s held %v, failed %v", c.check, c.a, c.b, c.total, f.Name, held, failed)
			}
		}
	}
}

func TestCheckRows(t *testing.T) {
	row := func(q, p, total string) []doc.Field {
		return []doc.Field{{Name: "quantity", Type: doc.Number, Value: q}, {Name: "unit_price", Type: doc.Number, Value: p}, {Name: "line_total", Type: doc.Money, Value: total}}
	}
	out := fields.Check(doc.Type{}, []doc.Field{{Name: "items", Type: doc.Table, Rows: [][]doc.Field{row("3", "0.335", "1.01"), row("2", "5", "11.00")}}})
	if got := out[0].Rows[0][2].Checks; !slices.Contains(got, "product") {
		t.Errorf("3 x 0.335 = 1.01: checks %v, want product", got)
	}
	if got := out[0].Rows[1][2].FailedChecks; !slices.Contains(got, "product") {
		t.Errorf("2 x 5 = 11: failed checks %v, want product", got)
	}
}

func TestKeyValues(t *testing.T) {
	fs := fields.KeyValues(page("Brand: PHOENIX | Date of Test: May 1, 1985", "Weight: 2,50 EUR", "Brand: OTHER", "12:30 no key", "Empty:"))
	got := map[string]string{}
	for _, f := range fs {
		got[f.Name] = f.Value
	}
	want := map[string]string{"brand": "PHOENIX", "date_of_test": "1985-05-01", "weight": "2.50", "brand_2": "OTHER"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("pairs (-want +got):\n%s", d)
	}
}

// TestBareKeyValues: forms print keys without a colon.
func TestBareKeyValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines []string
		want  map[string]string
	}{
		"cells beside each other":      {[]string{"Supplier|Ecusta|Type|Printed Cork"}, map[string]string{"supplier": "Ecusta", "type": "Printed Cork"}},
		"a row of figures":             {[]string{"Bright|4.59|3.42|4.94"}, map[string]string{"bright": "4.59 3.42 4.94"}},
		"figures end at the next key":  {[]string{"Weight|20|Net Tobacco|749"}, map[string]string{"weight": "20", "net_tobacco": "749"}},
		"in one cell":                  {[]string{"Completion 11", "Chapter of 3 parts, read aloud"}, map[string]string{"completion": "11"}},
		"a number sign, and No.":       {[]string{"Project # KL-102", "Supplier Code No. E.30639"}, map[string]string{"project": "KL-102", "supplier_code_no": "E.30639"}},
		"a sentence is no key":         {[]string{"We agree.|Yours", "of these, and so on,|we know"}, map[string]string{}},
		"nor is what has many figures": {[]string{"AB12|Blue"}, map[string]string{}},
		"before one with a colon":      {[]string{"Product|Colour: red"}, map[string]string{"colour": "red"}},
		"too far apart":                {[]string{"Name|||Anna"}, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := map[string]string{}
			for _, f := range fields.KeyValues(page(c.lines...)) {
				got[f.Name] = f.Value
				if f.Confidence > 0.5 || f.Box == nil {
					t.Errorf("%s: confidence %v, box %v", f.Name, f.Confidence, f.Box)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("pairs (-want +got):\n%s", d)
			}
		})
	}
}

// TestKeyBesideTypedValue: a typewriter does not keep to the lines of a form.
func TestKeyBesideTypedValue(t *testing.T) {
	t.Parallel()
	r := page("Product:")
	w := words("Pall Mall Filter", doc.Box{200, 28, 360, 46}, 7)
	r.Pages[0].Words = append(w, r.Pages[0].Words...)
	fs := fields.KeyValues(r)
	if f := get(fs, "product"); f.Value != "Pall Mall Filter" {
		t.Errorf("%+v", fs)
	}
}

func TestClassify(t *testing.T) {
	all := types.Shipped()
	for want, lines := range map[string][]string{
		"receipt":  {"CORNER SHOP", "Cashier: 4", "Coffee | | 2.50", "Subtotal | | 2.50", "Cash | | 5.00", "Change | | 2.50", "Thank you, please come again"},
		"invoice":  {"Invoice", "Invoice Number: 12 | Invoice Date: 01.02.2026", "Bill to", "Quantity | Unit price | Line total", "IBAN | BIC", "Payment terms: 30 days", "Due date"},
		"identity": {"REPUBLIC OF UTOPIA", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"},
		"generic":  {"Dear Sir or Madam", "please find the minutes of our meeting", "Yours faithfully"},
	} {
		v := fields.Classify(page(lines...), all)
		name, confidence := v.Type, v.Confidence
		if name != want || confidence < 0.5 || confidence > 1 {
			t.Errorf("recognised as %q (%.2f), want %q", name, confidence, want)
		}
	}
	if name := fields.Classify(doc.Reading{}, nil).Type; name != "" {
		t.Errorf("with no types: %q, want none", name)
	}
}

// TestCheckVATForm fails numbers that do not have their country's form, and says
// nothing about countries whose form it does not know.
func TestCheckVATForm(t *testing.T) {
	typ := doc.Type{Fields: []doc.FieldSpec{{Name: "vat", Type: doc.VATID}}}
	for value, fails := range map[string]bool{"IE9876543W": false, "IE98765": true, "ESX1234567": true, "USTAXID7890123": false} {
		f := fields.Check(typ, []doc.Field{{Name: "vat", Type: doc.VATID, Value: value}})[0]
		if got := len(f.FailedChecks) > 0; got != fails {
			t.Errorf("%s: failed checks %v, want some: %v", value, f.FailedChecks, fails)
		}
	}
}
