// Package fields turns words and their places into typed fields.
//
// It owns the canonical form of every field type, the typed candidates found on
// a page, the choice among them by labels, layout and arithmetic, the checks on
// the chosen values, and the recognition of a document's type. All of it is pure:
// a reading and a type in, fields out, no I/O, no clock, no state. It guarantees
// that every value it reports stands on the page it names (or is said to be
// derived), and it never invents a value and never logs document content.
//
// A value goes through four steps: layout (words to rows and cells), candidates
// (typed pieces of text), features (how a candidate stands to a field's labels
// and to the page), and a score: by rules that need no training, and by a model that
// learned from documents whose fields are known, where there is one.
package fields

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/recto-edge/recto/node/doc"
)

// Hints is what the rest of a document says about how its values are written.
// The zero value means that nothing is known.
type Hints struct {
	MonthFirst bool   // 02/03/2026 is February 3rd
	Decimal    byte   // '.' or ',' when the document's amounts settle it
	Currency   string // ISO 4217, for a dollar sign or an amount without one
	Country    string // ISO 3166 alpha-2, for numbers without a prefix

	dollarSigns bool // amounts have a dollar before them
}

// Canonical gives the canonical form of s as a value of type ft, and whether s
// is one at all. Text, names and addresses always are unless they are empty.
func Canonical(ft doc.FieldType, s string, h Hints) (value string, ok bool) {
	switch ft {
	case doc.Money:
		m, ok := parseMoney(s, h)
		return m.value, ok
	case doc.Number:
		return canonicalNumber(s, h)
	case doc.Percent:
		return canonicalPercent(s, h)
	case doc.Date:
		return canonicalDate(s, h)
	case doc.Identifier:
		return canonicalIdentifier(s)
	case doc.IBAN:
		return canonicalIBAN(s)
	case doc.VATID:
		return canonicalVAT(s, h.Country)
	case doc.Currency:
		return canonicalCurrency(s, h)
	case doc.Country:
		return canonicalCountry(s)
	case doc.Email:
		return canonicalEmail(s)
	case doc.Phone:
		return canonicalPhone(s)
	case doc.Duration:
		return canonicalDuration(s)
	case doc.Address:
		v := tidy(strings.ReplaceAll(s, "\n", ", "))
		return v, v != ""
	default:
		v := tidy(s)
		return v, v != ""
	}
}

// CompareForm is the form in which a value and a label are compared when
// extraction is scored: the canonical form, and for text upper case with every
// run of anything but letters and digits as one blank. A value that has no
// canonical form is compared as text.
func CompareForm(ft doc.FieldType, s string) string {
	switch ft {
	case doc.Text, doc.Name, doc.Address, doc.Table:
		return foldText(s)
	case doc.Identifier, doc.IBAN, doc.VATID, doc.Phone:
		return strings.ReplaceAll(foldText(s), " ", "")
	}
	if v, ok := Canonical(ft, s, Hints{}); ok {
		return v
	}
	return foldText(s)
}

// isLabel says whether a value is what a label of the field says: one of its values, where the
// field is repeated.
func isLabel(spec doc.FieldSpec, value, label string) bool {
	return slices.ContainsFunc(spec.Values(label), func(l string) bool { return CompareForm(spec.Type, value) == CompareForm(spec.Type, l) })
}

// tidy brings s to NFKC with single blanks and no blanks at its ends.
func tidy(s string) string {
	return strings.Join(strings.Fields(norm.NFKC.String(s)), " ")
}

// foldText is NFKC in upper case with runs of other than letters and digits as
// one blank.
func foldText(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToUpper(norm.NFKC.String(s)) {
		if !isAlnum(r) {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteRune(r)
	}
	return b.String()
}
