package mrz

import (
	"regexp"
	"strings"
)

// nameField is a surname or the given names and where they stand.
type nameField struct {
	value, raw string
	at         span
}

// names splits the line of names. The French card has the surname in the upper
// and the given names in the lower line.
func (z *zone) names() [2]nameField {
	if z.layout.prefix == "IDFRA" {
		return [2]nameField{z.name(span{0, 5, 30}), z.name(span{1, 13, 27})}
	}
	s := z.layout.names
	text := z.cut(s)
	at := strings.Index(strings.TrimRight(text, "<"), "<<")
	if at < 0 {
		return [2]nameField{z.name(s), {}}
	}
	return [2]nameField{z.name(span{s.line, s.from, s.from + at}), z.name(span{s.line, s.from + at + 2, s.to})}
}

// name reads one name: letters only, fillers are blanks.
func (z *zone) name(s span) nameField {
	raw := strings.TrimRight(z.cut(s), "<")
	s.to = s.from + len(raw)
	value := strings.Join(strings.FieldsFunc(letters(raw), func(r rune) bool { return r == '<' }), " ")
	z.put(s.line, s.from, letters(raw))
	return nameField{value: value, raw: raw, at: s}
}

var (
	// fillerTail is the end of a line of names where fillers were misread: after
	// three fillers nothing but fillers follows.
	fillerTail = regexp.MustCompile(`<<<.*$`)
	// misreadTail is a run at the end in which the letters that fillers are
	// taken for stand in place of most of them.
	misreadTail = regexp.MustCompile(`<[<KCXELS]{4,}$|[KCX]{4,}$`)
)

// cleanNames makes fillers of what follows the names.
func cleanNames(s string) string {
	fill := func(m string) string { return strings.Repeat("<", len(m)) }
	s = misreadTail.ReplaceAllStringFunc(s, func(m string) string {
		if strings.Count(m, "<")*3 < len(m) && strings.Trim(m[1:], "KC") != "" {
			return m // could be a name
		}
		return fill(m)
	})
	return fillerTail.ReplaceAllStringFunc(s, fill)
}
