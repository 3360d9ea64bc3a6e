package symbol

import (
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// element is a GS1 application identifier: its field, and the length of its
// value: exact, or at most when it ends with a group separator.
type element struct {
	name     string
	kind     doc.FieldType
	length   int
	variable bool
	decimals bool // the fourth digit of the identifier says how many
}

var elements = map[string]element{
	"00": {name: "sscc", kind: doc.Identifier, length: 18}, "01": {name: "gtin", kind: doc.Identifier, length: 14}, "02": {name: "content_gtin", kind: doc.Identifier, length: 14},
	"10": {name: "batch_number", kind: doc.Text, length: 20, variable: true}, "11": {name: "production_date", kind: doc.Date, length: 6},
	"12": {name: "due_date", kind: doc.Date, length: 6}, "13": {name: "packaging_date", kind: doc.Date, length: 6}, "15": {name: "best_before_date", kind: doc.Date, length: 6},
	"17": {name: "expiry_date", kind: doc.Date, length: 6}, "20": {name: "variant", kind: doc.Text, length: 2}, "21": {name: "serial_number", kind: doc.Text, length: 20, variable: true},
	"30": {name: "quantity", kind: doc.Number, length: 8, variable: true}, "37": {name: "quantity", kind: doc.Number, length: 8, variable: true},
	"310": {name: "net_weight_kg", kind: doc.Number, length: 6, decimals: true}, "320": {name: "net_weight_lb", kind: doc.Number, length: 6, decimals: true},
	"330": {name: "gross_weight_kg", kind: doc.Number, length: 6, decimals: true},
	"390": {name: "due_total", kind: doc.Money, length: 15, variable: true, decimals: true}, "392": {name: "price", kind: doc.Money, length: 15, variable: true, decimals: true},
	"240": {name: "article_no", kind: doc.Text, length: 30, variable: true}, "241": {name: "customer_article_no", kind: doc.Text, length: 30, variable: true},
	"400": {name: "order_reference", kind: doc.Text, length: 30, variable: true}, "401": {name: "consignment", kind: doc.Text, length: 30, variable: true}, "402": {name: "shipment", kind: doc.Text, length: 17},
	"410": {name: "ship_to_gln", kind: doc.Identifier, length: 13}, "412": {name: "supplier_gln", kind: doc.Identifier, length: 13}, "414": {name: "location_gln", kind: doc.Identifier, length: 13},
	"415": {name: "biller_gln", kind: doc.Identifier, length: 13}, "420": {name: "ship_to_postcode", kind: doc.Text, length: 20, variable: true},
	"8008": {name: "production_time", kind: doc.Text, length: 12, variable: true}, "8020": {name: "payment_reference", kind: doc.Text, length: 25, variable: true},
}

// gs1 reads an element string. A code says by its kind, a separator or its
// brackets that it holds one; then all of it must be made of known elements,
// or none of it counts.
func (r *reading) gs1() {
	text := r.symbol.Text
	marked := strings.Contains(text, "\x1d") || strings.HasPrefix(r.symbol.Format, "gs1_") || strings.HasPrefix(r.symbol.Format, "databar")
	for _, prefix := range []string{"]C1", "]d2", "]Q3", "]e0"} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			text, marked = rest, true
		}
	}
	if strings.HasPrefix(text, "(") {
		text, marked = strings.ReplaceAll(strings.ReplaceAll(text[1:], "(", "\x1d"), ")", ""), true
	}
	if !marked {
		return
	}
	r.method = "gs1"
	for text = strings.Trim(text, "\x1d"); text != ""; text = strings.TrimPrefix(text, "\x1d") {
		rest, ok := r.element(text)
		if !ok {
			r.fields = nil
			return
		}
		text = rest
	}
}

// element takes the first element off text.
func (r *reading) element(text string) (rest string, ok bool) {
	var e element
	n := 2
	for ; n <= 4 && n <= len(text); n++ {
		if e, ok = elements[text[:n]]; ok {
			break
		}
	}
	if !ok {
		return "", false
	}
	places := -1
	if e.decimals {
		if n >= len(text) || text[n] < '0' || text[n] > '9' {
			return "", false
		}
		places = int(text[n] - '0')
		n++
	}
	value := text[n:]
	if e.variable {
		value, _, _ = strings.Cut(value, "\x1d")
	} else if len(value) >= e.length {
		value = value[:e.length]
	}
	if value == "" || len(value) > e.length || !e.variable && len(value) < e.length {
		return "", false
	}
	return text[n+len(value):], r.addElement(e, value, places)
}

// addElement adds the field of an element; false when its value has not the
// form that the element needs.
func (r *reading) addElement(e element, value string, places int) bool {
	isNumber := strings.Trim(value, "0123456789") == ""
	switch e.kind {
	case doc.Date:
		day := value
		if strings.HasSuffix(value, "00") {
			day = value[:4] + "01"
		}
		t, err := time.Parse("060102", day)
		if err != nil {
			return false
		}
		if strings.HasSuffix(value, "00") { // the month only: its last day counts
			t = t.AddDate(0, 1, -1)
		}
		r.add(e.name, doc.Date, value).Value = t.Format(time.DateOnly)
	case doc.Number, doc.Money:
		if !isNumber || places > len(value) {
			return false
		}
		f := r.add(e.name, e.kind, value)
		if places > 0 {
			f.Value = value[:len(value)-places] + "." + value[len(value)-places:]
		}
		f.Value = strings.TrimLeft(f.Value, "0")
		if f.Value == "" || f.Value[0] == '.' {
			f.Value = "0" + f.Value
		}
		if e.kind == doc.Money {
			f.Value, _ = money(f.Value)
		}
	case doc.Identifier:
		if !isNumber {
			return false
		}
		check(r.add(e.name, e.kind, value), "check-digits", gs1Check(value))
	default:
		r.add(e.name, e.kind, value)
	}
	return true
}

// gs1Check verifies the last digit of a GTIN, SSCC or GLN (weights 3 and 1).
func gs1Check(s string) bool {
	sum := 0
	for i := range len(s) - 1 {
		weight := 3
		if (len(s)-i)%2 == 1 {
			weight = 1
		}
		sum += weight * int(s[i]-'0')
	}
	return (10-sum%10)%10 == int(s[len(s)-1]-'0')
}
