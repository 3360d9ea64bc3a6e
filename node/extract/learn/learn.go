// Package learn fits small models to few examples: gradient-boosted trees for
// yes-or-no questions. It owns training, scoring and the form in which a forest is
// kept; it knows nothing of documents. Training is deterministic: the same
// examples in the same order give the same forest, bit for bit, so that a model
// can be named by its digest. It does no I/O and starts no goroutine.
//
// The method is Friedman, "Greedy Function Approximation: A Gradient Boosting
// Machine" (2001), with the second-order leaves and the regularised gain of Chen
// and Guestrin, "XGBoost" (2016), on histograms of at most 64 bins a column.
package learn

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Example is one row of a training set.
type Example struct {
	X      []float32 // one number a column; NaN where it is not known
	Yes    bool
	Weight float64 // how much it counts; 0 means 1
	Prior  float64 // log odds to begin from: what was believed before learning
}

// Options bound a forest. The zero value gives the defaults in brackets.
type Options struct {
	Trees   int     // at most (80)
	Depth   int     // questions before a leaf, at most (3)
	Rate    float64 // how much of each tree is believed, 0..1 (0.1)
	Leaf    float64 // least sum of weights in a leaf (3)
	Penalty float64 // L2 penalty on leaves (3)
}

func (o Options) filled() Options {
	fill := func(x *float64, v float64) {
		if *x == 0 {
			*x = v
		}
	}
	if o.Trees == 0 {
		o.Trees = 80
	}
	if o.Depth == 0 {
		o.Depth = 3
	}
	fill(&o.Rate, 0.1)
	fill(&o.Leaf, 3)
	fill(&o.Penalty, 3)
	return o
}

// Forest answers one yes-or-no question. It is safe for concurrent use.
type Forest struct {
	Columns int    `json:"columns"`
	Trees   []Tree `json:"trees"`
}

// Tree is a tree as parallel arrays, the root first. A node without children has
// Column -1 and its answer in Value.
type Tree struct {
	Column []int16   `json:"c"`
	Cut    []float32 `json:"t"` // x <= Cut goes to Left, else to Left+1; NaN goes by Missing
	Left   []int16   `json:"l"`
	Miss   []bool    `json:"m"` // whether NaN goes left
	Value  []float32 `json:"v"` // log odds
}

// errExamples is the cause of all refusals of a training set.
var errExamples = errors.New("training set")

// Check says what is wrong with a forest that was read from somewhere.
func (f *Forest) Check() error {
	for i, t := range f.Trees {
		n := len(t.Column)
		if n == 0 || len(t.Cut) != n || len(t.Left) != n || len(t.Miss) != n || len(t.Value) != n {
			return fmt.Errorf("tree %d is cut", i)
		}
		for k, c := range t.Column {
			if int(c) >= f.Columns || c < -1 || c >= 0 && (int(t.Left[k]) <= k || int(t.Left[k])+1 >= n) {
				return fmt.Errorf("tree %d leads nowhere", i)
			}
			if v := float64(t.Value[k]); math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("tree %d has no answer", i)
			}
		}
	}
	return nil
}

// LogOdds gives the log odds of yes, beginning from prior. x must have as many
// columns as the forest.
func (f *Forest) LogOdds(x []float32, prior float64) float64 {
	s := prior
	for i := range f.Trees {
		s += f.Trees[i].value(x)
	}
	return s
}

// Probability is LogOdds as a number 0..1.
func (f *Forest) Probability(x []float32, prior float64) float64 {
	return Sigmoid(f.LogOdds(x, prior))
}

// Mean gives the forest whose log odds are the mean of those of others, all of them
// beginning from the same prior. They have the same columns, and there is one at least.
func Mean(forests []*Forest) *Forest {
	out := &Forest{Columns: forests[0].Columns}
	for _, f := range forests {
		for _, t := range f.Trees {
			t.Value = slices.Clone(t.Value)
			for i := range t.Value {
				t.Value[i] /= float32(len(forests))
			}
			out.Trees = append(out.Trees, t)
		}
	}
	return out
}

func (t *Tree) value(x []float32) float64 {
	k := 0
	for t.Column[k] >= 0 {
		v := x[t.Column[k]]
		left := v <= t.Cut[k]
		if v != v { // NaN
			left = t.Miss[k]
		}
		k = int(t.Left[k])
		if !left {
			k++
		}
	}
	return float64(t.Value[k])
}

// Sigmoid turns log odds into a probability.
func Sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Logit turns a probability into log odds, keeping away from certainty.
func Logit(p float64) float64 {
	p = max(1e-4, min(1-1e-4, p))
	return math.Log(p / (1 - p))
}
