package fields_test

import (
	"testing"

	"github.com/recto-edge/recto/node/extract/fields"
)

// TestAccounts: of a hotel's account the total is what was charged, not what is still owed, and
// the date that of the last entry; a tax of one day is not the tax of the whole.
func TestAccounts(t *testing.T) {
	t.Parallel()
	head := []string{"Seaview Inn", "12 Harbour Street", "Arrival|05/16/2019", "Departure|05/19/2019", "Date|Description|Charges|Balance"}
	entries := []string{"05/16/2019|Room|200.00|200.00", "05/16/2019|Occupancy Tax|20.00|220.00", "05/17/2019|Room|210.00|430.00", "05/18/2019|Breakfast|30.00|460.00"}
	for name, foot := range map[string][]string{
		"paid":      {"05/19/2019|Mastercard|-460.00|0.00", "Balance due|$ 0.00"},
		"in credit": {"05/19/2019|Mastercard|460.00 CR|0.00", "Balance||0.00"},
	} {
		fs := fields.Pick(page(append(append(append([]string{}, head...), entries...), foot...)...), shipped(t, "receipt"))
		for field, want := range map[string]string{"total": "460.00", "date": "2019-05-19", "tax": ""} {
			if f := get(fs, field); f.Value != want {
				t.Errorf("%s: %s %q, want %q", name, field, f.Value, want)
			}
		}
	}
	for name, c := range map[string]struct {
		lines       []string
		total, date string
	}{
		"what is owed is not settled": {[]string{"Seaview Inn", "Date|Charges", "05/16/2019|200.00", "Total|200.00", "Balance|200.00"}, "200.00", "2019-05-16"},
		"hours are no account": {
			[]string{"Muster Studio", "Berlin, 27.05.2019", "16.05.2019|Entwurf|2,00|200,00", "17.05.2019|Entwurf|2,00|200,00", "18.05.2019|Satz|1,00|100,00", "Summe|500,00"},
			"500.00", "2019-05-27",
		},
	} {
		fs := fields.Pick(page(c.lines...), shipped(t, "receipt"))
		if total, date := get(fs, "total").Value, get(fs, "date").Value; total != c.total || date != c.date {
			t.Errorf("%s: total %q, date %q", name, total, date)
		}
	}
}

// TestDateOfItsOwnLabel: the date of an invoice by its own label goes before one under the head
// of a table.
func TestDateOfItsOwnLabel(t *testing.T) {
	t.Parallel()
	fs := fields.Pick(page("Nordufer Hotel", "Ankunft|12.01.2020|Rechnungsdatum|10.01.2020", "Datum|Beschreibung|MwSt|Betrag", "12.01.2020|Zimmer|7,00|67,50", "Summe|||67,50"), shipped(t, "receipt"))
	if f := get(fs, "date"); f.Value != "2020-01-10" {
		t.Errorf("the date is read as %q", f.Value)
	}
}
