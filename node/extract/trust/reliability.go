package trust

import (
	"math"
)

// Bin is one column of a reliability plot: what was said, and what was true.
type Bin struct {
	From   float64 `json:"from"` // scores from here, up to To; the last bin includes it
	To     float64 `json:"to"`
	N      int     `json:"n"`
	Score  float64 `json:"score"`  // mean score of the samples in it
	Right  float64 `json:"right"`  // share of them that is right
	Margin float64 `json:"margin"` // standard error of Right around Score, were the scores true
}

// Reliability sorts samples into bins of equal width between 0 and 1 and leaves
// out the empty ones. No bins are asked for, or a score that is no number: none.
func Reliability(samples []Sample, bins int) []Bin {
	if bins <= 0 || check(samples) != nil {
		return nil
	}
	all := make([]Bin, bins)
	for _, s := range samples {
		b := &all[min(int(s.Score*float64(bins)), bins-1)]
		b.N++
		b.Score += s.Score
		b.Margin += s.Score * (1 - s.Score)
		if s.Right {
			b.Right++
		}
	}
	out := all[:0]
	for i, b := range all {
		if b.N == 0 {
			continue
		}
		n := float64(b.N)
		b.From, b.To = float64(i)/float64(bins), float64(i+1)/float64(bins)
		b.Score, b.Right, b.Margin = b.Score/n, b.Right/n, math.Sqrt(b.Margin)/n
		out = append(out, b)
	}
	return out
}

// ECE is the expected calibration error of bins: the mean distance of what was
// said from what was true, each bin weighed by its samples. 0 without samples.
func ECE(bins []Bin) float64 {
	return meanOf(bins, func(b Bin) float64 { return math.Abs(b.Score - b.Right) })
}

// Noise is the ECE that scores which are perfectly true would show with as many
// samples in the same bins, by chance alone. An ECE near it says that there is
// nothing left to calibrate with these samples.
func Noise(bins []Bin) float64 {
	return meanOf(bins, func(b Bin) float64 { return b.Margin * math.Sqrt(2/math.Pi) })
}

func meanOf(bins []Bin, of func(Bin) float64) float64 {
	sum, n := 0.0, 0
	for _, b := range bins {
		sum += of(b) * float64(b.N)
		n += b.N
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}
