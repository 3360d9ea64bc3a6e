package fields

import (
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/learn"
)

// recallColumns are what the judge of memory sees of a candidate.
var recallColumns = []string{
	"kind", "seen", "score", "lead", // of the candidate, before anything is remembered
	"same", "same share", "values", "same elsewhere", // of the value
	"near", "near share", "near most", "near conf", // a value read as the one that was confirmed
	"is near", "read as", // it stands for another reading of itself, or is read otherwise elsewhere
	"place", "place bare", "place words", // of where it stands
	"run", "run before", "run after", "run lines", // of the lines of a name or address
	"missed", "first by rules",
	"twin", "rounded before",
}

// What memory adds to a candidate's log odds before it has been learned how much
// it may add.
const (
	sameValue  = 3.0  // it is the value that was confirmed before
	nearValue  = 2.0  // it is that value but for what OCR may have got wrong
	nearLine   = 0.5  // so are some of its lines
	otherValue = -1.0 // others were confirmed before, always the same one
	samePlace  = 3.0  // it stands behind the words that the confirmed one stood behind
	barePlace  = 0.7  // it stands in the same column, and behind no words, as that did
	otherPlace = -1.5
	sameRun    = 1.5 // it is made of the same lines of the head
	otherRun   = -0.5
	// misleading is how much less counts what is usual of a field where it misled: at a
	// vendor of which the rules would have taken another value than the confirmed one.
	misleading = 0.75
)

// recalled is what memory says of a candidate.
type recollection struct {
	x      []float32
	add    float64 // log odds by the constants above
	prior  float64 // with those of the candidate: what is believed before learning
	speaks bool    // memory speaks for it
}

// recall gives candidates of field i the scores that memory adds, as learned says
// or, where it is nil, by hand. A candidate that differs from a confirmed value
// only by what OCR confuses is tried as that value too, and says so. Memory orders
// what stands on the page: it takes no answer away.
func (v *Acquaintance) recall(r *reader, i int, list []scored, learned *learn.Forest) []scored {
	if !v.knows(r.fields[i].Name) {
		return list
	}
	list = v.withNear(r, r.fields[i], list)
	for k, m := range v.recollect(r, i, list) {
		c, odds := &list[k], m.prior
		if learned != nil && !v.byHand(r.fields[i]) {
			odds = learned.LogOdds(m.x, odds)
		}
		c.unaided, c.score, c.recalled = c.score, learn.Sigmoid(odds), m.speaks
	}
	return list
}

// knows says whether something is remembered of a field.
func (v *Acquaintance) knows(field string) bool {
	return v != nil && len(v.Lasts[field])+len(v.Habits[field])+len(v.Notes[field]) > 0
}

// misled says whether, on all documents of this vendor, another value was confirmed
// than the rules would have taken.
func (v *Acquaintance) misled(field string) bool {
	return v != nil && v.Notes[field][noteMissed] > 0 && v.Notes[field][noteMissed] == v.Notes[field][noteFound]
}

// byHand says whether what memory says of a field is weighed by hand: where the rules
// misled at a vendor that repeats itself. Few vendors do that, so the judge of memory has
// learned from the others that what the rules think little of is wrong.
func (v *Acquaintance) byHand(spec doc.FieldSpec) bool {
	return repeats(spec.Type) && v.misled(spec.Name)
}

// leaves says whether the rules are to be left alone with a date: where they were right at
// this vendor as a rule, the places of a confirmed date say less than they do, since
// the same days stand all over a page for other reasons.
func (v *Acquaintance) leaves(spec doc.FieldSpec) bool {
	return v != nil && spec.Type == doc.Date && 2*v.Notes[spec.Name][noteMissed] <= v.Notes[spec.Name][noteFound]
}

// likelyLead is how far behind the best score a candidate is still tried as a confirmed
// value misread.
const likelyLead = 0.4

// withNear adds, for each likely candidate that may be a confirmed value misread, that
// value as another reading of it.
func (v *Acquaintance) withNear(r *reader, spec doc.FieldSpec, list []scored) []scored {
	if len(v.Lasts[spec.Name]) == 0 {
		return list
	}
	forms, best := map[string]bool{}, 0.0
	for k := range list {
		forms[CompareForm(spec.Type, list[k].Value)] = true
		best = max(best, list[k].score)
	}
	for k := range len(list) {
		last, slip := v.misread(r, spec, &list[k], list[k].score >= best-likelyLead)
		if form := CompareForm(spec.Type, last); slip != nil && !forms[form] {
			forms[form] = true
			c := list[k]
			c.Value, c.near = last, slip
			list = append(list, c)
			list[k].misread = true
		}
	}
	return list
}

