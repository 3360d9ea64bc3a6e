package trust

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"testing"
)

// world draws vendors with random effects: sizes with a long tail, vendors that
// are harder than others, and layouts that mislead: every document of the vendor is
// wrong in the field, and surely so. That is how a threshold set on pooled documents
// breaks its promise on new vendors.
type world struct {
	fields int
	bad    float64 // share of misleading layouts, by vendor and field
	whole  bool    // a misleading layout misleads in all fields of the vendor
	sharp  float64 // how fast errors vanish where the score rises
	big    bool    // some vendors send 15 to 35 documents
}

func (w world) draw(r *rand.Rand, vendors int) (out []Sample) {
	for v := range vendors {
		documents := 1
		for r.Float64() < .35 {
			documents++
		}
		if w.big && r.Float64() < .04 {
			documents = 15 + r.IntN(21)
		}
		hard, misread := r.NormFloat64()/2, make([]bool, w.fields)
		all := w.whole && r.Float64() < w.bad
		for f := range misread {
			misread[f] = all || !w.whole && r.Float64() < w.bad
		}
		for range documents {
			for f := range misread {
				score := 1 / (1 + math.Exp(-1.5-hard-2*r.NormFloat64()))
				right := r.Float64() < 1-math.Pow(1-score, w.sharp)
				if misread[f] {
					right, score = false, max(score, (1+r.Float64())/2)
				}
				out = append(out, Sample{fmt.Sprint("vendor ", v), fmt.Sprint("field ", f), math.Round(1000*score) / 1000, right})
			}
		}
	}
	return out
}

// risk gives the share wrong that a new vendor meets at a threshold, from the
// stairs of a whole population.
func risk(population []stair, threshold float64) float64 {
	i := sort.Search(len(population), func(i int) bool { return population[i].Threshold < threshold })
	if i == 0 {
		return 0
	}
	return population[i-1].against / population[i-1].votes
}

// pooled is what must not be done: the longest list of surest samples that is
// right often enough.
func pooled(samples []Sample, t Target) Promise {
	best := Promise{Threshold: Never}
	for _, s := range descend(samples, false) {
		if float64(s.Wrong) <= (1-t.Precision)*float64(s.Accepted) {
			best, best.Holds = s.Promise, true
		}
	}
	return best
}

func TestPromisesAreKeptOnNewVendors(t *testing.T) {
	t.Parallel()
	const trials = 200
	for _, c := range []struct {
		name    string
		world   world
		vendors int
		target  Target
		made    float64 // share of trials in which a promise must be made: else the test shows nothing
	}{
		{"one field, misleading layouts", world{1, .02, false, 2.5, true}, 300, Target{Precision: .95}, .3},
		{"one field, almost too many of them", world{1, .04, false, 2.5, true}, 300, Target{Precision: .95}, 0},
		{"one field, a hard target", world{1, .001, false, 4, false}, 600, Target{Precision: .99, Delta: .05}, .1},
		{"four fields", world{4, .01, false, 2.5, true}, 300, Target{Precision: .95, Delta: .05}, .5},
		{"four fields, vendors misread as a whole", world{4, .012, true, 2.5, true}, 600, Target{Precision: .99}, 0},
		{"four fields apart", world{4, .002, false, 4, true}, 200, Target{Precision: .99, Apart: true}, .2},
		{"four fields apart, few vendors misread as a whole", world{4, .012, true, 2.5, true}, 120, Target{Precision: .96, Apart: true}, 0},
		{"four fields apart, more vendors misread as a whole", world{4, .02, true, 2.5, true}, 120, Target{Precision: .96, Apart: true}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			population := descend(c.world.draw(rand.New(rand.NewPCG(1, 1)), 20000), false)
			made, broken, naive, covered := 0, 0, 0, 0.0
			for k := range uint64(trials) {
				samples := c.world.draw(rand.New(rand.NewPCG(k, 2)), c.vendors)
				if p := Promised(samples, c.target); p.Holds {
					made++
					covered += p.Coverage
					if risk(population, p.Threshold) > 1-c.target.Precision {
						broken++
					}
				}
				if p := pooled(samples, c.target); p.Holds && risk(population, p.Threshold) > 1-c.target.Precision {
					naive++
				}
			}
			delta := c.target.defaults().Delta
			most := trials*delta + 2*math.Sqrt(trials*delta*(1-delta))
			t.Logf("promised in %d of %d trials, broken in %d (at most %.0f), coverage %.2f; pooled documents broke theirs in %d", made, trials, broken, trials*delta, covered/trials, naive)
			if float64(broken) > most {
				t.Errorf("%d of %d promises were broken, %.0f may be", broken, trials, most)
			}
			if float64(naive) <= most {
				t.Errorf("pooled documents broke %d promises only: this world proves nothing", naive)
			}
			if float64(made) < c.made*trials {
				t.Errorf("only %d promises were made in %d trials", made, trials)
			}
		})
	}
}

func TestPromiseAboutKnownVendors(t *testing.T) {
	t.Parallel()
	// Ten vendors, two of which are misread in one document of twelve: the document
	// is the group, and the mix of vendors stays.
	draw := func(r *rand.Rand, documents int) (out []Sample) {
		for d := range documents {
			wrong := .005
			if d%5 == 0 {
				wrong = 1. / 12
			}
			for range 3 { // three fields, wrong together
				out = append(out, Sample{Group: fmt.Sprint(d), Field: "total", Score: .9, Right: true})
			}
			if r.Float64() < wrong {
				for i := range 3 {
					out[len(out)-1-i].Right = false
				}
			}
		}
		return out
	}
	truth := (.005*4 + 1./12) / 5
	broken, naive := 0, 0
	for k := range uint64(200) {
		samples := draw(rand.New(rand.NewPCG(k, 3)), 500)
		slightlyMore := Target{Precision: 1 - truth + .0005}
		if Promised(samples, slightlyMore).Holds {
			broken++
		}
		for i := range samples {
			samples[i].Group = ""
		}
		if Promised(samples, slightlyMore).Holds {
			naive++
		}
	}
	if broken > 20+8 {
		t.Errorf("%d of 200 promises were false, 20 may be", broken)
	}
	if naive <= 20+8 {
		t.Errorf("fields counted as witnesses of their own made %d false promises only: this test proves nothing", naive)
	}
}
