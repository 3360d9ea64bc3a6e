package einvoice

import (
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// ubl reads a UBL 2 Invoice or CreditNote.
func (b *builder) ubl(root *node) {
	b.currency = noBlanks(root.str("DocumentCurrencyCode"))
	code := root.str("InvoiceTypeCode|CreditNoteTypeCode")
	if code == "" && root.name == "CreditNote" {
		code = "381"
	}
	b.add("invoice_number", doc.Identifier, root.str("ID"))
	b.add("type_code", doc.Identifier, code)
	b.add("invoice_date", doc.Date, root.str("IssueDate"))
	b.ublParty("seller", root.get("AccountingSupplierParty/Party"))
	b.ublParty("buyer", root.get("AccountingCustomerParty/Party"))
	b.add("payee_name", doc.Name, root.str("PayeeParty/PartyName/Name"))
	b.add("buyer_reference", doc.Text, root.str("BuyerReference"))
	b.add("order_reference", doc.Text, root.str("OrderReference/ID"))
	b.add("seller_order_reference", doc.Text, root.str("OrderReference/SalesOrderID"))
	b.add("contract_reference", doc.Text, root.str("ContractDocumentReference/ID"))
	b.add("preceding_invoice", doc.Identifier, root.str("BillingReference/InvoiceDocumentReference|CreditNoteDocumentReference/ID"))
	b.add("preceding_invoice_date", doc.Date, root.str("BillingReference/InvoiceDocumentReference|CreditNoteDocumentReference/IssueDate"))
	b.add("delivery_note", doc.Text, root.str("DespatchDocumentReference/ID"))
	b.add("delivery_date", doc.Date, root.str("Delivery/ActualDeliveryDate"))
	b.add("period_start", doc.Date, root.str("InvoicePeriod/StartDate"))
	b.add("period_end", doc.Date, root.str("InvoicePeriod/EndDate"))
	b.add("currency", doc.Currency, b.currency)
	b.ublPayment(root)
	b.ublTotals(root)
	b.add("notes", doc.Text, root.join("\n", "Note"))
	b.table("taxes", b.ublTaxes(root))
	b.table("allowances_charges", b.ublAllowances(root))
	b.table("line_items", b.ublLines(root))
}

func (b *builder) ublParty(who string, p *node) {
	legal, trading := p.str("PartyLegalEntity/RegistrationName"), p.str("PartyName/Name")
	if legal == "" {
		legal, trading = trading, ""
	}
	b.add(who+"_name", doc.Name, legal)
	if trading != legal {
		b.add(who+"_trading_name", doc.Name, trading)
	}
	b.add(who+"_id", doc.Identifier, p.str("PartyIdentification/ID"))
	b.add(who+"_register_id", doc.Identifier, p.str("PartyLegalEntity/CompanyID"))
	at := "PostalAddress/"
	b.address(who, p.join(", ", at+"StreetName", at+"AdditionalStreetName", at+"AddressLine/Line"),
		p.str(at+"PostalZone"), p.str(at+"CityName"), p.str(at+"Country/IdentificationCode"))
	for _, t := range p.all("PartyTaxScheme") {
		scheme := strings.ToUpper(t.str("TaxScheme/ID"))
		b.taxNumber(who, scheme == "VAT" || scheme == "VA" || scheme == "", t.str("CompanyID"))
	}
	b.add(who+"_contact", doc.Name, p.str("Contact/Name"))
	b.add(who+"_phone", doc.Phone, p.str("Contact/Telephone"))
	b.add(who+"_email", doc.Email, p.str("Contact/ElectronicMail"))
	b.add(who+"_endpoint", doc.Text, p.str("EndpointID"))
}

func (b *builder) ublPayment(root *node) {
	b.add("payment_reference", doc.Text, root.str("PaymentMeans/PaymentID"))
	b.add("payment_means_code", doc.Identifier, root.str("PaymentMeans/PaymentMeansCode"))
	account := "PaymentMeans/PayeeFinancialAccount/"
	id := root.str(account + "ID")
	iban := id
	if !looksIBAN(id) {
		iban = ""
		b.add("account_number", doc.Text, id)
	}
	b.accounts(iban, root.str("PaymentMeans/PaymentMandate/PayerFinancialAccount/ID"))
	b.add("account_name", doc.Name, root.str(account+"Name"))
	b.add("bic", doc.Identifier, root.str(account+"FinancialInstitutionBranch/ID"))
	if bic := root.str(account + "FinancialInstitutionBranch/FinancialInstitution/ID"); b.find("bic") == nil {
		b.add("bic", doc.Identifier, bic)
	}
	b.add("mandate_id", doc.Text, root.str("PaymentMeans/PaymentMandate/ID"))
	for _, id := range append(root.all("PayeeParty/PartyIdentification/ID"), root.all("AccountingSupplierParty/Party/PartyIdentification/ID")...) {
		if id.attr("schemeID") == "SEPA" {
			b.add("creditor_id", doc.Identifier, id.value())
			break
		}
	}
	b.add("payment_terms", doc.Text, root.join("\n", "PaymentTerms/Note"))
	due := root.str("DueDate") // of an invoice; a credit note has it with the payment
	for _, path := range []string{"PaymentMeans/PaymentDueDate", "PaymentTerms/PaymentDueDate"} {
		if due == "" {
			due = root.str(path)
		}
	}
	b.add("due_date", doc.Date, due)
}

// looksIBAN says whether an account number starts as an IBAN does: UBL has one
// element for both.
func looksIBAN(s string) bool {
	s = noBlanks(s)
	return len(s) >= 15 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

func (b *builder) ublTotals(root *node) {
	sum := root.get("LegalMonetaryTotal|RequestedMonetaryTotal")
	b.add("line_total", doc.Money, sum.str("LineExtensionAmount"))
	b.add("allowance_total", doc.Money, sum.str("AllowanceTotalAmount"))
	b.add("charge_total", doc.Money, sum.str("ChargeTotalAmount"))
	b.add("net_total", doc.Money, sum.str("TaxExclusiveAmount"))
	b.add("tax_total", doc.Money, b.ours(root.all("TaxTotal/TaxAmount")))
	b.add("gross_total", doc.Money, sum.str("TaxInclusiveAmount"))
	b.add("prepaid_total", doc.Money, sum.str("PrepaidAmount"))
	b.add("rounding", doc.Money, sum.str("PayableRoundingAmount"))
	b.add("due_total", doc.Money, sum.str("PayableAmount"))
	b.foreignTax(root.str("TaxCurrencyCode"), root.all("TaxTotal/TaxAmount"))
}

func (b *builder) ublTaxes(root *node) [][]doc.Field {
	var rows [][]doc.Field
	for _, t := range root.all("TaxTotal/TaxSubtotal") {
		if c := t.get("TaxAmount").attr("currencyID"); c != "" && !strings.EqualFold(c, b.currency) {
			continue // the same taxes again, in the currency they are declared in
		}
		rows = append(rows, b.row(
			cell{"rate", doc.Percent, t.str("TaxCategory/Percent")},
			cell{"basis", doc.Money, t.str("TaxableAmount")},
			cell{"amount", doc.Money, t.str("TaxAmount")},
			cell{"category", doc.Identifier, t.str("TaxCategory/ID")},
			cell{"exemption_reason", doc.Text, t.str("TaxCategory/TaxExemptionReason")},
		))
	}
	return rows
}

// ublAllowances lists the allowances and charges on the whole invoice.
func (b *builder) ublAllowances(root *node) [][]doc.Field {
	var rows [][]doc.Field
	for _, a := range root.all("AllowanceCharge") {
		kind := "allowance"
		if isTrue(a.str("ChargeIndicator")) {
			kind = "charge"
		}
		rows = append(rows, b.row(
			cell{"kind", doc.Text, kind},
			cell{"amount", doc.Money, a.str("Amount")},
			cell{"percent", doc.Percent, a.str("MultiplierFactorNumeric")},
			cell{"basis", doc.Money, a.str("BaseAmount")},
			cell{"reason", doc.Text, a.str("AllowanceChargeReason|AllowanceChargeReasonCode")},
			cell{"tax_rate", doc.Percent, a.str("TaxCategory/Percent")},
		))
	}
	return rows
}

func (b *builder) ublLines(root *node) [][]doc.Field {
	var rows [][]doc.Field
	for _, l := range root.all("InvoiceLine|CreditNoteLine") {
		item := l.get("Item")
		quantity := l.get("InvoicedQuantity|CreditedQuantity")
		description := item.str("Name")
		if description == "" {
			description = item.str("Description")
		}
		rows = append(rows, b.row(
			cell{"pos", doc.Text, l.str("ID")},
			cell{"article_no", doc.Text, item.str("SellersItemIdentification/ID")},
			cell{"gtin", doc.Identifier, item.str("StandardItemIdentification/ID")},
			cell{"description", doc.Text, description},
			cell{"quantity", doc.Number, quantity.value()},
			cell{"unit", doc.Text, quantity.attr("unitCode")},
			cell{"unit_price", doc.Number, l.str("Price/PriceAmount")},
			cell{"price_quantity", doc.Number, notOne(l.str("Price/BaseQuantity"))},
			cell{"tax_rate", doc.Percent, l.str("Item/ClassifiedTaxCategory/Percent")},
			cell{"line_total", doc.Money, l.str("LineExtensionAmount")},
			cell{"allowances", doc.Money, ublLineAdjust(l, false)},
			cell{"charges", doc.Money, ublLineAdjust(l, true)},
			cell{"note", doc.Text, l.join("\n", "Note")},
		))
	}
	return rows
}

// ublLineAdjust sums the allowances or the charges of one line.
func ublLineAdjust(line *node, charge bool) string {
	var amounts []string
	for _, a := range line.all("AllowanceCharge") {
		if isTrue(a.str("ChargeIndicator")) == charge {
			amounts = append(amounts, a.str("Amount"))
		}
	}
	return total(amounts)
}
