// Package paper makes the documents of a fault run: small, real, each with a
// number of its own and so with bytes of its own, and readable without OCR.
//
// The same seed and index give the same bytes for ever, so that a run can be
// replayed and what comes back can be compared with what was sent.
package paper

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Paper is one document to send.
type Paper struct {
	Name   string
	Number string // its invoice number, which reading it must find
	Body   []byte
	SHA256 string // of Body, hexadecimal
	ID     doc.ID // that it must get
}

// cycle is after how many documents the kinds repeat: each has two PDFs, which
// cost a hundred times an XML file to read and keep a worker busy while something
// fails.
const cycle = 24

func kind(i int) func(number string, cents int) (ext string, body []byte) {
	switch i % cycle {
	case 7:
		return hybrid
	case 19:
		return text
	}
	if i%2 == 0 {
		return ubl
	}
	return cii
}

// Make makes document i of the run seed.
func Make(seed uint64, i int) Paper {
	number := fmt.Sprintf("R%d-%05d", seed, i)
	cents := 100 + int((seed*7919+uint64(i)*104729)%900000)
	ext, body := kind(i)(number, cents)
	sum := sha256.Sum256(body)
	return Paper{
		Name: number + ext, Number: number, Body: body, SHA256: hex.EncodeToString(sum[:]), ID: doc.IDFromDigest(sum),
	}
}

func money(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

// gross gives net, tax and total of a bill at 19 percent.
func gross(cents int) (net, tax, total string) {
	t := (cents*19 + 50) / 100
	return money(cents), money(t), money(cents + t)
}

func ubl(number string, cents int) (string, []byte) {
	net, tax, total := gross(cents)
	return ".xml", fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>%s</cbc:ID><cbc:IssueDate>2026-11-23</cbc:IssueDate><cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty><cac:Party><cac:PartyName><cbc:Name>Papier GmbH</cbc:Name></cac:PartyName></cac:Party></cac:AccountingSupplierParty>
<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">%s</cbc:TaxAmount></cac:TaxTotal>
<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">%s</cbc:LineExtensionAmount><cbc:TaxExclusiveAmount currencyID="EUR">%s</cbc:TaxExclusiveAmount><cbc:TaxInclusiveAmount currencyID="EUR">%s</cbc:TaxInclusiveAmount><cbc:PayableAmount currencyID="EUR">%s</cbc:PayableAmount></cac:LegalMonetaryTotal>
</Invoice>`, number, tax, net, net, total, total)
}

func cii(number string, cents int) (string, []byte) {
	net, tax, total := gross(cents)
	return ".xml", fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100" xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100" xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn:cen.eu:en16931:2017</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument><ram:ID>%s</ram:ID><ram:TypeCode>380</ram:TypeCode><ram:IssueDateTime><udt:DateTimeString format="102">20261123</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction>
<ram:ApplicableHeaderTradeAgreement><ram:SellerTradeParty><ram:Name>Papier GmbH</ram:Name></ram:SellerTradeParty><ram:BuyerTradeParty><ram:Name>Kunde AG</ram:Name></ram:BuyerTradeParty></ram:ApplicableHeaderTradeAgreement>
<ram:ApplicableHeaderTradeDelivery/>
<ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode><ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>%s</ram:LineTotalAmount><ram:TaxBasisTotalAmount>%s</ram:TaxBasisTotalAmount><ram:TaxTotalAmount currencyID="EUR">%s</ram:TaxTotalAmount><ram:GrandTotalAmount>%s</ram:GrandTotalAmount><ram:DuePayableAmount>%s</ram:DuePayableAmount></ram:SpecifiedTradeSettlementHeaderMonetarySummation></ram:ApplicableHeaderTradeSettlement>
</rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>`, number, net, net, tax, total, total)
}

// hybrid is a PDF that carries its e-invoice with it.
func hybrid(number string, cents int) (string, []byte) {
	_, xml := cii(number, cents)
	return ".pdf", pdf(page(number, cents),
		"/Names <</EmbeddedFiles <</Names [(factur-x.xml) 6 0 R]>>>> /AF [6 0 R]",
		"<</Type /Filespec /F (factur-x.xml) /UF (factur-x.xml) /AFRelationship /Data /EF <</F 7 0 R>>>>",
		fmt.Sprintf("<</Type /EmbeddedFile /Subtype /text#2Fxml /Length %d>>\nstream\n%s\nendstream", len(xml), xml))
}

// text is a PDF with a text layer and nothing else.
func text(number string, cents int) (string, []byte) { return ".pdf", pdf(page(number, cents), "") }

// page is the content of a bill, as drawing commands.
func page(number string, cents int) string {
	net, tax, total := gross(cents)
	var b strings.Builder
	b.WriteString("BT /F 11 Tf\n")
	for i, line := range []string{
		"Papier GmbH", "Musterweg 1, 50667 Köln", "Invoice", "Invoice number: " + number, "Invoice date: 2026-11-23",
		"Net amount EUR " + net, "VAT 19 % EUR " + tax, "Total amount EUR " + total, "Payable within 30 days without deduction.",
	} {
		line = strings.ReplaceAll(line, "ö", "\\366") // WinAnsi
		fmt.Fprintf(&b, "1 0 0 1 72 %d Tm (%s) Tj\n", 760-i*28, line)
	}
	b.WriteString("ET")
	return b.String()
}

// pdf makes a file of one A4 page; more objects are numbered from 6.
func pdf(content, catalog string, more ...string) []byte {
	objects := []string{
		"<</Type /Catalog /Pages 2 0 R " + catalog + ">>",
		"<</Type /Pages /Count 1 /Kids [4 0 R]>>",
		"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>",
		"<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources <</Font <</F 3 0 R>>>>>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(content), content),
	}
	objects = append(objects, more...)
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	at := make([]int, len(objects))
	for i, body := range objects {
		at[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, offset := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}
