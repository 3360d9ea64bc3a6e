package learn

import (
	"fmt"
	"math"
	"slices"
)

// Train fits a forest. Errors: no examples, rows of different length, a prior or
// weight that is no number. Examples of one answer only give a forest that says
// so.
func Train(rows []Example, o Options) (*Forest, error) {
	o = o.filled()
	t, err := newTrainer(rows, o)
	if err != nil {
		return nil, err
	}
	f := &Forest{Columns: t.columns}
	for range o.Trees {
		t.gradients()
		tree, ok := t.grow()
		if !ok {
			break
		}
		f.Trees = append(f.Trees, tree)
	}
	return f, nil
}

// leastWeight is less than any row weighs, and more than sums differ by in their order.
const leastWeight = 1e-9

// maxBins is how many values of a column are told apart; bin 0 is for NaN.
const maxBins = 64

type trainer struct {
	o       Options
	rows    []Example
	columns int
	cuts    [][]float32 // of a column: upper edge of each bin but the last
	binned  [][]uint8   // of a column: the bin of each row
	at      []int       // of a column: where its bins begin in a histogram
	bins    int         // of all columns that can be asked
	score   []float64   // log odds so far
	slope   []slope     // of each row
}

// slope is the gradient and curvature of the loss, and the weight, of one or more rows.
type slope struct{ g, h, w float64 }

func newTrainer(rows []Example, o Options) (*trainer, error) {
	if len(rows) == 0 {
		return nil, fmt.Errorf("%w: is empty", errExamples)
	}
	t := &trainer{o: o, rows: rows, columns: len(rows[0].X), score: make([]float64, len(rows)), slope: make([]slope, len(rows))}
	for i, r := range rows {
		if len(r.X) != t.columns {
			return nil, fmt.Errorf("%w: row %d has %d columns, the first has %d", errExamples, i, len(r.X), t.columns)
		}
		if bad(r.Prior) || bad(r.Weight) || r.Weight < 0 {
			return nil, fmt.Errorf("%w: row %d has a prior or weight that is no number", errExamples, i)
		}
		t.score[i] = r.Prior
		if t.slope[i].w = r.Weight; r.Weight == 0 {
			t.slope[i].w = 1
		}
	}
	for c := range t.columns {
		t.bin(c)
		t.at = append(t.at, t.bins)
		if n := len(t.cuts[c]); n > 0 { // else it is always the same
			t.bins += n + 2
		}
	}
	return t, nil
}

func bad(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }

// bin cuts column c where its values divide the rows into even shares.
func (t *trainer) bin(c int) {
	vals := make([]float32, 0, len(t.rows))
	for _, r := range t.rows {
		if v := r.X[c]; v == v {
			vals = append(vals, v)
		}
	}
	slices.Sort(vals)
	var cuts []float32
	distinct := slices.Compact(slices.Clone(vals))
	if len(distinct) <= maxBins-2 {
		for i := 1; i < len(distinct); i++ {
			cuts = append(cuts, between(distinct[i-1], distinct[i]))
		}
	} else {
		for k := 1; k < maxBins-1; k++ {
			i := k * len(vals) / (maxBins - 1)
			if i == 0 || vals[i] == vals[i-1] {
				continue
			}
			cuts = append(cuts, between(vals[i-1], vals[i]))
		}
		cuts = slices.Compact(cuts)
	}
	bins := make([]uint8, len(t.rows))
	for i, r := range t.rows {
		if v := r.X[c]; v == v {
			k, _ := slices.BinarySearch(cuts, v) // number of cuts below v
			bins[i] = uint8(k + 1)
		}
	}
	t.cuts, t.binned = append(t.cuts, cuts), append(t.binned, bins)
}

func between(a, b float32) float32 {
	if m := a + (b-a)/2; m < b {
		return m
	}
	return a
}

func (t *trainer) gradients() {
	for i, r := range t.rows {
		x, p, y := &t.slope[i], Sigmoid(t.score[i]), 0.0
		if r.Yes {
			y = 1
		}
		x.g, x.h = x.w*(p-y), max(x.w*p*(1-p), 1e-9)
	}
}

// leaf is a set of rows that may be parted again.
type leaf struct {
	node  int
	depth int
	rows  []int32
	g, h  float64
	hist  []slope // of its rows, bin by bin; nil where it is not parted
}

