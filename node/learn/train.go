package learn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// again is the pause after something that failed and is tried again.
const again = time.Minute

// run is the one goroutine that learns.
func (l *Learner) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := again
		away := l.reload(ctx)
		if err := l.catchUp(ctx); err != nil {
			if ctx.Err() == nil {
				l.log.Warn("what was learned is not compared with the reviews yet, tried again in a minute", "error", err)
			}
		} else {
			var name string
			if name, wait = l.due(time.Now()); name != "" {
				if duty, done, mine := l.cfg.Turn(ctx); mine {
					l.training(duty, name)
					done()
					continue
				}
				wait = again // another member does it; this one looks whether it still does
			}
			if away {
				wait = min(wait, again)
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// due gives a type that is to be trained now, or how long to wait for one.
func (l *Learner) due(now time.Time) (name string, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait = time.Hour
	for _, name := range slices.Sorted(maps.Keys(l.shelves)) {
		s := l.shelves[name]
		// The more there is, the longer a training takes and the less a few change.
		after := max(l.cfg.After, len(s.verdicts)/20)
		left := s.first.Add(l.cfg.Quiet * time.Duration(1+len(s.verdicts)/100)).Sub(now)
		switch {
		case s.asked || s.training.Reviews >= after || s.training.Reviews > 0 && left <= 0:
			return name, 0
		case s.training.Reviews > 0:
			wait = min(wait, left)
		}
	}
	return "", wait
}

// training trains a type and says how it went.
func (l *Learner) training(ctx context.Context, name string) {
	l.mu.Lock()
	s := l.shelf(name)
	asked, reviews := s.asked, s.training.Reviews
	s.asked = false
	s.training.State = "waiting"
	l.mu.Unlock()
	if !asked {
		l.quiet(ctx)
	}
	err := l.train(ctx, name)
	stopped := errors.Is(err, fields.ErrStopped) || ctx.Err() != nil
	now := time.Now().UTC()
	l.mu.Lock()
	defer l.mu.Unlock()
	s.training = doc.Training{State: "idle", Reviews: max(0, s.training.Reviews-reviews), EndedAt: &now, LeftOut: s.leftOut}
	if s.training.Reviews > 0 {
		s.first = now
	}
	if s.asked {
		s.training.State = "waiting"
	}
	if err == nil || stopped {
		return
	}
	s.training.Error = message(err)
	if errors.Is(err, errNothingNew) {
		return
	}
	l.log.Warn("no model was made; the live one stays", "type", name, "code", doc.CodeOf(err))
}

func message(err error) string {
	var e *doc.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

// quiet waits until no document waits to be read, for as long as patience lasts.
func (l *Learner) quiet(ctx context.Context) {
	end := time.Now().Add(l.cfg.Patience)
	for l.cfg.Documents.Waiting() > 0 && time.Now().Before(end) {
		timer := time.NewTimer(500 * time.Millisecond)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (l *Learner) stage(name, stage string, done, of int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &l.shelf(name).training
	t.State, t.Stage, t.Done, t.Of = "training", stage, done, of
}

// train makes a model of a type from all that was reviewed, compares it with the
// live one, and lets it go live if it is better. Errors are of code Invalid when
// the reviews do not suffice.
func (l *Learner) train(ctx context.Context, name string) error {
	t, err := l.cfg.Documents.Type(ctx, name)
	if err != nil {
		return err
	}
	lessons, err := l.lessons(ctx, t)
	if err != nil {
		return err
	}
	set := setOf(t, lessons)
	if es := l.entries(name); len(es) > 0 && es[0].Set == set && es[0].Erased == 0 {
		return errNothingNew
	}
	options := fields.LearnOptions{Base: l.cfg.Shipped[t.Name], Stop: ctx.Done(), Card: fields.Card{Sources: []string{"documents reviewed on this site"}, MadeAt: time.Now().UTC()}}
	l.stage(name, "learning", 0, 1)
	var candidate *fields.Model
	lowly(func() { candidate, err = fields.Learn(t, lessons, options) })
	if err != nil {
		return err
	}
	g, err := l.compare(ctx, t, lessons, candidate)
	if err != nil {
		return err
	}
	return l.judge(ctx, candidate, set, g, lessons)
}

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

// lessons gives the newest reviewed documents of a type as lessons. One without a
// readable page is left out.
func (l *Learner) lessons(ctx context.Context, t doc.Type) ([]fields.Lesson, error) {
	var recs []doc.Record
	err := l.cfg.Documents.Reviewed(ctx, func(r doc.Record) error {
		if r.Review != nil && r.Review.Type == t.Name && r.State != doc.StateErased && len(recs) < mostTrained {
			recs = append(recs, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find reviewed documents: %w", err)
	}
	var out []fields.Lesson
	unreadable := 0
	for i, r := range recs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		l.stage(t.Name, "reading", i, len(recs))
		reading, err := l.cfg.Documents.Reading(ctx, r)
		if err != nil || wordsOf(reading) == 0 {
			unreadable++
			continue
		}
		out = append(out, lessonOf(r, t, reading))
	}
	l.mu.Lock()
	l.shelf(t.Name).leftOut = unreadable
	l.mu.Unlock()
	if unreadable > 0 && len(out) == 0 {
		return nil, doc.Errorf(doc.Invalid, "none of the %d reviewed documents has a readable page: there is nothing to learn from", unreadable)
	}
	return out, nil
}

func wordsOf(r doc.Reading) int {
	n := 0
	for _, p := range r.Pages {
		n += len(p.Words)
	}
	return n
}

// setOf names a training set: the type, the documents and what was said of them.
func setOf(t doc.Type, lessons []fields.Lesson) string {
	h := sha256.New()
	h.Write([]byte(t.Revision()))
	for _, x := range slices.SortedFunc(slices.Values(lessons), func(a, b fields.Lesson) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	}) {
		raw, err := json.Marshal(x.Labels)
		if err != nil {
			panic("learn: labels do not marshal: " + err.Error()) // strings always do
		}
		h.Write([]byte(x.ID))
		h.Write(raw)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
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
			for _, x := range held {
				outs = append(outs, outcomeOf(t, x, now, old))
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

// outcomeOf reads a document with two models and counts the labels each got right.
func outcomeOf(t doc.Type, x fields.Lesson, now, before *fields.Model) outcome {
	out := outcome{vendor: x.Vendor, fields: len(x.Labels)}
	out.right = rightOf(t, x, fields.PickWith(x.Reading, t, fields.Knowledge{Model: now}))
	out.before = rightOf(t, x, fields.PickWith(x.Reading, t, fields.Knowledge{Model: before}))
	return out
}

func rightOf(t doc.Type, x fields.Lesson, fs []doc.Field) int {
	n := 0
	r := doc.Result{Fields: fs}
	for name, label := range x.Labels {
		spec, _ := t.Field(name)
		got := ""
		if f := r.Field(name); f != nil {
			got = f.Value
		}
		switch {
		case label == "" || got == "":
			if label == got {
				n++
			}
		case fields.CompareForm(spec.Type, got) == fields.CompareForm(spec.Type, label):
			n++
		}
	}
	return n
}
