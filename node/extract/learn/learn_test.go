package learn_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/extract/learn"
)

// rings are points of which those between two circles are the ones: no straight
// line parts them, and one column is noise.
func rings(n int, seed uint64) []learn.Example {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]learn.Example, n)
	for i := range out {
		x, y := r.Float64()*2-1, r.Float64()*2-1
		d := math.Hypot(x, y)
		out[i] = learn.Example{X: []float32{float32(x), float32(y), r.Float32(), float32(math.NaN())}, Yes: d > 0.4 && d < 0.8}
	}
	return out
}

func wrong(f *learn.Forest, rows []learn.Example) float64 {
	n := 0
	for _, r := range rows {
		if (f.Probability(r.X, r.Prior) > 0.5) != r.Yes {
			n++
		}
	}
	return float64(n) / float64(len(rows))
}

func TestTrainFindsWhatNoLineParts(t *testing.T) {
	t.Parallel()
	f, err := learn.Train(rings(2000, 1), learn.Options{Trees: 150, Depth: 4})
	if err != nil {
		t.Fatal(err)
	}
	if e := wrong(f, rings(1000, 2)); e > 0.08 {
		t.Errorf("%.3f of unseen points are wrong; of a straight cut about half are", e)
	}
	if err := f.Check(); err != nil {
		t.Error(err)
	}
}

func TestTrainIsDeterministicAndSurvivesJSON(t *testing.T) {
	t.Parallel()
	a, err := learn.Train(rings(500, 3), learn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := learn.Train(rings(500, 3), learn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(a, b); d != "" {
		t.Fatal("the same examples gave another forest:", d)
	}
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var c learn.Forest
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	for _, r := range rings(100, 4) {
		if x, y := a.LogOdds(r.X, 0), c.LogOdds(r.X, 0); x != y {
			t.Fatalf("kept and read again it says %g, not %g", y, x)
		}
	}
}

// TestPriorIsWhatIsLeftWithoutEvidence: few examples do not outvote what was
// believed before.
func TestPriorIsWhatIsLeftWithoutEvidence(t *testing.T) {
	t.Parallel()
	rows := []learn.Example{{X: []float32{1}, Yes: true, Prior: 2}, {X: []float32{1}, Prior: 2}, {X: []float32{1}, Yes: true, Prior: -1}}
	f, err := learn.Train(rows, learn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.LogOdds([]float32{1}, 2); got != 2 {
		t.Errorf("log odds %g, want the prior's 2: there is nothing to ask", got)
	}
}

func TestMissingValuesGoWhereTheyHelp(t *testing.T) {
	t.Parallel()
	var rows []learn.Example
	for i := range 200 {
		x := float32(i % 10)
		yes := x > 4
		if i%4 == 0 {
			x, yes = float32(math.NaN()), true
		}
		rows = append(rows, learn.Example{X: []float32{x}, Yes: yes})
	}
	f, err := learn.Train(rows, learn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p := f.Probability([]float32{float32(math.NaN())}, 0); p < 0.9 {
		t.Errorf("a missing value is yes with %.2f, want nearly 1", p)
	}
	if p := f.Probability([]float32{2}, 0); p > 0.1 {
		t.Errorf("2 is yes with %.2f, want nearly 0", p)
	}
}

func TestTrainRefuses(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string][]learn.Example{
		"nothing":      nil,
		"ragged":       {{X: []float32{1}}, {X: []float32{1, 2}}},
		"prior NaN":    {{X: []float32{1}, Prior: math.NaN()}},
		"weight below": {{X: []float32{1}, Weight: -1}},
	} {
		if _, err := learn.Train(rows, learn.Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestCheckFindsDamage: a forest that leads out of itself would be a panic in the
// middle of a document.
func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(*learn.Forest){
		"cut":            func(f *learn.Forest) { f.Trees[0].Value = f.Trees[0].Value[1:] },
		"loop":           func(f *learn.Forest) { f.Trees[0].Left[0] = 0 },
		"beyond the end": func(f *learn.Forest) { f.Trees[0].Left[0] = 1000 },
		"no such column": func(f *learn.Forest) { f.Trees[0].Column[0] = 99 },
		"no number":      func(f *learn.Forest) { f.Trees[0].Value[0] = float32(math.Inf(1)) },
		"empty tree":     func(f *learn.Forest) { f.Trees[0] = learn.Tree{} },
	} {
		f, err := learn.Train(rings(300, 5), learn.Options{Trees: 3})
		if err != nil {
			t.Fatal(err)
		}
		harm(f)
		if f.Check() == nil {
			t.Errorf("%s: not found", name)
		}
	}
}

func TestMeanOfForests(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	var forests []*learn.Forest
	for range 3 {
		var rows []learn.Example
		for range 200 {
			x := []float32{r.Float32(), r.Float32()}
			rows = append(rows, learn.Example{X: x, Yes: x[0] > r.Float32()})
		}
		f, err := learn.Train(rows, learn.Options{})
		if err != nil {
			t.Fatal(err)
		}
		forests = append(forests, f)
	}
	mean := learn.Mean(forests)
	if err := mean.Check(); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		x := []float32{r.Float32(), r.Float32()}
		want := 0.0
		for _, f := range forests {
			want += f.LogOdds(x, .7) / 3
		}
		if got := mean.LogOdds(x, .7); math.Abs(got-want) > 1e-5 {
			t.Fatalf("the mean at %v is %v, the mean of the forests %v", x, got, want)
		}
	}
	if again := learn.Mean(forests[:1]); again.LogOdds([]float32{.3, .3}, 0) != forests[0].LogOdds([]float32{.3, .3}, 0) {
		t.Error("the mean of one forest is another one, or forests are changed by it")
	}
}
