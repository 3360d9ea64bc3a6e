package fields

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/learn"
)

// Memory is what people confirmed about vendors of one document type: which
// values a vendor's documents repeat, and by which words the others stand. It
// raises and lowers candidates and never makes one: what does not stand on the
// page is not found, whatever is remembered. It is made again from the lessons
// when one of them is taken back. Not safe for concurrent use while it is written.
type Memory struct {
	Vendors []*Acquaintance `json:"vendors"`
}

// Acquaintance is one vendor as it was confirmed.
type Acquaintance struct {
	// Marks are what the vendor is known by: VAT numbers, IBANs, telephone and
	// register numbers, and the folded name.
	Marks  map[string]int              `json:"marks"`
	Lasts  map[string]map[string]int   `json:"lasts,omitempty"`  // values by field, with how often
	Habits map[string]map[string]habit `json:"habits,omitempty"` // places by field
	Seen   int                         `json:"seen"`             // documents
}

// habit is where a field's value stood.
type habit struct {
	N int     `json:"n"`
	X float64 `json:"x"` // mean centre of the page's width, 0..1
}

// NewMemory remembers lessons.
func NewMemory(t doc.Type, lessons []Lesson) *Memory {
	m := &Memory{}
	for _, l := range lessons {
		m.Remember(t, l)
	}
	return m
}

