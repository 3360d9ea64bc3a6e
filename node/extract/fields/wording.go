package fields

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Wording is what corrections say of the labels of a type, on documents of whatever vendor: by
// field and label, how often it led to the confirmed value. Labels that nobody named are learned
// where a confirmed value stands behind or under them. A model keeps that of its documents, for the
// fields of its scorers; for the others that of the site's corrections counts.
type Wording map[string]map[string]Led

// Led is how often a label led to the confirmed value, of the documents on which it led
// anywhere.
type Led struct {
	Label string `json:"label"` // as it was printed, or as somebody named it
	Right int    `json:"right"`
	Of    int    `json:"of"`
}

const (
	// believedFor is as how many documents counts what is believed of a label before it was seen
	// to lead anywhere: of one that somebody named its place among the others, of a learned
	// one nothing.
	believedFor = 3
	// leastLed is the least trust in a learned label that is used: it led right once, and on
	// one other document at most wrong.
	leastLed = 0.2
)

// trust is the share of documents on which a label leads to the right value, believed to be prior
// before there was any.
func (l Led) trust(prior float64) float64 {
	return (float64(l.Right) + believedFor*prior) / float64(l.Of+believedFor)
}

// fewLabels is how many labels a field has at most to which others are learned: who wrote more
// has seen many documents.
const fewLabels = 7

// learnsLabels says whether labels are learned for a field: one of few labels and one value that is not
// found by its place or kind, nor in sentences.
func learnsLabels(spec doc.FieldSpec) bool {
	switch place, _, _ := strings.Cut(spec.Hint, " "); place {
	case "top", "seller", "buyer", "document", "code", "prose":
		return false
	}
	return !spec.Repeated && spec.Type != doc.Table && spec.Type != doc.Currency && len(spec.Labels) <= fewLabels
}

// taught gives t with the labels that were learned behind its own, and the strength of each label
// by field and form, as the wording of each field says.
func taught(t doc.Type, wordingOf func(field string) Wording) (doc.Type, map[string]map[string]float64) {
	t.Fields = slices.Clone(t.Fields)
	strengths := map[string]map[string]float64{}
	for i, spec := range t.Fields {
		if w := wordingOf(spec.Name); len(w[spec.Name]) > 0 && learnsLabels(spec) {
			t.Fields[i].Labels, strengths[spec.Name] = w.labels(spec)
		}
	}
	return t, strengths
}

// labels gives the labels of a field with the learned ones, and their strengths by form.
func (w Wording) labels(spec doc.FieldSpec) ([]string, map[string]float64) {
	seen := w[spec.Name]
	out, strength := slices.Clone(spec.Labels), map[string]float64{}
	for _, l := range labelsOf([]doc.FieldSpec{spec}) {
		if l.field >= 0 {
			strength[l.form] = seen[l.form].trust(1 - float64(l.rank)/float64(l.of))
		}
	}
	for form, n := range seen {
		_, own := strength[form]
		if trust := n.trust(0); !own && trust >= leastLed {
			out = append(out, n.Label)
			strength[form] = trust
		}
	}
	slices.SortFunc(out[len(spec.Labels):], func(a, b string) int { // those that led right most often first
		return cmp.Or(cmp.Compare(seen[squash(b)].Right, seen[squash(a)].Right), cmp.Compare(a, b))
	})
	return out, strength
}

// Labels says of the labels of t, those that led anywhere on documents that people looked at, how
// often each led to the confirmed value. Learned ones that are not used are left out.
func (k Knowledge) Labels(t doc.Type) []doc.LabelUse {
	var out []doc.LabelUse
	for _, spec := range t.Fields {
		w := k.wordingOf(spec.Name)
		if !learnsLabels(spec) || w == nil {
			continue
		}
		labels, _ := w.labels(spec)
		for i, l := range labels {
			if n := w[spec.Name][squash(l)]; n.Of > 0 {
				out = append(out, doc.LabelUse{Field: spec.Name, Label: l, Learned: i >= len(spec.Labels), Right: n.Right, Of: n.Of})
			}
		}
	}
	return out
}

// Learn adds a document whose fields a person confirmed.
func (w Wording) Learn(t doc.Type, l Lesson) {
	if !slices.ContainsFunc(t.Fields, learnsLabels) {
		return
	}
	w.add(found(t, l))
	w.add(w.ledOn(t, l))
	w.keepBest(func(field, form string) int { return w[field][form].Right })
}

// mostLearned is how many labels of a field are kept: each is looked for on each page.
const mostLearned = 200

// keepBest forgets the labels of a field that are worth least, where there are too many.
func (w Wording) keepBest(worth func(field, form string) int) {
	for field, forms := range w {
		if len(forms) <= mostLearned {
			continue
		}
		best := slices.SortedFunc(maps.Keys(forms), func(a, b string) int {
			return cmp.Or(cmp.Compare(worth(field, b), worth(field, a)), cmp.Compare(a, b))
		})
		for _, form := range best[mostLearned:] {
			delete(forms, form)
		}
	}
}

