package split

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"math"
	"sync"

	"github.com/recto-edge/recto/node/doc"
)

// Boundaries is a learned model of where documents end without a sheet: a
// logistic regression over two neighbouring pages.
type Boundaries struct {
	Weights     []float64 `json:"weights"`     // of features, see featureNames
	Temperature float64   `json:"temperature"` // by which log-odds are divided; above 1: less sure
}

// SplitAt is the probability from which a file is split without a sheet, and
// ProposeAt the one from which a person is asked. A file split wrongly costs more
// than one that waits: docs/benchmarks.md has how often either happens.
const (
	SplitAt   = 0.98
	ProposeAt = 0.8
)

//go:generate go run ../../../models/boundaries -out boundaries.json

//go:embed boundaries.json
var boundariesJSON []byte

// shippedBoundaries is the model that comes with the program.
var shippedBoundaries = sync.OnceValue(func() *Boundaries {
	m, err := ParseBoundaries(boundariesJSON)
	if err != nil {
		panic("split: shipped model of boundaries: " + err.Error()) // a broken build, found by the package's tests
	}
	return m
})

// ParseBoundaries reads a model; errors are of code Invalid.
func ParseBoundaries(b []byte) (*Boundaries, error) {
	var m Boundaries
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, doc.Errorf(doc.Invalid, "model of boundaries: %w", err)
	}
	if len(m.Weights) != len(featureNames) || !(m.Temperature > 0) {
		return nil, doc.Errorf(doc.Invalid, "model of boundaries: it is of another version, or was cut")
	}
	return &m, nil
}

// Between gives the probability that a document ends with page a when b is next.
func (m *Boundaries) Between(a, b doc.Page) float64 {
	return m.between(newSide(a), newSide(b))
}

func (m *Boundaries) between(a, b *side) float64 {
	return m.judge(dot(m.Weights, features(a, b)), a, b)
}

// judge turns log-odds into a probability, with what the pages forbid.
func (m *Boundaries) judge(z float64, a, b *side) float64 {
	p := 1 / (1 + math.Exp(-z/m.Temperature))
	if p >= SplitAt && together(a, b) {
		return unsure
	}
	return p
}

// unsure is the probability given to a boundary that the model is sure of and the
// pages speak against: a person decides.
const unsure = 0.9

// Pair is two pages that follow each other, and whether a document ends between.
type Pair struct {
	A, B doc.Page
	Ends bool
	Fold int // 0 or more: a vendor's pages are all in one
}

// Steps and pull towards nought of TrainBoundaries.
const (
	trainSteps = 1500
	trainRate  = 0.05
	trainDecay = 0.002
)

// TrainBoundaries trains a model, and gives for each pair the probability by one
// that saw nothing of its fold. Both kinds of pair weigh the same.
func TrainBoundaries(pairs []Pair, folds int) (*Boundaries, []float64) {
	x := make([][]float64, len(pairs))
	fold := make([]int, len(pairs))
	for i, p := range pairs {
		x[i] = features(newSide(p.A), newSide(p.B))
		fold[i] = p.Fold % folds
	}
	held := make([]float64, len(pairs))
	for f := range folds {
		w := fit(x, pairs, func(i int) bool { return fold[i] != f })
		for i := range pairs {
			if fold[i] == f {
				held[i] = dot(w, x[i])
			}
		}
	}
	m := &Boundaries{Weights: fit(x, pairs, func(int) bool { return true }), Temperature: 1}
	least := math.Inf(1)
	for t := 0.5; t <= 5; t += 0.05 {
		loss := 0.0
		for i, z := range held {
			if !pairs[i].Ends {
				z = -z
			}
			loss += math.Log1p(math.Exp(-z / t))
		}
		if loss < least {
			least, m.Temperature = loss, math.Round(t*100)/100
		}
	}
	for i, z := range held {
		held[i] = m.judge(z, newSide(pairs[i].A), newSide(pairs[i].B))
	}
	for i, w := range m.Weights {
		m.Weights[i] = math.Round(w*1000) / 1000
	}
	return m, held
}

// fit trains on the pairs that use lets in.
func fit(x [][]float64, pairs []Pair, use func(int) bool) []float64 {
	d := len(featureNames)
	w, mean, square := make([]float64, d), make([]float64, d), make([]float64, d)
	count := map[bool]float64{}
	for i, p := range pairs {
		if use(i) {
			count[p.Ends]++
		}
	}
	for step := 1.0; step <= trainSteps; step++ {
		slope := make([]float64, d)
		for i, p := range pairs {
			if !use(i) {
				continue
			}
			e := (1/(1+math.Exp(-dot(w, x[i]))) - truth(p.Ends)) / count[p.Ends] / 2
			for j, v := range x[i] {
				slope[j] += e * v
			}
		}
		for j := range d {
			g := slope[j]
			if j > 0 {
				g += trainDecay * w[j]
			}
			mean[j] = 0.9*mean[j] + 0.1*g
			square[j] = 0.999*square[j] + 0.001*g*g
			w[j] -= trainRate * mean[j] / (1 - math.Pow(0.9, step)) / (math.Sqrt(square[j]/(1-math.Pow(0.999, step))) + 1e-8)
		}
	}
	return w
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += v * b[i]
	}
	return s
}
