package fields_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// sheet makes pages of text in columns as typed: 10 pixels a character, lines of
// 20 pixels every 26, two blanks or more between pieces that stand apart.
func sheet(pages ...string) doc.Reading {
	var r doc.Reading
	for i, text := range pages {
		p := doc.Page{Number: i + 1, Width: 1600, Height: 2200, Source: doc.FromOCR}
		n := 0
		for y, l := range strings.Split(strings.Trim(text, "\n"), "\n") {
			rs := []rune(strings.TrimRight(l, " "))
			for from := 0; from < len(rs); {
				if rs[from] == ' ' {
					from++
					continue
				}
				to := from
				for to < len(rs) && !(rs[to] == ' ' && to+1 < len(rs) && rs[to+1] == ' ') {
					to++
				}
				p.Words = append(p.Words, words(string(rs[from:to]), doc.Box{40 + 10*from, 40 + 26*y, 40 + 10*to, 60 + 26*y}, n)...)
				n++
				from = to
			}
		}
		r.Pages = append(r.Pages, p)
	}
	return r
}

// rowsAs writes the rows of a table as one line each, cells in the order of names.
func rowsAs(f *doc.Field, names ...string) []string {
	var out []string
	for _, row := range f.Rows {
		var cells []string
		for _, n := range names {
			cells = append(cells, get(row, n).Value)
		}
		out = append(out, strings.Join(cells, "|"))
	}
	return out
}

var itemColumns = []string{"pos", "article_no", "description", "quantity", "unit", "unit_price", "tax_rate", "line_total"}

