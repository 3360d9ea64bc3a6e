package trust

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func near(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > by {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestClopperPearsonAgainstTheBinomial(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wrong, n int
		delta    float64
	}{{0, 10, .1}, {0, 230, .1}, {1, 388, .1}, {3, 50, .05}, {40, 100, .025}, {99, 100, .1}} {
		// Exact by definition: with the bound as true share, so few or fewer wrong
		// come with probability delta.
		p := ClopperPearson(c.wrong, c.n, c.delta)
		tail := 0.0
		for k := range c.wrong + 1 {
			ln, _ := math.Lgamma(float64(c.n + 1))
			lk, _ := math.Lgamma(float64(k + 1))
			lr, _ := math.Lgamma(float64(c.n - k + 1))
			tail += math.Exp(ln - lk - lr + float64(k)*math.Log(p) + float64(c.n-k)*math.Log1p(-p))
		}
		near(t, "tail", tail, c.delta, 1e-9)
	}
	near(t, "none seen", ClopperPearson(0, 0, .1), 1, 0)
	near(t, "all wrong", ClopperPearson(5, 5, .1), 1, 0)
	near(t, "none wrong", ClopperPearson(0, 20, .1), 1-math.Pow(.1, 1.0/20), 1e-12)
	near(t, "lower", lowerShare(20, 20, .1), math.Pow(.1, 1.0/20), 1e-12)
}

func TestNeededVotes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wrong        int
		share, delta float64
		want         int
	}{{0, .01, .1, 230}, {0, .05, .05, 59}, {1, .01, .1, 388}, {1, .05, .1, 77}} {
		if got := needed(c.wrong, c.share, c.delta); got != c.want {
			t.Errorf("needed(%d, %v, %v) = %d, want %d", c.wrong, c.share, c.delta, got, c.want)
		}
	}
}

// drawn are samples whose scores are overconfident in a way that differs by field.
func drawn(seed uint64, n int) []Sample {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]Sample, n)
	for i := range out {
		s := r.Float64()
		f, p := "total", s*s
		if i%2 == 0 {
			f, p = "date", math.Sqrt(s)
		}
		out[i] = Sample{Field: f, Score: s, Right: r.Float64() < p}
	}
	return out
}

func TestCalibrationFindsTheTruth(t *testing.T) {
	t.Parallel()
	c, err := Fit(drawn(1, 4000))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []float64{.2, .5, .8, .95} {
		near(t, "total", c.Confidence("total", s), s*s, .05)
		near(t, "date", c.Confidence("date", s), math.Sqrt(s), .05)
	}
	raw := drawn(2, 1000)
	crossed, err := Cross(raw, 5)
	if err != nil {
		t.Fatal(err)
	}
	total := func(ss []Sample) (out []Sample) {
		for _, s := range ss {
			if s.Field == "total" {
				out = append(out, s)
			}
		}
		return out
	}
	bins := Reliability(total(crossed), 15)
	if e, noise := ECE(bins), Noise(bins); e > 1.5*noise {
		t.Errorf("ECE of crossed samples %v, chance alone gives %v", e, noise)
	}
	if before := ECE(Reliability(total(raw), 15)); before < 2*ECE(bins) {
		t.Errorf("ECE before calibration %v, so this test shows nothing", before)
	}
}

func TestConfidenceNeverFallsWhereTheScoreRises(t *testing.T) {
	t.Parallel()
	samples := map[string][]Sample{
		"as expected": drawn(3, 200),
		"few":         drawn(3, 3),
		"one right":   {{Field: "total", Score: .5, Right: true}},
		"one class":   {{Field: "total", Score: 1, Right: true}, {Field: "total", Score: 1, Right: true}, {Field: "date", Score: 0, Right: true}},
		"all wrong":   {{Field: "total", Score: 1}, {Field: "total", Score: .9}},
	}
	backward := drawn(4, 500)
	for i := range backward {
		backward[i].Right = !backward[i].Right
	}
	samples["backward"] = backward
	for name, ss := range samples {
		c, err := Fit(ss)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, f := range []string{"total", "date", "never seen"} {
			last := 0.0
			for i := range 2001 {
				p := c.Confidence(f, float64(i)/2000)
				if !(p >= last && p < 1) {
					t.Fatalf("%s: confidence of %s falls from %v to %v at %v", name, f, last, p, float64(i)/2000)
				}
				last = p
			}
		}
	}
}

func TestFewSamplesOfAFieldFollowTheOthers(t *testing.T) {
	t.Parallel()
	samples := append(drawn(5, 2000), Sample{Field: "rare", Score: .9, Right: true})
	c, err := Fit(samples)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "rare", c.Confidence("rare", .7), c.Confidence("never seen", .7), .1)
	if math.Abs(c.Confidence("total", .7)-c.Confidence("date", .7)) < .2 {
		t.Error("fields with many samples were not told apart")
	}
}

