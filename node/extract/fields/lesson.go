package fields

import (
	"cmp"
	"errors"
	"hash/fnv"
	"maps"
	"math"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// Lesson is one document and what a person says stands on it.
type Lesson struct {
	ID      string
	Vendor  string // who made the document; lessons of one vendor are held back together
	Reading doc.Reading
	// Labels is the right value of each field that somebody looked at, by field
	// name, in any form; "" says that the document has no such value.
	Labels map[string]string
	// Transcript says that the words were typed by a person, not read: such a
	// lesson trains, and says nothing about how well documents are read.
	Transcript bool
}

// LearnOptions say how to learn.
type LearnOptions struct {
	Folds int // parts that are held back in turn (5)
	Card  Card
	// Plain holds nothing back: the model chooses values and says nothing of how
	// sure they are. For models that are only compared.
	Plain bool
	// Base is the model to begin from: the lessons correct it, field by field, and
	// what they do not speak of stays as it is. Nil: the rules.
	Base *Model
	Stop <-chan struct{} // when it closes, learning ends early with ErrStopped; may be nil
}

// ErrStopped says that learning was told to end.
var ErrStopped = errors.New("learning was stopped")

func (o LearnOptions) stopped() bool {
	select {
	case <-o.Stop:
		return true
	default:
		return false
	}
}

// fewest is how many documents a scorer needs, and how many of them with a value.
const (
	fewest       = 3
	fewestLabels = 2
)

// Learn fits a model of type t. Confidence is fitted on documents held back,
// vendor by vendor, never on those that trained. Errors are of code Invalid:
// fewer than two vendors, no label that names a field of t, no readable page.
func Learn(t doc.Type, lessons []Lesson, o LearnOptions) (*Model, error) {
	if o.Folds == 0 {
		o.Folds = 5
	}
	if err := checkLessons(t, lessons); err != nil {
		return nil, err
	}
	desks := make([]*desk, len(lessons))
	var known Wording
	if o.Base != nil {
		known = o.Base.Wording
	}
	all, others := wordings(t, lessons, known, o.stopped)
	for i, l := range lessons {
		if o.stopped() {
			return nil, ErrStopped
		}
		desks[i] = newDesk(t, l, others[i])
	}
	weigh(desks)
	var h held
	if !o.Plain {
		h = heldBack(t, desks, o)
	}
	m := &Model{Format: modelFormat, Type: t.Name, Columns: columnsDigest(), Scorers: fit(t, desks, o), Card: o.Card, Wording: all}
	if o.stopped() {
		return nil, ErrStopped
	}
	m.Card.Documents, m.Card.Vendors, m.Card.Labels = len(lessons), vendors(desks), labelCounts(t, lessons)
	m.Recall = h.recall
	m.Rates = rates(h.strangers)
	m.Sure, m.Held, m.HeldKnown = judge(h.strangers, h.known, m.Rates, o.Folds)
	if o.Base != nil {
		m.standOn(o.Base, len(h.strangers))
	}
	b, err := m.Encode()
	if err != nil {
		return nil, err
	}
	return m, m.finish(b)
}

// judgeFrom is how many held-back predictions a judge of confidence of its own takes.
const judgeFrom = 200

// standOn names the model that m grew from, and keeps its judge where there is too
// little to train another.
func (m *Model) standOn(base *Model, held int) {
	m.Card.Base = base.Digest()
	if m.Recall == nil {
		m.Recall = base.Recall
	}
	if held >= judgeFrom || base.Sure == nil {
		return
	}
	own := m.Rates
	m.Sure, m.Held, m.HeldKnown, m.Rates = base.Sure, base.Held, base.HeldKnown, maps.Clone(base.Rates)
	for name, rate := range own {
		if _, known := m.Rates[name]; !known {
			m.Rates[name] = rate
		}
	}
}

func checkLessons(t doc.Type, lessons []Lesson) error {
	if len(lessons) < fewest {
		return doc.Errorf(doc.Invalid, "%d documents are too few to learn %s from; %d are needed at least", len(lessons), t.Name, fewest)
	}
	seen := map[string]bool{}
	named := false
	for _, l := range lessons {
		seen[l.Vendor] = true
		words := 0
		for _, p := range l.Reading.Pages {
			words += len(p.Words)
		}
		if words == 0 {
			return doc.Errorf(doc.Invalid, "document %s has no readable page: leave it out, or have it read again", l.ID)
		}
		for name := range l.Labels {
			if _, ok := t.Field(name); ok {
				named = true
			}
		}
	}
	if !named {
		return doc.Errorf(doc.Invalid, "no label names a field of type %s", t.Name)
	}
	if len(seen) < 2 {
		return doc.Errorf(doc.Invalid, "all %d documents are of one vendor: how well others would be read cannot be known; add documents of a second vendor", len(lessons))
	}
	return nil
}

// Doubts names the labels whose value stands nowhere on its document: the label
// contradicts the page, or the page was not read well. Nothing is learned from
// them but that other values are wrong.
func Doubts(t doc.Type, lessons []Lesson) []string {
	var out []string
	for _, l := range lessons {
		f := NewFinder(l.Reading, t)
		for _, spec := range t.Fields {
			label := l.Labels[spec.Name]
			if label == "" || spec.Type == doc.Table || spec.Type == doc.Currency || spec.Type == doc.Country {
				continue
			}
			if !f.findsAll(spec, label) {
				out = append(out, l.ID+": "+spec.Name)
			}
		}
	}
	return out
}

// desk is a lesson with its candidates.
type desk struct {
	Lesson
	r      *reader
	weight float64
	right  map[int][]bool // of each candidate of a labelled field
}

func newDesk(t doc.Type, l Lesson, w Wording) *desk {
	d := &desk{Lesson: l, r: newTaughtReader(l.Reading, t, func(string) Wording { return w }), weight: 1, right: map[int][]bool{}}
	d.r.wide = true
	for i, spec := range t.Fields {
		label, known := l.Labels[spec.Name]
		if !known || spec.Type == doc.Table {
			continue
		}
		d.right[i] = []bool{}
		for _, c := range d.r.seen(i).list {
			d.right[i] = append(d.right[i], isLabel(spec, c.Value, label))
		}
	}
	return d
}

// weigh keeps a vendor with many documents from speaking for all others: its
// documents share the square root of their number.
func weigh(ds []*desk) {
	n := map[string]int{}
	for _, d := range ds {
		n[d.Vendor]++
	}
	for _, d := range ds {
		d.weight = 1 / math.Sqrt(float64(n[d.Vendor]))
	}
}

// foldsOf parts desks into k folds, each vendor in one of them.
func foldsOf(ds []*desk, k int) []int {
	vendors := make([]string, len(ds))
	for i, d := range ds {
		vendors[i] = d.Vendor
	}
	return dealt(vendors, k, "")
}

// dealt parts things into k parts of much the same size, each vendor in one of them.
// Another turn deals them otherwise.
func dealt(vendors []string, k int, turn string) []int {
	size := map[string]int{}
	for _, v := range vendors {
		size[v]++
	}
	names := make([]string, 0, len(size))
	for v := range size {
		names = append(names, v)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(size[b], size[a]), cmp.Compare(hash(turn+a), hash(turn+b)), cmp.Compare(a, b))
	})
	load, part := make([]int, k), map[string]int{}
	for _, v := range names {
		least := 0
		for i := range load {
			if load[i] < load[least] {
				least = i
			}
		}
		part[v] = least
		load[least] += size[v]
	}
	out := make([]int, len(vendors))
	for i, v := range vendors {
		out[i] = part[v]
	}
	return out
}

// foldsByDocument parts desks without regard to their vendors.
func foldsByDocument(ds []*desk, k int) []int {
	out := make([]int, len(ds))
	for i, d := range ds {
		out[i] = int(hash(d.ID) % uint64(k))
	}
	return out
}

func hash(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

func vendors(ds []*desk) int {
	seen := map[string]bool{}
	for _, d := range ds {
		seen[d.Vendor] = true
	}
	return len(seen)
}

func labelCounts(t doc.Type, ls []Lesson) map[string]int {
	out := map[string]int{}
	for _, l := range ls {
		for name, v := range l.Labels {
			if _, ok := t.Field(name); ok && v != "" {
				out[name]++
			}
		}
	}
	return out
}
