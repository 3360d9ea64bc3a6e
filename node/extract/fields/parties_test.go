package fields_test

import (
	"slices"
	"testing"

	"github.com/recto-edge/recto/node/extract/fields"
)

// sums ends an invoice.
var sums = []string{"Net total|||100.00", "VAT 10%|||10.00", "Total amount|||110.00"}

func TestParties(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines []string
		want  map[string]string
	}{
		"the only address is not both": {
			[]string{
				"Netz Inc.||Invoice number: INV-7", "512 2nd Street||Invoice date: 2026-03-05", "San Francisco, CA 94107", "", "",
				"Bill To:", "Maria Flass", "Ufer 4", "Halle (Saale), Niedersachsen", "06108",
			},
			map[string]string{"seller_name": "Netz Inc.", "seller_city": "San Francisco", "buyer_name": ""},
		},
		"who is written to did not write": {
			[]string{
				"||ALEXINUX", "||27 rue Henri Rolland", "||69100 Villeurbanne", "", "", "Facture n° 2026-08", "Date : 28/11/2025", "",
				"Virement|BRED BANQUE – Titulaire du compte : NETPRESSE",
			},
			map[string]string{"seller_name": "NETPRESSE", "buyer_name": "ALEXINUX"},
		},
		"nor where nothing says who did": {
			[]string{"||ALEXINUX", "||27 rue Henri Rolland", "||69100 Villeurbanne", "", "", "Facture n° 2026-08", "Date : 28/11/2025"},
			map[string]string{"seller_name": "", "buyer_name": "ALEXINUX"},
		},
		"the word address is no name": {
			[]string{
				"Invoice ID #4hrb", "Invoice date: 2026-03-05", "Questions? Write to billing@teamplan.example", "", "", "",
				"Address", "TeamPlan", "1810 York Road", "Suite 317", "Lutherville-Timonium, MD 21093",
			},
			map[string]string{"seller_name": "TeamPlan", "seller_street": "1810 York Road, Suite 317", "buyer_name": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := fields.Pick(page(slices.Concat(c.lines, sums)...), shipped(t, "invoice"))
			for field, want := range c.want {
				if got := get(fs, field).Value; got != want {
					t.Errorf("%s = %q, want %q", field, got, want)
				}
			}
		})
	}
}

// TestVATNumberDownTheColumn: references may stand between the buyer's address and its number.
func TestVATNumberDownTheColumn(t *testing.T) {
	t.Parallel()
	lines := []string{
		"Le Fournisseur SARL||Client:", "35 rue d'Ulm||Le Client SA", "75018 Paris||58 rue de la Mer", "N° TVA : FR 32 123 456 789||06000 Nice",
	}
	for range 9 {
		lines = append(lines, "Ref. 12||")
	}
	delivery := []string{"||Livraison", "||Le Depot SA", "||1 rue du Lac", "||69100 Villeurbanne"}
	for name, c := range map[string]struct {
		then []string
		want string
	}{
		"in the buyer's column":     {[]string{"N° de client : 15||Vos identifiants", "||N° TVA : FR 05 987 654 321"}, "FR05987654321"},
		"in another column":         {[]string{"N° TVA : FR 05 987 654 321||Vos identifiants"}, ""},
		"under another address":     {slices.Concat(delivery, []string{"||", "||", "||", "||N° TVA : FR 05 987 654 321"}), ""},
		"it is the seller's number": {[]string{"N° de client : 15||Vos identifiants", "||N° TVA : FR 32 123 456 789"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := fields.Pick(page(slices.Concat(lines, c.then, []string{"Facture n° : F2020-27", "Date : 15/01/2020"}, sums)...), shipped(t, "invoice"))
			if s, b := get(fs, "seller_vat_id").Value, get(fs, "buyer_vat_id").Value; s != "FR32123456789" || b != c.want {
				t.Errorf("seller %q, buyer %q; want FR32123456789, %q", s, b, c.want)
			}
		})
	}
}
