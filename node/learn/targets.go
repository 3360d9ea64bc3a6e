package learn

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/extract/trust"
)

// verdict is one value that was picked before a person looked, and whether it was
// right.
type verdict struct {
	model  string
	known  bool
	sample trust.Sample
}

// verdictsOf gives what a review says about what was picked.
func verdictsOf(r doc.Record) []verdict {
	var out []verdict
	for _, p := range r.Review.Read {
		label, ok := r.Review.Labels[p.Field]
		if !ok || p.Model == "" {
			continue
		}
		group := r.Review.Vendor
		if p.Known || group == "" {
			group = string(r.ID)
		}
		out = append(out, verdict{p.Model, p.Known, trust.Sample{Group: group, Field: p.Field, Score: p.Confidence, Right: slices.Contains(doc.SplitValues(label), p.Value)}})
	}
	return out
}

// targetsOf gives the targets of a type.
func (l *Learner) targetsOf(typeName string) doc.Targets {
	raw, _, ok := l.cfg.State.Get(kindTarget, typeName)
	usual := doc.Targets{Default: l.cfg.Usual}
	if !ok {
		return usual
	}
	var t doc.Targets
	if err := json.Unmarshal(raw, &t); err != nil {
		l.log.Error("the targets cannot be read: the usual ones apply", "type", typeName, "error", err)
		return usual
	}
	return t
}

// settle makes what documents of a type are read with. The caller holds mu.
func (l *Learner) settle(typeName string, s *shelf) {
	s.known = fields.Knowledge{Model: s.live}
	if s.memory != nil && s.memory.Memory != nil && len(s.memory.Memory.Vendors) > 0 {
		s.known.Memory = s.memory.Memory
	}
	l.applyReviews(typeName, &s.known, s.verdicts)
}

// applyReviews sets how sure the model of k is on this site, and from which confidence on
// its fields are accepted.
func (l *Learner) applyReviews(typeName string, k *fields.Knowledge, vs map[doc.ID][]verdict) {
	k.Accept, k.AcceptKnown = nil, nil
	if k.Model == nil {
		return // the rules promise nothing
	}
	e := evidenceOf(k.Model, vs)
	k.Site, k.SiteKnown = e.strangers.moved, e.known.moved
	k.Accept, k.AcceptKnown = map[string]float64{}, map[string]float64{}
	for _, p := range e.promises(l.targetsOf(typeName), l.madeHere(typeName, k.Model)) {
		k.Accept[p.Field], k.AcceptKnown[p.Field] = p.New.Promise.Threshold, p.Known.Promise.Threshold
	}
}

// madeHere says whether a model was trained on this site's reviews.
func (l *Learner) madeHere(typeName string, m *fields.Model) bool {
	return m != nil && digestOf(m) != digestOf(l.cfg.Shipped[typeName])
}

// settled gives the promise in force. What was held back when a model was made
// here are documents of this site too, and they count together with what it read
// since; of a shipped model they are others' documents, and are never mixed.
func settled(held, site []trust.Sample, t doc.Target, unit string, here bool) doc.Settled {
	target := trust.Target{Precision: t.Precision, Delta: t.Delta, MinGroups: t.MinGroups, Apart: t.Apart, Unit: unit}
	byHeld, bySite := trust.Promised(held, target), trust.Promised(site, target)
	out := doc.Settled{Held: doc.Promise(byHeld), Site: doc.Promise(bySite), Samples: len(site)}
	if here {
		out.Promise = doc.Promise(trust.Promised(slices.Concat(held, site), target))
		return out
	}
	out.Promise = doc.Promise(trust.Settle(byHeld, site, target))
	if !byHeld.Holds && !bySite.Holds && len(site) == 0 {
		out.Promise = out.Held // says more than that nobody reviewed anything yet
	}
	return out
}

// evidence is what is known about how right a model is, apart for vendors of which
// nothing was confirmed and for known ones.
type evidence struct{ strangers, known pool }

// pool is predictions with their confidences on this site: those that were held
// back when the model was made, and what it read here before a person looked.
type pool struct {
	held, site []trust.Sample
	moved      trust.Calibration // of the model's confidences, by the reviews; zero: as they are
}

// siteParts is into how many parts this site's reviews are dealt, so that no value
// is judged by a calibration which it helped to fit.
const siteParts = 10

func evidenceOf(m *fields.Model, vs map[doc.ID][]verdict) evidence {
	held, heldKnown := m.Confidences()
	site, siteKnown := siteSamples(digestOf(m), vs)
	return evidence{poolOf(held, site), poolOf(heldKnown, siteKnown)}
}