// misread gives the value that c may be misread from: a confirmed one, or one with lines of
// it. An unlikely candidate is tried only where it stands between the lines that the
// confirmed one stood between.
func (v *Acquaintance) misread(r *reader, spec doc.FieldSpec, c *scored, likely bool) (string, *slip) {
	lasts := v.Lasts[spec.Name]
	if likely {
		if last, s := nearest(CompareForm(spec.Type, c.Value), spec.Type, lasts); s != nil && !r.saysElse(c, c.Raw, last) {
			return last, s
		}
	}
	if lasts[c.Value] == 0 && (likely || leastShare(r.runShares(c, v.Notes[spec.Name])) > 0) {
		return r.nearLines(c, v.Lines[spec.Name])
	}
	return "", nil
}

// nearLines gives an address of which some lines are lines of a confirmed one misread, with
// these as they were confirmed: branches of a vendor may share all lines but the last.
func (r *reader) nearLines(c *scored, lines map[string]int) (string, *slip) {
	parts := strings.Split(c.Raw, "\n")
	if c.Type != doc.Address || len(parts) < 2 {
		return "", nil
	}
	var all *slip
	for k, part := range parts {
		last, s := nearest(CompareForm(c.Type, part), c.Type, lines)
		if s == nil || r.saysElse(c, part, last) {
			continue
		}
		if all == nil {
			all = &slip{part: true}
		}
		parts[k] = last
		all.edits, all.most = all.edits+s.edits, max(all.most, s.most)
	}
	value := joinLines(parts)
	if all != nil {
		all.share = float64(all.edits) / float64(len(value))
	}
	return value, all
}

// saysElse says whether a text of c has a word that was read beyond doubt and is not in
// the value that the text may be misread from: it is another value then. Doubled letters are
// no doubt of OCR's, nor are shapes in a word long enough not to be another one.
func (r *reader) saysElse(c *scored, text, value string) bool {
	clear := r.clearWords(c)
	for _, w := range strings.Fields(text) {
		form, whole := squash(w), squash(value) // blanks may be lost or too many
		if len(form) < leastElse || !clear[form] {
			continue
		}
		if len(form) >= leastWord {
			form, whole = shapes(form), shapes(whole)
		}
		if !strings.Contains(undoubled(whole), undoubled(form)) {
			return true
		}
	}
	return false
}

// undoubled writes each doubled letter once.
func undoubled(s string) string {
	return string(slices.Compact([]byte(s)))
}

// leastElse is of how many letters a word must be to make a value another one.
const leastElse = 2

// clearWords gives the words of a candidate that were read beyond doubt, in the form of
// squash.
func (r *reader) clearWords(c *scored) map[string]bool {
	out := map[string]bool{}
	for _, rw := range r.layout.rows {
		if rw.page != c.Page || rw.box[3] < c.Box[1] || rw.box[1] > c.Box[3] {
			continue
		}
		for form := range rw.clear(span{0, len(rw.tokens)}) {
			out[form] = true
		}
	}
	return out
}

// recollect says what memory knows of each candidate.
func (v *Acquaintance) recollect(r *reader, i int, list []scored) []recollection {
	spec := r.fields[i]
	lasts, habits, notes := v.Lasts[spec.Name], v.Habits[spec.Name], v.Notes[spec.Name]
	confirmed, placed := 0, 0
	byForm := map[string]int{}
	for value, n := range lasts {
		byForm[CompareForm(spec.Type, value)] += n
		confirmed += n
	}
	for _, h := range habits {
		placed = max(placed, h.N)
	}
	best, same := 0.0, 0
	for k := range list {
		best = max(best, list[k].score)
		if list[k].near == nil && byForm[CompareForm(spec.Type, list[k].Value)] > 0 {
			same++
		}
	}
	out := make([]recollection, len(list))
	for k := range list {
		c, m := &list[k], &out[k]
		n := byForm[CompareForm(spec.Type, c.Value)]
		share := float64(n) / float64(max(1, confirmed))
		m.x = append(m.x, float32(kindNumber[spec.Type]), float32(min(v.Seen, 9)), float32(c.score), float32(c.score-best))
		m.x = append(m.x, flag(n > 0 && c.near == nil), float32(share), float32(min(len(byForm), 9)), flag(same > 0 && n == 0))
		if c.near == nil {
			m.x = append(m.x, nan, nan, nan, nan)
		} else {
			m.x = append(m.x, float32(c.near.edits), float32(c.near.share), float32(c.near.most), float32(c.Conf))
		}
		m.x = append(m.x, flag(c.near != nil), flag(c.misread))
		switch {
		case c.near != nil && c.near.part:
			m.add, m.speaks = nearLine, true
		case c.near != nil:
			m.add, m.speaks = nearValue, true
		case n > 0:
			m.add, m.speaks = sameValue, true
		case len(lasts) == 1 && v.Seen > 1:
			m.add = otherValue
		}
		m.placeOf(r, c, habits, placed, repeats(spec.Type))
		m.runOf(r, c, notes)
		missed := float64(notes[noteMissed]) / float64(max(1, notes[noteFound]))
		m.x = append(m.x, float32(missed), flag(k == 0))
		m.prior = (1-misleading*missed)*learn.Logit(max(c.score, 0.01)) + m.add
		twin := nan
		if amount, ok := minor(c.Value); ok && c.Type == doc.Money {
			twin = float32(r.amountFacts().twin[amount])
		}
		m.x = append(m.x, twin, float32(notes[noteRounded]-notes[noteExact]))
	}
	return out
}

