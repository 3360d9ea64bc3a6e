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
