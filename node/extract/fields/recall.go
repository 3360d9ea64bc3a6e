package fields

import (
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
	list = v.withNear(r.fields[i], list)
	for k, m := range v.recollect(r, i, list) {
		c, odds := &list[k], m.prior
		if learned != nil {
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

// leaves says whether the rules are to be left alone with a date: where they were right at
// this vendor as a rule, the places of a confirmed date say less than they do, since
// the same days stand all over a page for other reasons.
func (v *Acquaintance) leaves(spec doc.FieldSpec) bool {
	return v != nil && spec.Type == doc.Date && 2*v.Notes[spec.Name][noteMissed] <= v.Notes[spec.Name][noteFound]
}

// withNear adds, for each candidate that may be a confirmed value misread, that
// value as another reading of it.
func (v *Acquaintance) withNear(spec doc.FieldSpec, list []scored) []scored {
	lasts := v.Lasts[spec.Name]
	if len(lasts) == 0 {
		return list
	}
	forms := map[string]bool{}
	for k := range list {
		forms[CompareForm(spec.Type, list[k].Value)] = true
	}
	for k := range len(list) {
		last, slip := nearest(CompareForm(spec.Type, list[k].Value), spec.Type, lasts)
		if form := CompareForm(spec.Type, last); last != "" && !forms[form] {
			forms[form] = true
			c := list[k]
			c.Value, c.near = last, slip
			list = append(list, c)
			list[k].misread = true
		}
	}
	return list
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
	marks := []string(nil)
	if notes[runKnown] > 0 {
		marks = r.runMarks(c)
	}
	if marks == nil {
		m.x = append(m.x, nan, nan, nan, nan)
		return
	}
	least := 1.0
	var shares [3]float64
	for k, mark := range marks[1:] {
		shares[k] = float64(notes[mark]) / float64(notes[runKnown])
		if k < 2 {
			least = min(least, shares[k])
		}
	}
	m.x = append(m.x, float32(least), float32(shares[0]), float32(shares[1]), float32(shares[2]))
	if least > 0 {
		m.add, m.speaks = m.add+sameRun*least, true
	} else {
		m.add += otherRun
	}
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
