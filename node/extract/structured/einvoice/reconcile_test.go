package einvoice

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

// printed lays lines of words out on a page, one line every 20 pixels; two
// blanks or more make a gap.
func printed(lines ...string) []doc.Page {
	p := doc.Page{Number: 1, Width: 1000, Height: 1400}
	for i, line := range lines {
		x := 10
		for _, part := range strings.Split(line, " ") {
			if part != "" {
				p.Words = append(p.Words, doc.Word{Text: part, Box: doc.Box{x, 20 * i, x + 8*len(part), 20*i + 15}, Line: i})
			}
			x += 8*len(part) + 6
		}
	}
	return []doc.Page{p}
}

func TestReconcileFindsValues(t *testing.T) {
	fields, _, _, err := Parse(fixture(t, "cii.xml"))
	if err != nil {
		t.Fatal(err)
	}
	before := find(fields, "gross_total").Checks
	got, warnings := Reconcile(fields, printed(
		"Bäckerbedarf Süd GmbH        Rechnung R-2026-0815",
		"Münsterplatz 1, Hof 2        2. November 2026",
		"1  Brot                 40   92,50",
		"2  Kaffeemaschine „Größe L“   1   1.007,50",
		"Netto                       1.105,00",
		"Gesamtbetrag  CHF           1 304,46",
		"Konto DE89 3704 0044 0532 0130 00",
	))
	if len(warnings) != 0 {
		t.Errorf("warnings %q", warnings)
	}
	for name, line := range map[string]int{"invoice_number": 0, "seller_name": 0, "invoice_date": 1, "seller_street": 1, "net_total": 4, "gross_total": 5, "iban": 6} {
		f := find(got, name)
		if f.Page != 1 || f.Box == nil || f.Box[1] != 20*line || !slices.Contains(f.Checks, checkFound) {
			t.Errorf("%s: page %d, box %v, checks %v", name, f.Page, f.Box, f.Checks)
		}
	}
	for _, name := range []string{"buyer_city", "bic", "currency"} {
		if f := find(got, name); f.Page != 0 || f.Box != nil {
			t.Errorf("%s is not on the page but at %v", name, f.Box)
		}
	}
	second := find(got, "line_items").Rows[1]
	for _, name := range []string{"description", "quantity", "line_total"} {
		if c := cellOf(second, name); c.Box == nil || c.Box[1] != 60 {
			t.Errorf("line 2 %s at %v", name, c.Box)
		}
	}
	if !slices.Equal(before, find(fields, "gross_total").Checks) || find(fields, "gross_total").Page != 0 {
		t.Error("the caller's fields were changed")
	}
}

func TestReconcileWarns(t *testing.T) {
	fields, _, _, _ := Parse(fixture(t, "cii.xml"))
	tests := []struct {
		name  string
		lines []string
		want  []string // parts of the warnings
	}{
		{"other total", []string{"R-2026-0815", "Gesamtbetrag   9.999,00 EUR"}, []string{"9.999,00"}},
		{"two words of a label", []string{"R-2026-0815", "Amount due:   CHF 99.00"}, []string{"99.00"}},
		{"sum of charges", []string{"R-2026-0815", "Gesamtbetrag der Zuschläge 30,00", "Gesamtbetrag Netto 7,00"}, nil},
		{"other number", []string{"Rechnungsnummer: 4712", "Gesamtbetrag 1.304,46"}, []string{"4712"}},
		{"due only", []string{"R-2026-0815", "Zahlbetrag 1.300,00"}, nil},
		{"no label", []string{"R-2026-0815", "Summe 12,00"}, nil},
		{"number glued to its label", []string{"Rechnungsnr.R-2026-0815", "1304,46"}, nil},
		{"empty page", nil, nil},
	}
	for _, tc := range tests {
		_, warnings := Reconcile(fields, printed(tc.lines...))
		if len(warnings) != len(tc.want) {
			t.Errorf("%s: %q", tc.name, warnings)
			continue
		}
		for i := range tc.want {
			if !strings.Contains(warnings[i], tc.want[i]) {
				t.Errorf("%s: %q lacks %q", tc.name, warnings[i], tc.want[i])
			}
		}
	}
}

func TestPrintedNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"1.021,91": "1021.91", "1,021.91": "1021.91", "1'021.91": "1021.91", "1 021,91": "1021.91", "1021.91": "1021.91", "EUR 1.021,91-": "1021.91",
		"€12,50": "12.5", "20": "20.", "20,00": "20.", "1.000": "1000.", "0,0205": "0.0205", "0,00": "", "12.11.2026": "", "A4": "", "": "",
	} {
		if got := amountOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestReconcileRealInvoices holds all labelled invoices against the text of
// their own pages: no false alarm, and an alarm when the data is tampered with.
func TestReconcileRealInvoices(t *testing.T) {
	dir := dataDir(t, "einvoice")
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("pdftotext (poppler-utils) is not installed")
	}
	values, onPage, alarms, tampered := 0, 0, 0, 0
	labels := readLabels(t, dir)
	for _, l := range labels {
		src, err := os.ReadFile(filepath.Join(dir, l.XML))
		if err != nil {
			t.Fatal(err)
		}
		fields, _, _, err := Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		pages := pdfWords(t, filepath.Join(dir, "docs", l.ID+".pdf"))
		got, warnings := Reconcile(fields, pages)
		if len(warnings) > 0 {
			t.Errorf("%s: false alarm %q", l.ID, warnings)
		}
		for _, f := range got {
			if f.Type != doc.Table {
				values++
				if f.Page > 0 {
					onPage++
				}
			}
		}
		for name, changed := range map[string]string{"gross_total": "7654321.98", "due_total": "7654321.98", "invoice_number": "XX-OTHER-99"} {
			if f := find(fields, name); f != nil {
				f.Value = changed
			}
		}
		tampered++
		if _, warnings = Reconcile(fields, pages); len(warnings) > 0 {
			alarms++
		}
	}
	t.Logf("%d invoices: %d of %d values found on a page; %d of %d changed ones noticed", len(labels), onPage, values, alarms, tampered)
	if onPage*2 < values || alarms*2 < tampered {
		t.Errorf("too little is found")
	}
}

// pdfWords reads the words of a PDF with poppler, at 72 dpi.
func pdfWords(t *testing.T, file string) []doc.Page {
	t.Helper()
	out, err := exec.Command("pdftotext", "-bbox", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	var html struct {
		Pages []struct {
			Words []struct {
				X0   float64 `xml:"xMin,attr"`
				Y0   float64 `xml:"yMin,attr"`
				X1   float64 `xml:"xMax,attr"`
				Y1   float64 `xml:"yMax,attr"`
				Text string  `xml:",chardata"`
			} `xml:"word"`
		} `xml:"body>doc>page"`
	}
	dec := xml.NewDecoder(strings.NewReader(string(out)))
	dec.Strict, dec.Entity = false, xml.HTMLEntity
	if err := dec.Decode(&html); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var pages []doc.Page
	for i, p := range html.Pages {
		page := doc.Page{Number: i + 1}
		for _, w := range p.Words {
			page.Words = append(page.Words, doc.Word{Text: w.Text, Box: doc.Box{int(w.X0), int(w.Y0), int(w.X1), int(w.Y1)}})
		}
		pages = append(pages, page)
	}
	return pages
}
