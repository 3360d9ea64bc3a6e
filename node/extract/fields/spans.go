package fields

import (
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Names and addresses at the head of a page are runs of whole lines. Every run
// that could be one is a candidate; what stands before, in and after the run
// tells the right one from the others.

// Bounds of the search for runs of lines.
const (
	headRows     = 24 // rows of the first page that are its head
	nameLines    = 3
	addressLines = 7
)

// spanColumns are the columns of a view that only runs of lines have.
var spanColumns = append([]string{"lines", "first line", "gap before", "gap after", "gap inside", "height first", "height last",
	"address score", "address inside", "address after", "address before", "postcode last", "postcode inside", "postcode after", "state last", "state after",
	"comma end", "comma before", "number first", "number after", "legal last", "legal inside", "trade last", "upper", "digits share", "least conf", "bracket",
	"company above", "names above", "only tail"},
	append(kindColumns("before "), append(kindColumns("first "), append(kindColumns("last "), append(kindColumns("after "), kindColumns("inside ")...)...)...)...)...)

func kindColumns(at string) []string {
	out := []string{}
	for _, k := range []string{"plain", "company", "address", "contact", "heading", "noise", "stop"} {
		out = append(out, at+k)
	}
	return out
}

// headLines gives the rows of the head with their kinds, down to headRows.
func (r *reader) headLines() []line {
	if r.lines != nil {
		return r.lines
	}
	r.lines = []line{}
	for _, rw := range r.layout.rows {
		if rw.page > 0 || len(r.lines) >= headRows {
			break
		}
		ln := line{row: rw, at: span{0, len(rw.tokens)}, text: rw.textOf(span{0, len(rw.tokens)})}
		ln.kind = r.kindOf(ln)
		ln.lineFacts = factsOf(ln.text)
		r.lines = append(r.lines, ln)
	}
	return r.lines
}

// lineFacts is what the patterns say of a line, asked once.
type lineFacts struct {
	score                                        int // what speaks for an address
	postcode, state, number, legal, trade, comma bool
}

func factsOf(text string) lineFacts {
	return lineFacts{addressScore(text), postcode.MatchString(text), stateTail.MatchString(text), startsNo.MatchString(text),
		legalForm.MatchString(text), trade.MatchString(text), strings.HasSuffix(strings.TrimSpace(text), ",")}
}

// runs gives the runs of lines of the head that may be a value of spec; the
// rules have nothing to say about them.
func (r *reader) runs(spec doc.FieldSpec) []scored {
	ls := r.headLines()
	most := nameLines
	if spec.Type == doc.Address {
		most = addressLines
	}
	var out []scored
	for i := range ls {
		strength := 0
		for j := i; j < len(ls) && j < i+most; j++ {
			if j > i && r.gapLines(ls[j-1], ls[j]) > 4 {
				break
			}
			if ls[j].kind == stopLine && spec.Type == doc.Address && ls[j].score < 2 {
				break
			}
			strength += ls[j].score
			if spec.Type == doc.Address && strength < 2 {
				continue
			}
			if c, ok := r.run(spec, ls[i:j+1]); ok {
				out = append(out, c)
			}
		}
	}
	return out
}

func (r *reader) gapLines(a, b line) float64 {
	return float64(b.row.box[1]-a.row.box[3]) / float64(max(1, r.layout.height[0]))
}

// run makes a candidate of whole lines.
func (r *reader) run(spec doc.FieldSpec, ls []line) (scored, bool) {
	var parts, values []string
	var out scored
	for k, l := range ls {
		text := ""
		if spec.Type == doc.Address {
			text = trimAddress(l.text)
		} else if text, _ = trimName(l); len(ls) > 1 && k < len(ls)-1 {
			text = strings.TrimSpace(l.text)
		}
		if text == "" {
			return scored{}, false
		}
		if _, n := counts(text); n < 2 && spec.Type != doc.Address {
			return scored{}, false
		}
		v := r.lineValue(spec.Type, l.row, l.at, text, 0)
		if k == 0 {
			out = v
		}
		parts, values = append(parts, text), append(values, v.Value)
		out.Box = out.Box.Union(v.Box)
		out.Conf = min(out.Conf, v.Conf)
	}
	out.Raw = strings.Join(parts, "\n")
	if spec.Type == doc.Address {
		out.Value, out.lines = joinLines(values), values
	} else {
		out.Value = strings.Join(values, " ")
	}
	out.score, out.WordConf = 0, out.Conf
	return out, true
}

// linesOf finds the lines of the head that a candidate covers.
func linesOf(ls []line, c *scored) (from, to int, ok bool) {
	from = -1
	for i, l := range ls {
		mid := (l.row.box[1] + l.row.box[3]) / 2
		if l.row.index == c.Row || from >= 0 && mid < c.Box[3] {
			if from < 0 {
				from = i
			}
			to = i
		}
	}
	return from, to, from >= 0
}

// spanView gives the columns of spanColumns.
func (r *reader) spanView(c *scored) []float32 {
	x := make([]float32, 0, len(spanColumns))
	put := func(vs ...float32) { x = append(x, vs...) }
	ls := r.headLines()
	from, to, ok := linesOf(ls, c)
	if !ok || c.Page > 0 {
		for range spanColumns {
			put(nan)
		}
		return x
	}
	at := func(i int) (line, bool) {
		if i < 0 || i >= len(ls) {
			return line{kind: -1}, false
		}
		return ls[i], true
	}
	before, hasBefore := at(from - 1)
	after, hasAfter := at(to + 1)
	first, last := ls[from], ls[to]
	gap := func(a, b line, ok bool) float32 {
		if !ok {
			return nan
		}
		return float32(min(r.gapLines(a, b), 20))
	}
	inside, score, names := 0.0, 0, 0
	codeInside, legalInside := false, false
	kinds := [7]float32{}
	for i := from; i <= to; i++ {
		score += ls[i].score
		if i > from {
			inside = max(inside, r.gapLines(ls[i-1], ls[i]))
		}
		if i < to {
			codeInside = codeInside || ls[i].postcode
			legalInside = legalInside || ls[i].legal
		}
		if i > from && i < to {
			kinds[ls[i].kind]++
		}
	}
	companyAbove := false
	for i := 0; i < from; i++ {
		companyAbove = companyAbove || ls[i].kind == companyLine
		if ls[i].kind == plainLine || ls[i].kind == companyLine {
			names++
		}
	}
	h := float64(max(1, r.layout.height[0]))
	put(float32(to-from+1), float32(from), gap(before, first, hasBefore), gap(last, after, hasAfter), float32(min(inside, 20)))
	put(float32(float64(first.row.box.H())/h), float32(float64(last.row.box.H())/h))
	put(float32(score), float32(score)/float32(to-from+1), float32(after.score), float32(before.score))
	put(flag(last.postcode), flag(codeInside), flag(after.postcode))
	put(flag(last.state), flag(after.state))
	put(flag(last.comma), flag(before.comma))
	put(flag(first.number), flag(after.number))
	put(flag(last.legal), flag(legalInside), flag(last.trade))
	d, l := counts(c.Value)
	put(upperShare(c.Value), float32(d)/float32(max(1, d+l)), float32(c.Conf), flag(strings.Count(c.Value, "(") != strings.Count(c.Value, ")")))
	put(flag(companyAbove), float32(names), flag(spanTail(last)))
	for _, s := range []line{before, first, last, after} {
		for k := range 7 {
			put(flag(int(s.kind) == k))
		}
	}
	put(kinds[:]...)
	return x
}

func spanTail(l line) bool { d, _ := counts(l.text); return d == 0 && l.state }

func upperShare(s string) float32 {
	upper, letters := 0, 0
	for _, r := range s {
		switch {
		case r >= 'A' && r <= 'Z':
			upper++
			letters++
		case r >= 'a' && r <= 'z':
			letters++
		}
	}
	return float32(upper) / float32(max(1, letters))
}