// grow makes one tree and adds it to the scores; ok is false when no question is
// worth asking.
func (t *trainer) grow() (tree Tree, ok bool) {
	all := make([]int32, len(t.rows))
	root := leaf{rows: all}
	for i := range all {
		all[i] = int32(i)
		root.g += t.slope[i].g
		root.h += t.slope[i].h
	}
	root.hist = t.histogram(all)
	tree.add()
	open := []leaf{root}
	for len(open) > 0 {
		l := open[0]
		open = open[1:]
		s, found := question{}, false
		if l.depth < t.o.Depth {
			s, found = t.best(l)
		}
		if !found {
			t.close(&tree, l)
			continue
		}
		ok = true
		left := tree.add()
		tree.add()
		tree.Column[l.node], tree.Cut[l.node], tree.Left[l.node], tree.Miss[l.node] = int16(s.column), s.cut, int16(left), s.missLeft
		a, b := t.part(l, s)
		a.node, b.node, a.depth, b.depth = left, left+1, l.depth+1, l.depth+1
		if a.depth < t.o.Depth {
			t.share(l, &a, &b)
		}
		open = append(open, a, b)
	}
	return tree, ok
}

func (t *Tree) add() int {
	t.Column, t.Cut, t.Left = append(t.Column, -1), append(t.Cut, 0), append(t.Left, 0)
	t.Miss, t.Value = append(t.Miss, false), append(t.Value, 0)
	return len(t.Column) - 1
}

func (t *trainer) close(tree *Tree, l leaf) {
	v := -t.o.Rate * l.g / (l.h + t.o.Penalty)
	v = math.Round(v*1e4) / 1e4 // fewer digits to keep, and the scores below are what the kept tree says
	tree.Value[l.node] = float32(v)
	for _, i := range l.rows {
		t.score[i] += float64(float32(v))
	}
}

// question parts the rows of a leaf: those with x <= cut to the left.
type question struct {
	column   int
	bin      int // last bin that goes left
	cut      float32
	missLeft bool
	gain     float64
}

// histogram sums up the slopes of rows by the bins of each column.
func (t *trainer) histogram(rows []int32) []slope {
	all := make([]slope, t.bins)
	for c := range t.columns {
		if len(t.cuts[c]) == 0 {
			continue
		}
		bins, hist := t.binned[c], all[t.at[c]:]
		for _, i := range rows {
			x, s := &hist[bins[i]], &t.slope[i]
			x.g += s.g
			x.h += s.h
			x.w += s.w
		}
	}
	return all
}

// share gives the two parts of a leaf their histograms: the smaller one is counted, the
// other is what it leaves of the whole, which is given up.
func (t *trainer) share(l leaf, a, b *leaf) {
	if len(a.rows) > len(b.rows) {
		a, b = b, a
	}
	a.hist, b.hist = t.histogram(a.rows), l.hist
	for i, x := range a.hist {
		y := &b.hist[i]
		y.g -= x.g
		y.h -= x.h
		y.w -= x.w
	}
}

func (t *trainer) best(l leaf) (best question, found bool) {
	parent := l.g * l.g / (l.h + t.o.Penalty)
	for c := range t.columns {
		if len(t.cuts[c]) == 0 {
			continue
		}
		n := len(t.cuts[c]) + 2
		hist := l.hist[t.at[c]:][:n]
		total := slope{}
		for _, x := range hist {
			total.w += x.w
		}
		for _, missLeft := range []bool{true, false} {
			if !missLeft && hist[0].w < leastWeight {
				continue
			}
			a := slope{}
			if missLeft {
				a = hist[0]
			}
			for b := 1; b < n-1; b++ {
				a.g, a.h, a.w = a.g+hist[b].g, a.h+hist[b].h, a.w+hist[b].w
				if a.w < t.o.Leaf || total.w-a.w < t.o.Leaf {
					continue
				}
				rg, rh := l.g-a.g, l.h-a.h
				gain := a.g*a.g/(a.h+t.o.Penalty) + rg*rg/(rh+t.o.Penalty) - parent
				if gain > best.gain+1e-9 && gain > 0.02 {
					best, found = question{c, b, t.cuts[c][b-1], missLeft, gain}, true
				}
			}
		}
	}
	return best, found
}

func (t *trainer) part(l leaf, s question) (a, b leaf) {
	bins := t.binned[s.column]
	for _, i := range l.rows {
		x := bins[i]
		to := &b
		if x == 0 && s.missLeft || x > 0 && int(x) <= s.bin {
			to = &a
		}
		to.rows = append(to.rows, i)
		to.g += t.slope[i].g
		to.h += t.slope[i].h
	}
	return a, b
}
