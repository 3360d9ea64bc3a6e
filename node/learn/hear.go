package learn

import (
	"context"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// How learning hears of what happens, on this member and on others.

// Reviewed takes in a review at once: the next document of the vendor profits.
// before is the record as it was. Learning is asked for when there is enough new.
func (l *Learner) Reviewed(ctx context.Context, before, now doc.Record, t doc.Type, reading doc.Reading) {
	l.remember(ctx, now, t, reading)
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shelf(t.Name)
	s.verdicts[now.ID] = verdictsOf(now)
	if s.training.Reviews == 0 {
		s.first = time.Now()
	}
	s.training.Reviews++
	if b := before.Review; b != nil && b.Type != t.Name {
		old := l.shelf(b.Type)
		delete(old.verdicts, now.ID)
		old.stale = true
	}
	l.settle(t.Name, s)
	l.nudge()
}

// Heard takes in a review that was given on another member: memory is compared
// with the reviews in the background.
func (l *Learner) Heard(r doc.Record) {
	if r.Review == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shelf(r.Review.Type)
	if at, known := s.memory.Documents[r.ID]; known && at.Equal(r.Review.At) {
		return
	}
	s.stale = true
	l.nudge()
}

// Forget takes back what an erased document taught: in the background memory is
// made anew without it, and the type is trained again.
func (l *Learner) Forget(before doc.Record) {
	if before.Review == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shelf(before.Review.Type)
	delete(s.verdicts, before.ID)
	s.stale, s.asked = true, true
	l.settle(before.Review.Type, s)
	l.nudge()
}

// TakeUp loads the models that were made the live ones since, on this member or on
// another.
func (l *Learner) TakeUp(ctx context.Context) {
	for name := range l.cfg.State.List(KindChoice) {
		l.mu.Lock()
		now := ""
		if s := l.shelf(name); s.live != nil && s.live != l.cfg.Shipped[name] {
			now = bare(s.live.Digest())
		}
		l.mu.Unlock()
		if l.chosen(name).Live != now {
			l.load(ctx, name)
			l.cfg.Changed()
			l.nudge()
		}
	}
}
