package fields

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"math"
	"slices"
	"sync"

	"github.com/recto-edge/recto/node/doc"
)

// Classes is a learned model that tells document types apart: a multinomial
// logistic regression over the shape of the page, the words on it, and how well
// each type's own words fit, whose confidence was calibrated on documents of
// vendors that did not train it.
type Classes struct {
	Names       []string  `json:"names"`       // the types it learned; anything else is judged by Match
	Temperature float64   `json:"temperature"` // by which log-odds are divided; above 1: less sure
	Match       []float64 `json:"match"`       // weights of what a type's own words say, see matchNames
	// Weights of each type of Names against "none of these": first a constant,
	// then the shape, then the matches of Names, then Words.
	Weights [][]float64 `json:"weights"`
	Words   []string    `json:"words"`
}

//go:generate go run ../../../models/classes -out classes.json

//go:embed classes.json
var classesJSON []byte

// shippedClasses is the model that comes with the program.
var shippedClasses = sync.OnceValue(func() *Classes {
	m, err := ParseClasses(classesJSON)
	if err != nil {
		panic("fields: shipped model of document types: " + err.Error()) // a broken build, found by the package's tests
	}
	return m
})

// ParseClasses reads a model and checks that its parts fit together and this
// program; errors are of code Invalid.
func ParseClasses(b []byte) (*Classes, error) {
	var m Classes
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, doc.Errorf(doc.Invalid, "model of document types: %w", err)
	}
	if len(m.Match) != len(matchNames) || len(m.Weights) != len(m.Names) || !(m.Temperature > 0) {
		return nil, doc.Errorf(doc.Invalid, "model of document types: it is of another version, or was cut")
	}
	for i, w := range m.Weights {
		if len(w) != m.inputs() {
			return nil, doc.Errorf(doc.Invalid, "model of document types: %s has %d weights where %d belong", m.Names[i], len(w), m.inputs())
		}
	}
	return &m, nil
}

// inputs is how many numbers describe a document to the model.
func (m *Classes) inputs() int { return 1 + len(shapeNames) + len(m.Names) + len(m.Words) }

// matchScale brings log-odds of matches to the size of the other inputs.
const matchScale = 4

// describe gives the inputs of the model for a document.
func (m *Classes) describe(s *sight, matches []float64, types []doc.Type) []float64 {
	x := append(make([]float64, 0, m.inputs()), 1)
	x = append(x, s.shape()...)
	for _, name := range m.Names {
		v := -1.0 // a type that this node does not have speaks for nothing
		if i := slices.IndexFunc(types, func(t doc.Type) bool { return t.Name == name }); i >= 0 {
			v = min(max(matches[i]/matchScale, -1.5), 1.5)
		}
		x = append(x, v)
	}
	known := 0
	for _, w := range m.Words {
		v := truth(s.words[w])
		known += int(v)
		x = append(x, v)
	}
	// A long document has many words, and is not the surer for it.
	scale := 3 / math.Sqrt(9+float64(known))
	for i := len(x) - len(m.Words); i < len(x); i++ {
		x[i] *= scale
	}
	return x
}

// logits gives the log-odds of each of Names against none of them.
func (m *Classes) logits(s *sight, matches []float64, types []doc.Type) []float64 {
	x := m.describe(s, matches, types)
	out := make([]float64, len(m.Names))
	for k, w := range m.Weights {
		for j, v := range x {
			out[k] += w[j] * v
		}
	}
	return out
}
