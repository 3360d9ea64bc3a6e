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
		out = append(out, verdict{p.Model, p.Known, trust.Sample{Group: group, Field: p.Field, Score: p.Confidence, Right: p.Value == label}})
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
	s.known.Accept, s.known.AcceptKnown = l.thresholds(typeName, s.live, s.verdicts)
}

// thresholds gives from which confidence on fields are accepted.
func (l *Learner) thresholds(typeName string, m *fields.Model, vs map[doc.ID][]verdict) (accept, known map[string]float64) {
	if m == nil {
		return nil, nil // the rules promise nothing
	}
	accept, known = map[string]float64{}, map[string]float64{}
	for _, p := range promises(m, vs, l.targetsOf(typeName), l.madeHere(typeName, m)) {
		accept[p.Field], known[p.Field] = p.New.Promise.Threshold, p.Known.Promise.Threshold
	}
	return accept, known
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

// promises gives what follows from targets for a model, which was made here or
// shipped.
func promises(m *fields.Model, vs map[doc.ID][]verdict, targets doc.Targets, here bool) []doc.FieldTarget {
	held, heldKnown := m.Confidences()
	site, siteKnown := siteSamples(digestOf(m), vs)
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
			New: settled(of(held, name), of(site, name), t, "vendors", here), Known: settled(of(heldKnown, name), of(siteKnown, name), t, "documents", here),
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
	out.Promises = promises(s.live, s.verdicts, out.Targets, l.madeHere(t.Name, s.live))
	held, heldKnown := s.live.Confidences()
	site, siteKnown := siteSamples(out.Model, s.verdicts)
	out.Reliability = reliability(t, slices.Concat(held, heldKnown), slices.Concat(site, siteKnown))
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