func TestRefitMovesFromShippedToSite(t *testing.T) {
	t.Parallel()
	shipped, err := Fit(drawn(6, 1000))
	if err != nil {
		t.Fatal(err)
	}
	before, err := json.Marshal(shipped)
	if err != nil {
		t.Fatal(err)
	}
	// At the site the total is right with probability of the root of its score.
	last := math.Abs(shipped.Confidence("total", .6) - math.Sqrt(.6))
	for _, n := range []int{10, 100, 1000} {
		site := drawn(7, 2*n)[:0]
		for _, s := range drawn(7, 2*n) {
			if s.Field == "date" {
				s.Field = "total"
				site = append(site, s)
			}
		}
		c, err := shipped.Refit(site)
		if err != nil {
			t.Fatal(err)
		}
		now := math.Abs(c.Confidence("total", .6) - math.Sqrt(.6))
		if now >= last {
			t.Errorf("with %d samples of the site %v off, with fewer %v", n, now, last)
		}
		last = now
	}
	near(t, "distance with 1000 samples", last, 0, .05)
	after, err := json.Marshal(shipped)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("the shipped calibration changed: %s", diff)
	}
}

// TestFewReviewsDoLittleHarm: where a site is just as the model was made for, thirty
// documents can only teach it flukes, and where it is another, they must tell.
func TestFewReviewsDoLittleHarm(t *testing.T) {
	t.Parallel()
	sigmoid := func(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
	// How far from the truth c is where the model says shift more than is true, in log odds.
	divergence := func(c Calibration, shift float64) (sum float64) {
		for k := range 50 {
			z := float64(k) / 10
			p, q := sigmoid(z), c.Confidence("total", sigmoid(z+shift))
			sum += (p*math.Log(p/q) + (1-p)*math.Log((1-p)/(1-q))) / 50
		}
		return sum
	}
	const sites, shift = 40, 1.5
	harm, help := 0.0, 0.0
	for seed := range uint64(sites) {
		r := rand.New(rand.NewPCG(seed, 11))
		reviewed := func(shift float64) Calibration {
			var ss []Sample
			for d := range 30 {
				for _, name := range []string{"total", "date", "company", "address"} {
					z := 2.3 + 2*r.NormFloat64()
					ss = append(ss, Sample{Group: fmt.Sprint(d), Field: name, Score: sigmoid(z + shift), Right: r.Float64() < sigmoid(z)})
				}
			}
			c, err := Unchanged().Refit(ss)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		harm += divergence(reviewed(0), 0) / sites
		help += divergence(reviewed(shift), shift) / sites
	}
	without := divergence(Unchanged(), shift)
	t.Logf("divergence %.5f where there was nothing to learn; %.5f where there was, %.5f without", harm, help, without)
	if harm > .003 {
		t.Errorf("thirty documents that have nothing to say cost %.5f of divergence", harm)
	}
	if help > without/4 {
		t.Errorf("thirty documents of a site that is another bring the divergence from %.5f to %.5f only", without, help)
	}
}

func TestCalibrationSurvivesJSON(t *testing.T) {
	t.Parallel()
	c, err := Fit(drawn(8, 300))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back Calibration
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, back); diff != "" {
		t.Error(diff)
	}
	if len(b) > 500 {
		t.Errorf("two fields take %d bytes", len(b))
	}
	near(t, "the zero value", Calibration{}.Confidence("total", .42), .42, 0)
}

func TestBadSamplesAreRefused(t *testing.T) {
	t.Parallel()
	for name, ss := range map[string][]Sample{
		"none":     {},
		"nan":      {{Field: "total", Score: math.NaN()}},
		"infinite": {{Field: "total", Score: math.Inf(1)}},
		"below":    {{Field: "total", Score: -.1}},
		"above":    {{Field: "total", Score: 1.1}},
	} {
		if _, err := Fit(ss); err == nil {
			t.Errorf("%s: fitted", name)
		}
		if _, err := Cross(ss, 2); err == nil {
			t.Errorf("%s: crossed", name)
		}
		if p := Promised(ss, Target{Precision: .9}); p.Holds || p.Threshold <= 1 || p.Why == "" {
			t.Errorf("%s: promised %+v", name, p)
		}
	}
	if _, err := Cross(drawn(1, 3), 5); err == nil {
		t.Error("three groups made five parts")
	}
	c, err := Fit(drawn(1, 50))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "confidence of no number", c.Confidence("total", math.NaN()), 0, 0)
}

