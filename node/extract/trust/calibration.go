package trust

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Calibration maps raw scores to probabilities of being right. It is a few numbers
// and meant to be kept as JSON beside the model whose scores it reads. The zero
// value leaves scores as they are.
//
// The map is beta calibration (Kull, Silva Filho, Flach: Beta calibration, AISTATS
// 2017): logit p = a ln s - b ln(1-s) + c with a and b not below zero, so it is
// monotone, contains "unchanged" (1, 1, 0), and can bend both ends. All fields
// together give one map; the map of a field is drawn toward that one, the harder
// the fewer samples it has.
type Calibration struct {
	All    Curve            `json:"all"`
	Fields map[string]Curve `json:"fields,omitempty"`
}

// Curve is one map, and how much it rests on.
type Curve struct {
	A       float64 `json:"a"`
	B       float64 `json:"b"`
	C       float64 `json:"c"`
	Samples int     `json:"samples"`
	Groups  int     `json:"groups"`
}

// How hard a map is drawn to the one it starts from: precisions (one over the
// variance) of a, b and c. fromAll was chosen by vendor-disjoint cross-validation on
// receipts (157 vendors), invoices (21) and orders (44): drawn sixteen times less, the
// likelihood of vendors never seen is worse on each of them, and the calibration error on
// the two that have few vendors. fromShipped and atSite (a field of a site of which nothing
// was shipped) were chosen on receipts: of three sites, one like those that shipped, one
// where that is too sure and one where it is not sure enough, 30 and 100 reviews make each
// more likely on its other vendors than with slopes drawn eight times less.
var (
	fromNothing = [3]float64{1, 1, 0.1}
	fromAll     = [3]float64{32, 32, 8}
	fromShipped = [3]float64{64, 64, 4}
	atSite      = [3]float64{256, 256, 64}
)

// edge keeps probabilities off 0 and 1: no number of samples makes certain.
const edge = 0.001

// Unchanged is a calibration of confidences that are calibrated already: it leaves
// them as they are, and a site's samples move it like a shipped one.
func Unchanged() Calibration { return Calibration{All: Curve{A: 1, B: 1, Samples: 1}} }

// Fit fits a calibration to samples. It costs milliseconds, so it is done anew
// whenever reviews arrive. Errors: no samples, or a score outside 0 to 1.
func Fit(samples []Sample) (Calibration, error) {
	return Calibration{}.Refit(samples)
}

// Refit fits a calibration to the samples of a site, starting from c, the shipped
// one: with few samples it stays near c, with many it is the site's own. A field
// of which the site has no samples moves with all fields together. Errors as in
// [Fit]; c is not changed.
func (c Calibration) Refit(samples []Sample) (Calibration, error) {
	if len(samples) == 0 {
		return Calibration{}, errors.New("fit calibration: no samples")
	}
	if err := check(samples); err != nil {
		return Calibration{}, fmt.Errorf("fit calibration: %w", err)
	}
	pull, ofField := fromShipped, atSite
	if c.All.Samples == 0 {
		c.All, pull, ofField = Curve{A: 1, B: 1}, fromNothing, fromAll
	}
	of, _ := groups(samples)
	points := map[string][]point{}
	size := map[[2]string]float64{}
	cell := func(i int) [2]string { return [2]string{samples[i].Field, fmt.Sprint(of[i])} }
	for i := range samples {
		size[cell(i)]++
	}
	for i, s := range samples {
		p := pointOf(s.Score, s.Right)
		p.group, p.weight = of[i], 1/math.Sqrt(size[cell(i)])
		points[s.Field] = append(points[s.Field], p)
	}
	names := make([]string, 0, len(points))
	var all []point
	for name := range points {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		all = append(all, points[name]...)
	}
	out := Calibration{All: c.All.fit(all, pull), Fields: map[string]Curve{}}
	for name, before := range c.Fields { // without news they move with all fields
		out.Fields[name] = before.moved(c.All, out.All)
	}
	for _, name := range names {
		start, pull := out.All, ofField
		if before, ok := out.Fields[name]; ok {
			start, pull = before, fromShipped
		}
		out.Fields[name] = start.fit(points[name], pull)
	}
	return out, nil
}

// Confidence gives the probability that a value of field with a raw score is
// right. A field that was never seen is mapped as all fields together. A score
// that is no number is no confidence at all: 0.
func (c Calibration) Confidence(field string, score float64) float64 {
	if math.IsNaN(score) {
		return 0
	}
	if c.All.Samples == 0 {
		return min(max(score, 0), 1)
	}
	curve, ok := c.Fields[field]
	if !ok {
		curve = c.All
	}
	return curve.at(score)
}

// Cross gives the samples with confidences in the place of raw scores, each fitted
// without its own group, as a group never seen would get them: for reliability
// plots, and for thresholds on confidence that were not fitted to what they are
// tested on. Whole groups are dealt to parts in order of size, so that the same samples give
// the same answer. Errors as in [Fit], and when there are fewer groups than parts.
func Cross(samples []Sample, parts int) ([]Sample, error) {
	return Calibration{}.Recross(samples, parts)
}

// Recross is [Cross] with fits that start from c, as [Calibration.Refit] does.
func (c Calibration) Recross(samples []Sample, parts int) ([]Sample, error) {
	if err := check(samples); err != nil {
		return nil, fmt.Errorf("cross-fit calibration: %w", err)
	}
	of, n := groups(samples)
	if parts < 2 || n < parts {
		return nil, fmt.Errorf("cross-fit calibration: %d groups do not make %d parts", n, parts)
	}
	out := slices.Clone(samples)
	part := deal(of, n, parts)
	for p := range parts {
		var others []Sample
		for i, s := range samples {
			if part[of[i]] != p {
				others = append(others, s)
			}
		}
		fitted, err := c.Refit(others)
		if err != nil {
			return nil, err
		}
		for i, s := range samples {
			if part[of[i]] == p {
				out[i].Score = fitted.Confidence(s.Field, s.Score)
			}
		}
	}
	return out, nil
}

// deal gives each of n groups a part: the largest first, each to the part that
// holds least.
func deal(of []int, n, parts int) []int {
	size, order := make([]int, n), make([]int, n)
	for _, g := range of {
		size[g]++
	}
	for g := range order {
		order[g] = g
	}
	slices.SortStableFunc(order, func(a, b int) int { return size[b] - size[a] })
	held, part := make([]int, parts), make([]int, n)
	for _, g := range order {
		least := 0
		for p := range held {
			if held[p] < held[least] {
				least = p
			}
		}
		part[g] = least
		held[least] += size[g]
	}
	return part
}
