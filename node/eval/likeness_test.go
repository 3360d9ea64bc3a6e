package eval

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestNearestIsTheBestOfAllParts tries every part of short texts.
func TestNearestIsTheBestOfAllParts(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	letters := []rune("ab c")
	random := func(n int, barriers bool) []rune {
		out := make([]rune, n)
		for i := range out {
			if barriers && rng.IntN(8) == 0 {
				out[i] = barrier
				continue
			}
			out[i] = letters[rng.IntN(len(letters))]
		}
		return out
	}
	even := func(i int) bool { return i%2 == 0 }
	for n := range 3000 {
		pattern, text := random(1+rng.IntN(5), false), random(rng.IntN(12), true)
		var start, end func(int) bool
		if n%2 == 1 {
			start, end = even, even
		}
		want := len(pattern)
		for from := range len(text) + 1 {
			for to := from + 1; to <= len(text) && text[to-1] != barrier; to++ {
				if start != nil && (!start(from) || !end(to)) {
					continue
				}
				want = min(want, distance(pattern, text[from:to]))
			}
		}
		errors, from, to := nearest(pattern, text, start, end)
		if errors != want {
			t.Fatalf("nearest(%q, %q) = %d, want %d", string(pattern), string(text), errors, want)
		}
		if from < to && distance(pattern, text[from:to]) != errors {
			t.Fatalf("nearest(%q, %q) says %d for %q", string(pattern), string(text), errors, string(text[from:to]))
		}
		if start != nil && from < to && (!start(from) || !end(to)) {
			t.Fatalf("nearest(%q, %q) = %d to %d, where no part may begin or end", string(pattern), string(text), from, to)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"SUNDAY", "SATURDAY", 3}, {"MÜNCHEN", "MUNCHEN", 1}, {"ab", "ba", 2}} {
		if got := distance([]rune(c.a), []rune(c.b)); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestLineErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		truth                       []string
		read                        string
		chars, errors, ink, inkErrs int
	}{
		"the same":              {[]string{"BLUE DOOR", "TOTAL 12.00"}, "BLUE DOOR TOTAL 12.00", 20, 0, 18, 0},
		"another order":         {[]string{"BLUE DOOR", "TOTAL 12.00"}, "TOTAL 12.00 BLUE DOOR", 20, 0, 18, 0},
		"a blank lost":          {[]string{"BLUE DOOR"}, "XX BLUEDOOR YY", 9, 1, 8, 0},
		"a word torn":           {[]string{"BLUE DOOR"}, "BL UE D00R", 9, 3, 8, 2},
		"a character wrong":     {[]string{"TOTAL 12.00"}, "TOTAL 12.0O", 11, 1, 10, 1},
		"nothing read":          {[]string{"ABC"}, "", 3, 3, 3, 3},
		"never more than lost":  {[]string{"ABC"}, "XYZ UVW", 3, 3, 3, 3},
		"twice true, once read": {[]string{"2.00", "2.00"}, "2.00", 8, 4, 8, 4},
		"word before part":      {[]string{"12", "1"}, "12 1", 3, 0, 3, 0},
		"one line not read":     {[]string{"ABCDEFGHIJ KLMNOP QRSTUV", "TOTAL 12.00"}, "T0TAL 12.00", 35, 25, 32, 23},
		"nothing true":          {nil, "NOISE", 0, 0, 0, 0},
	} {
		var w Words
		w.lineErrors(c.truth, c.read)
		if got, want := [4]int{w.Chars, w.Errors, w.Ink, w.InkErrors}, [4]int{c.chars, c.errors, c.ink, c.inkErrs}; got != want {
			t.Errorf("%s: characters, errors, and both without blanks = %v, want %v", name, got, want)
		}
	}
}