func TestReliabilityBins(t *testing.T) {
	t.Parallel()
	got := Reliability([]Sample{{Score: 0}, {Score: .5, Right: true}, {Score: .5}, {Score: 1, Right: true}}, 2)
	want := []Bin{{From: 0, To: .5, N: 1, Score: 0, Right: 0}, {From: .5, To: 1, N: 3, Score: 2. / 3, Right: 2. / 3, Margin: math.Sqrt(.5) / 3}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	near(t, "ECE", ECE([]Bin{{N: 1, Score: .9, Right: 1}, {N: 3, Score: .5, Right: .1}}), (.1+3*.4)/4, 1e-12)
	if Reliability(nil, 15) == nil && ECE(nil) == 0 && Reliability([]Sample{{Score: math.NaN()}}, 5) == nil && Reliability([]Sample{{}}, 0) == nil {
		return
	}
	if len(Reliability(nil, 15)) != 0 {
		t.Error("bins of nothing")
	}
}

func TestPromiseNeedsEnoughVendors(t *testing.T) {
	t.Parallel()
	var ss []Sample
	for i := range 1000 { // many documents, few vendors
		ss = append(ss, Sample{Group: string(rune('a' + i%20)), Field: "total", Score: .9, Right: true})
	}
	p := Promised(ss, Target{Precision: .99})
	if p.Holds || p.Threshold != Never || p.Missing != 210 || !strings.Contains(p.Why, "230") || !strings.Contains(p.Why, "210 more") {
		t.Errorf("20 vendors: %+v", p)
	}
	for i := range ss {
		ss[i].Group = ""
	}
	p = Promised(ss, Target{Precision: .99})
	if !p.Holds || p.Threshold != .9 || p.Groups != 1000 || p.Coverage != 1 || p.Bound > .01 {
		t.Errorf("1000 vendors: %+v", p)
	}
	for _, bad := range []Target{{}, {Precision: 1}, {Precision: math.NaN()}, {Precision: .9, Delta: 2}, {Precision: .9, MinGroups: -1}} {
		if p := Promised(ss, bad); p.Holds || p.Threshold != Never || p.Why == "" {
			t.Errorf("target %+v: %+v", bad, p)
		}
	}
}

// TestWhatTheScoreTellsIsNoKinship: a quarter of the vendors print faintly, so that all
// their fields are often wrong, and the scores say so. Above the threshold nothing goes
// wrong together, and the votes of the fields count almost whole.
func TestWhatTheScoreTellsIsNoKinship(t *testing.T) {
	t.Parallel()
	draw := func(told bool) (ss []Sample) {
		r := rand.New(rand.NewPCG(9, 9))
		for v := range 120 {
			for f := range 4 {
				s := Sample{Group: fmt.Sprint(v), Field: fmt.Sprint(f), Score: .99, Right: true}
				if v%4 == 0 {
					s.Right = r.Float64() < .5
					if told {
						s.Score = .4
					}
				}
				ss = append(ss, s)
			}
		}
		return ss
	}
	p := Promised(draw(true), Target{Precision: .99, Apart: true})
	if !p.Holds || p.Accepted != 360 || p.Wrong != 0 {
		t.Errorf("faint vendors that the scores tell apart: %+v", p)
	}
	untold := draw(false)
	of, n := groups(untold)
	if k := kinship(untold, of, n); k < 2*leastKin {
		t.Errorf("vendors misread together and surely so have a kinship of %v only", k)
	}
}

func TestEqualScoresStayTogether(t *testing.T) {
	t.Parallel()
	var ss []Sample
	for i := range 400 {
		ss = append(ss, Sample{Field: "total", Score: .8, Right: i >= 200}) // the right ones come last
	}
	if p := Promised(ss, Target{Precision: .95}); p.Holds {
		t.Errorf("parted equal scores: %+v", p)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	site := func(vendors, wrong int) (ss []Sample) {
		for i := range vendors {
			ss = append(ss, Sample{Field: "total", Score: .95, Right: i >= wrong})
		}
		return ss
	}
	target := Target{Precision: .95}
	shipped := Promise{Threshold: .9, Accepted: 400, Groups: 400, Wrong: 5, Bound: .03, Holds: true, Why: "shipped."}
	for name, c := range map[string]struct {
		site      []Sample
		shipped   Promise
		threshold float64
	}{
		"no reviews yet":        {nil, shipped, .9},
		"few, and none refutes": {site(10, 1), shipped, .9},
		"few, and they refute":  {site(10, 5), shipped, Never},
		"enough of its own":     {site(100, 0), shipped, .95},
		"nothing was shipped":   {site(10, 0), Promise{Threshold: Never}, Never},
	} {
		got := Settle(c.shipped, c.site, target)
		if got.Threshold != c.threshold || got.Why == "" || got.Holds != (c.threshold <= 1) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
