// Package einvoice reads electronic invoices: ZUGFeRD 1, ZUGFeRD 2 and
// Factur-X, XRechnung in both syntaxes, and any other UN/CEFACT
// CrossIndustryInvoice or UBL Invoice and CreditNote.
//
// It guarantees that a value is exactly what the file says, in canonical form;
// sums are checked and reported, never corrected. It never opens anything the
// file points to, expands no entity and reads no more than a bounded size.
package einvoice

import (
	"errors"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

const ublSpace = "urn:oasis:names:specification:ubl:schema:xsd:"

// Parse reads one e-invoice. It gives the fields (values canonical, Source
// doc.FromXML, Confidence 1), the identifier of the profile the file claims
// (may be empty), and warnings for the user.
//
// Errors are *doc.Error: Invalid with DetailDamaged for bytes that are not
// well-formed XML or over the bounds, and with DetailUnsupported for XML that
// is not an invoice.
func Parse(xml []byte) (fields []doc.Field, profile string, warnings []string, err error) {
	root, err := parseTree(xml)
	if errors.Is(err, errBounds) {
		return nil, "", nil, doc.Unreadable(doc.DetailDamaged, "This XML is larger or more deeply nested than an invoice may be.", err)
	}
	if err != nil {
		return nil, "", nil, doc.Unreadable(doc.DetailDamaged, "This XML file is damaged or cut off.", err)
	}
	root = unwrap(root)
	b := &builder{}
	switch {
	case root == nil:
		return nil, "", nil, doc.Unreadable(doc.DetailUnsupported, "This XML file is not an electronic invoice that Recto knows (CII, ZUGFeRD, Factur-X, XRechnung, UBL).", nil)
	case strings.HasPrefix(root.space, ublSpace):
		profile = root.str("CustomizationID")
		b.ubl(root)
	default:
		profile = root.str("ExchangedDocumentContext|SpecifiedExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID")
		b.cii(root)
	}
	b.check()
	return b.fields, profile, b.warnings, nil
}

// unwrap gives the invoice's own element: the root, or what a Peppol envelope
// (StandardBusinessDocument) holds, or nil.
func unwrap(root *node) *node {
	if isInvoice(root) {
		return root
	}
	if root.name == "StandardBusinessDocument" {
		for _, c := range root.children {
			if isInvoice(c) {
				return c
			}
		}
	}
	return nil
}

func isInvoice(n *node) bool {
	switch n.name {
	case "CrossIndustryInvoice":
		return strings.Contains(n.space, "CrossIndustryInvoice")
	case "CrossIndustryDocument":
		return strings.Contains(n.space, "CrossIndustryDocument")
	case "Invoice", "CreditNote":
		return strings.HasPrefix(n.space, ublSpace)
	}
	return false
}
