package fields

import (
	"cmp"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// ClassSample is a document whose type is known.
type ClassSample struct {
	Reading doc.Reading
	Type    string // "" when it is none of the types
	Group   string // who made it: documents of one group are never on both sides of a fold
}

// ClassAnswer is what a model that had not seen a sample's group said of it.
type ClassAnswer struct {
	Sample  int // index
	Verdict Verdict
}

// classFolds is into how many parts the groups are dealt.
const classFolds = 5

// minWordGroups is in how many groups a word must occur to be learned: fewer
// would be a name.
const minWordGroups = 4

// maxWords is how many words are learned at most.
const maxWords = 400

// TrainClasses trains a model that tells names apart, which are among types, and
// gives the answers about all samples by cross-validation over groups, from which
// its confidence was calibrated.
func TrainClasses(samples []ClassSample, types []doc.Type, names []string) (*Classes, []ClassAnswer) {
	prepared := prepare(samples, types)
	var held [][]float64 // log-odds of held-back samples: none first, then types
	var truths []int
	var weights []float64
	models := make([]*Classes, classFolds)
	for f := range classFolds {
		models[f] = fitClasses(prepared, types, names, func(p *preparedSample) bool { return p.fold != f })
		for i := range prepared {
			if p := &prepared[i]; p.fold == f {
				z := append([]float64{0}, models[f].logits(p.s, models[f].matches(p.s, types), types)...)
				held, truths, weights = append(held, z), append(truths, 1+slices.Index(names, p.Type)), append(weights, p.weight)
			}
		}
	}
	temperature := bestTemperature(held, truths, weights)
	m := fitClasses(prepared, types, names, func(*preparedSample) bool { return true })
	m.Temperature = temperature
	var answers []ClassAnswer
	for i, p := range prepared {
		models[p.fold].Temperature = temperature
		answers = append(answers, ClassAnswer{i, models[p.fold].Classify(p.Reading, types)})
	}
	return m.rounded(), answers
}

type preparedSample struct {
	ClassSample
	s       *sight
	vectors [][]float64 // of matches with the types
	fold    int
	weight  float64
}

// prepare looks at every sample once and weighs it: types weigh the same however
// many documents there are of each, and a vendor with many documents counts as a
// few.
func prepare(samples []ClassSample, types []doc.Type) []preparedSample {
	out := make([]preparedSample, len(samples))
	inGroup := map[string]float64{}
	for _, c := range samples {
		inGroup[c.Type+"/"+c.Group]++
	}
	total := map[string]float64{}
	for i, c := range samples {
		s := newSight(newLayout(c.Reading))
		h := fnv.New32a()
		_, _ = h.Write([]byte(c.Group))
		w := 1 / math.Sqrt(inGroup[c.Type+"/"+c.Group])
		total[c.Type] += w
		out[i] = preparedSample{c, s, matchVectors(s, types), int(h.Sum32() % classFolds), w}
	}
	for i := range out {
		out[i].weight *= 100 / total[out[i].Type]
	}
	return out
}

// fitClasses trains on the samples that use lets in.
func fitClasses(samples []preparedSample, types []doc.Type, names []string, use func(*preparedSample) bool) *Classes {
	m := &Classes{Names: names, Temperature: 1}
	var in []*preparedSample
	for i := range samples {
		if use(&samples[i]) {
			in = append(in, &samples[i])
		}
	}
	m.Match = fitMatch(in, types)
	m.Words = commonWords(in)
	x := make([][]float64, len(in))
	y := make([]int, len(in))
	w := make([]float64, len(in))
	for i, p := range in {
		x[i] = m.describe(p.s, m.matches(p.s, types), types)
		y[i], w[i] = slices.Index(names, p.Type), p.weight
	}
	m.Weights = fitSoftmax(x, y, w, len(names))
	return m
}

// commonWords gives the words that occur with most groups, but for those that
// occur with few.
func commonWords(in []*preparedSample) []string {
	groups := map[string]map[string]bool{}
	for _, p := range in {
		for w := range p.s.words {
			if groups[w] == nil {
				groups[w] = map[string]bool{}
			}
			groups[w][p.Type+"/"+p.Group] = true
		}
	}
	words := slices.Sorted(maps.Keys(groups))
	words = slices.DeleteFunc(words, func(w string) bool { return len(groups[w]) < minWordGroups })
	slices.SortStableFunc(words, func(a, b string) int { return cmp.Compare(len(groups[b]), len(groups[a])) })
	words = words[:min(len(words), maxWords)]
	slices.Sort(words)
	return words
}

// fitMatch trains the weights that all types share, on every pair of a document
// and a type. Types are also thinned at random, because those an admin writes have
// fewer words than those that ship.
func fitMatch(in []*preparedSample, types []doc.Type) []float64 {
	rng := rand.New(rand.NewPCG(7, 11))
	var x [][]float64
	var y []int
	var w []float64
	add := func(p *preparedSample, vectors [][]float64, of []doc.Type, weight float64) {
		for i, t := range of {
			if t.Name == Generic {
				continue
			}
			x, w = append(x, vectors[i]), append(w, weight)
			if t.Name == p.Type {
				y = append(y, 0)
			} else {
				y = append(y, -1)
			}
		}
	}
	thin := make([][]doc.Type, 8)
	for i := range thin {
		thin[i] = thinned(types, rng)
	}
	for i, p := range in {
		add(p, p.vectors, types, p.weight)
		few := thin[i%len(thin)]
		add(p, matchVectors(p.s, few), few, p.weight)
	}
	return fitSoftmax(x, y, w, 1)[0]
}

// thinned gives the types with a part of their words and fields each.
func thinned(types []doc.Type, rng *rand.Rand) []doc.Type {
	out := make([]doc.Type, len(types))
	for i, t := range types {
		keep := rng.Float64()
		t.Keywords = some(t.Keywords, keep*keep, rng)
		fields := some(t.Fields, 0.3+0.7*rng.Float64(), rng)
		for j := range fields {
			fields[j].Labels = some(fields[j].Labels, 0.2+0.5*rng.Float64(), rng)
		}
		t.Fields = fields
		out[i] = t
	}
	return out
}

func some[T any](all []T, share float64, rng *rand.Rand) []T {
	var out []T
	for _, v := range all {
		if rng.Float64() < share {
			out = append(out, v)
		}
	}
	return out
}

// rounded gives m with as many digits as matter, so that the file stays small.
func (m *Classes) rounded() *Classes {
	for _, set := range append(m.Weights, m.Match) {
		for i, v := range set {
			set[i] = math.Round(v*1000) / 1000
		}
	}
	m.Temperature = math.Round(m.Temperature*1000) / 1000
	return m
}

// bestTemperature finds by which number log-odds are to be divided so that the
// probability of the right answer is largest over all.
func bestTemperature(z [][]float64, truths []int, weights []float64) float64 {
	best, least := 1.0, math.Inf(1)
	for t := 0.3; t <= 5; t += 0.05 {
		loss := 0.0
		for i := range z {
			loss -= weights[i] * math.Log(max(softmax(z[i], t)[truths[i]], 1e-9))
		}
		if loss < least {
			best, least = t, loss
		}
	}
	return best
}