// Key names what is remembered.
func (m *Memory) Key() string {
	b, err := json.Marshal(m)
	if err != nil {
		panic("fields: memory does not marshal: " + err.Error()) // strings and numbers always do
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// Remember adds a document whose fields a person confirmed.
func (m *Memory) Remember(t doc.Type, l Lesson) {
	r := newReader(l.Reading, t)
	r.wide = true
	m.remember(r, t, l.Labels)
}

func (m *Memory) remember(r *reader, t doc.Type, labels map[string]string) {
	marks := r.marks()
	if name := nameOf(t, labels); name != "" {
		marks = append(marks, "name "+name)
	}
	if len(marks) == 0 {
		return
	}
	v := m.find(marks, r)
	if v == nil {
		v = &Acquaintance{Marks: map[string]int{}, Lasts: map[string]map[string]int{}, Habits: map[string]map[string]habit{}}
		m.Vendors = append(m.Vendors, v)
	}
	v.Seen++
	for _, k := range marks {
		v.Marks[k]++
	}
	for i, spec := range t.Fields {
		label := labels[spec.Name]
		if label == "" || spec.Type == doc.Table {
			continue
		}
		if repeats(spec.Type) {
			if v.Lasts[spec.Name] == nil {
				v.Lasts[spec.Name] = map[string]int{}
			}
			value, _ := Canonical(spec.Type, label, r.hints)
			v.Lasts[spec.Name][value]++
		}
		want := CompareForm(spec.Type, label)
		seen := map[string]bool{}
		for _, c := range r.offered(i).list {
			if CompareForm(spec.Type, c.Value) != want {
				continue
			}
			for _, at := range r.placesOf(c.Candidate) {
				if seen[at.words] {
					continue
				}
				seen[at.words] = true
				if v.Habits[spec.Name] == nil {
					v.Habits[spec.Name] = map[string]habit{}
				}
				h := v.Habits[spec.Name][at.words]
				h.X = (h.X*float64(h.N) + at.x) / float64(h.N+1)
				h.N++
				v.Habits[spec.Name][at.words] = h
			}
		}
	}
}

// repeats says whether a vendor's documents repeat values of this type.
func repeats(ft doc.FieldType) bool {
	switch ft {
	case doc.Money, doc.Number, doc.Date, doc.Identifier, doc.Percent, doc.Table:
		return false
	}
	return true
}

// nameOf gives the folded name of the vendor among confirmed values.
func nameOf(t doc.Type, labels map[string]string) string {
	for _, spec := range t.Fields {
		if spec.Type == doc.Name && (spec.Hint == "top" || strings.HasPrefix(spec.Hint, "seller")) {
			return foldText(labels[spec.Name])
		}
	}
	return ""
}

// place is where a value stands: the words before it on its row, or over it.
type standing struct {
	words string
	x     float64
}

// placesOf gives the places where the value of c stands.
func (r *reader) placesOf(c Candidate) []standing {
	var out []standing
	for _, o := range append(r.onType(c.Type, c.Value), c) {
		rw := r.layout.rows[o.Row]
		var words []string
		for k := o.at.from - 1; k >= 0 && len(words) < 4; k-- {
			if w := shapeOf(rw.tokens[k]); w != "" && !strings.HasPrefix(w, "#") {
				words = append(words, w)
			}
		}
		slices.Reverse(words)
		w, _ := r.extent(r.layout.pages[o.Page])
		out = append(out, standing{strings.Join(words, ""), float64(o.Box[0]+o.Box[2]) / 2 / float64(max(w, 1))})
	}
	return out
}

// onType gives the candidates of a type with a value.
func (r *reader) onType(ft doc.FieldType, value string) []Candidate {
	var out []Candidate
	for _, c := range r.all {
		if c.Type == ft && c.Value == value {
			out = append(out, c)
		}
	}
	return out
}

// marks gives what a vendor can be known by on this document. The buyer's numbers
// stand on documents of many vendors: find asks for more than one such document.
func (r *reader) marks() []string {
	seen := map[string]bool{}
	for _, c := range r.all {
		switch c.Type {
		case doc.IBAN, doc.VATID, doc.Phone, doc.Email:
			if d, l := counts(c.Value); d >= 6 || c.Type == doc.Email && l >= 6 {
				seen[string(c.Type)+" "+squash(c.Value)] = true
			}
		}
	}
	for _, l := range r.headLines() {
		for _, w := range strings.Fields(l.text) { // register numbers: 123456-X, 000123456789
			q := squash(w)
			if d, n := counts(q); d >= 5 && n <= 2 && !centsForm.MatchString(w) {
				seen["number "+q] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// find gives the vendor that a document is of: the one with most marks in common,
// or whose name stands at its head; nil when none or two are as likely.
func (m *Memory) find(marks []string, r *reader) *Acquaintance {
	if m == nil || len(m.Vendors) == 0 {
		return nil
	}
	spread := map[string]int{} // how many vendors have a mark
	for _, v := range m.Vendors {
		for k := range v.Marks {
			spread[k]++
		}
	}
	head := map[string]bool{}
	for _, l := range r.headLines() {
		text, _ := trimName(l)
		head["name "+foldText(repairName(text))] = true
		head["name "+foldText(text)] = true
	}
	var best *Acquaintance
	top, next := 0.0, 0.0
	for _, v := range m.Vendors {
		s := 0.0
		for _, k := range marks {
			if v.Marks[k] > 0 {
				s += 1 / float64(spread[k])
			}
		}
		for k := range v.Marks {
			if strings.HasPrefix(k, "name ") && head[k] && !slices.Contains(marks, k) {
				s += 1 / float64(spread[k])
			}
		}
		if s > top {
			best, top, next = v, s, top
		} else {
			next = max(next, s)
		}
	}
	if top < 0.6 || top-next < 0.3 {
		return nil
	}
	return best
}

// vendorOf gives the known vendor of a document, or nil.
func (m *Memory) vendorOf(r *reader) *Acquaintance {
	if m == nil || len(m.Vendors) == 0 {
		return nil
	}
	return m.find(r.marks(), r)
}

// What memory adds to a candidate's log odds.
const (
	sameValue  = 3.0  // it is the value that was confirmed before
	nearValue  = 2.0  // it is that value but for what OCR may have got wrong
	otherValue = -1.0 // others were confirmed before, always the same one
	samePlace  = 3.0  // it stands behind the words that the confirmed one stood behind
	barePlace  = 0.7  // it stands in the same column, and behind no words, as that did
	otherPlace = -1.5
)

// recall gives candidates of field i the scores that memory adds. A candidate
// that differs from a confirmed value only by what OCR confuses is read as that
// value, and says so.
func (v *Acquaintance) recall(r *reader, i int, list []scored) {
	if v == nil {
		return
	}
	spec := r.fields[i]
	lasts, habits := v.Lasts[spec.Name], v.Habits[spec.Name]
	placed := 0
	for _, h := range habits {
		placed = max(placed, h.N)
	}
	for k := range list {
		c := &list[k]
		add := 0.0
		switch value, how := lastLike(spec.Type, c.Value, lasts); {
		case how == same:
			add += sameValue
			c.recalled = true
		case how == nearly:
			add += nearValue
			c.Value, c.recalled = value, true
		case len(lasts) == 1 && v.Seen > 1:
			add += otherValue
		}
		if placed > 0 && !repeats(spec.Type) {
			best := 0.0
			for _, at := range r.placesOf(c.Candidate) {
				if h, ok := habits[at.words]; ok && at.x-h.X < 0.2 && h.X-at.x < 0.2 {
					says := samePlace
					if at.words == "" {
						says = barePlace
					}
					best = max(best, says*float64(h.N)/float64(placed))
				}
			}
			if best > 0 {
				add += best
				c.recalled = true
			} else {
				add += otherPlace
			}
		}
		c.score = learn.Sigmoid(learn.Logit(max(c.score, 0.01)) + add)
	}
}

type likeness int

const (
	unlike likeness = iota
	nearly
	same
)

// lastLike finds the confirmed value that v is, or was meant to be: letters that
// differ only where OCR confuses shapes, and blanks and marks. Digits must be
// the same: another number is another value.
func lastLike(ft doc.FieldType, v string, lasts map[string]int) (string, likeness) {
	form := CompareForm(ft, v)
	best, most := "", 0
	for last, n := range lasts {
		other := CompareForm(ft, last)
		if form == other {
			return last, same
		}
		if n > most || n == most && last < best {
			if slips(strings.ReplaceAll(form, " ", ""), strings.ReplaceAll(other, " ", "")) {
				best, most = last, n
			}
		}
	}
	if most > 0 {
		return best, nearly
	}
	return "", unlike
}

// slips says whether a may be b with a few misread characters: one in eight at
// most, and the digits that both have are equal.
func slips(a, b string) bool {
	limit := len(b) / 8
	if len(b) < 6 {
		return false
	}
	if distance(strings.ToLower(a), strings.ToLower(b), limit) > limit {
		return false
	}
	da, db := digitsOf(a), digitsOf(b)
	return da == db || len(da) != len(db) && distance(da, db, 1) <= 1 && len(db) >= 4
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if isDigit(r) {
			return r
		}
		return -1
	}, s)
}