// found gives what may be labels of the confirmed values of a document, as leading nowhere yet.
func found(t doc.Type, l Lesson) Wording {
	out := Wording{}
	r := newReader(l.Reading, t)
	for _, spec := range t.Fields {
		if label := l.Labels[spec.Name]; label != "" && learnsLabels(spec) {
			for _, printed := range r.labelsBeside(spec, label) {
				out.note(spec.Name, Led{Label: printed})
			}
		}
	}
	return out
}

// ledOn says where the labels of t and those of w lead on a document.
func (w Wording) ledOn(t doc.Type, l Lesson) Wording {
	out := Wording{}
	all := t // with every label that is known, trusted or not
	all.Fields = slices.Clone(t.Fields)
	for i, spec := range t.Fields {
		all.Fields[i].Labels = slices.Concat(spec.Labels, slices.Sorted(maps.Keys(w[spec.Name]))) // forms are labels too
	}
	r := newReader(l.Reading, all)
	for i, spec := range t.Fields {
		label, known := l.Labels[spec.Name]
		if !known || !learnsLabels(spec) {
			continue
		}
		for form, value := range r.ledTo(i) {
			n := Led{Label: cmp.Or(w[spec.Name][form].Label, form), Of: 1}
			if label != "" && CompareForm(spec.Type, value) == CompareForm(spec.Type, label) {
				n.Right = 1
			}
			out.note(spec.Name, n)
		}
	}
	return out
}

// add adds what another wording saw.
func (w Wording) add(o Wording) {
	for field, forms := range o {
		for _, n := range forms {
			w.note(field, n)
		}
	}
}

// wordings gives what lessons say of labels, beside base: all of them, and for each lesson those
// of other vendors, as a document of a vendor is read that nobody knows. Where stopped says so it
// ends early, with less.
func wordings(t doc.Type, lessons []Lesson, base Wording, stopped func() bool) (all Wording, others []Wording) {
	if !slices.ContainsFunc(t.Fields, learnsLabels) {
		return nil, make([]Wording, len(lessons))
	}
	all = Wording{}
	all.add(base)
	all.add(labelsNamed(t))
	finders := map[[2]string]int{} // of each label: vendors, and those who named it
	for field, forms := range all {
		for form := range forms {
			finders[[2]string{field, form}]++
		}
	}
	by, saw := map[string]Wording{}, map[string]Wording{} // vendors: labels found, and where all lead
	for _, l := range lessons {
		if stopped() {
			break
		}
		if by[l.Vendor] == nil {
			by[l.Vendor], saw[l.Vendor] = Wording{}, Wording{}
		}
		by[l.Vendor].add(found(t, l))
	}
	for _, w := range by {
		all.add(w)
		for field, forms := range w {
			for form := range forms {
				finders[[2]string{field, form}]++
			}
		}
	}
	all.keepBest(func(field, form string) int { return finders[[2]string{field, form}] })
	for _, l := range lessons {
		if stopped() {
			break
		}
		saw[l.Vendor].add(all.ledOn(t, l))
	}
	for _, w := range saw {
		all.add(w)
	}
	without := map[string]Wording{}
	for v := range by {
		without[v] = Wording{}
		for field, forms := range all {
			for form, n := range forms {
				_, own := by[v][field][form]
				if finders[[2]string{field, form}] > 1 || !own {
					less := saw[v][field][form]
					without[v].note(field, Led{n.Label, n.Right - less.Right, n.Of - less.Of})
				}
			}
		}
	}
	for _, l := range lessons {
		others = append(others, without[l.Vendor])
	}
	return all, others
}

// labelsNamed gives the own labels of fields that learn others, as leading nowhere yet.
func labelsNamed(t doc.Type) Wording {
	out := Wording{}
	for _, spec := range t.Fields {
		if !learnsLabels(spec) {
			continue
		}
		for _, l := range spec.Labels {
			if !strings.HasPrefix(l, "!") {
				out.note(spec.Name, Led{Label: l})
			}
		}
	}
	return out
}

// note adds what was seen of a label.
func (w Wording) note(field string, n Led) {
	if w[field] == nil {
		w[field] = map[string]Led{}
	}
	form := squash(n.Label)
	was, known := w[field][form]
	if !known || n.Label < was.Label { // of several the same one, whichever comes first
		was.Label = n.Label
	}
	w[field][form] = Led{was.Label, was.Right + n.Right, was.Of + n.Of}
}

// ledTo gives the values that each label of field i leads to best.
func (r *reader) ledTo(i int) map[string]string {
	best := map[string]scored{}
	for _, m := range r.matches {
		if m.field != i {
			continue
		}
		for _, c := range r.beside(m, r.fields[i]) {
			if b, ok := best[m.form]; !ok || c.score > b.score {
				best[m.form] = c
			}
		}
	}
	out := map[string]string{}
	for form, c := range best {
		if c.score > 0 {
			out[form] = c.Value
		}
	}
	return out
}
