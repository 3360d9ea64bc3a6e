package learn

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// outcome is one document as two models read it that were not trained on it.
type outcome struct {
	vendor                string
	fields, right, before int
}

// level is the certainty of the interval of a gain: its low end is above 0 in one
// of twenty cases at most where there is none.
const level = 0.90

// gainOf compares two models by documents. The interval of the mean gain a
// document comes from turning round the sign of whole vendors: if neither model
// is better by delta, each vendor's sum of gains less delta is as likely to fall on
// one side as on the other (Fisher's randomisation test, inverted). It asks for no
// distribution, never counts many documents of a vendor as many witnesses, and
// knows that few vendors prove nothing: below five it is as wide as can be.
func gainOf(outs []outcome) doc.Gain {
	g := doc.Gain{Documents: len(outs)}
	at := map[string]int{}
	var sums, sizes []float64
	widest := 0
	for _, o := range outs {
		g.Fields += o.fields
		g.Right += o.right
		g.Before += o.before
		widest = max(widest, o.fields)
		i, ok := at[o.vendor]
		if !ok {
			i = len(sums)
			at[o.vendor] = i
			sums, sizes = append(sums, 0), append(sizes, 0)
		}
		sums[i] += float64(o.right - o.before)
		sizes[i]++
	}
	g.Vendors = len(sums)
	if len(outs) == 0 {
		return g
	}
	g.Mean = float64(g.Right-g.Before) / float64(len(outs))
	turns := turnsOf(len(sums))
	bound := float64(widest)
	g.Low = lowEnd(sums, sizes, turns, g.Mean, bound)
	for i := range sums {
		sums[i] = -sums[i]
	}
	g.High = -lowEnd(sums, sizes, turns, -g.Mean, bound)
	g.Mean, g.Low, g.High = round(g.Mean), round(g.Low), round(g.High)
	return g
}

// round also turns -0, which reads oddly, into 0.
func round(x float64) float64 { return math.Round(1000*x)/1000 + 0 }

// manyVendors is from how many on signs are drawn instead of tried all.
const manyVendors = 12

// turnsOf gives the ways to turn round the signs of n vendors: all of them, or
// for many vendors always the same sample. The first turns none.
func turnsOf(n int) [][]float64 {
	count := 1 << min(n, manyVendors)
	rnd := rand.New(rand.NewPCG(1, 2))
	out := make([][]float64, count)
	for k := range out {
		out[k] = make([]float64, n)
		for i := range n {
			turned := k>>min(i, 62)&1 == 1
			if n > manyVendors {
				turned = k > 0 && rnd.IntN(2) == 1
			}
			out[k][i] = 1
			if turned {
				out[k][i] = -1
			}
		}
	}
	return out
}

// lowEnd gives the largest delta that the sums of vendors refute: that a
// document gains no more than it.
func lowEnd(sums, sizes []float64, turns [][]float64, mean, bound float64) float64 {
	refuted := func(delta float64) bool {
		at := make([]float64, len(sums))
		for i := range sums {
			at[i] = sums[i] - delta*sizes[i]
		}
		seen, least := 0.0, 0
		for k, turn := range turns {
			sum := 0.0
			for i := range at {
				sum += turn[i] * at[i]
			}
			if k == 0 {
				seen = sum
			}
			if sum >= seen-1e-9 {
				least++
			}
		}
		return float64(least) <= (1-level)/2*float64(len(turns))
	}
	low, high := -bound-1e-6, mean
	if !refuted(low) {
		return -bound
	}
	for range 40 {
		if mid := (low + high) / 2; refuted(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return max(low, -bound)
}

// parts deals vendors into at most k parts of about the same number of documents
// and gives the part of each document.
func parts(vendors []string, k int) []int {
	size := map[string]int{}
	for _, v := range vendors {
		size[v]++
	}
	names := sortedNames(size)
	slices.SortStableFunc(names, func(a, b string) int { return size[b] - size[a] })
	load, of := make([]int, k), map[string]int{}
	for _, v := range names {
		least := 0
		for i := range load {
			if load[i] < load[least] {
				least = i
			}
		}
		of[v] = least
		load[least] += size[v]
	}
	out := make([]int, len(vendors))
	for i, v := range vendors {
		out[i] = of[v]
	}
	return out
}
