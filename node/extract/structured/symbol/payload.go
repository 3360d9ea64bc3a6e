package symbol

import (
	"math/big"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Fields reads what the codes of one page mean: the SEPA credit transfer of an
// EPC QR code, the Swiss QR-bill, and GS1 element strings. page is the number
// of the page. Codes with any other text give no fields; they stand in
// doc.Page.Symbols all the same. IBANs, payment references and GTINs carry the
// check check-digits, or have failed it.
func Fields(symbols []doc.Symbol, page int) []doc.Field {
	var out []doc.Field
	for _, s := range symbols {
		r := reading{symbol: s, page: page}
		lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(s.Text, "\r\n", "\n"), "\r", "\n"), "\n")
		switch {
		case lines[0] == "BCD" && len(lines) >= 7:
			r.epc(lines)
		case lines[0] == "SPC" && len(lines) >= 28:
			r.swiss(lines)
		default:
			r.gs1()
		}
		out = append(out, r.fields...)
	}
	return out
}

// reading collects the fields of one code.
type reading struct {
	symbol doc.Symbol
	page   int
	method string
	fields []doc.Field
}

// add appends a field unless value is empty and gives it for more to be said.
func (r *reading) add(name string, kind doc.FieldType, value string) *doc.Field {
	value = strings.TrimSpace(value)
	if value == "" {
		return &doc.Field{}
	}
	box := r.symbol.Box
	f := doc.Field{Name: name, Type: kind, Value: value, Raw: value, Confidence: 0.995, Page: r.page, Box: &box, Source: doc.FromBarcode, Method: r.method}
	switch kind {
	case doc.IBAN, doc.Identifier, doc.VATID:
		f.Value = strings.ToUpper(strings.Join(strings.Fields(value), ""))
	case doc.Text, doc.Name, doc.Address:
		f.Value = strings.Join(strings.Fields(value), " ")
	}
	if kind == doc.IBAN {
		check(&f, "check-digits", doc.ValidIBAN(f.Value))
	}
	r.fields = append(r.fields, f)
	return &r.fields[len(r.fields)-1]
}

func check(f *doc.Field, name string, holds bool) {
	if holds {
		f.Checks = append(f.Checks, name)
		return
	}
	f.FailedChecks = append(f.FailedChecks, name)
	f.Confidence = 0.5
}

// amount adds what is to be paid: the amount due, which most often is the
// gross total too.
func (r *reading) amount(value, currency string) {
	amount, ok := money(value)
	if !ok {
		return
	}
	for name, confidence := range map[string]float64{"due_total": 0.995, "gross_total": 0.9} {
		f := r.add(name, doc.Money, value)
		f.Value, f.Currency, f.Confidence = amount, currency, confidence
	}
}

// money reads a decimal with a point and at most two digits behind it.
func money(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 15 || strings.Trim(s, "0123456789.") != "" {
		return "", false
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return "", false
	}
	return r.FloatString(2), true
}

// line is the n-th element; "" behind the end, where elements may be left out.
func line(lines []string, n int) string {
	if n >= len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[n])
}

// epc reads a SEPA credit transfer (EPC069-12).
func (r *reading) epc(lines []string) {
	r.method = "epc-qr"
	r.add("seller_name", doc.Name, line(lines, 5))
	r.add("iban", doc.IBAN, line(lines, 6))
	r.add("bic", doc.Identifier, line(lines, 4))
	if a := line(lines, 7); len(a) > 3 {
		r.add("currency", doc.Currency, a[:3])
		r.amount(a[3:], a[:3])
	}
	if ref := line(lines, 9); ref != "" {
		f := r.add("payment_reference", doc.Text, ref)
		if strings.HasPrefix(ref, "RF") {
			check(f, "check-digits", creditorReference(ref))
		}
		return
	}
	r.add("payment_reference", doc.Text, line(lines, 10))
}

// swiss reads a QR-bill (Swiss Payment Standards, versions 2.0 to 2.3).
func (r *reading) swiss(lines []string) {
	r.method = "swiss-qr-bill"
	currency := line(lines, 19)
	r.add("iban", doc.IBAN, line(lines, 3))
	r.swissParty("seller", lines, 4)
	r.add("currency", doc.Currency, currency)
	r.amount(line(lines, 18), currency)
	r.swissParty("buyer", lines, 20)
	ref := line(lines, 28)
	f := r.add("payment_reference", doc.Identifier, ref)
	switch line(lines, 27) {
	case "QRR":
		check(f, "check-digits", qrReference(ref))
	case "SCOR":
		check(f, "check-digits", creditorReference(ref))
	}
	r.add("payment_message", doc.Text, line(lines, 29))
	r.swico(line(lines, 31))
}

// swissParty reads a name and an address of seven elements: structured (S), or
// in two lines (K).
func (r *reading) swissParty(who string, lines []string, at int) {
	r.add(who+"_name", doc.Name, line(lines, at+1))
	street := strings.TrimSpace(line(lines, at+2) + " " + line(lines, at+3))
	town := strings.TrimSpace(line(lines, at+4) + " " + line(lines, at+5))
	if line(lines, at) == "K" {
		street, town = line(lines, at+2), line(lines, at+3)
	} else {
		r.add(who+"_postcode", doc.Text, line(lines, at+4))
		r.add(who+"_city", doc.Text, line(lines, at+5))
	}
	r.add(who+"_street", doc.Text, street)
	r.add(who+"_country", doc.Country, line(lines, at+6))
	r.add(who+"_address", doc.Address, strings.Trim(street+", "+town, ", "))
}

// swico reads the billing information S1 of Swico: tags and values between
// slashes; a slash within a value is escaped.
func (r *reading) swico(s string) {
	s, ok := strings.CutPrefix(s, "//S1/")
	if !ok {
		return
	}
	parts := strings.Split(strings.ReplaceAll(s, `\/`, "\x00"), "/")
	for i := 0; i+1 < len(parts); i += 2 {
		value := strings.ReplaceAll(parts[i+1], "\x00", "/")
		switch parts[i] {
		case "10":
			r.add("invoice_number", doc.Identifier, value)
		case "11":
			if t, err := time.Parse("060102", value); err == nil {
				r.add("invoice_date", doc.Date, value).Value = t.Format(time.DateOnly)
			}
		case "20":
			r.add("buyer_reference", doc.Text, value)
		case "30":
			r.add("seller_vat_id", doc.VATID, "CHE"+value)
		}
	}
}

// creditorReference checks an ISO 11649 reference (RF), which is an IBAN's sum.
func creditorReference(s string) bool {
	s = strings.ToUpper(strings.Join(strings.Fields(s), ""))
	if len(s) < 5 || len(s) > 25 || !strings.HasPrefix(s, "RF") {
		return false
	}
	rest := 0
	for _, c := range s[4:] + s[:4] {
		switch {
		case c >= '0' && c <= '9':
			rest = (rest*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1
}

// qrReference checks the 27 digits of a QR reference (modulo 10, recursive).
func qrReference(s string) bool {
	if len(s) != 27 || strings.Trim(s, "0123456789") != "" {
		return false
	}
	table := [10]int{0, 9, 4, 6, 8, 2, 7, 1, 3, 5}
	carry := 0
	for _, c := range s[:26] {
		carry = table[(carry+int(c-'0'))%10]
	}
	return (10-carry)%10 == int(s[26]-'0')
}
