package fields

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/recto-edge/recto/node/doc"
)

// Memory is what people confirmed about vendors of one document type: which
// values a vendor's documents repeat, and by which words the others stand. It
// raises and lowers candidates and never makes one: what does not stand on the
// page is not found, whatever is remembered. It is made again from the lessons
// when one of them is taken back. Not safe for concurrent use while it is written.
type Memory struct {
	Vendors []*Acquaintance `json:"vendors"`
	Wording Wording         `json:"wording,omitempty"`

	key atomic.Pointer[string] // of what is remembered; nil until somebody asks
}

// Acquaintance is one vendor as it was confirmed.
type Acquaintance struct {
	// Marks are what the vendor is known by: VAT numbers, IBANs, telephone and
	// register numbers, and the folded name.
	Marks  map[string]int              `json:"marks"`
	Lasts  map[string]map[string]int   `json:"lasts,omitempty"`  // values by field, with how often
	Lines  map[string]map[string]int   `json:"lines,omitempty"`  // lines of addresses as they were read, by field
	Habits map[string]map[string]habit `json:"habits,omitempty"` // places by field
	Notes  map[string]map[string]int   `json:"notes,omitempty"`  // what else was seen of a field, with how often, see noted
	Seen   int                         `json:"seen"`             // documents
}

// What is noted of a field of a vendor, beside runMarks.
const (
	noteFound   = "found"   // the confirmed value was a candidate
	noteMissed  = "missed"  // and not the one that the rules would take
	noteRounded = "rounded" // it was the rounded form of another amount
	noteExact   = "exact"   // it had a rounded form on the document
)

// newAcquaintance gives a vendor of which nothing is known yet.
func newAcquaintance() *Acquaintance {
	return &Acquaintance{Marks: map[string]int{}, Lasts: map[string]map[string]int{}, Habits: map[string]map[string]habit{}, Notes: map[string]map[string]int{}}
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

// Key names what is remembered. It is made once after each change.
func (m *Memory) Key() string {
	if k := m.key.Load(); k != nil {
		return *k
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic("fields: memory does not marshal: " + err.Error()) // strings and numbers always do
	}
	sum := sha256.Sum256(b)
	key := hex.EncodeToString(sum[:8])
	m.key.Store(&key)
	return key
}

// Remember adds a document whose fields a person confirmed.
func (m *Memory) Remember(t doc.Type, l Lesson) {
	if m.Wording == nil {
		m.Wording = Wording{}
	}
	m.Wording.Learn(t, l)
	m.key.Store(nil)
	r := newTaughtReader(l.Reading, t, func(string) Wording { return m.Wording })
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
	m.key.Store(nil)
	v := m.find(marks, r)
	if v == nil {
		v = newAcquaintance()
		m.Vendors = append(m.Vendors, v)
	}
	v.Seen++
	for _, k := range marks {
		v.Marks[k]++
	}
	for i, spec := range t.Fields {
		if label := labels[spec.Name]; label != "" && spec.Type != doc.Table && !spec.Repeated {
			v.learn(r, i, label)
		}
	}
}

// learn adds the confirmed value of field i of a document: the value itself where
// a vendor's documents repeat it, and where on the page it stands.
func (v *Acquaintance) learn(r *reader, i int, label string) {
	spec := r.fields[i]
	if repeats(spec.Type) {
		value, _ := Canonical(spec.Type, label, r.hints)
		count(&v.Lasts, spec.Name, value)
	}
	if amount, ok := minor(label); ok && spec.Type == doc.Money {
		switch r.amountFacts().twin[amount] {
		case 1:
			count(&v.Notes, spec.Name, noteRounded)
		case -1:
			count(&v.Notes, spec.Name, noteExact)
		}
	}
	want := CompareForm(spec.Type, label)
	seen := map[string]bool{}
	found := false
	for k, c := range r.offered(i).list {
		if CompareForm(spec.Type, c.Value) != want {
			continue
		}
		if !found {
			found = true
			count(&v.Notes, spec.Name, noteFound)
			if k > 0 {
				count(&v.Notes, spec.Name, noteMissed)
			}
			for _, l := range c.lines {
				count(&v.Lines, spec.Name, l)
			}
			v.learnRun(r, spec, &c)
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
	if !found { // its lines are known though letters were misread
		for _, c := range r.offered(i).list {
			if slipped(CompareForm(spec.Type, c.Value), want) {
				v.learnRun(r, spec, &c)
				break
			}
		}
	}
}

// learnRun notes of which lines the confirmed value of a field is made.
func (v *Acquaintance) learnRun(r *reader, spec doc.FieldSpec, c *scored) {
	for _, k := range r.runMarks(c) {
		count(&v.Notes, spec.Name, k)
	}
}

func count(by *map[string]map[string]int, field, what string) {
	if *by == nil {
		*by = map[string]map[string]int{}
	}
	if (*by)[field] == nil {
		(*by)[field] = map[string]int{}
	}
	(*by)[field][what]++
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
