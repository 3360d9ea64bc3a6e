package fields

import (
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// headAddress joins the lines of the address at the top of the page.
func (r *reader) headAddress(spec doc.FieldSpec) []scored {
	head := r.head()
	var out []scored
	for i := 0; i < len(head); i++ {
		if head[i].kind != addressLine {
			continue
		}
		lines, last := r.gather(head, i)
		if len(lines) == 0 {
			continue
		}
		var parts, values []string
		var c scored
		conf := 1.0
		strength := 0
		for k, l := range lines {
			text := trimAddress(l.text)
			if text == "" {
				continue
			}
			v := r.lineValue(doc.Address, l.row, l.at, text, 0)
			if k == 0 {
				c = v
			}
			parts, values = append(parts, text), append(values, v.Value)
			c.Box = c.Box.Union(v.Box)
			conf = min(conf, v.Conf)
			strength += addressScore(l.text)
		}
		c.Raw = strings.Join(parts, "\n")
		c.Conf = conf
		c.Value, c.lines = joinLines(values), values
		c.score = clamp((0.45 + min(0.3, 0.05*float64(strength)) - 0.02*float64(i)) * (0.7 + 0.3*conf))
		out = append(out, c)
		i = last
	}
	return r.bestOfEach(out)
}

// gather takes the lines of the address that begins at head[from]: up to the
// line with the postcode and a state or country under it, else to the first line
// that is something else.
func (r *reader) gather(head []line, from int) (out []line, last int) {
	coded := false
	for i := from; i < len(head); i++ {
		l := head[i]
		switch {
		case l.kind == contactLine || l.kind == headingLine || l.kind == noiseLine || l.kind == stopLine:
			return out, i
		case coded && l.kind != addressLine && !stateTail.MatchString(l.text) && !r.tail(l, head[i-1]):
			return out, i
		case coded && l.kind == companyLine:
			return out, i
		case l.kind == companyLine: // the name stood under the first lines: begin again behind it
			out = nil
			continue
		}
		if i > from && l.row.box[1]-head[i-1].row.box[3] > 3*r.layout.height[0] {
			return out, i
		}
		out = append(out, l)
		last = i
		if coded = coded || postcode.MatchString(l.text); i > from && bareCode.MatchString(head[i-1].text) {
			coded = true
		}
		if coded && bareCode.MatchString(l.text) && i+1 < len(head) && head[i+1].kind == plainLine {
			coded = false // the place stands on the next line
		}
	}
	return out, last
}

// tail says whether a line under the postcode still belongs to the address: a
// branch in brackets, or the rest of a line that ended in a comma.
func (r *reader) tail(l, before line) bool {
	d, _ := counts(l.text)
	if d > 0 {
		return false
	}
	text := strings.TrimSpace(l.text)
	return strings.HasPrefix(text, "(") && strings.HasSuffix(text, ")") ||
		strings.HasSuffix(strings.TrimSpace(before.text), ",") && len(strings.Fields(text)) <= 3
}

// trimAddress cuts what follows an address on its line: a telephone number.
func trimAddress(s string) string {
	if loc := contact.FindStringIndex(s); loc != nil && loc[0] > 8 {
		s = s[:loc[0]]
	}
	return strings.Trim(strings.TrimSpace(s), "*|=_~;:-– ")
}

// joinLines joins lines with ", " and not with two commas.
func joinLines(lines []string) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteString(", ")
		}
		if i < len(lines)-1 {
			l = strings.TrimRight(l, ", ")
		}
		b.WriteString(tidy(l))
	}
	return b.String()
}
