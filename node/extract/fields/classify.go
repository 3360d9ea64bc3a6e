package fields

import (
	"cmp"
	"math"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// Generic is the name of the type that anything can be.
const Generic = "generic"

// Verdict is what a document was recognised as.
type Verdict struct {
	Type       string  // Generic when no type fits; "" when there is no type to choose
	Confidence float64 // calibrated probability that Type is right, 0..1
	// Closest is the type that fits best among those that are not generic, and
	// Closeness the probability that the document is one: what a person wants to
	// know of a document that is none of them, or only perhaps one.
	Closest   string
	Closeness float64
}

// SureType is the confidence from which a recognised type needs no look. On
// held-back documents of vendors never seen, 99 in 100 types this sure are right;
// docs/benchmarks.md has the figure.
const SureType = 0.9

// Classify says which of types a reading most likely is. Shipped types are known
// by a learned model, types that an admin added by their own keywords and labels,
// and both are weighed against the document being none of them.
func Classify(reading doc.Reading, types []doc.Type) Verdict {
	return shippedClasses().Classify(reading, types)
}

// Classify is the function of that name with a model other than the shipped one.
func (m *Classes) Classify(reading doc.Reading, types []doc.Type) Verdict {
	known := slices.DeleteFunc(slices.Clone(types), func(t doc.Type) bool { return t.Name == Generic })
	generic := len(known) < len(types)
	switch {
	case len(known) == 0 && generic:
		return Verdict{Type: Generic, Confidence: 1}
	case len(known) == 0:
		return Verdict{}
	}
	s := newSight(newLayout(reading))
	if len(s.rows) == 0 && generic { // nothing was read: nothing speaks for any type
		return Verdict{Type: Generic, Confidence: 0.5}
	}
	p, none := m.probabilities(s, known)
	best := 0
	for i := range p {
		if p[i] > p[best] {
			best = i
		}
	}
	v := Verdict{Type: known[best].Name, Confidence: Rounded(p[best]), Closest: known[best].Name, Closeness: Rounded(p[best])}
	if none >= p[best] && generic {
		v.Type, v.Confidence = Generic, Rounded(none)
	}
	return v
}

// probabilities gives for each type that the document is one, and that it is none
// of them.
func (m *Classes) probabilities(s *sight, types []doc.Type) (p []float64, none float64) {
	matches := m.matches(s, types)
	learned := m.logits(s, matches, types)
	z := make([]float64, 0, len(types)+len(m.Names))
	for i, t := range types {
		if k := slices.Index(m.Names, t.Name); k >= 0 {
			z = append(z, learned[k])
			continue
		}
		z = append(z, matches[i]) // a type nobody trained: its own words decide
	}
	// What the model knows and this node has no type for is none of its types.
	rest := []float64{0}
	for k, name := range m.Names {
		if !slices.ContainsFunc(types, func(t doc.Type) bool { return t.Name == name }) {
			rest = append(rest, learned[k])
		}
	}
	all := softmax(append(z, rest...), m.Temperature)
	for _, v := range all[len(types):] {
		none += v
	}
	return all[:len(types)], none
}

// softmax turns log-odds into probabilities that sum to one; a temperature above
// one makes them less sure.
func softmax(z []float64, temperature float64) []float64 {
	top := slices.MaxFunc(z, cmp.Compare[float64])
	sum := 0.0
	out := make([]float64, len(z))
	for i, v := range z {
		out[i] = math.Exp((v - top) / temperature)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}
