package trust

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// stair is a threshold that parts the samples, and what lies at or above it.
type stair struct {
	Promise
	votes   float64 // of groups, or of their fields when these vote apart
	against float64 // of these: the sum of the shares wrong
}

// voter is who has one vote: a group, or one field of it.
type voter struct {
	group int
	field string
}

// descend gives all thresholds that part the samples, the highest first. Equal
// scores stay together.
func descend(samples []Sample, apart bool) []stair {
	of, n := groups(samples)
	kin := 0.0
	if apart {
		kin = kinship(samples, of, n)
	}
	order := make([]int, len(samples))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(samples[b].Score, samples[a].Score) })
	accepted, wrong := map[voter]float64{}, map[voter]float64{}
	fields := make([]float64, n) // of each group that vote
	voters, squares, against := 0.0, 0.0, 0.0
	var now stair
	var out []stair
	for k, i := range order {
		v := voter{group: of[i]}
		if apart {
			v.field = samples[i].Field
		}
		if accepted[v] == 0 {
			if fields[v.group] == 0 {
				now.Groups++
			}
			voters++
			squares += 2*fields[v.group] + 1
			fields[v.group]++
		} else {
			against -= wrong[v] / accepted[v]
		}
		accepted[v]++
		now.Accepted++
		if !samples[i].Right {
			wrong[v]++
			now.Wrong++
		}
		against += wrong[v] / accepted[v]
		if k+1 == len(order) || samples[order[k+1]].Score != samples[i].Score {
			// Votes that go together count for less: the design effect of Kish.
			effect := 1 + (squares/voters-1)*kin
			now.Threshold, now.votes, now.against = samples[i].Score, voters/effect, max(against, 0)/effect
			out = append(out, now)
		}
	}
	return out
}

// leastKin is assumed even where the samples show less.
const leastKin = 0.1

// kinship measures how much being wrong in one field goes with being wrong in
// another of the same group, where the score does not tell: the correlation of what
// is left when the probability that follows from each score is taken off, each group
// counted once, and a standard error added. What the score tells must come off: a
// faint document has low scores in all its fields, and a threshold sees these.
func kinship(samples []Sample, of []int, n int) float64 {
	scale, err := Fit(samples)
	if err != nil {
		return 1 // nothing is known of it
	}
	type sum struct{ right, expected, n float64 }
	cells := map[voter]sum{}
	for i, s := range samples {
		c := cells[voter{of[i], s.Field}]
		if s.Right {
			c.right++
		}
		c.expected += scale.Confidence(s.Field, s.Score)
		c.n++
		cells[voter{of[i], s.Field}] = c
	}
	sums, squares, counts := make([]float64, n), make([]float64, n), make([]float64, n)
	for _, v := range slices.SortedFunc(maps.Keys(cells), func(a, b voter) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.field, b.field))
	}) {
		c := cells[v]
		p := c.expected / c.n
		z := (c.right/c.n - p) / math.Sqrt(p*(1-p))
		sums[v.group] += z
		squares[v.group] += z * z
		counts[v.group]++
	}
	var mean, square, m float64
	for g, k := range counts {
		if k < 2 {
			continue
		}
		r := (sums[g]*sums[g] - squares[g]) / (k * (k - 1))
		mean, square, m = mean+r, square+r*r, m+1
	}
	if m < 2 {
		return 1
	}
	mean, square = mean/m, square/m
	return min(max(mean+math.Sqrt(max(square-mean*mean, 0)/(m-1)), leastKin), 1)
}
