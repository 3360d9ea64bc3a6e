package fields_test

import (
	"testing"

	"github.com/recto-edge/recto/node/extract/fields"
)

// TestCauses holds one small page for each cause for which a value was once
// missed. "|" begins the next cell, 300 pixels further.
func TestCauses(t *testing.T) {
	for _, c := range []struct {
		name, typ string
		lines     []string
		want      map[string]string // empty: no such field
	}{
		{"value far to the right", "invoice",
			[]string{"IBAN :||DE12 1234 5678 9012 3456 78", "Referenz des Käufers:||05 158 004 - 11023 - 45"},
			map[string]string{"iban": "DE12123456789012345678", "buyer_reference": "05158004-11023-45"}},
		{"label that goes on", "invoice",
			[]string{"Bestellung Nr. Kunde:|2018092011804", "Rechnung des Versicherers Nr.|01.234.567.8-2018-1|vom"},
			map[string]string{"order_reference": "2018092011804", "invoice_number": "01.234.567.8-2018-1"}},
		{"mark of a number behind words", "invoice",
			[]string{"Rechnung des Versicherers (575) Nr. 01.234.567.8-2018-1 vom 06.12.2018"},
			map[string]string{"invoice_number": "01.234.567.8-2018-1", "type_code": "575"}},
		{"mark of a number glued", "invoice",
			[]string{"Teilrechnung (875) Nr.210111 vom 30.05.2025"},
			map[string]string{"invoice_number": "210111", "type_code": "875", "invoice_date": "2025-05-30"}},
		{"date or page glued", "invoice",
			[]string{"Invoice No:|JI20018793/16.05.2022", "Order number:|2022089083-PAGE 1/1"},
			map[string]string{"invoice_number": "JI20018793", "order_reference": "2022089083"}},
		{"house number in a cell of its own, salutation over the name", "invoice",
			[]string{"Verkäufer:", "Muster Versicherung AG", "Musterstr.|12", "DE 12345 Musterstadt", "", "Käufer:", "Herrn", "Max Mustermann", "Musterstr.|11", "DE 12346 Bad Musterhausen"},
			map[string]string{"seller_street": "Musterstr. 12", "buyer_name": "Herrn Max Mustermann", "buyer_street": "Musterstr. 11"}},
		{"address without a country", "invoice",
			[]string{"Bei Spiel GmbH", "Ecke 12", "12345 Stadthausen", "Deutschland", "", "", "", "", "", "Bill to:", "Theodor Est", "Bahnstr. 42", "88802 Spielkreis"},
			map[string]string{"seller_country": "DE", "buyer_country": "DE", "buyer_city": "Spielkreis"}},
		{"doubled letter read once", "invoice",
			[]string{"Global Goods Inc. · 789 Commerce Stret · M1 1AA Manchester"},
			map[string]string{"seller_street": "789 Commerce Street"}},
		{"range against dates of a table", "order",
			[]string{"Chicago, IL 60680-9229", "Contract Dates", "03/05/20 - 03/10/20", "", "", "", "Start Date|End Date", "03/02/20|03/08/20"},
			map[string]string{"flight_from": "2020-03-05", "flight_to": "2020-03-10"}},
		{"range without blanks, another date behind it", "order",
			[]string{"Schedule Dates|03/16/20-03/29/20|Last Modified|04/10/20"},
			map[string]string{"flight_from": "2020-03-16", "flight_to": "2020-03-29"}},
		{"value that runs on to the next line", "order",
			[]string{"Agency: Time, LLC|Advertiser: Tom Steyer for|Market: Beach", "|            President 2020"},
			map[string]string{"advertiser": "Tom Steyer for"}}, // the second line begins elsewhere
		{"value that runs on under itself", "order",
			[]string{"Advertiser:|Tom Steyer for", "|President 2020", "Buyer:|Dawn"},
			map[string]string{"advertiser": "Tom Steyer for President 2020"}},
		{"the line under a value has its own label", "order",
			[]string{"Advertiser|Leaders Fund,", "Station|Media House"},
			map[string]string{"advertiser": "Leaders Fund,"}},
		{"count before a total", "order",
			[]string{"Rate|Total", "50.00|50.00", "Grand Total:|8|$9,100.00"},
			map[string]string{"gross_amount": "9100.00"}},
		{"column with a row of totals", "order",
			[]string{"Time Period|# of Spots|Gross Amount", "03/02/20 - 03/08/20|4|$2,210.00", "03/09/20 - 03/15/20|4|$1,710.00", "Totals|8|$3,920.00"},
			map[string]string{"gross_amount": "3920.00"}},
		{"tax in parts, net in parts", "receipt",
			[]string{"Leo's Casa", "Total|€ 128,85", "Umsatz 19% exkl.|€ 51,18", "MwSt 19%|€ 9,72", "Umsatz 7% exkl.|€ 63,50", "MwSt 7%|€ 4,45", "22.4.2023"},
			map[string]string{"total": "128.85", "net": "114.68", "tax": "14.17"}},
		{"tax in parts, net on its own", "receipt",
			[]string{"Total|50,40 €", "Nettoumsatz|45,51 €", "MwSt 7%|2,19 €", "MwSt 19%|2,70 €"},
			map[string]string{"total": "50.40", "net": "45.51", "tax": "4.89"}},
		{"parts that do not make the total", "receipt",
			[]string{"Total|70,40 €", "MwSt 7%|2,19 €", "MwSt 19%|2,70 €"},
			map[string]string{"total": "70.40", "net": ""}},
		{"net and tax side by side", "receipt",
			[]string{"Summe Euro|61,70", "Euro netto|Euro MwSt", "gesamt Euro|57,27|4,43"},
			map[string]string{"total": "61.70", "net": "57.27", "tax": "4.43"}},
		{"number of a VAT payer among amounts", "receipt",
			[]string{"TOTAL DUE|6.99", "VAT No. 927137420"},
			map[string]string{"total": "6.99", "tax": ""}},
		{"dollars of Canada", "receipt",
			[]string{"Coffee House", "3634 rue Ontario Est, Montreal QC, H1W 1R7", "Grand Total:|$10.33"},
			map[string]string{"currency": "CAD", "total": "10.33"}},
		{"amounts without a sign in a country of the euro", "receipt",
			[]string{"Steuernr. 231-244-09136", "Total|60,40"},
			map[string]string{"currency": "EUR"}},
		{"dollars that say whose they are", "receipt",
			[]string{"Singapore 238859", "Total USD|60.40", "Paid|$60.40"},
			map[string]string{"currency": "USD"}},
		{"sentence about another invoice", "invoice",
			[]string{"Invoice Number:|INV-2023-00789", "Invoice Date:|October 1, 2023", "", "This document refers to invoice PREV-INV-00700 dated September 1, 2023"},
			map[string]string{"invoice_number": "INV-2023-00789", "invoice_date": "2023-10-01"}},
		{"date of an order in a sentence", "invoice",
			[]string{"Handelsrechnung Nr. 471102 vom 05.06.2018", "", "Rechnung gemäß Bestellung Nr. 2018-471331 vom 01.03.2018."},
			map[string]string{"invoice_number": "471102", "invoice_date": "2018-06-05"}},
		{"tax between net and gross of a credit note", "invoice",
			[]string{"Rechnungssumme ohne USt.|-7,67", "Bruttosumme|-8,79", "USt 19 %|-5,00", "Steuerbetrag|1,12"},
			map[string]string{"net_total": "-7.67", "tax_total": "-1.12", "gross_total": "-8.79"}},
		{"nothing prepaid", "invoice",
			[]string{"Net total|100.00", "VAT|19.00", "Gross total|119.00"},
			map[string]string{"due_total": "119.00", "line_total": "100.00"}},
		{"something prepaid", "invoice",
			[]string{"Net total|100.00", "VAT|19.00", "Gross total|119.00", "Prepaid amount|19.00"},
			map[string]string{"due_total": ""}},
		{"name beside a telephone number", "receipt",
			[]string{"Country Inn Motel|Email: inn@yahoo.com", "4345 Camino Road, Palo Alto CA 94306", "Total|12.00"},
			map[string]string{"company": "Country Inn Motel"}},
		{"reference without digits", "invoice",
			[]string{"REFERENCE ACHETEUR / SERVICE EXECUTANT : SERVEXEC"},
			map[string]string{"buyer_reference": "SERVEXEC"}},
		{"VAT number of no known form", "invoice",
			[]string{"Customer VAT ID:|US-TAXID-7890123", "VAT ID:|DE136695976"},
			map[string]string{"buyer_vat_id": "USTAXID7890123", "seller_vat_id": "DE136695976"}},
		{"label in two lines", "invoice",
			[]string{"Date|Purchase|Terms", "|Order No|", "01.02.2026|PO-4711|30 days"},
			map[string]string{"order_reference": "PO-4711"}},
		{"months as OCR reads them", "invoice",
			[]string{"Invoice date:|12 0ctober 2023", "Due date:|1 Novenber 2023"},
			map[string]string{"invoice_date": "2023-10-12", "due_date": "2023-11-01"}},
		{"words that are no months", "invoice",
			[]string{"12 Artikel 2023", "7 Marketing 2023", "3 Member 2023"},
			map[string]string{"invoice_date": ""}},
		{"tax number of too few digits", "invoice",
			[]string{"Tax no:|M1", "Steuernummer:|201/113/40209", "Verkäufer-BIC:|PBNKDEFF"},
			map[string]string{"seller_tax_no": "201/113/40209", "bic": "PBNKDEFF"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := fields.Pick(page(c.lines...), shipped(t, c.typ))
			for name, want := range c.want {
				if got := get(fs, name).Value; got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
		})
	}
}