// TestLowerIsClopperPearson holds the bound against its definition, in exact
// numbers: at the bound, as many right ones or more have a probability of 5 %.
func TestLowerIsClopperPearson(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ right, n int }{{1, 1}, {1, 10}, {9, 10}, {50, 100}, {95, 100}, {299, 300}, {1980, 2000}} {
		p := new(big.Rat)
		p.SetFloat64(Lower(c.right, c.n))
		f := func(r *big.Rat) *big.Float { return new(big.Float).SetPrec(400).SetRat(r) }
		P, Q := f(p), f(new(big.Rat).Sub(big.NewRat(1, 1), p))
		power := func(x *big.Float, n int) *big.Float {
			out := new(big.Float).SetPrec(400).SetInt64(1)
			for range n {
				out.Mul(out, x)
			}
			return out
		}
		sum := new(big.Float).SetPrec(400)
		for i := c.right; i <= c.n; i++ {
			term := new(big.Float).SetPrec(400).SetInt(new(big.Int).Binomial(int64(c.n), int64(i)))
			sum.Add(sum, term.Mul(term, power(P, i)).Mul(term, power(Q, c.n-i)))
		}
		if got, _ := sum.Float64(); math.Abs(got-0.05) > 1e-9 {
			t.Errorf("Lower(%d, %d) = %v: the tail there is %v, want 0.05", c.right, c.n, Lower(c.right, c.n), got)
		}
	}
	for n := 1; n < 400; n += 37 { // with none wrong the bound is known in closed form
		if got, want := Lower(n, n), math.Pow(0.05, 1/float64(n)); math.Abs(got-want) > 1e-9 {
			t.Errorf("Lower(%d, %d) = %v, want %v", n, n, got, want)
		}
	}
	if Lower(0, 10) != 0 || Lower(0, 0) != 0 || Lower(3, 0) != 0 {
		t.Error("nothing right, or nothing at all, has a bound above 0")
	}
	if got := Lower(99_500, 100_000); got < 0.9946 || got > 0.9947 {
		t.Errorf("Lower of a large set = %v", got)
	}
}

func TestMcNemar(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fixed, broken int
		want          float64
	}{{0, 0, 1}, {5, 5, 1}, {8, 2, 2 * 56.0 / 1024}, {2, 8, 2 * 56.0 / 1024}, {10, 0, 2.0 / 1024}} {
		if got := mcnemar(c.fixed, c.broken); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("mcnemar(%d, %d) = %v, want %v", c.fixed, c.broken, got, c.want)
		}
	}
}

func TestCostsByHand(t *testing.T) {
	t.Parallel()
	gs := []guess{
		{document: 0, confidence: 0.99, right: true}, {document: 0, confidence: 0.7, right: false},
		{document: 1, confidence: 0.95, right: true}, {document: 1, confidence: 0.9, right: false},
		{document: 2, confidence: 0.95, right: true},
	}
	got := map[float64]Cost{}
	for _, c := range costs(gs, []int{0, 0, 1}) { // document 2 lacks a field
		got[c.Threshold] = c
	}
	for at, want := range map[float64][4]int{ // accepted, errors, to look at, straight
		0: {5, 2, 1, 2}, 0.8: {4, 1, 2, 1}, 0.9: {4, 1, 2, 1}, 0.95: {3, 0, 3, 0}, 0.99: {1, 0, 5, 0}, 0.995: {0, 0, 6, 0},
	} {
		c := got[at]
		if have := [4]int{c.Accepted, c.Errors, c.Review, c.Straight}; have != want {
			t.Errorf("at %v: accepted, errors, to look at, straight = %v, want %v", at, have, want)
		}
	}
	if got[0.95].Lower != Lower(3, 3) {
		t.Errorf("bound at 0.95 = %v", got[0.95].Lower)
	}
}

func TestReliabilityByHand(t *testing.T) {
	t.Parallel()
	r := reliability("x", []guess{{confidence: 1, right: true}, {confidence: 0.96, right: false}, {confidence: 0.5, right: true}, {confidence: 0, right: false}})
	if len(r.Bins) != 3 || r.Bins[2].N != 2 || r.Bins[2].Right != 1 || math.Abs(r.Bins[2].Confidence-0.98) > 1e-9 {
		t.Fatalf("bins = %+v", r.Bins)
	}
	if want := (0.96 + 0.5) / 4; math.Abs(r.ECE-want) > 1e-9 { // |1.96-1| + |0.5-1| + 0
		t.Errorf("ECE = %v, want %v", r.ECE, want)
	}
	long := make([]Point, 1000)
	for i := range long {
		long[i].Fields = i + 1
	}
	if p := thin(long); len(p) != maxPoints || p[0].Fields != 1 || p[maxPoints-1].Fields != 1000 {
		t.Errorf("thinned to %d points from %d to %d", len(p), p[0].Fields, p[len(p)-1].Fields)
	}
}
