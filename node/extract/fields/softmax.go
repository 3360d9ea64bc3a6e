package fields

import "math"

// How long and how carefully fitSoftmax learns.
const (
	softmaxSteps = 400
	softmaxRate  = 0.05
	softmaxDecay = 0.001 // share of the squared weights that counts as loss, a sample
)

// fitSoftmax trains a multinomial logistic regression of k classes against a
// reference: y is the class of each row of x, -1 for the reference, and w its
// weight. The first input is taken for a constant, whose weight is not held back.
func fitSoftmax(x [][]float64, y []int, w []float64, k int) [][]float64 {
	if len(x) == 0 {
		return nil
	}
	d, total := len(x[0]), 0.0
	for _, v := range w {
		total += v
	}
	weights, mean, square := matrix(k, d), matrix(k, d), matrix(k, d)
	z := make([]float64, k+1)
	for step := 1; step <= softmaxSteps; step++ {
		slope := matrix(k, d)
		for i, row := range x {
			for c := range k {
				z[c+1] = dot(weights[c], row)
			}
			for c, p := range softmax(z, 1)[1:] {
				if c == y[i] {
					p--
				}
				if p *= w[i] / total; p != 0 {
					for j, v := range row {
						slope[c][j] += p * v
					}
				}
			}
		}
		for c := range k {
			for j := range d {
				g := slope[c][j]
				if j > 0 {
					g += softmaxDecay * weights[c][j]
				}
				mean[c][j] = 0.9*mean[c][j] + 0.1*g
				square[c][j] = 0.999*square[c][j] + 0.001*g*g
				m := mean[c][j] / (1 - math.Pow(0.9, float64(step)))
				v := square[c][j] / (1 - math.Pow(0.999, float64(step)))
				weights[c][j] -= softmaxRate * m / (math.Sqrt(v) + 1e-8)
			}
		}
	}
	return weights
}

func matrix(rows, columns int) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		out[i] = make([]float64, columns)
	}
	return out
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += v * b[i]
	}
	return s
}
