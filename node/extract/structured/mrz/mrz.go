// Package mrz reads the machine readable zone of passports, visas and identity
// cards (ICAO 9303: TD1, TD2, TD3, MRV-A, MRV-B, and the French card of before
// 2021) from words that OCR has read.
//
// OCR reads such zones badly: it loses count of fillers and confuses letters
// with digits. The package aligns and repairs lines by their check digits and
// says of each field whether its digit holds. It guarantees that a field with
// the check "check-digit" agrees with the digit printed; it never invents a
// zone: without dates or numbers that hold there is none.
package mrz

import (
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Read finds the zone on pages and gives its fields: document_type, country,
// number, nationality, birth_date, sex, expiry_date, surname, given_names,
// optional_data, personal_number, mrz_format (TD1 …) and mrz, the zone itself. False means that no
// zone was found.
//
// Value of a date is ISO 8601, Raw is as it stands in the zone. The zone has
// no century: an expiry of 00 to 69 is taken for 20xx, of 70 to 99 for 19xx;
// a birth is the latest date at least a year before the expiry. Sex is M, F or
// "<" for unspecified. Of several zones the one that holds best is given.
func Read(pages []doc.Page) ([]doc.Field, bool) {
	best := zone{score: -1}
	for _, p := range pages {
		lines := candidates(p)
		for i := range lines {
			for _, l := range layouts {
				if i+l.lines > len(lines) || !together(lines[i:i+l.lines]) {
					continue
				}
				if z, ok := readZone(lines[i:i+l.lines], l, p.Number); ok && z.score > best.score {
					best = z
				}
			}
		}
	}
	if best.score < 0 {
		return nil, false
	}
	return best.fields(), true
}

// Band says where on a page a zone seems to be, so that the reader can look
// there again with more pixels: all neighbouring lines that have a zone's
// characters, with a margin. False when no line has.
func Band(p doc.Page) (doc.Box, bool) {
	lines := candidates(p)
	var band doc.Box
	height := 0
	for i, l := range lines {
		if strings.Count(l.text, "<") >= 2 {
			if height == 0 || together(lines[i-1:i+1]) {
				band = band.Union(l.box)
			} else {
				band = l.box // the zone is the last thing on a document
			}
			height = max(height, l.box.H())
		}
	}
	if height == 0 {
		return doc.Box{}, false
	}
	side := max(band.W()/12, 2*height) // runs of fillers at the end are easily lost
	return doc.Box{max(band[0]-side, 0), max(band[1]-3*height, 0), min(band[2]+side, p.Width), min(band[3]+3*height, p.Height)}, true
}

// together says whether lines stand one below the other without much between.
func together(lines []textLine) bool {
	for i := 1; i < len(lines); i++ {
		a, b := lines[i-1].box, lines[i].box
		if gap := (b[1]+b[3])/2 - (a[1]+a[3])/2; gap <= 0 || gap > 4*max(a.H(), b.H()) {
			return false
		}
		if b[0] > a[2] || a[0] > b[2] {
			return false
		}
	}
	return true
}

// fields makes the fields of a zone.
func (z *zone) fields() []doc.Field {
	var out []doc.Field
	add := func(f doc.Field, s span) {
		if f.Value == "" {
			return
		}
		b := z.box(s)
		f.Page, f.Box, f.Source, f.Method = z.page, &b, doc.FromMRZ, "checksum"
		out = append(out, f)
	}
	head := z.lines[0]
	code, isKnown := country(head[2:5])
	z.put(0, 2, fit(code, 3))
	kind := letters(head[:2])
	if kind[0] == 'P' && strings.Contains("KCX", kind[1:]) {
		kind = "P<" // a filler misread: no passport is of these kinds
	}
	if kind == "IO" || kind == "IQ" {
		kind = "ID" // the commonest kind of card
	}
	z.put(0, 0, kind)
	add(doc.Field{Name: "document_type", Type: doc.Identifier, Value: strings.TrimRight(kind, "<"), Raw: head[:2], Confidence: z.sure(0, 0.95)}, span{0, 0, 2})
	add(doc.Field{Name: "country", Type: doc.Identifier, Value: code, Raw: head[2:5], Confidence: z.sure(0, sureCode(isKnown))}, span{0, 2, 5})
	for _, p := range z.layout.parts {
		add(z.field(p), span{p.line, p.from, p.to})
	}
	names := z.names()
	for i, name := range []string{"surname", "given_names"} {
		add(doc.Field{Name: name, Type: doc.Name, Value: names[i].value, Raw: names[i].raw, Confidence: z.sure(names[i].at.line, 0.95)}, names[i].at)
	}
	add(doc.Field{Name: "mrz_format", Type: doc.Identifier, Value: z.layout.name, Confidence: z.sure(0, 0.95)}, span{0, 0, z.layout.width})
	whole := doc.Field{Name: "mrz", Type: doc.Text, Value: strings.Join(z.lines, "\n"), Raw: strings.Join(z.raw, "\n"), Confidence: z.sure(0, 0.9)}
	if z.composite {
		whole.Checks = []string{"composite-check-digit"}
	} else if len(z.layout.composite) > 0 {
		whole.FailedChecks = []string{"composite-check-digit"}
	}
	add(whole, span{0, 0, z.layout.width})
	if n := len(out) - 1; n >= 0 && out[n].Name == "mrz" {
		for _, l := range z.at {
			*out[n].Box = out[n].Box.Union(l.box)
		}
	}
	return out
}

// field makes the field of one part.
func (z *zone) field(p part) doc.Field {
	raw := z.raw[p.line][p.from:p.to]
	f := doc.Field{Name: p.name, Type: doc.Identifier, Raw: strings.TrimRight(raw, "<"), Value: bare(z.lines[p.line][p.from:p.to])}
	c, isChecked := z.checks[p.name]
	switch {
	case isChecked:
		f.Value = bare(c.value)
		if p.date {
			f.Type, f.Value = doc.Date, z.date(p.name, c.value)
		}
		f.Confidence = sureChecked(c)
		if z.edited[p.line] && !p.date {
			f.Confidence = min(f.Confidence, 0.6) // another edit could make the digit hold as well
		}
		if c.ok {
			f.Checks = []string{"check-digit"}
		} else {
			f.FailedChecks = []string{"check-digit"}
		}
		for _, o := range c.others {
			if len(f.Alternatives) < 3 {
				f.Alternatives = append(f.Alternatives, doc.Alternative{Value: bare(o), Confidence: f.Confidence / float64(len(c.others)+1)})
			}
		}
	case p.name == "sex":
		f.Type, f.Raw = doc.Text, raw
		f.Value, f.Confidence = sex(raw), z.sure(p.line, 0.97)
		z.put(p.line, p.from, f.Value)
	case p.code:
		code, ok := country(raw)
		f.Value, f.Confidence = code, z.sure(p.line, sureCode(ok))
		z.put(p.line, p.from, fit(code, p.to-p.from))
	case z.composite:
		f.Confidence, f.Checks = 0.97, []string{"composite-check-digit"}
	default:
		f.Confidence = z.sure(p.line, 0.8)
	}
	return f
}

// sure is a confidence for what no digit checks: what the reader said of the
// line, no more than most.
func (z *zone) sure(line int, most float64) float64 {
	return max(0, min(most, z.at[line].confidence))
}

func sureCode(known bool) float64 {
	if known {
		return 0.97
	}
	return 0.7
}

// sureChecked is the confidence of a field with a check digit: one in ten
// wrong readings passes it, and more when characters were exchanged.
func sureChecked(c checked) float64 {
	switch {
	case !c.ok:
		return 0.3
	case c.repairs == 0:
		return 0.995
	case c.doubt:
		return 0.5
	case len(c.others) > 0:
		return 0.8
	}
	return 0.95 - 0.05*float64(c.repairs-1)
}

// bare is a value without its fillers at the ends; inside they become blanks,
// which identifiers do without.
func bare(s string) string { return strings.ReplaceAll(s, "<", "") }

func sex(raw string) string {
	switch raw {
	case "M", "N", "H", "W":
		return "M"
	case "F", "E", "P":
		return "F"
	}
	return "<"
}

// date is a zone's date as ISO 8601, as much of it as is known.
func (z *zone) date(name, s string) string {
	if !isDate(s) || s[:2] == "<<" || strings.Contains(s[:2], "<") {
		return ""
	}
	year := 2000 + int(s[0]-'0')*10 + int(s[1]-'0')
	if name == "expiry_date" {
		if s[:2] >= "70" {
			year -= 100
		}
	} else if year >= z.endYear() {
		year -= 100
	}
	parts := []string{itoa(year), s[2:4], s[4:6]}
	if i := slices.Index(parts, "<<"); i > 0 {
		parts = parts[:i]
	}
	return strings.Join(parts, "-")
}

// endYear is the year before which the holder was born: that of the expiry, or
// of issue for the French card, whose number begins with it.
func (z *zone) endYear() int {
	if c, ok := z.checks["expiry_date"]; ok && isDate(c.value) && c.value[:2] != "<<" {
		year := 2000 + int(c.value[0]-'0')*10 + int(c.value[1]-'0')
		if c.value[:2] >= "70" {
			year -= 100
		}
		return year
	}
	if c := z.checks["number"]; z.layout.prefix != "" && len(c.value) > 2 {
		if d := digits(c.value[:2]); strings.Trim(d, "0123456789") == "" {
			year := 2000 + int(d[0]-'0')*10 + int(d[1]-'0')
			if d >= "70" {
				year -= 100
			}
			return year
		}
	}
	return 2020
}

func itoa(year int) string {
	return string([]byte{byte('0' + year/1000), byte('0' + year/100%10), byte('0' + year/10%10), byte('0' + year%10)})
}
