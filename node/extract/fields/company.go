package fields

import (
	"regexp"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// headNames gives the lines at the top of the page that may name the company,
// each with a score.
func (r *reader) headNames(spec doc.FieldSpec) []scored {
	head := r.head()
	first := len(head) // index of the first line of the address
	for i, l := range head {
		if l.kind == addressLine {
			first = i
			break
		}
	}
	var out []scored
	seen := 0
	for i, l := range head {
		if l.kind != plainLine && l.kind != companyLine {
			continue
		}
		text, at := trimName(l)
		if d, n := counts(text); n < 2 || d > n || n < 4 && l.kind == companyLine {
			continue
		}
		s := 0.5 - 0.03*float64(seen)
		seen++
		switch {
		case l.kind == companyLine:
			s += 0.3
		case trade.MatchString(text):
			s += 0.15
		}
		if i > first {
			s -= 0.2
		}
		if i == first-1 {
			s += 0.08
		}
		box := l.row.boxOf(at)
		if tall := float64(box.H()) / float64(r.layout.height[0]); tall > 1.3 {
			s += min(0.12, 0.1*(tall-1))
		}
		whole, k := l, i+1
		for ; k < len(head) && k <= first && whole.kind == plainLine; k++ {
			var ok bool
			if whole, ok = joinLine(whole, head[k]); !ok {
				break
			}
		}
		if k > i+1 && whole.text != l.text {
			out = append(out, r.joined(spec.Type, l, head[k-1], whole, at, clamp(s+0.34)))
		}
		if last, name := r.stack(head, i); last > i && i <= first {
			out = append(out, r.joined(spec.Type, l, head[last], line{row: l.row, at: l.at, text: name}, at, clamp(s+0.12)))
		}
		out = append(out, r.lineValue(spec.Type, l.row, at, text, s))
		for _, c := range l.row.cells {
			if part := l.row.textOf(c); c.to-c.from < l.at.to-l.at.from && hasLetters(part, 4) {
				name, at := trimName(line{row: l.row, at: c, text: part})
				out = append(out, r.lineValue(spec.Type, l.row, at, name, max(s-0.25, anyCompany)))
			}
		}
	}
	out = append(out, r.companies(spec)...)
	out = append(out, r.imprints(spec, imprintScore)...)
	out = append(out, r.senders(spec)...)
	return r.bestOfEach(out)
}

// stackWords is of how many words at most the lines are that one name is set over.
const stackWords = 2

// stack gives the last of the short lines of one size, close over each other, that begin with
// line i, and what they say: a name that is set over several lines.
func (r *reader) stack(head []line, i int) (last int, name string) {
	last = i
	var parts []string
	for k := i; k < len(head) && k < i+nameLines; k++ {
		text, _ := trimName(head[k])
		if d, l := counts(text); head[k].kind != plainLine || len(head[k].row.cells) > 1 || l < 2 || d > 0 || len(strings.Fields(text)) > stackWords || strings.ContainsAny(text, "!?") {
			break
		}
		if k > i {
			above, h := head[k-1].row.box, head[k].row.box.H()
			if 5*h < 4*above.H() || 4*h > 5*above.H() || head[k].row.box[1]-above[3] > h {
				break
			}
		}
		parts, last = append(parts, text), k
	}
	return last, strings.Join(parts, " ")
}

func hasLetters(s string, n int) bool { _, l := counts(s); return l >= n }

// joinLine joins two lines where the second is only the end of a name: the rest
// of an open bracket, what follows an "&", or words such as "TRADING SDN BHD".
func joinLine(a, b line) (line, bool) {
	if b.kind != companyLine && b.kind != plainLine {
		return a, false
	}
	text, _ := trimName(b)
	above := strings.TrimSpace(a.text)
	open := strings.Count(above, "(") > strings.Count(above, ")")
	linked := strings.HasSuffix(above, "&") || strings.HasPrefix(text, "&") || strings.HasSuffix(above, " AND") || strings.HasSuffix(above, "-")
	opening := strings.Count(text, "(") > strings.Count(text, ")") && trade.MatchString(text)
	if !open && !linked && !opening && !(onlyTrade(text) && (b.kind == companyLine || len(strings.Fields(text)) <= 3 && trade.MatchString(text))) {
		return a, false
	}
	a.text, a.kind = above+" "+text, b.kind
	return a, true
}

// joined makes the candidate of lines first to last, whose name is whole.
func (r *reader) joined(ft doc.FieldType, first, last, whole line, at span, score float64) scored {
	name, _ := trimName(whole)
	c := r.lineValue(ft, first.row, at, name, score)
	c.Box = c.Box.Union(last.row.boxOf(last.at))
	return c
}

// onlyTrade says whether nothing but legal forms and words for a kind of
// business are in s.
func onlyTrade(s string) bool {
	rest := trade.ReplaceAllString(legalForm.ReplaceAllString(s, " "), " ")
	_, n := counts(rest)
	return n <= 3
}

// lineValue makes a scored candidate of part of a row.
func (r *reader) lineValue(ft doc.FieldType, rw *row, at span, text string, score float64) scored {
	read := text
	if sourceOf(r.layout.pages[rw.page]) == doc.FromOCR {
		switch ft {
		case doc.Name:
			read = repairName(text)
		case doc.Address:
			read = repairAddress(text, rw.clear(at))
		}
	}
	v, _ := Canonical(ft, read, r.hints)
	c := Candidate{Type: ft, Raw: text, Value: v, Page: rw.page, Row: rw.index, Box: rw.boxOf(at), Conf: rw.confOf(at), at: at}
	return scored{Candidate: c, Features: r.place(c), score: clamp(score * (0.7 + 0.3*c.Conf)), method: "layout"}
}

// longNumber is a registration number behind a legal form.
var longNumber = regexp.MustCompile(`\s[(\[]?[A-Z]{0,3}\d{4,}`)

// endNumber is a registration number at the end of a name.
var endNumber = regexp.MustCompile(`\s+[A-Z]{0,3}\d{5,}\s?-?\s?[A-Z]?$`)

// trimName cuts a registration number and marks off a line that names a company.
func trimName(l line) (string, span) {
	text := strings.TrimSpace(l.text)
	if loc := legalForm.FindStringIndex(text); loc != nil {
		if cut := regNumber.FindStringIndex(text[loc[1]:]); cut != nil {
			text = text[:loc[1]+cut[0]]
		}
	}
	if loc := legalForm.FindStringIndex(text); loc != nil {
		if cut := longNumber.FindStringIndex(text[loc[1]:]); cut != nil {
			text = text[:loc[1]+cut[0]]
		}
		if cut := strings.IndexAny(text[:loc[0]], ":"); cut > 0 {
			text = text[cut+1:] // "owned by: "
		}
	}
	text = bracketNo.ReplaceAllString(text, "")
	text = endNumber.ReplaceAllString(text, "")
	if i := strings.IndexByte(text, ' '); i > 0 {
		if d, n := counts(text[:i]); d > 3 && n == 0 {
			text = text[i+1:]
		}
	}
	text = strings.TrimRight(strings.TrimSpace(text), ",:;-–*|=_~ ")
	text = strings.TrimLeft(text, "*-=_~|.:,;'\"`«»• ")
	at := span{l.at.from, l.at.from}
	for n := len(strings.Fields(text)); at.to < l.at.to && n > 0; at.to++ {
		n -= len(strings.Fields(l.row.tokens[at.to].text))
	}
	if at.to == at.from {
		at = l.at
	}
	return text, at
}
