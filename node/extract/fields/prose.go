package fields

import (
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
)

// Contracts, judgments and letters say in sentences what forms say in cells: a value follows the
// words that announce it, over the ends of lines ("is made as of the 16th day of | July, 2002 by
// and between"), or stands before the term that it defines ("Palm, Inc. (the “Company”)"). Fields
// with the hint "prose" are looked for there.

// prose is the running text of a document, its words in the order of reading.
type prose struct {
	text  string
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

// announcements finds the labels of field i, the places in the order of the text. Of labels that overlap the longest
// counts: "laws of the State of" and not "laws of".
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
		for k := range words {
			words[k] = regexp.QuoteMeta(words[k])
		}
		a := announced{label: label{field: i, form: squash(l), rank: rank, of: len(spec.Labels)}, defined: isTerm(l)}
		if no {
			a.field = -1
		} else {
			rank++
		}
		form := `(?i)(?:^|[^\p{L}\d])(` + strings.Join(words, `\s+`) + `)(?:[^\p{L}\d]|$)`
		if a.defined {
			form = `(?i)\([^()]{0,120}[“"'‘„«]\s?(` + strings.Join(words, `\s+`) + `)\s?,?["”'’“»](?:\)|[,\s])`
		}
		for _, m := range regexp.MustCompile(form).FindAllStringSubmatchIndex(p.text, -1) {
			if a.start, a.end = m[2], m[3]; a.defined {
				a.start = m[0] // of the bracket
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

// proseReach is how many bytes behind an announcement its value may begin, and announcedFar how
// many before a defined term it may end.
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
	case doc.Date:
		out = append(append(out, r.rank(i)...), r.letterDate(spec)...)
	default:
		out = append(out, r.rank(i)...)
	}
	if !spec.Repeated {
		r.oftenSaid(out)
	}
	return r.bestOfEach(out)
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

// found is a value in a text.
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
		for _, d := range findDurations(flat) {
			out = append(out, foundValue{d.value, d.start, d.end})
		}
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

// nameAt gives the name at an announcement: right behind it, or before the bracket of a defined
// term, over what describes it ("Palm, Inc., a Delaware corporation (the “Company”)").
func (r *reader) nameAt(spec doc.FieldSpec, a announced) []scored {
	p := r.prose()
	if !a.defined {
		start := a.end + len(p.text[a.end:]) - len(strings.TrimLeft(p.text[a.end:], ":,"+blanks))
		if end, ok := nameEnd(p.text, start); ok {
			return r.namedBetween(spec, a, start, end, start-a.end-1)
		}
		return nil
	}
	for k := sort.Search(len(p.words), func(i int) bool { return p.words[i].start >= a.start }) - 1; k >= 0 && a.start-p.words[k].start < describedBy; k-- {
		start := p.words[k].start
		if !beginsName(p.text, start) {
			continue
		}
		end, ok := nameEnd(p.text, start)
		if !ok || !describes(p.text[end:a.start]) {
			continue
		}
		if k > 0 && (continuesName(p.text, p.words[k-1].start, start) || !formEnd.MatchString(p.text[start:end]) && describing.MatchString(wordAt(p.text, p.words[k-1].start))) {
			continue
		}
		return r.namedBetween(spec, a, start, end, (a.start-end)/4)
	}
	return nil
}

// describing is the word before a name that only describes another: "a Delaware corporation", "1100 Drive", "Miami,
// Florida".
var describing = regexp.MustCompile(`(?i)^(an?|at|in|under|\S*\d\S*|[^ ]+[\pL],|eine?|une?)$`)

// describedBy is over how many bytes a name may be described before it is given a term.
const describedBy = 420

// describes says whether a text behind a name still speaks of it: no sentence ends in it, and no
// other begins.
func describes(s string) bool {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	return depth == 0 && !sentenceEnd.MatchString(s) && !strings.ContainsAny(s, columnMark+paragraphMark)
}

var sentenceEnd = regexp.MustCompile(`(?:\p{Ll}{3,}|[)”])[.;]\s+["“(]?\p{Lu}|(?i:\bwhereas\b|\brecitals\b|witnesseth|background)`)

func (r *reader) namedBetween(spec doc.FieldSpec, a announced, start, end, gap int) []scored {
	p := r.prose()
	raw := strings.TrimRight(p.text[start:end], ",;:)"+blanks)
	if !companyEnd.MatchString(raw[strings.LastIndexAny(raw, blanks)+1:]) {
		raw = strings.TrimRight(raw, ".") // of the sentence
	}
	value, ok := Canonical(spec.Type, raw, r.hints)
	if _, letters := counts(value); !ok || letters < 3 || noName.MatchString(value) {
		return nil
	}
	return []scored{r.spoken(spec, a, p.candidate(r, spec.Type, start, start+len(raw), value), min(gap, 30))}
}

// noName is what begins with a capital in contracts and names nobody.
var noName = regexp.MustCompile(`(?i)^(?:(?:this|the|that|such|each|any|all|its|their|other)?\s*(?:the|amendment|parties|party|company|corporation|employee|executive|recipient|discloser|participant|director|bank|disclosing party|receiving party|exhibit.*|section.*|article.*|whereas|now|witnesseth|undersigned|parteien|i|you|we|it|usa|each)[’']?s?[.”]?` +
	`|.*\b(?:agreement|contract|information|materials?|release|warrant|act|plan|date|vertrag|vereinbarung|contrat)s?)[.”]?$`)

// listed gives the names that an announcement lists: "between A, a Delaware corporation (“A”), and
// B GmbH". A further one stands behind a word for "and", or behind a comma or semicolon after another
// or its term.
func (r *reader) listed(spec doc.FieldSpec, a announced) []scored {
	p := r.prose()
	var out []scored
	at := a.end + len(p.text[a.end:]) - len(strings.TrimLeft(p.text[a.end:], ":,"+blanks))
	for n := 0; n < mostListed; n++ {
		at = skipLead(p.text, at)
		if end, ok := nameEnd(p.text, at); ok {
			out = append(out, r.namedBetween(spec, a, at, end, 2*n)...)
			at = end
		}
		if len(out) == 0 {
			return nil // "between the parties"
		}
		next, ok := nextListed(p.text, at, min(len(p.text), at+listReach))
		if !ok {
			break
		}
		at = next
	}
	return out
}

const (
	mostListed = 12  // names in one list
	listReach  = 900 // bytes that may describe one of them
)

// skipLead skips what stands before a name in a list: numbers of an enumeration, articles and titles.
var leadForm = regexp.MustCompile(`^(?:\(?(?:[0-9]{1,2}|[a-z]|i{1,3}|iv|v)[.)]\s+|(?:der|die|den|dem|the|la|le|les|el|il|de)\s+|(?i:(?:mr|mrs|ms|dr|prof|herrn?|frau|monsieur|madame|firma|the company|société|sociedad)\.?\s+))*`)

func skipLead(s string, at int) int { return at + len(leadForm.FindString(s[at:min(len(s), at+60)])) }

var listJoin = regexp.MustCompile(`^(?:and|und|et|y|e|en|sowie|&)(?:,)?\s+`)

// nextListed finds where the next name of a list begins: in the sentence, outside of brackets.
func nextListed(s string, at, limit int) (int, bool) {
	depth, closed := 0, false // closed: right behind a bracket
	for i := at; i < limit; i++ {
		switch c := s[i]; {
		case c == '(':
			depth++
			continue
		case c == ')':
			depth, closed = max(depth-1, 0), true
			continue
		case depth > 0:
			continue
		case c == '\v':
			return 0, false
		case c == '.' && i+2 < len(s) && s[i+1] == ' ' && sentenceEnd.MatchString(s[max(at, i-12):min(len(s), i+4)]):
			return 0, false
		}
		if i > 1 && strings.IndexByte(" \f", s[i-1]) >= 0 {
			m := listJoin.FindString(s[i:min(len(s), i+12)])
			begin := skipLead(s, i+len(m))
			switch {
			case m != "" && begin < limit && standsAsName(s, begin):
				return begin, true
			case m == "" && (closed && strings.ContainsAny(s[i-2:i-1], ",;") || s[i-2] == ';') && beginsName(s, i) && standsAsName(s, i):
				return i, true
			}
		}
		if s[i] != ' ' && s[i] != ',' && s[i] != ';' {
			closed = false
		}
	}
	return 0, false
}

// standsAsName says whether a name begins at a place that is more than a capital: it has several words,
// or a description, a term or the sentence's end follows.
func standsAsName(s string, at int) bool {
	end, ok := nameEnd(s, at)
	if !ok {
		return false
	}
	name := strings.TrimRight(s[at:end], ",;:"+blanks)
	if noName.MatchString(name) {
		return false
	}
	if strings.ContainsRune(name, ' ') {
		return true
	}
	rest := strings.TrimLeft(s[end:min(len(s), end+4)], blanks)
	return rest == "" || strings.ContainsAny(s[end-1:end], ",") || strings.ContainsAny(rest[:1], `,("“`)
}

var (
	nameLink   = regexp.MustCompile(`^(of|the|de|del|della|di|da|do|dos|du|des|la|le|van|von|der|den|zu|für|for|&|\+|and)$`)
	companyEnd = regexp.MustCompile(`(?i)^[,.]?(inc|incorporated|corp|corporation|llc|l\.l\.c|llp|lp|l\.p|l\.l\.p|ltd|limited|co|company|plc|n\.v|b\.v|s\.a|s\.à|sa|ag|gmbh|kg|kgaa|ohg|se|s\.p\.a|s\.r\.l|sarl|s\.à\.?r\.l|sas|pty|pte|n\.a|jr|sr|ii|iii|iv|esq|ph\.d|m\.d)[.,;]*$`)
	formEnd    = regexp.MustCompile(`(?i)(^|[\s,])(inc|incorporated|llc|l\.l\.c|llp|lp|l\.p|ltd|n\.v|b\.v|ag|gmbh|plc|s\.p\.a|jr|sr)\.?,?$`)
	initial    = regexp.MustCompile(`^\p{Lu}\.(\p{Lu}\.)*$`)
	abbreviate = regexp.MustCompile(`(?i)(^|\s)(inc|corp|co|ltd|l\.p|n\.v|b\.v|s\.a|jr|sr|st|dr|mr|mrs|ms|no|n\.a|bros|llc)\.$`)
)

// beginsName says whether a word that may begin a name stands at a place: one with a capital or, as in
// "3M" and "uDate.com", a capital further on.
func beginsName(s string, at int) bool {
	word := wordAt(s, at)
	return word != "" && capitalised(word) && strings.IndexAny(word, openers) != 0 && !small.MatchString(word)
}

func wordAt(s string, at int) string {
	if at >= len(s) {
		return ""
	}
	if end := strings.IndexAny(s[at:], blanks); end >= 0 {
		return s[at : at+end]
	}
	return s[at:]
}

func capitalised(word string) bool {
	letters := 0
	for i, r := range word {
		switch {
		case unicode.IsUpper(r):
			return true
		case unicode.IsDigit(r) && i == 0:
			continue
		case unicode.IsLetter(r):
			if letters++; letters > 2 {
				return false
			}
		}
	}
	return false
}

// continuesName says whether the word at before and the one at start are of one name.
func continuesName(s string, before, start int) bool {
	end, ok := nameEnd(s, before)
	return beginsName(s, before) && ok && end > start
}

// nameEnd gives where the name ends that begins at start: words with capitals and the small ones
// between them, with a legal form behind a comma. False where none begins.
func nameEnd(s string, start int) (int, bool) {
	end, at := start, start
	for n := 0; n < mostNameWords && at < len(s); n++ {
		word := wordAt(s, at)
		if word == "" || strings.IndexAny(word, openers) == 0 || small.MatchString(word) {
			return end, end > start
		}
		bare := strings.TrimRight(word, ",;:")
		isForm := companyEnd.MatchString(word)
		switch {
		case n > 0 && isForm, capitalised(bare):
		case n > 0 && nameLink.MatchString(bare) && bare == word && linksName(s, at+len(word)+1, s[start:end], bare):
			at += len(word) + 1
			continue
		default:
			return end, end > start
		}
		if i := strings.IndexAny(word, openers+")”»"); i > 0 { // "Inc.(the"
			return at + i, true
		}
		if possessive := strings.TrimSuffix(strings.TrimSuffix(bare, "'s"), "’s"); n > 0 && possessive != bare && !isForm && formEnd.MatchString(s[start:end]) {
			return end, true
		}
		end = at + len(word)
		at = end + 1
		if at > len(s) || end < len(s) && s[end] != ' ' {
			return end, true
		}
		next := wordAt(s, at)
		switch last := word[len(word)-1]; {
		case last == ';', last == ':':
			return end, true
		case last == ',' && !companyEnd.MatchString(next):
			return end, true
		case last == '.' && !initial.MatchString(bare) && !companyEnd.MatchString(next) && (len(bare) > 5 || !abbreviate.MatchString(bare)):
			return end, true
		case formEnd.MatchString(s[start:end]) && !companyEnd.MatchString(next):
			return end, true
		}
	}
	return end, end > start
}

// openers begin what is no name any more, and small are words that end one also where all letters are
// capitals.
const openers = "([“\"‘„«_*"

var small = regexp.MustCompile(`^(?i:whereas|without|with|applicable|shall|excluding|regardless|except|this|is|to|in|by|as|hereby|hereinafter|and|or|between|among|other|than|without|that|which|into|dated|made|effective|whose|having|organized|incorporated\s|located|on|if|you|your)[,.;:]?$`)

// mostNameWords bounds the words of a name.
const mostNameWords = 12

// linksName says whether a small word links two parts of one name: what follows has a capital, and
// "and" stands before the rest of one company's name.
func linksName(s string, next int, before, link string) bool {
	word := wordAt(s, next)
	if nameLink.MatchString(word) {
		word = wordAt(s, next+len(word)+1)
	}
	if !capitalised(word) {
		return false
	}
	if link == "and" || link == "the" && !strings.Contains(s[max(0, next-8):next], "of the") {
		return false
	}
	return !formEnd.MatchString(before)
}
