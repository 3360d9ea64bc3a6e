package eval

import "math"

// boundLevel is the confidence of Lower.
const boundLevel = 0.95

// Lower gives the lower bound of a share of which right of n were seen: whatever
// the share is, this bound lies above it in at most 5 of 100 sets (Clopper and
// Pearson, "The use of confidence or fiducial limits illustrated in the case of
// the binomial", 1934; one-sided). It takes the n as independent: fields of one
// vendor are less than that, so with few vendors the bound is too kind. It is 0
// when right is 0 or n is.
func Lower(right, n int) float64 {
	if right <= 0 || n <= 0 {
		return 0
	}
	right = min(right, n)
	low, high := 0.0, 1.0
	for range 60 { // halves the gap below the precision of the numbers
		p := (low + high) / 2
		if atLeast(right, n, p) < 1-boundLevel {
			low = p
		} else {
			high = p
		}
	}
	return low
}

// atLeast is the probability of k or more successes in n, each with probability
// p between 0 and 1.
func atLeast(k, n int, p float64) float64 {
	if k <= 0 {
		return 1
	}
	sum := 0.0
	for i := k; i <= n; i++ {
		sum += math.Exp(logChoose(n, i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return min(sum, 1)
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1)) // the sign is that of a factorial
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// mcnemar is the probability, were two readings equally good, of a split of the
// documents on which they differ that is as uneven as this one or more: the exact
// two-sided test of McNemar, "Note on the sampling error of the difference between
// correlated proportions", 1947.
func mcnemar(fixed, broken int) float64 {
	n := fixed + broken
	if n == 0 {
		return 1
	}
	return min(1, 2*atLeast(max(fixed, broken), n, 0.5))
}