// poolOf moves confidences to what the reviews of this site say. Each review moves
// them a little: few stay near what the model brought, hundreds outweigh it.
func poolOf(held, site []trust.Sample) pool {
	p := pool{held: held, site: site}
	start := trust.Unchanged()
	moved, err := start.Refit(site)
	if err != nil {
		return p // nobody looked yet
	}
	p.moved, p.held = moved, slices.Clone(held)
	for i, s := range p.held {
		p.held[i].Score = fields.Rounded(moved.Confidence(s.Field, s.Score))
	}
	groups := map[string]bool{}
	for _, s := range site {
		groups[s.Group] = true
	}
	if crossed, err := start.Recross(site, min(siteParts, len(groups))); err == nil {
		for i := range crossed {
			crossed[i].Score = fields.Rounded(crossed[i].Score)
		}
		p.site = crossed
	}
	return p
}

// promises gives what follows from targets for a model, which was made here or
// shipped.
func (e evidence) promises(targets doc.Targets, here bool) []doc.FieldTarget {
	of := func(samples []trust.Sample, field string) []trust.Sample {
		var out []trust.Sample
		for _, s := range samples {
			_, own := targets.Fields[s.Field]
			if field == "" && !own || field != "" && s.Field == field {
				out = append(out, s)
			}
		}
		return out
	}
	var out []doc.FieldTarget
	for _, name := range append([]string{""}, sortedNames(targets.Fields)...) {
		t, ok := targets.Fields[name]
		if !ok {
			t = targets.Default
		}
		out = append(out, doc.FieldTarget{
			Field: name, Target: t,
			New:   settled(of(e.strangers.held, name), of(e.strangers.site, name), t, "vendors", here),
			Known: settled(of(e.known.held, name), of(e.known.site, name), t, "documents", here),
		})
	}
	return out
}

// siteSamples gives what a model picked on this site before a person looked.
func siteSamples(model string, vs map[doc.ID][]verdict) (strangers, known []trust.Sample) {
	ids := make([]doc.ID, 0, len(vs))
	for id := range vs {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b doc.ID) int { return cmp.Compare(a, b) })
	for _, id := range ids {
		for _, v := range vs[id] {
			switch {
			case v.model != model:
			case v.known:
				known = append(known, v.sample)
			default:
				strangers = append(strangers, v.sample)
			}
		}
	}
	return strangers, known
}

// Targets says what is asked of a type and what follows.
func (l *Learner) Targets(_ context.Context, t doc.Type) (doc.TargetReport, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shelf(t.Name)
	out := doc.TargetReport{Type: t.Name, Model: digestOf(s.live), Targets: l.targetsOf(t.Name)}
	e := evidenceOf(s.live, s.verdicts)
	out.Promises = e.promises(out.Targets, l.madeHere(t.Name, s.live))
	out.Reliability = reliability(t, slices.Concat(e.strangers.held, e.known.held), slices.Concat(e.strangers.site, e.known.site))
	return out, nil
}

// enough is how many samples of this site make a plot that says something.
const enough = 30

func reliability(t doc.Type, held, site []trust.Sample) []doc.Reliability {
	out := []doc.Reliability{}
	for _, name := range append([]string{""}, fieldNames(t)...) {
		of := func(samples []trust.Sample) []trust.Sample {
			return slices.DeleteFunc(slices.Clone(samples), func(s trust.Sample) bool { return name != "" && s.Field != name })
		}
		samples, here := of(site), true
		if len(samples) < enough {
			samples, here = of(held), false
		}
		if len(samples) == 0 {
			continue
		}
		bins := trust.Reliability(samples, 10)
		r := doc.Reliability{Field: name, Samples: len(samples), ECE: trust.ECE(bins), Noise: trust.Noise(bins), Site: here}
		for _, b := range bins {
			r.Bins = append(r.Bins, doc.Bin(b))
		}
		out = append(out, r)
	}
	return out
}

func fieldNames(t doc.Type) []string {
	var out []string
	for _, f := range t.Fields {
		out = append(out, f.Name)
	}
	return out
}

// PutTargets sets what is asked of a type. Errors: Invalid.
func (l *Learner) PutTargets(ctx context.Context, t doc.Type, targets doc.Targets) (doc.TargetReport, error) {
	for _, name := range append([]string{""}, sortedNames(targets.Fields)...) {
		if _, ok := t.Field(name); !ok && name != "" {
			return doc.TargetReport{}, doc.Errorf(doc.Invalid, "type %s has no field %q", t.Name, name)
		}
		x, where := targets.Default, "default"
		if name != "" {
			x, where = targets.Fields[name], name
		}
		if !(x.Precision > 0 && x.Precision < 1) || !(x.Delta >= 0 && x.Delta < 1) || x.MinGroups < 0 {
			return doc.TargetReport{}, doc.Errorf(doc.Invalid,
				"%s: a precision lies between 0 and 1, as 0.99 for 1 wrong in 100; a delta too, as 0.1; min_groups is not negative", where)
		}
	}
	l.writing.Lock()
	err := l.write(ctx, kindTarget, t.Name, targets)
	l.writing.Unlock()
	if err != nil {
		return doc.TargetReport{}, err
	}
	l.mu.Lock()
	l.settle(t.Name, l.shelf(t.Name))
	l.mu.Unlock()
	return l.Targets(ctx, t)
}
