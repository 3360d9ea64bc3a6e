package fields

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
)

// reach is how far below a label its value may stand, in word heights.
const reach = 4

// beside gives the candidates that the label at m points at: to the right of it
// on its row, and below it in its column.
func (r *reader) beside(m labelMatch, spec doc.FieldSpec) []scored {
	var out []scored
	switch {
	case r.inText(m, spec):
		m.sim *= inTextDoubt
	case r.unlabelledBefore(m) > 0:
		m.sim *= partDoubt // "Alt Order #" may be another number than "Order #"
	}
	switch spec.Type {
	case doc.Text, doc.Name, doc.Address, doc.Identifier, doc.Number, doc.Country, doc.Currency:
		if m.at.from > m.row.cells[m.row.tokens[m.at.from].cell].from && !m.edge && (spec.Type == doc.Name || spec.Type == doc.Text) {
			return nil // a word of running text
		}
		right, atRight := r.textRight(m, spec)
		below, under := r.textBelow(m, spec)
		heads := under && spec.Type == doc.Name && speaksOfData(right.Raw) && !speaksOfData(below.Raw) // a row of labels, values under them
		switch {
		case atRight && !heads:
			return append(out, r.variants(m, spec, right, r.labelled(m, right, RightOf, 0))...)
		case under:
			return append(out, r.variants(m, spec, below, r.labelled(m, below, Below, 0))...)
		}
		return out
	case doc.Table:
		return nil
	}
	n := 0
	right := slices.DeleteFunc(r.onRow(m.row.index, spec.Type), func(c Candidate) bool {
		return c.at.to <= m.at.to || c.at.from <= m.at.from || r.otherLabelBetween(m, c) // a sign may end the label and begin the amount
	})
	for _, c := range endOfRange(spec, right) {
		f := r.labelled(m, c, RightOf, n)
		if n == 0 && len(right) > 1 && spec.Hint == "range-end" { // as near to the label as the range
			f.Gap, f.Edge = 1, true
		}
		out = append(out, r.judge(spec, c, f))
		if c.Type != doc.Money || c.Decimals == 2 || c.Currency != "" { // "Total 5 850.00": a count is not in the way
			n++
		}
	}
	if c, ok := r.broken(m, spec); ok && n == 0 {
		return append(out, r.judge(spec, c, r.labelled(m, c, RightOf, 2)))
	}
	if n > 0 && (spec.Type != doc.Money || slices.ContainsFunc(out, func(c scored) bool { return c.Decimals == 2 })) {
		return out
	}
	k := 0
	below := endOfRange(spec, r.columnBelow(m, spec.Type))
	if sums := r.columnSum(m, spec, below); len(sums) > 0 {
		below = append(sums, below...)
	}
	for _, c := range below {
		f := r.labelled(m, c, Below, k)
		if k == 0 {
			f.Gap = min(f.Gap, reach)
		}
		if n > 0 {
			f.Between++
		}
		out = append(out, r.judge(spec, c, f))
		k++
	}
	return out
}

// What remains of a label's fit where it stands in running text, and where another word
// stands before it in its cell.
const (
	inTextDoubt = 0.8
	partDoubt   = 0.9
)

// inText says whether a label that names the document or its date stands in a
// sentence, where it speaks of another document: "refers to invoice 4711 of".
func (r *reader) inText(m labelMatch, spec doc.FieldSpec) bool {
	if m.edge || spec.Type != doc.Identifier && spec.Type != doc.Currency && (spec.Type != doc.Date || spec.Hint != "first") {
		return false
	}
	return r.unlabelledBefore(m) >= 2
}

// unlabelledBefore counts the words before a label in its cell that belong to no label.
func (r *reader) unlabelledBefore(m labelMatch) int {
	before := 0
	for i := m.row.cells[m.row.tokens[m.at.from].cell].from; i < m.at.from; i++ {
		labelled := slices.ContainsFunc(r.onLabels(m.row), func(o labelMatch) bool { return o.at.from <= i && i < o.at.to })
		if !labelled && m.row.tokens[i].squash != "" {
			before++
		}
	}
	return before
}

// endOfRange puts the second of two dates first for a field that is the end of a
// range ("10/13/20 - 10/19/20").
func endOfRange(spec doc.FieldSpec, cs []Candidate) []Candidate {
	if spec.Hint == "range-end" && len(cs) > 1 && cs[0].Row == cs[1].Row {
		cs[0], cs[1] = cs[1], cs[0]
	}
	return cs
}

var (
	ibanShape = regexp.MustCompile(`^[A-Z]{2}\d{2}[A-Z0-9]{8,30}`)
	vatShape  = regexp.MustCompile(`^[A-Z]{2,3}[A-Z0-9]*\d[A-Z0-9]{5,14}$`)
)

