package trust

import "math"

// ClopperPearson gives the upper bound of a share of which wrong of n were seen:
// the true share is above it with probability delta at most. It is 1 where nothing
// is known (n of 0, or all wrong). Counts out of range are brought into it.
func ClopperPearson(wrong, n int, delta float64) (upper float64) {
	return upperShare(float64(wrong), float64(n), delta)
}

// upperShare is ClopperPearson for a sum of n votes between 0 and 1. With
// fractional votes it should err to the safe side, since of all votes with a given
// mean those of 0 or 1 scatter most; tests by simulation bear it out, no proof does.
func upperShare(sum, n, delta float64) float64 {
	if n <= 0 || sum >= n || delta <= 0 {
		return 1
	}
	if delta >= 1 {
		return 0
	}
	return betaQuantile(1-delta, max(sum, 0)+1, n-max(sum, 0))
}

// lowerShare gives the lower bound: the true share is below it with probability
// delta at most.
func lowerShare(sum, n, delta float64) float64 {
	if n <= 0 || sum <= 0 || delta <= 0 {
		return 0
	}
	if delta >= 1 {
		return 1
	}
	return betaQuantile(delta, min(sum, n), n-min(sum, n)+1)
}

// needed gives how many votes it takes until wrong bad ones among them prove that
// no more than the given share is.
func needed(wrong int, share, delta float64) int {
	if share <= 0 {
		return math.MaxInt32
	}
	low, high := wrong, wrong+1
	for high < math.MaxInt32/2 && ClopperPearson(wrong, high, delta) > share {
		low, high = high, 2*high
	}
	for low+1 < high {
		if mid := (low + high) / 2; ClopperPearson(wrong, mid, delta) > share {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// betaQuantile gives x with P(Beta(a, b) <= x) = p, by halving: it is asked
// seldom enough for the simplest sure way.
func betaQuantile(p, a, b float64) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		if mid := (low + high) / 2; betaShare(mid, a, b) < p {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// betaShare is the regularised incomplete beta function I_x(a, b), by Lentz's
// evaluation of its continued fraction.
func betaShare(x, a, b float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	if x > (a+1)/(a+b+2) { // the fraction converges fast on the other side
		return 1 - betaShare(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny, enough = 1e-300, 1e-14
	c, d := 1.0, 1-(a+b)*x/(a+1)
	if math.Abs(d) < tiny {
		d = tiny
	}
	d = 1 / d
	f := d
	for m := 1.0; m < 10000; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		step := 1.0
		for _, t := range [2]float64{even, odd} {
			if d = 1 + t*d; math.Abs(d) < tiny {
				d = tiny
			}
			if c = 1 + t/c; math.Abs(c) < tiny {
				c = tiny
			}
			d = 1 / d
			step = c * d
			f *= step
		}
		if math.Abs(step-1) < enough {
			break
		}
	}
	return front * f
}
