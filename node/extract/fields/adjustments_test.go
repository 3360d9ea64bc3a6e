package fields_test

import (
	"slices"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// invoiceWith is an invoice of two items worth 95.00 and what stands between them and the sums.
func invoiceWith(between ...string) doc.Reading {
	lines := []string{
		"Acme Trading Ltd.", "Invoice No: A-1009", "Invoice date: 2026-03-05", "",
		"Description|Quantity|Unit price|Total price",
		"Screws M4|3|20.00|60.00",
		"No discount plan|7|5.00|35.00",
	}
	return page(slices.Concat(lines, between)...)
}

func TestAdjustments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines []string
		want  map[string]string
		rows  int
	}{
		"one of each, and no sum of items": {
			[]string{"Discount: old customer|||-5.00", "Freight: by road|||10.00", "Net total|||100.00", "VAT 10%|||10.00", "Total amount|||110.00"},
			map[string]string{"line_total": "95.00", "allowance_total": "5.00", "charge_total": "10.00", "net_total": "100.00"},
			2,
		},
		"several of each": {
			[]string{
				"Line total amount|||95.00", "Discount: old customer|||- 5.00", "Freight: by road|||10.00", "Discount: season|||- 4.00", "Surcharge: express|||4.00",
				"Net total|||100.00", "VAT 10%|||10.00", "Total amount|||110.00",
			},
			map[string]string{"line_total": "95.00", "allowance_total": "9.00", "charge_total": "14.00", "net_total": "100.00"},
			2,
		},
		"that look like items": {
			[]string{"Discount: old customer|1|5.00|-5.00", "Surcharge: express|1|10.00|10.00", "Net total|||100.00", "VAT 10%|||10.00", "Total amount|||110.00"},
			map[string]string{"line_total": "95.00", "allowance_total": "5.00", "charge_total": "10.00"},
			2,
		},
		"beside what was taken off a price": {
			[]string{"Hand mill|2|(Discount: 5.00)|20.00", "Discount: old customer|||-5.00", "Freight: by road|||10.00", "Net total|||120.00", "VAT 10%|||12.00", "Total amount|||132.00"},
			map[string]string{"line_total": "115.00", "allowance_total": "5.00", "charge_total": "10.00"},
			3,
		},
		"carriage in the table is an item": {
			[]string{"Freight by road|1|10.00|10.00", "Net total|||105.00", "VAT 10%|||10.50", "Total amount|||115.50"},
			map[string]string{"charge_total": "", "net_total": "105.00"},
			3,
		},
		"that do not come to the net total": {
			[]string{"Freight: by road|||10.00", "Net total|||104.00", "VAT 10%|||10.40", "Total amount|||114.40"},
			map[string]string{"line_total": "", "net_total": "104.00"},
			2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reading := invoiceWith(c.lines...)
			fs := fields.Pick(reading, shipped(t, "invoice"))
			for field, want := range c.want {
				if got := get(fs, field).Value; got != want {
					t.Errorf("%s = %q, want %q", field, got, want)
				}
			}
			if rows := get(fs, "line_items").Rows; len(rows) != c.rows {
				t.Errorf("%d line items, want %d", len(rows), c.rows)
			}
			for _, f := range fs {
				onPage(t, reading, f)
			}
		})
	}
}

// TestAdjustmentIsWorkedOut: a sum that stands nowhere on the page says that it is one, since
// nobody can find it there.
func TestAdjustmentIsWorkedOut(t *testing.T) {
	t.Parallel()
	fs := fields.Pick(invoiceWith("Discount: old|||-5.00", "Discount: season|||-4.00", "Net total|||86.00", "VAT 10%|||8.60", "Total amount|||94.60"), shipped(t, "invoice"))
	if f := get(fs, "allowance_total"); f.Value != "9.00" || !slices.Contains(f.Checks, "derived") {
		t.Errorf("allowances %q, checks %v; want 9.00, derived", f.Value, f.Checks)
	}
	fs = fields.Pick(invoiceWith("Discount: old|||-5.00", "Net total|||90.00", "VAT 10%|||9.00", "Total amount|||99.00"), shipped(t, "invoice"))
	if f := get(fs, "allowance_total"); f.Value != "5.00" || slices.Contains(f.Checks, "derived") || f.Raw == "" {
		t.Errorf("allowances %q of %q, checks %v; want 5.00 as printed", f.Value, f.Raw, f.Checks)
	}
	fs = fields.Pick(invoiceWith("Line total amount|||95.00", "Discount: old|||-5.00", "Discount: season|||-4.00", "Freight|||14.00", "Total allowances|||9.00", "Total charges|||14.00",
		"Net total|||100.00", "VAT 10%|||10.00", "Total amount|||110.00"), shipped(t, "invoice"))
	if f := get(fs, "allowance_total"); f.Value != "9.00" || f.Raw != "9.00" {
		t.Errorf("allowances %q of %q; want the sum that is printed", f.Value, f.Raw)
	}
}

// TestNothingPrepaid: where the whole amount is due, an amount that stands under a word for
// what was paid is another one.
func TestNothingPrepaid(t *testing.T) {
	t.Parallel()
	for prepaid, due := range map[string]string{"": "104.50", "20.00": "84.50"} {
		fs := fields.Pick(invoiceWith("Net total|||95.00", "VAT 10%|||9.50", "Total amount|||104.50", "Already paid|||20.00", "Amount due|||"+due), shipped(t, "invoice"))
		if got := get(fs, "prepaid_total").Value; got != prepaid {
			t.Errorf("prepaid %q where %s is due, want %q", got, due, prepaid)
		}
	}
}

// TestSectionSubtotals: subtotals of parts are no net total, and what a tax is on is no tax. The
// sum that holds says so.
func TestSectionSubtotals(t *testing.T) {
	t.Parallel()
	fs := fields.Pick(page("Invoice INV/7", "Invoice date: 2026-03-20", "",
		"Description|Quantity|Unit price|Amount",
		"Beeswax|1|42.00|42.00", "Chair|1|70.00|70.00", "|||Subtotal $ 112.00",
		"Oil|1|0.90|0.90", "Truffles|15|10.00|150.00", "|||Subtotal $ 150.90",
		"", "|Subtotal||$ 262.90", "|Tax 15% on $ 112.90||$ 16.94", "|Total||$ 279.84"), shipped(t, "invoice"))
	for field, want := range map[string]string{"net_total": "262.90", "tax_total": "16.94", "gross_total": "279.84"} {
		if got := get(fs, field).Value; got != want {
			t.Errorf("%s = %q, want %q", field, got, want)
		}
	}
}
