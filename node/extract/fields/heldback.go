package fields

import (
	"slices"
	"strconv"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/learn"
	"github.com/recto-edge/recto/node/extract/trust"
)

// heldBack predicts each document twice with what was learned from other vendors:
// as a stranger's, and as one of a vendor of which other documents were
// confirmed. Of the latter only what memory spoke for counts.
func heldBack(t doc.Type, desks []*desk, o LearnOptions) (h held) {
	folds := foldsOf(desks, o.Folds)
	remembered := remembrances(t, desks, o.Folds)
	models := make([]*Model, o.Folds)
	rows := make([][]learn.Example, o.Folds)
	for fold := range o.Folds {
		var in []*desk
		for i, d := range desks {
			if folds[i] != fold {
				in = append(in, d)
			}
		}
		if len(in) == len(desks) {
			continue
		}
		models[fold] = &Model{Type: t.Name, Scorers: fit(t, in, o)}
		for i, d := range desks {
			if folds[i] == fold { // a transcript too: its vendor is the same
				rows[fold] = append(rows[fold], d.recallRows(t, models[fold], remembered[i].one)...)
				rows[fold] = append(rows[fold], d.recallRows(t, models[fold], remembered[i].all)...)
			}
		}
	}
	for fold, m := range models {
		if m == nil {
			continue
		}
		m.Recall = fitRecall(slices.Concat(slices.Concat(rows[:fold]...), slices.Concat(rows[fold+1:]...)))
		for i, d := range desks {
			if folds[i] != fold || d.Transcript {
				continue
			}
			h.strangers = append(h.strangers, d.predict(t, Knowledge{Model: m})...)
			for _, p := range d.predict(t, Knowledge{Model: m, Memory: remembered[i].all}) {
				if p.known {
					h.known = append(h.known, p)
				}
			}
		}
	}
	h.recall = fitRecall(slices.Concat(rows...))
	return h
}

// held is what came of predicting documents that were held back.
type held struct {
	strangers, known []*pickedField
	recall           *learn.Forest // judge of memory, from all of them
}

// pickedField is a prediction on a held-back document.
type pickedField struct {
	field, vendor, document string
	x                       []float32
	right                   bool
	known                   bool // memory of the vendor spoke for it
	weight                  float64
}

// predict reads a held-back lesson.
func (d *desk) predict(t doc.Type, k Knowledge) []*pickedField {
	var out []*pickedField
	for _, a := range d.r.answers(t, k) {
		label, known := d.Labels[a.field.Name]
		if !known {
			continue
		}
		spec, _ := t.Field(a.field.Name)
		spec.Type = a.field.Type
		right := isLabel(spec, a.field.Value, label)
		out = append(out, &pickedField{a.field.Name, d.Vendor, d.ID, a.x, right, slices.Contains(a.field.Checks, fromVendor), d.weight})
	}
	return out
}

func rates(held []*pickedField) map[string]float64 {
	n, right := map[string]float64{}, map[string]float64{}
	for _, p := range held {
		n[p.field] += p.weight
		if p.right {
			right[p.field] += p.weight
		}
	}
	out := map[string]float64{}
	for name := range n {
		out[name] = Rounded((right[name] + 1) / (n[name] + 2))
	}
	return out
}

// turns is how often the vendors are dealt anew to train judges of confidence.
const turns = 4

// judge trains the judge of confidence on held-back predictions, and gives what it
// says about each of them when its vendor was held back from it too. It is the mean
// of judges that each did without a part of the vendors: which some hundred wrong
// choices one of them learned from matters less, and what the others say of a part
// is how the mean will do on vendors it never saw.
func judge(strangers, known []*pickedField, rates map[string]float64, folds int) (f *learn.Forest, held, heldKnown []trust.Sample) {
	all := slices.Concat(strangers, known)
	if len(strangers) == 0 {
		return nil, nil, nil
	}
	rows, vendors := make([]learn.Example, len(all)), make([]string, len(all))
	for i, p := range all {
		rate, ok := rates[p.field]
		if !ok {
			rate = 0.5
		}
		p.x[rateColumn] = float32(rate)
		rows[i] = learn.Example{X: p.x, Yes: p.right, Weight: p.weight, Prior: beforeJudging(rate, p.x)}
		vendors[i] = p.vendor
	}
	odds := make([]float64, len(all))
	var judges []*learn.Forest
	for turn := range turns {
		parts := dealt(vendors, folds, strconv.Itoa(turn))
		for part := range folds {
			var in []learn.Example
			for i := range all {
				if parts[i] != part {
					in = append(in, rows[i])
				}
			}
			f := judgeOf(in)
			judges = append(judges, f)
			for i := range all {
				if parts[i] == part {
					odds[i] += f.LogOdds(rows[i].X, rows[i].Prior) / turns
				}
			}
		}
	}
	for i, p := range all {
		s := trust.Sample{Group: p.vendor, Field: p.field, Score: Rounded(learn.Sigmoid(odds[i])), Right: p.right}
		if p.known {
			s.Group = p.document
			heldKnown = append(heldKnown, s)
		} else {
			held = append(held, s)
		}
	}
	return learn.Mean(judges), held, heldKnown
}

// judgeOf trains one judge. One question a tree makes it additive: with some hundred
// wrong choices to learn from, deeper trees find flukes and are sure of them.
func judgeOf(rows []learn.Example) *learn.Forest {
	f, err := learn.Train(rows, learn.Options{Trees: 120, Depth: 1, Rate: 0.08, Leaf: 10, Penalty: 5})
	if err != nil {
		return &learn.Forest{Columns: len(sureColumns)} // says what the rates say
	}
	return f
}
