package fields

import (
	"cmp"
	"slices"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/learn"
)

// remembrance is a held-back document with what was confirmed of its vendor: once one
// document of it, and once all others.
type remembrance struct {
	one, all *Memory
}

// remembrances gives the memories that each desk is read with. No desk is in its own.
func remembrances(t doc.Type, desks []*desk, folds int) []remembrance {
	parts := foldsByDocument(desks, folds)
	out := make([]remembrance, len(desks))
	memories := make([]*Memory, folds) // of all parts but one
	for k := range memories {
		memories[k] = &Memory{}
		for i, d := range desks {
			if parts[i] != k {
				memories[k].remember(d.r, t, d.Labels)
			}
		}
	}
	for i := range desks {
		out[i].all = memories[parts[i]]
		if other := companion(desks, i); other != nil {
			out[i].one = &Memory{}
			out[i].one.remember(other.r, t, other.Labels)
		}
	}
	return out
}

// companion gives another desk of the vendor of desk i, each time the same one.
func companion(desks []*desk, i int) *desk {
	var others []*desk
	for k, d := range desks {
		if k != i && d.Vendor == desks[i].Vendor {
			others = append(others, d)
		}
	}
	if len(others) == 0 {
		return nil
	}
	return slices.MinFunc(others, func(a, b *desk) int {
		return cmp.Compare(hash(a.ID+desks[i].ID), hash(b.ID+desks[i].ID))
	})
}

// recallRows gives what the judge of memory learns from a desk whose vendor m never
// saw: each candidate worth a thought, with what memory says of it.
func (d *desk) recallRows(t doc.Type, m *Model, memory *Memory) []learn.Example {
	v := memory.vendorOf(d.r)
	if v == nil {
		return nil
	}
	var out []learn.Example
	for i, spec := range t.Fields {
		label, known := d.Labels[spec.Name]
		if !known || label == "" || spec.Type == doc.Table || repeats(spec.Type) || !v.knows(spec.Name) {
			continue
		}
		want := CompareForm(spec.Type, label)
		list := m.judged(d.r, i)
		for k, r := range v.recollect(d.r, i, list) {
			if list[k].score < leastRecalled && !r.speaks {
				continue
			}
			out = append(out, learn.Example{X: r.x, Yes: CompareForm(spec.Type, list[k].Value) == want,
				Weight: d.weight, Prior: r.prior})
		}
	}
	return out
}

// leastRecalled is the score below which a candidate that memory does not speak for
// teaches nothing.
const leastRecalled = 0.05

// fewestRecalled is how many examples a judge of memory takes; with fewer, what memory
// says is weighed by hand.
const fewestRecalled = 200

// fitRecall trains the judge of memory; nil when there is too little to learn from.
func fitRecall(rows []learn.Example) *learn.Forest {
	if len(rows) < fewestRecalled {
		return nil
	}
	f, err := learn.Train(rows, learn.Options{Trees: 80, Depth: 2, Rate: 0.08, Leaf: 3, Penalty: 3})
	if err != nil {
		return nil
	}
	return f
}
