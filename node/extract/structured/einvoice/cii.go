package einvoice

import (
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Names of ZUGFeRD 1 stand behind the bar, those of CII D16B before it.
const (
	ciiTrade      = "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction"
	ciiAgreement  = "ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement"
	ciiDelivery   = "ApplicableHeaderTradeDelivery|ApplicableSupplyChainTradeDelivery"
	ciiSettlement = "ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement"
	ciiSum        = "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
	ciiRate       = "RateApplicablePercent|ApplicablePercent"
	ciiDay        = "DateTimeString|DateString|DateTime"
)

// cii reads a CrossIndustryInvoice (CrossIndustryDocument in ZUGFeRD 1).
func (b *builder) cii(root *node) {
	head := root.get("ExchangedDocument|HeaderExchangedDocument")
	trade := root.get(ciiTrade)
	agreement, delivery, settlement := trade.get(ciiAgreement), trade.get(ciiDelivery), trade.get(ciiSettlement)
	b.currency = noBlanks(settlement.str("InvoiceCurrencyCode"))

	if root.str("ExchangedDocumentContext|SpecifiedExchangedDocumentContext/TestIndicator/Indicator") == "true" {
		b.warnings = append(b.warnings, "The e-invoice is marked as a test.")
	}
	b.add("invoice_number", doc.Identifier, head.str("ID"))
	b.add("type_code", doc.Identifier, head.str("TypeCode"))
	b.add("invoice_date", doc.Date, head.str("IssueDateTime/"+ciiDay))
	b.ciiParty("seller", agreement.get("SellerTradeParty"))
	b.ciiParty("buyer", agreement.get("BuyerTradeParty"))
	b.add("payee_name", doc.Name, settlement.str("PayeeTradeParty/Name"))
	b.add("buyer_reference", doc.Text, agreement.str("BuyerReference"))
	b.add("order_reference", doc.Text, agreement.str("BuyerOrderReferencedDocument/IssuerAssignedID|ID"))
	b.add("seller_order_reference", doc.Text, agreement.str("SellerOrderReferencedDocument/IssuerAssignedID|ID"))
	b.add("contract_reference", doc.Text, agreement.str("ContractReferencedDocument/IssuerAssignedID|ID"))
	b.add("preceding_invoice", doc.Identifier, settlement.str("InvoiceReferencedDocument/IssuerAssignedID|ID"))
	b.add("preceding_invoice_date", doc.Date, settlement.str("InvoiceReferencedDocument/FormattedIssueDateTime|IssueDateTime/"+ciiDay))
	b.add("delivery_note", doc.Text, delivery.str("DeliveryNoteReferencedDocument/IssuerAssignedID|ID"))
	b.add("delivery_date", doc.Date, delivery.str("ActualDeliverySupplyChainEvent/OccurrenceDateTime/"+ciiDay))
	b.add("period_start", doc.Date, settlement.str("BillingSpecifiedPeriod/StartDateTime/"+ciiDay))
	b.add("period_end", doc.Date, settlement.str("BillingSpecifiedPeriod/EndDateTime/"+ciiDay))
	b.add("currency", doc.Currency, b.currency)
	b.ciiPayment(settlement)
	b.ciiTotals(settlement)
	b.add("notes", doc.Text, head.join("\n", "IncludedNote/Content"))
	b.table("taxes", b.ciiTaxes(settlement))
	b.table("allowances_charges", b.ciiAllowances(settlement))
	b.table("line_items", b.ciiLines(trade))
}

func (b *builder) ciiParty(who string, p *node) {
	b.add(who+"_name", doc.Name, p.str("Name"))
	b.add(who+"_trading_name", doc.Name, p.str("SpecifiedLegalOrganization/TradingBusinessName"))
	b.add(who+"_id", doc.Identifier, p.str("GlobalID|ID"))
	b.add(who+"_register_id", doc.Identifier, p.str("SpecifiedLegalOrganization/ID"))
	b.address(who, p.join(", ", "PostalTradeAddress/LineOne", "PostalTradeAddress/LineTwo", "PostalTradeAddress/LineThree"),
		p.str("PostalTradeAddress/PostcodeCode"), p.str("PostalTradeAddress/CityName"), p.str("PostalTradeAddress/CountryID"))
	for _, tax := range p.all("SpecifiedTaxRegistration/ID") {
		b.taxNumber(who, tax.attr("schemeID") == "VA", tax.value())
	}
	contact := p.get("DefinedTradeContact")
	b.add(who+"_contact", doc.Name, contact.join(", ", "PersonName", "DepartmentName"))
	b.add(who+"_phone", doc.Phone, contact.str("TelephoneUniversalCommunication/CompleteNumber"))
	b.add(who+"_email", doc.Email, contact.str("EmailURIUniversalCommunication/URIID|CompleteNumber"))
	b.add(who+"_endpoint", doc.Text, p.str("URIUniversalCommunication/URIID"))
}

// address adds the parts of an address and the whole of it.
func (b *builder) address(who, street, postcode, city, country string) {
	b.add(who+"_street", doc.Text, street)
	b.add(who+"_postcode", doc.Text, postcode)
	b.add(who+"_city", doc.Text, city)
	b.add(who+"_country", doc.Country, country)
	var parts []string
	for _, s := range []string{street, strings.TrimSpace(postcode + " " + city)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	b.add(who+"_address", doc.Address, strings.Join(parts, ", "))
}

// taxNumber adds a VAT identifier or another tax number; the first of each counts.
func (b *builder) taxNumber(who string, vat bool, raw string) {
	name, kind := who+"_tax_no", doc.Identifier
	if vat {
		name, kind = who+"_vat_id", doc.VATID
	}
	if b.find(name) == nil {
		b.add(name, kind, raw)
	}
}

func (b *builder) ciiPayment(settlement *node) {
	means := "SpecifiedTradeSettlementPaymentMeans/"
	b.add("payment_reference", doc.Text, settlement.str("PaymentReference"))
	b.add("payment_means_code", doc.Identifier, settlement.str(means+"TypeCode"))
	payee, payer := settlement.str(means+"PayeePartyCreditorFinancialAccount/IBANID"), settlement.str(means+"PayerPartyDebtorFinancialAccount/IBANID")
	b.accounts(payee, payer)
	b.add("account_number", doc.Text, settlement.str(means+"PayeePartyCreditorFinancialAccount/ProprietaryID"))
	b.add("account_name", doc.Name, settlement.str(means+"PayeePartyCreditorFinancialAccount/AccountName"))
	b.add("bic", doc.Identifier, settlement.str(means+"PayeeSpecifiedCreditorFinancialInstitution/BICID"))
	b.add("creditor_id", doc.Identifier, settlement.str("CreditorReferenceID"))
	terms := "SpecifiedTradePaymentTerms/"
	b.add("mandate_id", doc.Text, settlement.str(terms+"DirectDebitMandateID"))
	b.add("payment_terms", doc.Text, settlement.join("\n", terms+"Description"))
	b.add("due_date", doc.Date, settlement.str(terms+"DueDateDateTime/"+ciiDay))
}

// accounts adds the account that is paid to as iban, whatever else is named.
// By direct debit there often is none, and iban is the account debited, as it
// is printed on such invoices; debited_iban tells the two apart.
func (b *builder) accounts(payee, payer string) {
	if payee == "" {
		payee = payer
	}
	b.add("iban", doc.IBAN, payee)
	b.add("debited_iban", doc.IBAN, payer)
}

func (b *builder) ciiTotals(settlement *node) {
	sum := settlement.get(ciiSum)
	b.add("line_total", doc.Money, sum.str("LineTotalAmount"))
	b.add("allowance_total", doc.Money, sum.str("AllowanceTotalAmount"))
	b.add("charge_total", doc.Money, sum.str("ChargeTotalAmount"))
	b.add("net_total", doc.Money, b.ours(sum.all("TaxBasisTotalAmount")))
	b.add("tax_total", doc.Money, b.ours(sum.all("TaxTotalAmount")))
	b.add("gross_total", doc.Money, b.ours(sum.all("GrandTotalAmount")))
	b.add("prepaid_total", doc.Money, sum.str("TotalPrepaidAmount"))
	b.add("rounding", doc.Money, sum.str("RoundingAmount"))
	b.add("due_total", doc.Money, sum.str("DuePayableAmount"))
	b.foreignTax(settlement.str("TaxCurrencyCode"), sum.all("TaxTotalAmount"))
}

// ours picks the amount in the invoice's own currency. An amount that names
// no currency is in that one; a foreign one is better than none.
func (b *builder) ours(amounts []*node) string {
	for _, a := range amounts {
		if c := a.attr("currencyID"); (c == "" || strings.EqualFold(c, b.currency)) && a.value() != "" {
			return a.value()
		}
	}
	if len(amounts) > 0 {
		return amounts[0].value()
	}
	return ""
}

// foreignTax adds the tax total in the currency that taxes are declared in,
// when that differs from the invoice's.
func (b *builder) foreignTax(currency string, amounts []*node) {
	currency = noBlanks(currency)
	if currency == "" || currency == b.currency {
		return
	}
	b.add("tax_currency", doc.Currency, currency)
	for _, a := range amounts {
		if !strings.EqualFold(a.attr("currencyID"), currency) {
			continue
		}
		if f, ok := b.field("tax_total_in_tax_currency", doc.Money, a.value()); ok {
			f.Currency = currency
			b.fields = append(b.fields, f)
			return
		}
	}
}

func (b *builder) ciiTaxes(settlement *node) [][]doc.Field {
	var rows [][]doc.Field
	for _, t := range settlement.all("ApplicableTradeTax") {
		rows = append(rows, b.row(
			cell{"rate", doc.Percent, t.str(ciiRate)},
			cell{"basis", doc.Money, b.ours(t.all("BasisAmount"))},
			cell{"amount", doc.Money, b.ours(t.all("CalculatedAmount"))},
			cell{"category", doc.Identifier, t.str("CategoryCode")},
			cell{"exemption_reason", doc.Text, t.str("ExemptionReason")},
		))
	}
	return rows
}

// ciiAllowances lists the allowances and charges on the whole invoice.
func (b *builder) ciiAllowances(settlement *node) [][]doc.Field {
	var rows [][]doc.Field
	for _, a := range settlement.all("SpecifiedTradeAllowanceCharge") {
		kind := "allowance"
		if isTrue(a.str("ChargeIndicator/Indicator")) {
			kind = "charge"
		}
		rows = append(rows, b.row(
			cell{"kind", doc.Text, kind},
			cell{"amount", doc.Money, a.str("ActualAmount")},
			cell{"percent", doc.Percent, a.str("CalculationPercent")},
			cell{"basis", doc.Money, a.str("BasisAmount")},
			cell{"reason", doc.Text, a.str("Reason|ReasonCode")},
			cell{"tax_rate", doc.Percent, a.str("CategoryTradeTax/" + ciiRate)},
		))
	}
	for _, a := range settlement.all("SpecifiedLogisticsServiceCharge") {
		rows = append(rows, b.row(
			cell{"kind", doc.Text, "charge"},
			cell{"amount", doc.Money, a.str("AppliedAmount")},
			cell{"reason", doc.Text, a.str("Description")},
			cell{"tax_rate", doc.Percent, a.str("AppliedTradeTax/" + ciiRate)},
		))
	}
	return rows
}

func (b *builder) ciiLines(trade *node) [][]doc.Field {
	const net = "SpecifiedLineTradeAgreement|SpecifiedSupplyChainTradeAgreement/NetPriceProductTradePrice/"
	const settle = "SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement/"
	var rows [][]doc.Field
	for _, l := range trade.all("IncludedSupplyChainTradeLineItem") {
		product := l.get("SpecifiedTradeProduct")
		quantity := l.get("SpecifiedLineTradeDelivery|SpecifiedSupplyChainTradeDelivery/BilledQuantity")
		about := l.get("AssociatedDocumentLineDocument")
		description := product.str("Name")
		if description == "" {
			description = product.str("Description")
		}
		rows = append(rows, b.row(
			cell{"pos", doc.Text, about.str("LineID")},
			cell{"kind", doc.Text, strings.ToLower(about.str("LineStatusReasonCode"))},
			cell{"parent", doc.Text, about.str("ParentLineID")},
			cell{"article_no", doc.Text, product.str("SellerAssignedID")},
			cell{"gtin", doc.Identifier, product.str("GlobalID")},
			cell{"description", doc.Text, description},
			cell{"quantity", doc.Number, quantity.value()},
			cell{"unit", doc.Text, quantity.attr("unitCode")},
			cell{"unit_price", doc.Number, b.ours(l.all(net + "ChargeAmount"))},
			cell{"price_quantity", doc.Number, notOne(l.str(net + "BasisQuantity"))},
			cell{"tax_rate", doc.Percent, l.str(settle + "ApplicableTradeTax/" + ciiRate)},
			cell{"line_total", doc.Money, b.ours(l.all(settle + ciiLineSum + "/LineTotalAmount"))},
			cell{"allowances", doc.Money, ciiLineAdjust(l, settle, false)},
			cell{"charges", doc.Money, ciiLineAdjust(l, settle, true)},
			cell{"note", doc.Text, about.join("\n", "IncludedNote/Content")},
		))
	}
	return rows
}

const ciiLineSum = "SpecifiedTradeSettlementLineMonetarySummation|SpecifiedTradeSettlementMonetarySummation"

// ciiLineAdjust sums the allowances or the charges of one line.
func ciiLineAdjust(line *node, settle string, charge bool) string {
	var amounts []string
	for _, a := range line.all(settle + "SpecifiedTradeAllowanceCharge") {
		if isTrue(a.str("ChargeIndicator/Indicator")) == charge {
			amounts = append(amounts, a.str("ActualAmount"))
		}
	}
	return total(amounts)
}

func isTrue(s string) bool { return s == "true" || s == "1" }

// notOne hides the quantity a price is for when that is one, as it nearly always is.
func notOne(quantity string) string {
	if r, ok := decimal(quantity); ok && r.IsInt() && r.Num().Int64() == 1 {
		return ""
	}
	return quantity
}