func TestItems(t *testing.T) {
	for _, c := range []struct {
		name  string
		pages []string
		want  []string
	}{
		{"wrapped text, notes with a key, a sum carried over a page break", []string{`
Rechnung Nr. 2026-17                      Datum 03.02.2026
Pos  Artikel-Nr  Bezeichnung               Menge      Einzelpreis   USt    Gesamtpreis
1    AB-100      Regalbrett Buche          10 Stk          12,50    19%         125,00
                 geölt, 80 x 20 cm
                 Herkunft: Polen
2    AB-200      Schrauben                 2,5 kg           8,00    19%          20,00
Übertrag                                                                        145,00
`, `
Übertrag                                                                        145,00
3    AB-300      Montage vor Ort           3 Std           60,00    19%         180,00
Summe netto                                                                     325,00
19% USt                                                                          61,75
Gesamtbetrag                                                                    386,75
`}, []string{
			"1|AB-100|Regalbrett Buche geölt, 80 x 20 cm|10|C62|12.5|19|125.00",
			"2|AB-200|Schrauben|2.5|KGM|8|19|20.00",
			"3|AB-300|Montage vor Ort|3|HUR|60|19|180.00"}},
		{"text above the figures, no positions printed", []string{`
Invoice INV-9
Description                     Qty      Unit Price       Amount

Yearly licence of the
                                  2          100.00       200.00
planning module

Training on site
                                  3           50.00       150.00
in two groups

Total                                                     350.00
`}, []string{
			"1||Yearly licence of the planning module|2|C62|100||200.00",
			"2||Training on site in two groups|3|C62|50||150.00"}},
		{"a head of two lines, and the products say which column is the amount", []string{`
Invoice 77
Item                 Number of   Price per    Total      Total
                     hours       hour         net        gross
Design               4           80.00        320.00     380.80
Programming          10          90.00        900.00    1071.00
Net total                                              1220.00
VAT 19%                                                 231.80
Gross total                                            1451.80
`}, []string{
			"1||Design|4|HUR|80|19|320.00",
			"2||Programming|10|HUR|90|19|900.00"}},
		{"sections with sums of their own, and a surcharge", []string{`
Invoice 5
Description              Quantity      Unit price      Tax        Amount
--- Tools ---
[T-1] Hammer                 2 pcs          10.00      20%         20.00
[T-2] Saw                    1 pcs          15.00      20%         15.00
Subtotal                                                           35.00
--- Food ---
[F-1] Truffles               15 g           10.00      20%        150.00
Subtotal                                                          150.00
Subtotal                                                          185.00
VAT 20%                                                            37.00
Total                                                             222.00
`}, []string{
			"1|T-1|Hammer|2|C62|10|20|20.00",
			"2|T-2|Saw|1|C62|15|20|15.00",
			"3|F-1|Truffles|15|GRM|10|20|150.00"}},
		{"a price for more than one, a discount, a mark that was not read", []string{`
Rechnung 8
Pos  Artikel                   Menge      Einzelpreis     Betrag
1    Nägel (3 kg)              9 kg             15,00      45,00
2    Farbe                     5 l              20,00      90,00
                                                -2,00
                                              = 18,00
3    Pinsel                    4 Stk             1250      50,00
Gesamtbetrag                                              185,00
`}, []string{
			"1||Nägel|9|KGM|15||45.00",
			"2||Farbe|5|LTR|18||90.00",
			"3||Pinsel|4|C62|12.5||50.00"}},
		{"the unit stands in the text", []string{`
Rechnung 9
Menge        Leistung                    Preis        Betrag
2,00         Reisezeit (Stunden)         40,00         80,00
5,00         Heizöl pro Liter             1,10          5,50
1,00         Anfahrt                     25,00         25,00
Summe                                                 110,50
`}, []string{
			"1||Reisezeit (Stunden)|2|HUR|40||80.00",
			"2||Heizöl pro Liter|5|LTR|1.1||5.50",
			"3||Anfahrt|1|C62|25||25.00"}},
		{"a discount beside the tax, in Italian", []string{`
Fattura n. 12
Codice     Descrizione                Quantità     Prezzo unitario     Sconto     Importo     IVA
A01        Cavo di rete 5 m                  3               10,00                  30,00     22%
B02        Router                            1               80,00        10%       72,00     22%
Imponibile                                                                         102,00
IVA 22%                                                                             22,44
Totale                                                                             124,44
`}, []string{
			"1|A01|Cavo di rete 5 m|3|C62|10|22|30.00",
			"2|B02|Router|1|C62|80|22|72.00"}},
		{"no head at all", []string{`
Invoice 12                          02/03/2026
Blue widget, large             3          4.00        12.00
Green widget                  10          1.50        15.00
Delivery to the door           1          5.00         5.00
Total due                                             32.00
`}, []string{
			"1||Blue widget, large|3|C62|4||12.00",
			"2||Green widget|10|C62|1.5||15.00",
			"3||Delivery to the door|1|C62|5||5.00"}},
		{"a date column, a text and its amount alone", []string{`
Rechnung 91
Datum        Leistung                                   Betrag
01.02.2026   Beratung vor Ort                           120,00
02.02.2026   Telefonische Beratung                       60,00
Summe                                                   180,00
`}, []string{"1||Beratung vor Ort|||||120.00", "2||Telefonische Beratung|||||60.00"}},
		{"a price as gross, discount and net, for one or for three", []string{`
FACTURE N° 31
Ligne   Désignation               P.U. HT           Qté      Total HT      TVA

                                  (Brut: 65,00)
1       Réglage annuel            (Rabais: 5,00)    1,00        60,00      20,00%
                                  (Net): 60,00

                                  (Brut: 31,00)
2       Papier blanc              3 PCE             6,00        60,00      10,00%
                                  (Net): 30,00
Total HT                                                       120,00
`}, []string{
			"1||Réglage annuel|1|C62|60|20|60.00",
			"2||Papier blanc|6|C62|30|10|60.00"}},
		{"prices printed with fewer decimals than they have", []string{`
Rechnung 92
Pos  Bezeichnung               Menge          Einzelpreis     Betrag
1    Strom                     1.000 kWh             0,05      52,00
2    Wasser                        3 m3              3,33      10,00
3    Zähler                        2 Stk            12,50      25,00
Gesamtbetrag                                                   87,00
`}, []string{
			"1||Strom|1000|KWH|0.052||52.00",
			"2||Wasser|3|MTQ|3.3333||10.00",
			"3||Zähler|2|C62|12.5||25.00"}},
		{"amounts that make no sum prove nothing about prices", []string{`
Rechnung 93
Pos  Bezeichnung               Menge          Einzelpreis     Betrag
1    Strom                     1.000 kWh             0,05      52,00
2    Zähler                        2 Stk            12,50      25,00
Gesamtbetrag                                                   75,00
`}, []string{
			"1||Strom|1000|KWH|0.05||52.00",
			"2||Zähler|2|C62|12.5||25.00"}},
		{"the one rate of the document, and a discount that is none", []string{`
Rechnung 17
Menge     Beschreibung            Einzelpreis   Rabatt    Gesamt
5 Stk     Bürostuhl                    189,00      10%     850,50
1 Stk     Schreibtisch                 349,00      10%     314,10
Nettosumme                                               1.164,60
USt 19 %                                                   221,27
Rechnungsbetrag                                          1.385,87
`}, []string{
			"1||Bürostuhl|5|C62|189|19|850.50",
			"2||Schreibtisch|1|C62|349|19|314.10"}},
		{"two rates, and which row has which is not said", []string{`
Rechnung 18
Menge     Beschreibung            Einzelpreis     Gesamt
5 Stk     Bücher                        20,00     100,00
1 Stk     Regal                        300,00     300,00
Nettosumme                                        400,00
USt 7 % auf 100,00                                  7,00
USt 19 % auf 300,00                                57,00
Rechnungsbetrag                                   464,00
`}, []string{
			"1||Bücher|5|C62|20||100.00",
			"2||Regal|1|C62|300||300.00"}},
		{"rates and amounts of tax under the same word", []string{`
Invoice 12

Description              Quantity   Unit price    VAT %    Net amount     VAT       Gross amount
Consulting, June             10 h        90.00       20        900.00   180.00          1,080.00
Travel expenses                 1        50.00       20         50.00    10.00             60.00
Total                                                          950.00   190.00          1,140.00
`}, []string{
			"1||Consulting, June|10|HUR|90|20|900.00",
			"2||Travel expenses|1|C62|50|20|50.00"}},
		{"a note whose colon stands apart from its key", []string{`
Rechnung 20
Pos  Bezeichnung                  Einzelpreis     Menge      Betrag
1    Wohngebäude                     1.000,00     1 Stk    1.000,00
     Bruttopreis  : 1.163,40
Gesamtbetrag                                               1.000,00
`}, []string{"1||Wohngebäude|1|C62|1000||1000.00"}},
		{"a word parted at the end of its line, a unit of its own column", []string{`
Rechnung 10
Pos.   Bezeichnung            Menge   Einheit     Einzel €     Gesamt €
1      Wohngebäudeversicher    1,00   pauschal      850,00       850,00
       ung
2      Hosting                12,00   Monate          9,90       118,80
       Summe (netto)                                             968,80
`}, []string{
			"1||Wohngebäudeversicherung|1|LS|850||850.00",
			"2||Hosting|12|MON|9.9||118.80"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sheet(c.pages...)
			f := get(fields.Pick(r, shipped(t, "invoice")), "line_items")
			if d := cmp.Diff(c.want, rowsAs(f, itemColumns...)); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
			for _, row := range f.Rows {
				for _, cell := range row {
					onPage(t, r, cell)
				}
			}
		})
	}
}

