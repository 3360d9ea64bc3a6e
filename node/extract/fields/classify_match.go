package fields

import (
	"math"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// matchNames name what a type's own words say about a document, in the order of
// matchVector: one set of weights serves all types, those of tomorrow too.
var matchNames = []string{
	"always", "keywords", "labels", "fields_labelled", "required_labelled", "title",
	"keywords_lead", "labels_lead", "machine_zone",
}

// own is a type's words, each with how many of the types have it too.
type own struct {
	keywords, titles map[string]float64 // phrase to its share: 1 for a word of this type alone
	labels           []map[string]float64
	required         []bool
	zone             bool
}

// ownWords gives the words of each type. A word that several types have says
// less about each.
func ownWords(types []doc.Type) []own {
	owners := map[string]int{}
	out := make([]own, len(types))
	for i, t := range types {
		seen := map[string]bool{}
		count := func(p string) {
			if p != "" && !seen[p] {
				seen[p] = true
				owners[p]++
			}
		}
		o := own{keywords: map[string]float64{}, titles: map[string]float64{}}
		for _, k := range append([]string{t.Title, strings.ReplaceAll(t.Name, "_", " ")}, t.Keywords...) {
			p := phrase(k)
			o.keywords[p], o.titles[p] = 1, 1
			count(p)
		}
		for _, f := range t.Fields {
			set := map[string]float64{}
			for _, label := range ownLabels(f) {
				if p := phrase(label); p != "" {
					set[p] = 1
					count(p)
				}
			}
			if len(set) > 0 {
				o.labels = append(o.labels, set)
				o.required = append(o.required, f.Required)
			}
			o.zone = o.zone || f.Name == "mrz"
		}
		out[i] = o
	}
	for _, o := range out {
		for _, set := range append(o.labels, o.keywords, o.titles) {
			for p := range set {
				if n := owners[p]; n > 1 {
					set[p] = 1 / float64(n)
				}
			}
		}
	}
	return out
}

// ownLabels gives the labels of a field, or its title where nobody named any; of
// a table those of its columns.
func ownLabels(f doc.FieldSpec) []string {
	var out []string
	for _, l := range f.Labels {
		if !strings.HasPrefix(l, "!") {
			out = append(out, l)
		}
	}
	if len(out) == 0 && f.Title != "" {
		out = append(out, f.Title)
	}
	for _, c := range f.Columns {
		out = append(out, ownLabels(c)...)
	}
	return out
}

// matchVectors gives for each type how well its own words fit the document.
func matchVectors(s *sight, types []doc.Type) [][]float64 {
	out := make([][]float64, len(types))
	words := make([]float64, len(types))
	labels := make([]float64, len(types))
	for i, o := range ownWords(types) {
		for p, share := range o.keywords {
			if s.has(p) {
				words[i] += share * (1 + 0.5*float64(min(strings.Count(p, " ")-2, 2)))
			}
		}
		labelled, required, wanted := 0.0, 0.0, 0.0
		for j, set := range o.labels {
			best := 0.0
			for p, share := range set {
				if share > best && s.labels(p) {
					best = share
				}
			}
			labels[i] += best
			labelled += truth(best > 0)
			if o.required[j] {
				wanted++
				required += truth(best > 0)
			}
		}
		title := 0.0
		for p, share := range o.titles {
			if share > title && s.titles[p] {
				title = share
			}
		}
		zone := 0.0
		if o.zone {
			zone = float64(min(mrzLines(s.l), 2))
		}
		words[i], labels[i] = math.Log1p(words[i]), math.Log1p(labels[i])
		out[i] = []float64{1, words[i], labels[i], labelled / max(float64(len(o.labels)), 1), required / max(wanted, 1), title, 0, 0, zone}
	}
	for i := range out {
		out[i][6], out[i][7] = lead(words, i), lead(labels, i)
	}
	return out
}

// lead is by how much value i is larger than the largest of the others.
func lead(values []float64, i int) float64 {
	other := 0.0
	for j, v := range values {
		if j != i {
			other = max(other, v)
		}
	}
	return values[i] - other
}

// matches gives for each type the log-odds of its own words that the document is
// one.
func (m *Classes) matches(s *sight, types []doc.Type) []float64 {
	out := make([]float64, len(types))
	for i, x := range matchVectors(s, types) {
		for j, v := range x {
			out[i] += m.Match[j] * v
		}
	}
	return out
}
