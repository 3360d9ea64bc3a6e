package einvoice

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/recto-edge/recto/node/doc"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// flat writes every field as name=value, rows as name.0.cell=value.
func flat(fields []doc.Field) map[string]string {
	m := map[string]string{}
	for _, f := range fields {
		if f.Type != doc.Table {
			m[f.Name] = f.Value
			continue
		}
		for i, row := range f.Rows {
			for _, c := range row {
				m[fmt.Sprintf("%s.%d.%s", f.Name, i, c.Name)] = c.Value
			}
		}
	}
	return m
}

func TestParseFixtures(t *testing.T) {
	tests := []struct {
		file, profile string
		want          map[string]string
	}{
		{"cii.xml", "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0", map[string]string{
			"invoice_number": "R-2026-0815", "invoice_date": "2026-11-02", "delivery_date": "2026-10-30", "due_date": "2026-12-02",
			"seller_street": "Münsterplatz 1, Hof 2", "seller_vat_id": "DE123456789", "seller_tax_no": "201/113/40209",
			"seller_address": "Münsterplatz 1, Hof 2, 89073 Ulm", "currency": "CHF",
			"iban": "DE89370400440532013000", "debited_iban": "AT611904300234573201",
			"tax_total": "199.46", "tax_currency": "EUR", "tax_total_in_tax_currency": "214.46",
			"net_total": "1105.00", "due_total": "1300.00", "taxes.1.amount": "193.33",
			"allowances_charges.0.kind": "allowance", "allowances_charges.0.reason": "Treuerabatt", "allowances_charges.1.amount": "10.00",
			"line_items.0.price_quantity": "100", "line_items.0.quantity": "40", "line_items.0.allowances": "10.00", "line_items.0.charges": "2.50",
			"line_items.1.description": `Kaffeemaschine "Größe L"`, "line_items.1.unit_price": "1007.5",
		}},
		{"zugferd1.xml", "urn:ferd:CrossIndustryDocument:invoice:1p0:comfort", map[string]string{
			"invoice_number": "Z1-4711", "order_reference": "B-9", "buyer_name": "Werkstatt Nord", "gross_total": "12.90",
			"delivery_date": "2014-03-04", "taxes.0.rate": "19", "line_items.0.article_no": "M6", "line_items.0.unit_price": "0.05",
		}},
		{"ubl_invoice.xml", "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0", map[string]string{
			"invoice_number": "INV2026/77", "type_code": "384", "preceding_invoice": "INV2026/70", "preceding_invoice_date": "2026-10-05",
			"seller_name": "Nordic Paper Trading AB", "seller_trading_name": "NordPaper", "seller_vat_id": "SE556677889901",
			"seller_street": "Storgatan 1, Uppg. B", "seller_postcode": "211 34", "buyer_city": "Kiel", "buyer_country": "DE",
			"iban": "SE4550000000058398257466", "bic": "ESSESESS", "payment_reference": "OCR 123", "payment_terms": "30 dagar",
			"tax_total": "237.50", "tax_total_in_tax_currency": "21.15", "rounding": "0.50", "due_total": "1008.00",
			"taxes.1.category": "E", "taxes.1.exemption_reason": "Exempt", "allowances_charges.1.percent": "10",
			"line_items.0.article_no": "P-A4", "line_items.0.gtin": "7300000000001", "line_items.0.price_quantity": "10", "line_items.1.line_total": "20.00",
			"period_end": "2026-10-31", "order_reference": "PO-5", "due_date": "2026-12-02",
		}},
		{"ubl_credit_note.xml", "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0", map[string]string{
			"invoice_number": "CN-1", "type_code": "381", "seller_name": "Only A Name Ltd", "due_date": "2026-11-30",
			"iban": "FR7630006000011234567890189", "debited_iban": "FR7630006000011234567890189", "mandate_id": "M-1",
			"gross_total": "120.00", "line_items.0.quantity": "2", "line_items.0.unit": "HUR",
		}},
	}
	for _, tc := range tests {
		t.Run(tc.file, func(t *testing.T) {
			fields, profile, _, err := Parse(fixture(t, tc.file))
			if err != nil {
				t.Fatal(err)
			}
			if profile != tc.profile {
				t.Errorf("profile %q", profile)
			}
			got := flat(fields)
			for name, want := range tc.want {
				if got[name] != want {
					t.Errorf("%s = %q, want %q", name, got[name], want)
				}
			}
			for _, f := range fields {
				if f.Source != doc.FromXML || f.Confidence != 1 || f.Method != "xml" {
					t.Errorf("%s: source %q, confidence %v, method %q", f.Name, f.Source, f.Confidence, f.Method)
				}
			}
		})
	}
}