func TestItemsNameTheirChecks(t *testing.T) {
	r := sheet(`
Invoice 3
Description        Qty      Unit price      Amount
Chairs               2          10.00        20.00
Tables               3          10.00        31.00
Total                                        51.00
`)
	rows := get(fields.Pick(r, shipped(t, "invoice")), "line_items").Rows
	if len(rows) != 2 {
		t.Fatalf("%d rows, want 2", len(rows))
	}
	if c := get(rows[0], "line_total"); !slices.Contains(c.Checks, "product") {
		t.Errorf("a product that holds is not noted: %+v", c)
	}
	if c := get(rows[1], "line_total"); !slices.Contains(c.FailedChecks, "product") {
		t.Errorf("a product that fails is not noted: %+v", c)
	}
	if c := get(rows[0], "unit"); c.Method != "derived" || c.Confidence >= get(rows[0], "quantity").Confidence {
		t.Errorf("a unit that is not printed must say that it is derived, with less confidence: %+v", c)
	}
}

func TestTaxesAreProvenBySums(t *testing.T) {
	for _, c := range []struct {
		name string
		text string
		want []string
	}{
		{"rates, an exemption, and discounts that look like taxes", `
Rechnung 4
Rabatt                   5,00% auf 100,00                  -5,00     20,00%
Zuschlag                10,00% auf 100,00                  10,00     20,00%
Steuerart                Satz          Basis         Steuerbetrag
Umsatzsteuer (S)         20,00%        11,00                 2,20
Auslagen (E)              0,00%        60,00                 0,00
Umsatzsteuer (S)         10,00%        27,00                 2,70
Gesamtbetrag                                               102,90
`, []string{"20|11.00|2.20|S", "0|60.00|0.00|E", "10|27.00|2.70|S"}},
		{"a credit note, the amounts and a surcharge side by side", `
Rechnungskorrektur 4
Art                   Warenwert     Zu-/Abschlag     Basisbetrag     Steuersatz     Steuerbetrag
Umsatzsteuer (S)          -5,00             0,15           -4,85             19            -0,92
Umsatzsteuer (S)          -2,90             0,08           -2,82              7            -0,20
Bruttosumme                                                                                -8,79
`, []string{"19|-4.85|-0.92|S", "7|-2.82|-0.20|S"}},
		{"tips are no taxes", `
Server: Ann
Subtotal                     58.93
22% Tip                      12.96
20% Tip                      11.79
18% Tip                      10.61
`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := get(fields.Pick(sheet(c.text), shipped(t, "invoice")), "taxes")
			if d := cmp.Diff(c.want, rowsAs(f, "rate", "basis", "amount", "category")); d != "" {
				t.Errorf("taxes (-want +got):\n%s", d)
			}
		})
	}
}

// BenchmarkPickPages is the cost of a document of many pages with one long table.
func BenchmarkPickPages(b *testing.B) {
	for _, n := range []int{10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var pages []string
			for p := range n {
				lines := []string{"Pos  Artikel-Nr  Bezeichnung               Menge      Einzelpreis   USt    Gesamtpreis"}
				for i := range 40 {
					lines = append(lines, fmt.Sprintf("%-4d AB-%04d     Regalbrett Buche          10 Stk          12,50    19%%         125,00", p*40+i, i))
				}
				pages = append(pages, strings.Join(lines, "\n"))
			}
			r := sheet(pages...)
			typ := shipped(b, "invoice")
			for b.Loop() {
				fields.Pick(r, typ)
			}
		})
	}
}