// broken makes a candidate of what stands behind the label of an IBAN or a VAT
// number though it does not have the form of one: the check will say so, and a
// person sees what was read.
func (r *reader) broken(m labelMatch, spec doc.FieldSpec) (Candidate, bool) {
	if !(spec.Type == doc.IBAN && strings.HasSuffix(m.form, "iban") || spec.Type == doc.VATID && m.edge && m.sim == 1) {
		return Candidate{}, false
	}
	text := spec
	text.Type = doc.Text
	c, ok := r.textRight(m, text)
	if !ok && spec.Type == doc.IBAN {
		c, ok = r.textBelow(m, text)
	}
	if !ok {
		return Candidate{}, false
	}
	c.Type = spec.Type
	if spec.Type == doc.VATID {
		c.Value = vatShape.FindString(compact(c.Raw))
		return c, c.Value != ""
	}
	c.Value = ibanShape.FindString(compact(c.Raw))
	if n := ibanLength[c.Value[:min(2, len(c.Value))]]; n > 0 && n < len(c.Value) {
		c.Value = c.Value[:n] // the next word stood close
	}
	return c, c.Value != ""
}

// onRow gives the candidates of a type on a row, left to right.
func (r *reader) onRow(row int, ft doc.FieldType) []Candidate {
	var out []Candidate
	for _, c := range r.byRow[row] {
		if c.Type == ft {
			out = append(out, c)
		}
	}
	return out
}

// otherLabelBetween says whether a label of another field of the same type
// stands between the label and the candidate: then it is that one's value.
func (r *reader) otherLabelBetween(m labelMatch, c Candidate) bool {
	return slices.ContainsFunc(r.onLabels(m.row), func(o labelMatch) bool {
		return o.field != m.field && o.at.from >= m.at.to && o.at.to <= c.at.from &&
			r.fields[o.field].Type == r.fields[m.field].Type
	})
}

// columnBelow gives candidates in the label's column, nearest row first, up to
// the first row that has one.
func (r *reader) columnBelow(m labelMatch, ft doc.FieldType) []Candidate {
	lb := m.row.boxOf(m.at)
	h := r.layout.height[m.row.page]
	var out []Candidate
	for _, b := range r.layout.below(m.row, 4) {
		if b.box[1]-lb[3] > reach*h {
			break
		}
		for _, c := range r.onRow(b.index, ft) {
			if c.Box[1] >= lb[1] && c.Box[0] < lb[2]+h && c.Box[2] > lb[0]-h {
				out = append(out, c)
			}
		}
		if len(out) > 0 {
			break
		}
	}
	return out
}

var sumRow = regexp.MustCompile(`(?i)^\W*(totals?|grand total|sum|summen?|gesamt|insgesamt|somme|totaux|totale?|totaal|suma)\b`)

// columnSum gives the amount in the row of totals under a column's heading, when
// the rows under it are those of a table.
func (r *reader) columnSum(m labelMatch, spec doc.FieldSpec, first []Candidate) []Candidate {
	if spec.Type != doc.Money || spec.Hint != "largest" || len(first) == 0 {
		return nil
	}
	lb := first[0].Box.Union(m.row.boxOf(m.at))
	for _, b := range r.layout.below(r.layout.rows[first[0].Row], 40) {
		if !sumRow.MatchString(b.text) {
			continue
		}
		for _, c := range r.onRow(b.index, doc.Money) {
			if c.Decimals == 2 && c.Box[0] < lb[2] && c.Box[2] > lb[0] {
				return []Candidate{c}
			}
		}
	}
	return nil
}

// textRight makes a candidate of what follows the label: the rest of its cell,
// else the next cell.
func (r *reader) textRight(m labelMatch, spec doc.FieldSpec) (Candidate, bool) {
	row := m.row
	from := m.at.to
	for from < len(row.tokens) && !hasAlnum(row.tokens[from].text) {
		from++
	}
	if from >= len(row.tokens) {
		return Candidate{}, false
	}
	if strings.ContainsAny(row.textOf(span{m.at.to, from}), "©®") {
		return Candidate{}, false
	}
	gap := row.tokens[from].box[0] - row.tokens[from-1].box[2]
	if gap > r.farRight(m) && row.tokens[from].cell != row.tokens[m.at.to-1].cell {
		return Candidate{}, false
	}
	to := row.cells[row.tokens[from].cell].to
	inCell := row.tokens[from].cell == row.tokens[m.at.to-1].cell
	if inCell && otherLabel(row.textOf(span{from, to}), spec.Type) {
		return Candidate{}, false
	}
	if strings.HasSuffix(row.tokens[to-1].text, ":") && to-from <= 3 || spec.Type == doc.Identifier && numberMark.MatchString(row.tokens[to-1].text) ||
		inCell && named.MatchString(row.textOf(span{from, to})) {
		// a second label, such as "Name:", stands between, or the rest of this one: the value is behind it
		if to >= len(row.tokens) {
			return Candidate{}, false
		}
		from, to = to, row.cells[row.tokens[to].cell].to
	}
	return r.textCandidate(row, span{from, r.beforeLabel(row, from, to)}, spec)
}

