package trust

import "math"

// point is a sample as the fit sees it: its basis, its truth and its weight. A
// group's samples of a field share a weight of the root of their number: between
// one voice a sample, which lets one vendor decide, and one a vendor, which throws
// away what its documents tell of the score.
type point struct {
	x      [3]float64 // ln s, -ln(1-s), 1
	right  bool
	weight float64
	group  int
}

func pointOf(score float64, right bool) point {
	s := min(max(score, edge), 1-edge)
	return point{x: [3]float64{math.Log(s), -math.Log1p(-s), 1}, right: right}
}

func (c Curve) at(score float64) float64 {
	p := pointOf(score, false)
	z := c.A*p.x[0] + c.B*p.x[1] + c.C
	return min(max(1/(1+math.Exp(-z)), edge), 1-edge)
}

// moved shifts a curve as another one went from before to after.
func (c Curve) moved(before, after Curve) Curve {
	c.A, c.B = max(0, c.A+after.A-before.A), max(0, c.B+after.B-before.B)
	c.C += after.C - before.C
	return c
}

// fit gives the most likely curve for the points, drawn toward c. The slopes may
// not fall below zero: the one that would is held there and the rest fitted again.
func (c Curve) fit(points []point, pull [3]float64) Curve {
	seen := map[int]bool{}
	for _, p := range points {
		seen[p.group] = true
	}
	start := [3]float64{c.A, c.B, c.C}
	held := [3]bool{}
	at := newton(points, start, start, pull, held)
	for at[0] < 0 || at[1] < 0 {
		i := 0
		if at[1] < at[0] {
			i = 1
		}
		held[i], at[i] = true, 0
		at[1-i] = max(at[1-i], 0)
		at = newton(points, at, start, pull, held)
	}
	return Curve{A: at[0], B: at[1], C: at[2], Samples: len(points), Groups: len(seen)}
}

// newton climbs to the maximum of the penalised likelihood, which is concave, so
// that it ends in the same place from everywhere.
func newton(points []point, at, toward, pull [3]float64, held [3]bool) [3]float64 {
	value, grad, curv := slope(points, at, toward, pull)
	for range 100 {
		for i := range held {
			if held[i] {
				grad[i] = 0
				for j := range held {
					curv[i][j], curv[j][i] = 0, 0
				}
				curv[i][i] = 1
			}
		}
		step := solve(curv, grad)
		next, size := at, 1.0
		var v float64
		var g [3]float64
		var h [3][3]float64
		for range 40 {
			for i := range next {
				next[i] = at[i] + size*step[i]
			}
			if v, g, h = slope(points, next, toward, pull); v >= value {
				break
			}
			size /= 2
		}
		if !(v > value+1e-10) {
			return at
		}
		at, value, grad, curv = next, v, g, h
	}
	return at
}

// slope gives the penalised log likelihood, its gradient and its negative
// curvature.
func slope(points []point, at, toward, pull [3]float64) (v float64, grad [3]float64, curv [3][3]float64) {
	for _, p := range points {
		z := at[0]*p.x[0] + at[1]*p.x[1] + at[2]*p.x[2]
		q := 1 / (1 + math.Exp(-z))
		miss := -q
		if p.right {
			miss = 1 - q
			v -= p.weight * softplus(-z)
		} else {
			v -= p.weight * softplus(z)
		}
		for i := range grad {
			grad[i] += p.weight * miss * p.x[i]
			for j := range grad {
				curv[i][j] += p.weight * q * (1 - q) * p.x[i] * p.x[j]
			}
		}
	}
	for i := range grad {
		d := at[i] - toward[i]
		v -= pull[i] * d * d / 2
		grad[i] -= pull[i] * d
		curv[i][i] += pull[i]
	}
	return v, grad, curv
}

// softplus is ln(1+e^z) without overflow.
func softplus(z float64) float64 {
	if z > 0 {
		return z + math.Log1p(math.Exp(-z))
	}
	return math.Log1p(math.Exp(z))
}

// solve solves m x = r for a symmetric positive definite m.
func solve(m [3][3]float64, r [3]float64) [3]float64 {
	for i := range 3 {
		for j := i + 1; j < 3; j++ {
			f := m[j][i] / m[i][i]
			for k := i; k < 3; k++ {
				m[j][k] -= f * m[i][k]
			}
			r[j] -= f * r[i]
		}
	}
	for i := 2; i >= 0; i-- {
		for k := i + 1; k < 3; k++ {
			r[i] -= m[i][k] * r[k]
		}
		r[i] /= m[i][i]
	}
	return r
}
