package eval

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// Comparison is what changed from one report to another over the documents that
// both have: two revisions of the program, or two models.
type Comparison struct {
	Common     int      `json:"common"`      // documents in both
	OnlyBefore int      `json:"only_before"` // documents left out, for the other has none such
	OnlyAfter  int      `json:"only_after"`
	Micro      Change   `json:"micro"`
	Fields     []Change `json:"fields"`
	Fixed      []Turn   `json:"fixed"`  // right now, and not before
	Broken     []Turn   `json:"broken"` // right before, and not now

	// Over the whole of each report, not only the common documents.
	ECE          [2]float64 `json:"ece"` // before, after
	SilentErrors [2]int     `json:"silent_errors"`
	Accepted     [2]int     `json:"accepted"`
	CER          [2]float64 `json:"cer"` // zero where no words were compared
	Seconds      [2]float64 `json:"seconds"`
}

// Change is what changed of one field. Low and High hold the difference of F1 with
// a probability of 95 %: a paired bootstrap that draws vendors, or documents where
// no vendor is known (Efron and Tibshirani, "An introduction to the bootstrap",
// 1993), since documents of one vendor err together. P is the exact test of McNemar
// on the documents that turned.
type Change struct {
	Name       string  `json:"name"`
	Before     float64 `json:"before"` // F1
	After      float64 `json:"after"`
	Difference float64 `json:"difference"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Fixed      int     `json:"fixed"`
	Broken     int     `json:"broken"`
	P          float64 `json:"p"`
}

// Sure says whether the difference is more than chance explains: its interval does
// not hold zero.
func (c Change) Sure() bool { return c.Low > 0 || c.High < 0 }

// Turn is a field of a document that turned from wrong to right or back.
type Turn struct {
	ID    string `json:"id"`
	Field string `json:"field"`
}

// draws is how many times the bootstrap draws; the sequence is always the same.
const draws = 2000

// counts are the counts of F1.
type counts struct{ labelled, predicted, right int }

func (c counts) f1() float64 { return ratio(2*c.right, c.labelled+c.predicted) }

func (c *counts) add(o counts) {
	c.labelled += o.labelled
	c.predicted += o.predicted
	c.right += o.right
}

// pair is the counts of some documents before and after.
type pair struct{ before, after counts }

// Compare holds a report against an earlier one. It gives Invalid when they have no
// document or no field in common.
func Compare(before, after Report) (Comparison, error) {
	c := Comparison{
		Fields: []Change{}, Fixed: []Turn{}, Broken: []Turn{},
		ECE:          [2]float64{before.ECE, after.ECE},
		SilentErrors: [2]int{before.SilentErrors, after.SilentErrors},
		Accepted:     [2]int{before.Accepted, after.Accepted},
		Seconds:      [2]float64{before.Seconds, after.Seconds},
	}
	for i, r := range []Report{before, after} {
		if r.Words != nil {
			c.CER[i] = r.Words.CER
		}
	}
	var ids []string
	for id := range after.Marks.Documents {
		if _, ok := before.Marks.Documents[id]; ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	c.Common = len(ids)
	c.OnlyBefore = len(before.Marks.Documents) - len(ids)
	c.OnlyAfter = len(after.Marks.Documents) - len(ids)
	all := map[string]pair{} // by cluster
	for at, name := range after.Marks.Fields {
		was := slices.Index(before.Marks.Fields, name)
		if was < 0 {
			continue
		}
		c.Fields = append(c.Fields, c.field(name, ids, before.Marks, after.Marks, was, at, all))
	}
	if len(ids) == 0 || len(c.Fields) == 0 {
		return Comparison{}, doc.Errorf(doc.Invalid, "the two reports have no document and field in common: compare runs over the same labelled folder")
	}
	c.Micro = change("micro", all)
	c.Micro.Fixed, c.Micro.Broken = len(c.Fixed), len(c.Broken)
	c.Micro.P = mcnemar(len(c.Fixed), len(c.Broken))
	byDocument := func(a, b Turn) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Field, b.Field)) }
	slices.SortFunc(c.Fixed, byDocument)
	slices.SortFunc(c.Broken, byDocument)
	return c, nil
}

// field compares one field, notes its turns in c and adds its counts to all.
func (c *Comparison) field(name string, ids []string, before, after Marks, was, at int, all map[string]pair) Change {
	clusters := map[string]pair{}
	fixed, broken := 0, 0
	for _, id := range ids {
		old, now := before.Documents[id], after.Documents[id]
		cluster := "?" + id
		if now.Vendor != "" {
			cluster = "v" + now.Vendor
		}
		a, b := count(old.Marks[was]), count(now.Marks[at])
		for _, sums := range []map[string]pair{clusters, all} {
			p := sums[cluster]
			p.before.add(a)
			p.after.add(b)
			sums[cluster] = p
		}
		switch {
		case b.right > a.right:
			fixed++
			c.Fixed = append(c.Fixed, Turn{id, name})
		case b.right < a.right:
			broken++
			c.Broken = append(c.Broken, Turn{id, name})
		}
	}
	out := change(name, clusters)
	out.Fixed, out.Broken, out.P = fixed, broken, mcnemar(fixed, broken)
	return out
}

// count gives the counts of a mark.
func count(mark byte) counts {
	switch mark {
	case markRight, markRight - 'a' + 'A':
		return counts{1, 1, 1}
	case markWrong, markWrong - 'a' + 'A':
		return counts{1, 1, 0}
	case markMissed:
		return counts{1, 0, 0}
	case markUnasked, markUnasked - 'a' + 'A':
		return counts{0, 1, 0}
	}
	return counts{}
}

// change gives the difference of F1 and its interval.
func change(name string, clusters map[string]pair) Change {
	names := make([]string, 0, len(clusters))
	var sum pair
	for n, p := range clusters {
		names = append(names, n)
		sum.before.add(p.before)
		sum.after.add(p.after)
	}
	slices.Sort(names)
	c := Change{Name: name, Before: sum.before.f1(), After: sum.after.f1()}
	c.Difference = c.After - c.Before
	if len(names) == 0 {
		return c
	}
	list := make([]pair, 0, len(names))
	for _, n := range names {
		list = append(list, clusters[n])
	}
	rng := rand.New(rand.NewPCG(1, 2)) // fixed, so that the same reports compare the same
	differences := make([]float64, 0, draws)
	for range draws {
		var drawn pair
		for range list {
			p := list[rng.IntN(len(list))]
			drawn.before.add(p.before)
			drawn.after.add(p.after)
		}
		differences = append(differences, drawn.after.f1()-drawn.before.f1())
	}
	slices.Sort(differences)
	c.Low, c.High = differences[draws*25/1000], differences[draws*975/1000-1]
	return c
}
