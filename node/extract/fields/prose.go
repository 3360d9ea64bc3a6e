package fields

import (
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Contracts, judgments and letters say in sentences what forms say in cells: a value follows the
// words that announce it, over the ends of lines ("is made as of the 16th day of | July, 2002 by
// and between"), or stands before the term that it defines ("Palm, Inc. (the “Company”)"). Fields
// with the hint "prose" are looked for there.

// prose is the running text of a document, its words in the order of reading.
type prose struct {
	text  string
	lower string // in small letters, to see soon that a label is not there
	words []proseWord
}

// proseWord is where a word of prose stands: byte offset in the text, and the token.
type proseWord struct {
	start int
	row   *row
	token int
}

// What stands more than so many word heights beside a word is in another column, and a line that
// is so many lines further down than is usual on its page begins another paragraph. In the text they have
// marks for blanks, that of a paragraph also for patterns.
const (
	columnGap     = 5
	paragraphGap  = 0.6
	columnMark    = "\v"
	paragraphMark = "\f"
	blanks        = " \v\f"
)

// prose gives the running text; it is made once.
func (r *reader) prose() *prose {
	if r.running != nil {
		return r.running
	}
	p := &prose{}
	var b strings.Builder
	var above *row
	pitch := map[int]int{}
	for i, rw := range r.layout.rows {
		if r.numbersPage(i) {
			continue
		}
		apart := false
		if above != nil && above.page == rw.page {
			if pitch[rw.page] == 0 {
				pitch[rw.page] = r.linePitch(rw.page)
			}
			apart = float64(rw.box[3]-above.box[3]) > (1+paragraphGap)*float64(pitch[rw.page])
		}
		above = rw
		for k, t := range rw.tokens {
			switch {
			case k > 0 && t.box[0]-rw.tokens[k-1].box[2] > columnGap*r.layout.height[rw.page]:
				b.WriteString(columnMark)
			case k == 0 && apart:
				b.WriteString(paragraphMark)
			case b.Len() > 0:
				b.WriteByte(' ')
			}
			p.words = append(p.words, proseWord{b.Len(), rw, k})
			b.WriteString(t.text)
		}
	}
	p.text = b.String()
	p.lower = strings.ToLower(p.text)
	r.running = p
	return p
}

// linePitch is the usual distance of the lines of a page, pixels: where many stand apart, a small one.
func (r *reader) linePitch(page int) int {
	var ds []int
	first, last := r.rowsOfPage(page)
	for i := first + 1; i <= last; i++ {
		if d := r.layout.rows[i].box[3] - r.layout.rows[i-1].box[3]; d > 0 {
			ds = append(ds, d)
		}
	}
	if len(ds) == 0 {
		return r.layout.height[page]
	}
	slices.Sort(ds)
	return ds[len(ds)*3/10]
}

var pageNumber = regexp.MustCompile(`(?i)^\W*(page|seite|p\.)?\W*\d{1,3}\W*((of|von|/)\W*\d{1,3}\W*)?$`)

// numbersPage says whether row i is the number of its page, which stands in the middle of a sentence
// that goes on.
func (r *reader) numbersPage(i int) bool {
	rows, page := r.layout.rows, r.layout.rows[i].page
	edge := i == 0 || rows[i-1].page != page || i+1 == len(rows) || rows[i+1].page != page
	return edge && pageNumber.MatchString(rows[i].text)
}

// candidate makes the candidate of a part of the text. It stands where its first line does, and its
// box covers what of it is on that page.
func (p *prose) candidate(r *reader, ft doc.FieldType, start, end int, value string) Candidate {
	from := max(sort.Search(len(p.words), func(i int) bool { return p.words[i].start > start })-1, 0)
	to := from
	c := Candidate{Type: ft, Raw: plainBlanks.Replace(p.text[start:end]), Value: value, Conf: 1}
	first := p.words[from]
	c.Page, c.Row, c.at = first.row.page, first.row.index, span{first.token, first.token + 1}
	for ; to < len(p.words) && p.words[to].start < end; to++ {
		w := p.words[to]
		t := w.row.tokens[w.token]
		if w.row.page == c.Page {
			c.Box = c.Box.Union(t.box)
		}
		if w.row == first.row {
			c.at.to = w.token + 1
		}
		c.Conf = min(c.Conf, t.conf)
	}
	if ft == doc.Date {
		c.Decimals = yearDigits(c.Raw, value)
	}
	return c
}

var plainBlanks = strings.NewReplacer(columnMark, " ", paragraphMark, " ")

// announced is a place where the label of a field announces a value in prose.
type announced struct {
	label
	start, end int
	defined    bool // the label is a defined term, and the value stands before it
}

// isTerm says whether a label is given as a defined term: "(Company)".
func isTerm(label string) bool { return strings.HasPrefix(label, "(") && strings.HasSuffix(label, ")") }

// announcements finds the labels of field i, in the order of the text. Of labels that overlap the
// longest counts: "laws of the State of" and not "laws of".
func (r *reader) announcements(i int, spec doc.FieldSpec) []announced {
	p := r.prose()
	var out []announced
	rank := 0
	for _, l := range spec.Labels {
		no := strings.HasPrefix(l, "!")
		words := strings.Fields(strings.Trim(l, "!()"))
		if len(words) == 0 {
			continue
		}
		present := true
		for k := range words {
			present = present && strings.Contains(p.lower, strings.ToLower(words[k]))
			words[k] = regexp.QuoteMeta(words[k])
		}
		a := announced{label: label{field: i, form: squash(l), rank: rank, of: len(spec.Labels)}, defined: isTerm(l)}
		if no {
			a.field = -1
		} else {
			rank++
		}
		if !present {
			continue
		}
		form := `(?i)(?:^|[^\p{L}\d])(` + strings.Join(words, `\s+`) + `)(?:[^\p{L}\d]|$)`
		if a.defined {
			term := strings.Join(words, `\s+`)
			form = `(?i)\([^()]{0,120}[“"'‘„«]\s?(?:(?:the|der|die|das|le|la|les|el|il|lo|de|het) |l[’'])?(` + term + `)\s?,?["”'’“»](?:\)|[,\s])|\((?:the )?(` + term + `)\)`
		}
		for _, m := range regexp.MustCompile(form).FindAllStringSubmatchIndex(p.text, -1) {
			if a.start, a.end = m[2], m[3]; a.defined {
				a.start, a.end = m[0], m[1] // of the bracket
			}
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b announced) int { return (b.end - b.start) - (a.end - a.start) })
	var kept []announced
	for _, a := range out {
		if !slices.ContainsFunc(kept, func(o announced) bool { return a.start < o.end && o.start < a.end }) {
			kept = append(kept, a)
		}
	}
	kept = slices.DeleteFunc(kept, func(a announced) bool { return a.field < 0 })
	slices.SortStableFunc(kept, func(a, b announced) int { return a.start - b.start })
	return kept
}

// proseReach is how many bytes behind an announcement its value may begin, and termReach how
// many before the bracket of a defined term it may end.
const (
	proseReach = 60
	termReach  = 4
)

// inProse gives the candidates of a field that sentences announce, and for all but names and texts
// those that stand beside a label as in forms.
func (r *reader) inProse(i int, spec doc.FieldSpec) []scored {
	var out []scored
	preamble := false // a list has named more than one: who else is named is no party to this
	for _, a := range r.announcements(i, spec) {
		switch {
		case spec.Type == doc.Name && spec.Repeated && !a.defined:
			names := r.listed(spec, a)
			if preamble {
				names = namedElsewhere(names)
			}
			out = append(out, names...)
			preamble = preamble || len(names) > 1
		case spec.Type == doc.Name || spec.Type == doc.Text:
			names := r.nameAt(spec, a)
			if preamble && spec.Repeated {
				names = namedElsewhere(names)
			}
			out = append(out, names...)
		default:
			out = append(out, r.valueAt(spec, a)...)
		}
	}
	switch spec.Type {
	case doc.Name, doc.Text:
		if spec.Repeated && len(eachOf(spec, r.bestOfEach(out))) < 2 { // who signs is a party, or signs for one
			out = append(out, r.signers(spec)...)
		}
	case doc.Date:
		out = append(append(out, r.inForm(i)...), r.letterDate(spec)...)
	default:
		out = append(out, r.inForm(i)...)
	}
	if !spec.Repeated {
		r.oftenSaid(out)
	}
	return r.bestOfEach(out)
}

// formWords is of how many words at most a row of a form is: one of a sentence set in full lines has
// more, and its wide blanks part no cells.
const formWords = 8

// inForm gives the candidates of field i beside labels that end their cell, as in a form.
func (r *reader) inForm(i int) []scored {
	return slices.DeleteFunc(r.rank(i), func(c scored) bool {
		return !c.Edge || len(r.layout.rows[c.Row].tokens) > formWords
	})
}

// letterDate gives the date that stands alone on its line on the first page, as that of a letter does.
func (r *reader) letterDate(spec doc.FieldSpec) []scored {
	for _, c := range r.all {
		if rw := r.layout.rows[c.Row]; c.Type == doc.Date && c.Page == 0 && len(rw.cells) == 1 && c.at == (span{0, len(rw.tokens)}) {
			s := r.judge(spec, c, r.place(c))
			s.score = letterScore
			return []scored{s}
		}
	}
	return nil
}

// letterScore is the score of a letter's date where no sentence says another one.
const letterScore = 0.4

// elsewhere is what is taken off names that a document lists after those of its own parties, or
// gives a term: they are of other documents.
const elsewhere = 0.3

func namedElsewhere(list []scored) []scored {
	for k := range list {
		list[k].score = clamp(list[k].score - elsewhere)
	}
	return list
}

// spoken scores a candidate that stands gap bytes from its announcement.
func (r *reader) spoken(spec doc.FieldSpec, a announced, c Candidate, gap int) scored {
	f := r.place(c)
	f.Relation, f.Label, f.LabelLen, f.Edge, f.Gap = RightOf, 1, len(a.form), gap == 0, float64(gap)/2
	f.Strength = 1 - float64(a.rank)/float64(max(a.of, 1))
	if a.defined { // one term says as much as another
		f.Strength = 0.8
	}
	s := r.judge(spec, c, f)
	if s.unfit {
		return s
	}
	far := float64(a.start) / float64(max(len(r.prose().text), 1)) // what it is about stands in its first sentences
	s.score = clamp((0.45 + 0.3*f.Strength - 0.004*float64(gap) - 0.1*far) * (0.7 + 0.3*c.Conf))
	return s
}

// saidAgain is what each further mention of a value adds, up to three.
const saidAgain = 0.04

// oftenSaid raises the values that are announced more than once.
func (r *reader) oftenSaid(list []scored) {
	n := map[string]int{}
	for _, c := range list {
		n[CompareForm(c.Type, c.Value)]++
	}
	for k := range list {
		list[k].score = clamp(list[k].score + saidAgain*float64(min(n[CompareForm(list[k].Type, list[k].Value)]-1, 3)))
	}
}

// valueAt gives the values of other types than names at an announcement.
func (r *reader) valueAt(spec doc.FieldSpec, a announced) []scored {
	p := r.prose()
	var out []scored
	if a.defined {
		from := max(0, a.start-proseReach)
		for _, v := range valuesIn(spec.Type, p.text[from:a.start], r.hints) {
			if gap := a.start - from - v.end; gap <= termReach {
				out = append(out, r.spoken(spec, a, p.candidate(r, spec.Type, from+v.start, from+v.end, v.value), gap))
			}
		}
		return out
	}
	to := min(len(p.text), a.end+2*proseReach)
	for n, v := range valuesIn(spec.Type, p.text[a.end:to], r.hints) {
		if v.start > proseReach || n > 1 {
			break
		}
		out = append(out, r.spoken(spec, a, p.candidate(r, spec.Type, a.end+v.start, a.end+v.end, v.value), v.start+proseReach/2*n))
	}
	return out
}

// foundValue is a value in a text, and which bytes of it are the value.
type foundValue struct {
	value      string
	start, end int
}

// valuesIn finds the values of a type in a text, in its order.
func valuesIn(ft doc.FieldType, s string, h Hints) []foundValue {
	flat := plainBlanks.Replace(s)
	var out []foundValue
	switch ft {
	case doc.Date:
		for _, d := range findDates(flat, h) {
			out = append(out, foundValue{d.value, d.start, d.end})
		}
	case doc.Duration:
		out = findDurations(flat)
	case doc.Money:
		for _, m := range moneyForm.FindAllStringIndex(flat, -1) {
			raw := strings.TrimSpace(flat[m[0]:m[1]])
			if v, ok := Canonical(ft, raw, h); ok && standsAlone(flat, m[0], m[1]) {
				out = append(out, foundValue{v, m[0], m[1]})
			}
		}
	case doc.Percent:
		for _, m := range percentForm.FindAllStringIndex(flat, -1) {
			if v, ok := Canonical(ft, flat[m[0]:m[1]], h); ok {
				out = append(out, foundValue{v, m[0], m[1]})
			}
		}
	}
	slices.SortFunc(out, func(a, b foundValue) int { return a.start - b.start })
	return out
}
