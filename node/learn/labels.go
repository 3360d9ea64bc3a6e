package learn

import (
	"regexp"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// labelsOf gives the canonical labels that c says: of the fields it names, and
// when it approves also of all others as they stand.
func labelsOf(r doc.Result, t doc.Type, c doc.Correction, h fields.Hints) (map[string]string, error) {
	labels := map[string]string{}
	for name, v := range c.Fields {
		spec, err := specOf(r, t, name)
		if err != nil {
			return nil, err
		}
		switch {
		case v == nil && spec.Type != doc.Table:
			labels[name] = ""
		case v == nil:
		case spec.Type == doc.Table:
			return nil, doc.Errorf(doc.Invalid, "%s is a table: send its rows under \"rows\"", name)
		case spec.Repeated:
			return nil, doc.Errorf(doc.Invalid, "%s is repeated: send all its values as a list under \"values\"", name)
		default:
			if labels[name], err = canonical(spec, *v, h); err != nil {
				return nil, err
			}
		}
	}
	for name, values := range c.Values {
		spec, err := specOf(r, t, name)
		if err != nil {
			return nil, err
		}
		if _, twice := labels[name]; twice || !spec.Repeated {
			return nil, doc.Errorf(doc.Invalid, "%s: \"values\" is for repeated fields, each named once; send a single value under \"fields\"", name)
		}
		if labels[name], err = canonicals(spec, values, h); err != nil {
			return nil, err
		}
	}
	if !c.Approve {
		return labels, nil
	}
	for _, spec := range t.Fields {
		if _, named := labels[spec.Name]; named || spec.Type == doc.Table {
			continue
		}
		values := r.Values(spec.Name)
		if !spec.Repeated {
			values = values[:min(len(values), 1)]
		}
		labels[spec.Name] = doc.JoinValues(values)
	}
	return labels, nil
}

// canonicals gives the label of a repeated field: its values in canonical form, each once.
func canonicals(spec doc.FieldSpec, values []string, h fields.Hints) (string, error) {
	var out []string
	for _, v := range values {
		value, err := canonical(spec, v, h)
		if err != nil {
			return "", err
		}
		if !slices.Contains(out, value) {
			out = append(out, value)
		}
	}
	return doc.JoinValues(out), nil
}

// specOf gives the spec of a field of t, or of one that a type with open keys
// found by itself.
func specOf(r doc.Result, t doc.Type, name string) (doc.FieldSpec, error) {
	if spec, ok := t.Field(name); ok {
		return spec, nil
	}
	if f := r.Field(name); f != nil {
		return doc.FieldSpec{Name: name, Type: f.Type}, nil
	}
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return doc.FieldSpec{}, doc.Errorf(doc.Invalid, "type %s has no field %q; it has: %s", t.Name, name, strings.Join(names, ", "))
}

// forms says how a value of each type is written, for who wrote it otherwise.
var forms = map[doc.FieldType]string{
	doc.Money: "an amount, as 1234.56", doc.Number: "a number, as 12.5", doc.Percent: "a percentage, as 19 or 7.5",
	doc.Date: "a date, as 2026-11-23", doc.Identifier: "a number or code", doc.IBAN: "an IBAN, as DE89370400440532013000",
	doc.VATID: "a VAT number with its country, as DE123456789", doc.Currency: "a currency, as EUR", doc.Country: "a country, as DE",
	doc.Email: "an e-mail address", doc.Phone: "a phone number",
	doc.Duration: "a span of time, as 18 months",
}

func canonical(spec doc.FieldSpec, v string, h fields.Hints) (string, error) {
	form := forms[spec.Type]
	if form == "" {
		form = "a text"
	}
	value, ok := fields.Canonical(spec.Type, v, h)
	if !ok {
		return "", doc.Errorf(doc.Invalid, "%s: the value is not what the field holds: %s; use null when the document has none", spec.Name, form)
	}
	if spec.Pattern != "" {
		if re, err := regexp.Compile(spec.Pattern); err == nil && !re.MatchString(value) {
			return "", doc.Errorf(doc.Invalid, "%s: the value does not have the form that its type asks for: %s", spec.Name, spec.Pattern)
		}
	}
	return value, nil
}

// vendorOf gives a key for who made a document: what a person said of the seller,
// else what stands at its head.
func vendorOf(t doc.Type, labels map[string]string, reading doc.Reading) string {
	for _, wanted := range []func(doc.FieldSpec) bool{
		func(s doc.FieldSpec) bool { return s.Type == doc.VATID && strings.HasPrefix(s.Hint, "seller") },
		func(s doc.FieldSpec) bool {
			return s.Type == doc.Name && (s.Hint == "top" || strings.HasPrefix(s.Hint, "seller"))
		},
	} {
		for _, s := range t.Fields {
			if v := labels[s.Name]; v != "" && wanted(s) {
				return strings.ReplaceAll(fields.CompareForm(s.Type, v), " ", "")
			}
		}
	}
	return fields.Vendor(reading)
}