var (
	named     = regexp.MustCompile(`(?i)^name\W*$`)
	otherEnds = regexp.MustCompile(`(?i)^(external )?(code|ref|reference|id|nr|no\.|number|num|type|class|category|group|kennung|nummer|kürzel)\W*$`)
)

// otherLabel says whether what stands behind a label makes it another one: "Advertiser Code"
// is no label of the advertiser's name.
func otherLabel(rest string, ft doc.FieldType) bool {
	return (ft == doc.Name || ft == doc.Text) && otherEnds.MatchString(rest)
}

var dataWord = regexp.MustCompile(`(?i)\b(date|datum|period|revision|number|no\.|nr\.|code)(\W|$)|#`)

// speaksOfData says whether a text reads like the label of something else than a name.
func speaksOfData(s string) bool { return dataWord.MatchString(s) }

// farRight is how far to the right of a label its value may begin, in pixels: a
// label with a colon, or alone in its cell, points across a form.
func (r *reader) farRight(m labelMatch) int {
	h := r.layout.height[m.row.page]
	if m.edge {
		w, _ := r.extent(r.layout.pages[m.row.page])
		return max(25*h, w*9/20)
	}
	return 25 * h
}

// beforeLabel cuts a span where the next label begins.
func (r *reader) beforeLabel(row *row, from, to int) int {
	for _, o := range r.onLabels(row) {
		if o.at.from >= from && o.at.from < to && (o.edge || o.at.from == from) {
			to = o.at.from
		}
	}
	return to
}

// textBelow makes a candidate of the cell under the label.
func (r *reader) textBelow(m labelMatch, spec doc.FieldSpec) (Candidate, bool) {
	lb := m.row.boxOf(m.at)
	h := r.layout.height[m.row.page]
	for _, b := range r.layout.below(m.row, 3) {
		if b.box[1]-lb[3] > reach*h {
			return Candidate{}, false
		}
		for _, cell := range b.cells {
			box := b.boxOf(cell)
			if box[0] < lb[2] && box[2] > lb[0] && box[0] > lb[0]-4*h && box[1] >= lb[1]+h/2 {
				to := r.beforeLabel(b, cell.from, cell.to)
				if to == cell.from {
					return Candidate{}, false
				}
				return r.textCandidate(b, span{cell.from, to}, spec)
			}
		}
	}
	return Candidate{}, false
}

// textCandidate makes a candidate of the tokens in s, cut to the form of spec.
func (r *reader) textCandidate(row *row, s span, spec doc.FieldSpec) (Candidate, bool) {
	for s.from < s.to && !hasAlnum(row.tokens[s.from].text) && !strings.HasPrefix(row.tokens[s.from].text, "(") {
		s.from++
	}
	if s.from >= s.to {
		return Candidate{}, false
	}
	switch spec.Type {
	case doc.Identifier:
		if kindCode.MatchString(row.tokens[s.from].text) && s.to > s.from+1 && !r.fits(spec, strings.Trim(row.tokens[s.from].text, "()")) || spec.Pattern == "" && kindCode.MatchString(row.tokens[s.from].text) {
			s.from = min(s.from+1, s.to-1) // "Rechnung (380) Nr. 4711"
		}
		s = identifierSpan(row, s)
	case doc.Number, doc.Currency, doc.Country:
		s.to = min(s.to, s.from+2)
	}
	raw := row.textOf(s)
	text := strings.TrimLeft(raw, ":;.,#*= ")
	if spec.Type == doc.Identifier && spec.Pattern == "" {
		text = bareIdentifier(text)
	}
	v, ok := Canonical(spec.Type, text, r.hints)
	_, isLabel := r.labels.exact[squash(raw)]
	if !ok || isLabel || strings.HasSuffix(raw, ":") || isSentence(row, s, spec) {
		return Candidate{}, false
	}
	if spec.Type == doc.Identifier && (strings.HasSuffix(raw, "%") || spec.Pattern == "" && !looksLikeIdentifier(v) && !codeWord(row, s)) {
		return Candidate{}, false
	}
	return Candidate{Type: spec.Type, Raw: raw, Value: v, Page: row.page, Row: row.index,
		Box: row.boxOf(s), Conf: row.confOf(s), at: s}, true
}

// isSentence tells running text from a value of a name or a short text.
func isSentence(row *row, s span, spec doc.FieldSpec) bool {
	if spec.Type != doc.Name && spec.Type != doc.Text {
		return false
	}
	first := []rune(row.tokens[s.from].text)[0]
	return s.to-s.from > 10 || s.to-s.from > 3 && unicode.IsLower(first)
}
