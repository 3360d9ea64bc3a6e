package fields

import (
	"slices"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/learn"
)

// fit trains a scorer for each field that enough desks know.
func fit(t doc.Type, ds []*desk, o LearnOptions) map[string]*Scorer {
	out := map[string]*Scorer{}
	for i, spec := range t.Fields {
		if o.stopped() {
			break
		}
		docs, found, yes, all := 0, 0, 0.0, 0.0
		for _, d := range ds {
			if _, ok := d.right[i]; !ok {
				continue
			}
			docs++
			if slices.Contains(d.right[i], true) {
				found++
			}
			for _, right := range d.right[i] {
				all += d.weight
				if right {
					yes += d.weight
				}
			}
		}
		older := o.Base.scorer(spec.Name).within(maxBases - 1)
		if docs < fewest || found < fewestLabels {
			if older != nil {
				out[spec.Name] = older
			}
			continue
		}
		base := (yes + 0.1) / (all + 0.2)
		counted := countWords(ds, i)
		var rows []learn.Example
		for _, d := range ds {
			if _, ok := d.right[i]; !ok {
				continue
			}
			seen := d.r.seen(i)
			for k, c := range seen.list {
				times, ok := sampled(k, d.right[i][k])
				if !ok {
					continue
				}
				x := slices.Clone(seen.views[k])
				v := wordView(seen.words[k], func(w uint32) float64 { return without(counted[w], d.Vendor, base) })
				copy(x[wordColumn:], v[:])
				rows = append(rows, learn.Example{X: x, Yes: d.right[i][k], Weight: d.weight * times, Prior: older.before(seen.views[k], seen.words[k], c.score)})
			}
		}
		if f, err := learn.Train(rows, boosting(found)); err == nil {
			out[spec.Name] = &Scorer{Trees: f, Words: wordTable(counted, base), Base: older}
		}
	}
	return out
}

// Of many wrong candidates the rules' first ones and a part of the others train.
const (
	allOf = 24 // the first so many
	oneOf = 4  // of the others
)

// sampled says whether candidate k, as the rules rank them, trains, and for how
// many it stands.
func sampled(k int, right bool) (times float64, ok bool) {
	switch {
	case right || k < allOf:
		return 1, true
	case k%oneOf == 0:
		return oneOf, true
	}
	return 0, false
}

// boosting is how far the trees may go from the rules: a few lessons change
// little, hundreds as much as they say.
func boosting(found int) learn.Options {
	o := learn.Options{Trees: max(15, min(160, found/3)), Depth: 2, Rate: 0.08, Leaf: 3, Penalty: 2}
	if found >= 100 {
		o.Depth, o.Leaf = 3, 1.5
	}
	return o
}
