package einvoice

import (
	"math/big"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"golang.org/x/text/unicode/norm"
)

// builder collects the fields of one invoice.
type builder struct {
	currency string // of the invoice, ISO 4217
	fields   []doc.Field
	warnings []string
}

// add appends a field unless raw is empty.
func (b *builder) add(name string, t doc.FieldType, raw string) {
	if f, ok := b.field(name, t, raw); ok {
		b.fields = append(b.fields, f)
	}
}

// table appends a table unless it has no rows.
func (b *builder) table(name string, rows [][]doc.Field) {
	if len(rows) == 0 {
		return
	}
	b.fields = append(b.fields, doc.Field{
		Name: name, Type: doc.Table, Rows: rows,
		Confidence: 1, Source: doc.FromXML, Method: "xml",
	})
}

// cell is one named value of a row, before it becomes a field.
type cell struct {
	name string
	kind doc.FieldType
	raw  string
}

// row makes a table row of the cells that hold something.
func (b *builder) row(cells ...cell) []doc.Field {
	var row []doc.Field
	for _, c := range cells {
		if f, ok := b.field(c.name, c.kind, c.raw); ok {
			row = append(row, f)
		}
	}
	return row
}

func (b *builder) field(name string, t doc.FieldType, raw string) (doc.Field, bool) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return doc.Field{}, false
	}
	f := doc.Field{Name: name, Raw: raw, Type: t, Confidence: 1, Source: doc.FromXML, Method: "xml"}
	var ok bool
	f.Value, ok = canonical(t, raw)
	switch {
	case t == doc.IBAN && ok:
		f.Checks = append(f.Checks, "check-digits")
	case t == doc.IBAN:
		f.Type = doc.Identifier // an account number, but no IBAN
		f.FailedChecks = append(f.FailedChecks, "check-digits")
	case !ok:
		f.FailedChecks = append(f.FailedChecks, "format")
	}
	if t == doc.Money || strings.HasSuffix(name, "_price") {
		f.Currency = b.currency
	}
	return f, true
}

// canonical gives raw in the canonical form of t, and whether raw has that form.
func canonical(t doc.FieldType, raw string) (string, bool) {
	switch t {
	case doc.Money:
		r, ok := decimal(raw)
		if !ok {
			return raw, false
		}
		return r.FloatString(2), true
	case doc.Number, doc.Percent:
		r, ok := decimal(raw)
		if !ok {
			return raw, false
		}
		s := r.FloatString(8)
		return strings.TrimSuffix(strings.TrimRight(s, "0"), "."), true
	case doc.Date:
		return isoDate(raw)
	case doc.Identifier, doc.VATID, doc.Currency, doc.Country:
		return noBlanks(raw), true
	case doc.IBAN:
		s := noBlanks(raw)
		return s, doc.ValidIBAN(s)
	}
	return strings.Join(strings.Fields(norm.NFKC.String(raw)), " "), true
}

func noBlanks(s string) string {
	return strings.ToUpper(strings.Join(strings.Fields(norm.NFKC.String(s)), ""))
}

// decimal reads an XML schema decimal of sane length. Exponents and fractions,
// which big.Rat would take, are not decimals (and "1e999999999" is an attack).
func decimal(s string) (*big.Rat, bool) {
	s = strings.TrimSpace(s)
	if len(s) == 0 || len(s) > 40 || strings.Trim(s, "+-.0123456789") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// isoDate reads what stands in e-invoices: UN/CEFACT format 102 (20261123),
// 203 (with time), 610 (month only) and ISO 8601 with or without time and zone.
func isoDate(s string) (string, bool) {
	for _, layout := range []string{"20060102", "2006-01-02", "200601021504", "20060102150405", "2006-01-02Z07:00", "2006-01-02Z", time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format(time.DateOnly), true
		}
	}
	if t, err := time.Parse("200601", s); err == nil {
		return t.Format("2006-01"), true
	}
	return s, false
}