// placeOf adds what memory knows of where a candidate stands.
func (m *recollection) placeOf(r *reader, c *scored, habits map[string]habit, placed int, repeats bool) {
	if placed == 0 || repeats {
		m.x = append(m.x, nan, nan, nan)
		return
	}
	worded, bare := 0.0, 0.0
	any := false
	for _, at := range r.placesOf(c.Candidate) {
		any = any || at.words != ""
		if h, ok := habits[at.words]; ok && at.x-h.X < 0.2 && h.X-at.x < 0.2 {
			share := float64(h.N) / float64(placed)
			if at.words == "" {
				bare = max(bare, share)
			} else {
				worded = max(worded, share)
			}
		}
	}
	m.x = append(m.x, float32(worded), float32(bare), flag(any))
	if says := max(samePlace*worded, barePlace*bare); says > 0 {
		m.add, m.speaks = m.add+says, true
	} else {
		m.add += otherPlace
	}
}

// runOf adds what memory knows of the lines that a candidate is made of.
func (m *recollection) runOf(r *reader, c *scored, notes map[string]int) {
	shares := r.runShares(c, notes)
	if shares == nil {
		m.x = append(m.x, nan, nan, nan, nan)
		return
	}
	least := leastShare(shares)
	m.x = append(m.x, float32(least), float32(shares[0]), float32(shares[1]), float32(shares[2]))
	if least > 0 {
		m.add, m.speaks = m.add+sameRun*least, true
	} else {
		m.add += otherRun
	}
}

// runShares gives of how many of a vendor's documents, 0..1, the confirmed value began behind,
// ended before and was made of as many lines as c; nil where that is not known.
func (r *reader) runShares(c *scored, notes map[string]int) []float64 {
	if notes[runKnown] == 0 {
		return nil
	}
	var out []float64
	for k, mark := range r.runMarks(c) {
		if k > 0 {
			out = append(out, float64(timesNoted(notes, mark))/float64(notes[runKnown]))
		}
	}
	return out
}

// leastShare says how well a run fits by its ends: how often the worse of both was confirmed.
func leastShare(shares []float64) float64 {
	if len(shares) < 2 {
		return 0
	}
	return min(shares[0], shares[1])
}

// exact says whether people confirmed the exact sum of this vendor where a rounded
// one stood beside it.
func (v *Acquaintance) exact(field string) bool {
	return v != nil && v.Notes[field][noteExact] > v.Notes[field][noteRounded]
}

// runKnown is counted for each document of which the lines of a field are known.
const runKnown = "documents"

// runMarks says of which lines of the head a name or address is made: the beginning of
// the line before and of the one behind it, without digits, and how many lines. Nil for
// anything else.
func (r *reader) runMarks(c *scored) []string {
	if c.Type != doc.Name && c.Type != doc.Address || c.Page > 0 {
		return nil
	}
	ls := r.headLines()
	from, to, ok := linesOf(ls, c)
	if !ok {
		return nil
	}
	return []string{runKnown, "before " + beginning(ls, from-1), "after " + beginning(ls, to+1), "lines " + string(rune('0'+min(to-from+1, 9)))}
}

// timesNoted says how often a mark was noted, its words as OCR may have read them.
func timesNoted(notes map[string]int, mark string) int {
	what, words, _ := strings.Cut(mark, " ")
	n := 0
	for k, times := range notes {
		if w, of, _ := strings.Cut(k, " "); w == what && (of == words || distance(of, words, len(words)/misreadIn) <= len(words)/misreadIn) {
			n += times
		}
	}
	return n
}

// misreadIn is of how many letters of a line's beginning one may be misread.
const misreadIn = 4

// beginning gives the first letters of line i of the head.
func beginning(ls []line, i int) string {
	if i < 0 || i >= len(ls) {
		return "edge"
	}
	letters := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' {
			return c
		}
		return -1
	}, strings.ToLower(foldText(ls[i].text)))
	return letters[:min(len(letters), 8)]
}
