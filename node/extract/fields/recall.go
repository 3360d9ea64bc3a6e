package fields

import (
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/learn"
)

// recallColumns are what the judge of memory sees of a candidate whose value is another one on
// each document.
var recallColumns = []string{
	"kind", "seen", "score", "lead", // of the candidate, before anything is remembered
	"place", "place bare", "place words", // of where it stands
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
	sameRun    = 1.5 // it stands between the same lines of the head, see lineFit
	wholeRun   = 1.5 // and has as many lines
	otherRun   = -0.5
	// misleading is how much less counts what is usual of a field where it misled: at a
	// vendor of which the rules would have taken another value than the confirmed one, or
	// where other lines are those of the confirmed one.
	misleading = 0.75
)

// recollection is what memory says of a candidate.
type recollection struct {
	x      []float32 // see recallColumns; nil for a value that vendors repeat
	add    float64   // log odds by the constants above
	prior  float64   // with those of the candidate: what is believed before learning
	speaks bool      // memory speaks for it
}

// recall gives candidates of field i the scores that memory adds: of values that a vendor
// repeats weighed by hand, of others as learned says, by hand too where it is nil. How vendors
// repeat themselves is not learned from the vendors that a site knows: most print one address
// in the plainest way, and what is learned from these takes the odd one for an error. A
// candidate that differs from a confirmed value only by what OCR confuses is tried as that value
// too, and says so. Memory orders what stands on the page: it takes no answer away.
func (v *Acquaintance) recall(r *reader, i int, list []scored, learned *learn.Forest) []scored {
	if !v.knows(r.fields[i].Name) {
		return list
	}
	list = v.withNear(r, r.fields[i], list)
	for k, m := range v.recollect(r, i, list) {
		c, odds := &list[k], m.prior
		if learned != nil && m.x != nil {
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

// recollect says what memory knows of each candidate.
func (v *Acquaintance) recollect(r *reader, i int, list []scored) []recollection {
	if repeats(r.fields[i].Type) {
		return v.recollectValues(r, r.fields[i], list)
	}
	return v.recollectPlaces(r, r.fields[i], list)
}

// recollectValues is recollect for what a vendor repeats.
func (v *Acquaintance) recollectValues(r *reader, spec doc.FieldSpec, list []scored) []recollection {
	lasts, notes := v.Lasts[spec.Name], v.Notes[spec.Name]
	confirmed := 0
	byForm := map[string]int{}
	for value, n := range lasts {
		byForm[CompareForm(spec.Type, value)] += n
		confirmed += n
	}
	fits, whole := make([]lineFit, len(list)), 0.0
	for k := range list {
		fits[k] = r.fitOf(&list[k], notes)
		whole = max(whole, fits[k].whole)
	}
	out := make([]recollection, len(list))
	for k := range list {
		c, m := &list[k], &out[k]
		n := byForm[CompareForm(spec.Type, c.Value)]
		switch {
		case c.near == nearInPart:
			m.add, m.speaks = nearLine, true
		case c.near == nearInAll:
			m.add, m.speaks = nearValue, true
		case n > 0: // of other lines than usual: as rare as it was
			m.add, m.speaks = sameValue*max(float64(n)/float64(confirmed), 1-whole+fits[k].whole), true
		case len(lasts) == 1 && v.Seen > 1:
			m.add = otherValue
		}
		if fits[k].ends > 0 {
			m.add, m.speaks = m.add+sameRun*fits[k].ends+wholeRun*fits[k].whole, true
		} else if fits[k].known {
			m.add += otherRun
		}
		m.weigh(c.score, max(whole, missed(notes)))
	}
	return out
}

// recollectPlaces is recollect for what is another value on each document, of which memory
// knows where it stood.
func (v *Acquaintance) recollectPlaces(r *reader, spec doc.FieldSpec, list []scored) []recollection {
	habits, notes := v.Habits[spec.Name], v.Notes[spec.Name]
	placed, best := 0, 0.0
	for _, h := range habits {
		placed = max(placed, h.N)
	}
	for k := range list {
		best = max(best, list[k].score)
	}
	out := make([]recollection, len(list))
	for k := range list {
		c, m := &list[k], &out[k]
		m.x = append(m.x, float32(kindNumber[spec.Type]), float32(min(v.Seen, 9)), float32(c.score), float32(c.score-best))
		m.placeOf(r, c, habits, placed)
		twin := nan
		if amount, ok := minor(c.Value); ok && c.Type == doc.Money {
			twin = float32(r.amountFacts().twin[amount])
		}
		m.x = append(m.x, float32(missed(notes)), flag(k == 0), twin, float32(notes[noteRounded]-notes[noteExact]))
		m.weigh(c.score, missed(notes))
	}
	return out
}

// weigh makes the prior of a candidate's score, which counts the less the more misled,
// 0..1, what is usual was at this vendor.
func (m *recollection) weigh(score, misled float64) {
	m.prior = (1-misleading*misled)*learn.Logit(max(score, 0.01)) + m.add
}

// missed says on how many of a vendor's documents, 0..1, the rules would have taken another
// value than the confirmed one.
func missed(notes map[string]int) float64 {
	return float64(notes[noteMissed]) / float64(max(1, notes[noteFound]))
}

// placeOf adds what memory knows of where a candidate stands.
func (m *recollection) placeOf(r *reader, c *scored, habits map[string]habit, placed int) {
	if placed == 0 {
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

// exact says whether people confirmed the exact sum of this vendor where a rounded
// one stood beside it.
func (v *Acquaintance) exact(field string) bool {
	return v != nil && v.Notes[field][noteExact] > v.Notes[field][noteRounded]
}
