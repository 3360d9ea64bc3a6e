package fields_test

import (
	"testing"

	"github.com/recto-edge/recto/node/extract/fields"
)

// down puts lines at the foot of a page that begins with others.
func down(head []string, foot ...string) []string {
	out := append([]string{}, head...)
	for len(out) < 36 {
		out = append(out, "")
	}
	return append(out, foot...)
}

// TestWhoIssued: who issued a paper is said by its imprint or the line of the sender where the
// head shows a brand, a branch or the guest; all names are invented.
func TestWhoIssued(t *testing.T) {
	t.Parallel()
	hotel := []string{"Seeblick Lounge & Suites", "Rechnungsadresse", "Muster Beratung GmbH", "Lindenstrasse 12", "10117 Berlin", "Zimmer 4|Rechnungsnr. 4711", "Summe|120,00"}
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"operator":             {down(hotel, "Seeblick Lounge & Suites", "Betreiber: Nordufer Betriebs GmbH - Amtsgericht Kiel - HRB 1234", "IBAN DE27500400000385712500"), "Nordufer Betriebs GmbH"},
		"beside it":            {down(hotel, "Nordufer Gaststätten GmbH & Co. KG|Geschäftsführer: Anna Muster|Musterbank AG"), "Nordufer Gaststätten GmbH & Co. KG"},
		"in a sentence":        {down(hotel, "Sitz der Nordufer Hotel GmbH:", "Hafenstr. 1, 24103 Kiel", "HRB 99153. Umsatzsteuer-Identifikationsnummer DE 297308020."), "Nordufer Hotel GmbH"},
		"not the bank":         {down([]string{"Kramladen am Markt", "Am Markt 3", "24103 Kiel", "Summe|12,00"}, "Muster Volksbank AG|HRB 12"), "Kramladen am Markt"},
		"no register":          {down([]string{"Kramladen am Markt", "Am Markt 3", "24103 Kiel", "Summe|12,00"}, "Kassensystem von Kassenbau GmbH"), "Kramladen am Markt"},
		"who runs it for whom": {down(hotel, "Seeblick Gruppe AG, betrieben von Nordufer Service GmbH"), "Nordufer Service GmbH"},
		"a word of a sentence": {down([]string{"Kramladen am Markt", "Am Markt 3", "24103 Kiel", "Summe|12,00"}, "Paris et sa région", "RCS Paris B 123 456 789"), "Kramladen am Markt"},
		"sender":               {[]string{"Taschen und mehr online", "Ledermann GmbH · Nauener Straße 3 · 14641 Wustermark", "Erika Muster", "Packstation 1", "20459 Hamburg", "Gesamt|110,26"}, "Ledermann GmbH"},
		"its street":           {[]string{"Waldpfad Inselblick", "Am Bahnhof 12", "17424 Heringsdorf", "Summe|13,00"}, "Waldpfad Inselblick"},
		"over two lines":       {[]string{"Queensferry", "Corner", "EH12 5DS", "Table: 26", "Total|39.00"}, "Queensferry Corner"},
	} {
		if f := get(fields.Pick(page(c.lines...), shipped(t, "receipt")), "company"); f.Value != c.want {
			t.Errorf("%s: issued by %q, want %q", name, f.Value, c.want)
		}
	}
}