func TestSums(t *testing.T) {
	fields, _, warnings, err := Parse(fixture(t, "ubl_invoice.xml"))
	if err != nil || len(warnings) != 0 {
		t.Fatalf("warnings %q, error %v", warnings, err)
	}
	for name, checks := range map[string][]string{
		"line_total": {checkLines, checkNet}, "net_total": {checkNet, checkGross}, "tax_total": {checkTaxes, checkGross},
		"gross_total": {checkGross, checkDue}, "due_total": {checkDue}, "iban": {"check-digits"},
	} {
		f := find(fields, name)
		if diff := cmp.Diff(checks, f.Checks); diff != "" || f.FailedChecks != nil {
			t.Errorf("%s: %s failed %v", name, diff, f.FailedChecks)
		}
	}
	line := cellOf(find(fields, "line_items").Rows[0], "line_total")
	if !slices.Equal(line.Checks, []string{checkQuantity}) {
		t.Errorf("line: %v %v", line.Checks, line.FailedChecks)
	}

	fields, _, warnings, err = Parse(fixture(t, "zugferd1.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if g := find(fields, "gross_total"); !slices.Contains(g.FailedChecks, checkGross) || !slices.Contains(g.Checks, checkDue) {
		t.Errorf("gross: %v, failed %v", g.Checks, g.FailedChecks)
	}
	if len(warnings) != 2 || !strings.Contains(warnings[1], "11.90") || !strings.Contains(warnings[1], "12.90") {
		t.Errorf("warnings %q", warnings)
	}
}

func TestEncodings(t *testing.T) {
	plain := fixture(t, "cii.xml")
	want, _, _, err := Parse(plain)
	if err != nil {
		t.Fatal(err)
	}
	declared := func(enc string) []byte {
		return bytes.Replace(plain, []byte("UTF-8"), []byte(enc), 1)
	}
	latin, _ := charmap.ISO8859_15.NewEncoder().Bytes(declared("iso-8859-15"))
	cp1252, _ := charmap.Windows1252.NewEncoder().Bytes(declared("windows-1252"))
	le, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(declared("UTF-16"))
	be, _ := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().Bytes(declared("UTF-16"))
	for name, xml := range map[string][]byte{
		"bom": append([]byte("\xEF\xBB\xBF"), plain...), "latin": latin, "cp1252": cp1252, "utf16le": le, "utf16be": be,
	} {
		got, _, _, err := Parse(xml)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(flat(want), flat(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, _, _, err := Parse(declared("klingon")); doc.DetailOf(err) != doc.DetailDamaged {
		t.Errorf("unknown encoding: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	head := `<?xml version="1.0"?>`
	ns := `xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"`
	tests := map[string]struct{ xml, detail string }{
		"empty":           {"", doc.DetailDamaged},
		"text":            {"hello", doc.DetailDamaged},
		"other xml":       {head + `<html/>`, doc.DetailUnsupported},
		"other Invoice":   {head + `<Invoice xmlns="urn:mine"/>`, doc.DetailUnsupported},
		"order":           {head + `<SCRDMCCBDACIOMessageStructure xmlns="urn:un:unece:uncefact:data:SCRDMCCBDACIOMessageStructure:100"/>`, doc.DetailUnsupported},
		"entity bomb":     {head + `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Invoice ` + ns + `><ID>&b;</ID></Invoice>`, doc.DetailDamaged},
		"external":        {head + `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Invoice ` + ns + `><ID>&a;</ID></Invoice>`, doc.DetailDamaged},
		"too deep":        {head + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100), doc.DetailDamaged},
		"two roots":       {head + "<a/><b/>", doc.DetailDamaged},
		"too many":        {head + "<a>" + strings.Repeat("<b/>", maxElements+1) + "</a>", doc.DetailDamaged},
		"too large":       {head + "<a>" + strings.Repeat(" ", maxBytes) + "</a>", doc.DetailDamaged},
		"unclosed at end": {head + "<a>", doc.DetailDamaged},
	}
	for name, tc := range tests {
		_, _, _, err := Parse([]byte(tc.xml))
		if doc.CodeOf(err) != doc.Invalid || doc.DetailOf(err) != tc.detail {
			t.Errorf("%s: %v (%s)", name, err, doc.DetailOf(err))
		}
	}
}

func TestTruncationsAreErrors(t *testing.T) {
	for _, name := range []string{"cii.xml", "zugferd1.xml", "ubl_invoice.xml", "ubl_credit_note.xml"} {
		xml := bytes.TrimSpace(fixture(t, name))
		for n := 0; n < len(xml); n += 97 {
			if _, _, _, err := Parse(xml[:n]); err == nil {
				t.Fatalf("%s cut at %d is taken for whole", name, n)
			}
		}
	}
}

func TestEnvelopeAndBareInvoice(t *testing.T) {
	bare := `<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"><ID>1</ID></Invoice>`
	for _, xml := range []string{bare, `<StandardBusinessDocument xmlns="urn:sbdh"><Header/>` + bare + `</StandardBusinessDocument>`} {
		fields, _, warnings, err := Parse([]byte(xml))
		if err != nil || len(warnings) > 0 || len(fields) != 1 || fields[0].Value != "1" {
			t.Errorf("%s: %v %v %v", xml, fields, warnings, err)
		}
	}
}

func TestGroupLinesAreNotCountedTwice(t *testing.T) {
	line := func(kind, amount string) string {
		return `<IncludedSupplyChainTradeLineItem><AssociatedDocumentLineDocument><LineID>1</LineID><LineStatusReasonCode>` + kind + `</LineStatusReasonCode></AssociatedDocumentLineDocument>` +
			`<SpecifiedLineTradeSettlement><SpecifiedTradeSettlementLineMonetarySummation><LineTotalAmount>` + amount + `</LineTotalAmount></SpecifiedTradeSettlementLineMonetarySummation></SpecifiedLineTradeSettlement></IncludedSupplyChainTradeLineItem>`
	}
	xml := `<CrossIndustryInvoice xmlns="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"><SupplyChainTradeTransaction>` +
		line("GROUP", "30.00") + line("DETAIL", "10.00") + line("DETAIL", "20.00") +
		`<ApplicableHeaderTradeSettlement><SpecifiedTradeSettlementHeaderMonetarySummation><LineTotalAmount>30.00</LineTotalAmount></SpecifiedTradeSettlementHeaderMonetarySummation></ApplicableHeaderTradeSettlement></SupplyChainTradeTransaction></CrossIndustryInvoice>`
	fields, _, warnings, err := Parse([]byte(xml))
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	if f := find(fields, "line_total"); !slices.Contains(f.Checks, checkLines) {
		t.Errorf("%v failed %v", f.Checks, f.FailedChecks)
	}
}

func TestCanonical(t *testing.T) {
	tests := []struct {
		kind      doc.FieldType
		raw, want string
		ok        bool
	}{
		{doc.Money, "1500", "1500.00", true}, {doc.Money, "-0.925", "-0.93", true}, {doc.Money, "1e9", "1e9", false}, {doc.Money, "1/3", "1/3", false},
		{doc.Number, "20.0000", "20", true}, {doc.Number, "0.0205", "0.0205", true}, {doc.Number, "100", "100", true}, {doc.Percent, "19.00", "19", true},
		{doc.Date, "20261123", "2026-11-23", true}, {doc.Date, "2026-11-23+01:00", "2026-11-23", true}, {doc.Date, "202611", "2026-11", true}, {doc.Date, "20261323", "20261323", false},
		{doc.VATID, " de 12 ", "DE12", true}, {doc.Text, "a\n  b", "a b", true},
	}
	for _, tc := range tests {
		if got, ok := canonical(tc.kind, tc.raw); got != tc.want || ok != tc.ok {
			t.Errorf("%s %q: %q %v, want %q %v", tc.kind, tc.raw, got, ok, tc.want, tc.ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"cii.xml", "zugferd1.xml", "ubl_invoice.xml", "ubl_credit_note.xml"} {
		f.Add(fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, xml []byte) {
		fields, _, _, err := Parse(xml)
		if err != nil && doc.CodeOf(err) != doc.Invalid {
			t.Errorf("not a coded error: %v", err)
		}
		for _, field := range fields {
			if field.Value == "" && field.Type != doc.Table {
				t.Errorf("%s is empty", field.Name)
			}
		}
	})
}

func FuzzReconcile(f *testing.F) {
	f.Add("Gesamtbetrag 1 304,46", "Rechnungsnummer: R-2026-0815", "Brot")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		fields := []doc.Field{
			{Name: "invoice_number", Type: doc.Identifier, Value: a}, {Name: "gross_total", Type: doc.Money, Value: b},
			{Name: "line_items", Type: doc.Table, Rows: [][]doc.Field{{{Name: "description", Type: doc.Text, Value: c}}}},
		}
		got, _ := Reconcile(fields, printed(a, b, c, a+b))
		if len(got) != len(fields) {
			t.Errorf("%d fields of %d", len(got), len(fields))
		}
	})
}
