package learn

import (
	"context"
	"fmt"
	"slices"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// How a new model is compared with the live one, and whether it takes its place.

// judge keeps a model and decides whether it goes live.
func (l *Learner) judge(ctx context.Context, m *fields.Model, set string, g doc.Gain, lessons []fields.Lesson) error {
	gone, err := l.goneOf(ctx, m.Type)
	if err != nil {
		return err
	}
	better, why := verdictOn(g, l.liveOf(m.Type), gone)
	e := entry{Set: set, ModelInfo: doc.ModelInfo{
		Digest: m.Digest(), MadeAt: m.Card.MadeAt, Documents: m.Card.Documents, Vendors: m.Card.Vendors, Labels: m.Card.Labels, Gain: &g, Why: why,
	}}
	ids := make([]string, len(lessons))
	for i := range lessons {
		ids[i] = lessons[i].ID
	}
	if err := l.keep(ctx, m, e, ids); err != nil {
		return err
	}
	l.log.Info("a model was made", "type", m.Type, "model", short(bare(m.Digest())), "documents", len(lessons), "gain", g.Mean, "low", g.Low, "live", better)
	if better {
		if err := l.activate(ctx, m.Type, bare(m.Digest()), "training", why); err != nil {
			return err
		}
	}
	l.prune(ctx, m.Type)
	return nil
}

// goneOf counts the documents that the live model was trained on and that are
// erased by now. It asks for the documents, not for the mark on the model: one that
// is erased while a training begins is left out of it before the mark is written.
func (l *Learner) goneOf(ctx context.Context, name string) (int, error) {
	ids, err := l.behindLive(ctx, name)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, id := range ids {
		if r, ok := l.cfg.Documents.Known(doc.ID(id)); ok && r.State == doc.StateErased {
			n++
		}
	}
	return n, nil
}

// behindLive gives the documents that the live model was trained on; nil when it
// was not made on this site.
func (l *Learner) behindLive(ctx context.Context, name string) ([]string, error) {
	c := l.chosen(name)
	if c.Live == "" || bare(digestOf(l.liveOf(name))) != c.Live {
		return nil, nil
	}
	return l.trainedOn(ctx, name, c.Live)
}

// verdictOn says whether a model with a gain over the live one goes live. live is
// nil for the rules; gone is how many documents the live one was trained on and
// must not be any more.
func verdictOn(g doc.Gain, live *fields.Model, gone int) (bool, string) {
	figures := fmt.Sprintf("on %d documents of %d vendors it reads %.3f more fields right a document (90 %% interval %.3f to %.3f)", g.Documents, g.Vendors, g.Mean, g.Low, g.High)
	switch {
	case g.Low > 0:
		return true, "better: " + figures
	case live == nil && g.Low >= 0 && g.Vendors > 0:
		return true, "not worse than the rules, which cannot say how sure they are: " + figures
	case gone > 0 && g.High >= 0 && g.Vendors > 0:
		return true, fmt.Sprintf("not proven worse, and the model before was trained on %d documents that are erased: %s", gone, figures)
	}
	return false, "kept aside, not proven better: " + figures
}

func (l *Learner) liveOf(name string) *fields.Model {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shelf(name).live
}

// folds is into how many parts documents are dealt to compare models, whole
// vendors each.
const folds = 5

// compare reads each document with what both models would be without its vendor:
// a model that was trained here is trained again without it, the shipped one and
// the rules have never seen it.
func (l *Learner) compare(ctx context.Context, t doc.Type, lessons []fields.Lesson, candidate *fields.Model) (doc.Gain, error) {
	live := l.liveOf(t.Name)
	ids, err := l.behindLive(ctx, t.Name)
	if err != nil {
		return doc.Gain{}, err
	}
	trained := map[string]bool{}
	for _, id := range ids {
		trained[id] = true
	}
	vendors := make([]string, len(lessons))
	for i := range lessons {
		vendors[i] = lessons[i].Vendor
	}
	k := min(folds, candidate.Card.Vendors)
	part := parts(vendors, k)
	var outs []outcome
	for fold := range k {
		l.stage(t.Name, "comparing", fold, k)
		var rest, before, held []fields.Lesson
		for i, x := range lessons {
			switch {
			case part[i] == fold:
				held = append(held, x)
			default:
				rest = append(rest, x)
				if trained[x.ID] {
					before = append(before, x)
				}
			}
		}
		var err error
		lowly(func() {
			var now, old *fields.Model
			if now, err = plainly(ctx, t, rest, l.cfg.Shipped[t.Name]); err != nil {
				return
			}
			if old = live; len(trained) > 0 {
				if old, err = plainly(ctx, t, before, l.cfg.Shipped[t.Name]); err != nil {
					return
				}
			}
			memory := &fields.Memory{Wording: fields.Wording{}} // what labels they share with other vendors
			for _, x := range rest {
				if ctx.Err() != nil {
					err = fields.ErrStopped
					return
				}
				memory.Wording.Learn(t, x)
			}
			for _, x := range held {
				outs = append(outs, outcomeOf(t, x, now, old, memory))
			}
		})
		if err != nil {
			return doc.Gain{}, err
		}
	}
	g := gainOf(outs)
	g.Against = digestOf(live)
	return g, nil
}

// plainly learns what is only compared. Too few documents to learn from leave base.
func plainly(ctx context.Context, t doc.Type, lessons []fields.Lesson, base *fields.Model) (*fields.Model, error) {
	m, err := fields.Learn(t, lessons, fields.LearnOptions{Plain: true, Base: base, Stop: ctx.Done()})
	if doc.CodeOf(err) == doc.Invalid {
		return base, nil
	}
	return m, err
}

// outcomeOf reads a document with two models and what is remembered beside them, and counts the
// labels each got right.
func outcomeOf(t doc.Type, x fields.Lesson, now, before *fields.Model, memory *fields.Memory) outcome {
	out := outcome{vendor: x.Vendor, fields: len(x.Labels)}
	out.right = rightOf(t, x, fields.PickWith(x.Reading, t, fields.Knowledge{Model: now, Memory: memory}))
	out.before = rightOf(t, x, fields.PickWith(x.Reading, t, fields.Knowledge{Model: before, Memory: memory}))
	return out
}

func rightOf(t doc.Type, x fields.Lesson, fs []doc.Field) int {
	n := 0
	r := doc.Result{Fields: fs}
	for name, label := range x.Labels {
		spec, _ := t.Field(name)
		if slices.Equal(sortedForms(spec.Type, r.Values(name)), sortedForms(spec.Type, spec.Values(label))) {
			n++
		}
	}
	return n
}

// sortedForms gives values as they are compared, in an order of their own.
func sortedForms(ft doc.FieldType, values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fields.CompareForm(ft, v)
	}
	slices.Sort(out)
	return out
}
