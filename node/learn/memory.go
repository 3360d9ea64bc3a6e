package learn

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// remembered is the vendor memory of a type with what it was made from. Each
// change makes another one, stored under memory/<type>/<time>-<digest>; the one before is
// removed then.
type remembered struct {
	Format    int                  `json:"format"`
	Revision  string               `json:"revision"`  // of the type
	Documents map[doc.ID]time.Time `json:"documents"` // with the moment of the review
	Memory    *fields.Memory       `json:"memory"`
	key       string               // of its object; "" before it is stored
}

const (
	memoryFormat = 2
	memoryPrefix = "memory/"
	maxMemory    = 256 << 20 // bytes
)

// mostRemembered is how many reviewed documents of a type are remembered and
// trained on, the newest first.
const (
	mostRemembered = 5000
	mostTrained    = 600
)

// lessonOf makes a lesson of a reviewed document. What does not stand on it
// teaches nothing.
func lessonOf(r doc.Record, t doc.Type, reading doc.Reading) fields.Lesson {
	labels := maps.Clone(r.Review.Labels)
	for _, name := range r.Review.Unfound {
		delete(labels, name)
	}
	maps.DeleteFunc(labels, func(name, _ string) bool {
		spec, ok := t.Field(name)
		return !ok || spec.Type == doc.Table
	})
	vendor := r.Review.Vendor
	if vendor == "" {
		vendor = string(r.ID)
	}
	return fields.Lesson{ID: string(r.ID), Vendor: vendor, Reading: reading, Labels: labels}
}

// remember adds one review to memory and stores it. Documents are read meanwhile
// with the memory as it was.
func (l *Learner) remember(ctx context.Context, r doc.Record, t doc.Type, reading doc.Reading) {
	l.recalling.Lock()
	defer l.recalling.Unlock()
	l.mu.Lock()
	s := l.shelf(t.Name)
	have := s.memory
	if _, again := have.Documents[r.ID]; again || have.Revision != "" && have.Revision != t.Revision() {
		s.stale = true // what the earlier review said is taken back in the background
	}
	l.mu.Unlock()
	next, err := have.clone()
	if err != nil {
		l.log.Error("vendor memory cannot be copied", "type", t.Name, "error", err)
		return
	}
	next.Revision = t.Revision()
	next.Memory.Remember(t, lessonOf(r, t, reading))
	next.Documents[r.ID] = r.Review.At
	l.swap(ctx, t.Name, s, next)
}

// swap puts a memory in the place of another and stores it. One that cannot be
// stored is used all the same: at the next start it is made again. The caller
// holds recalling.
func (l *Learner) swap(ctx context.Context, name string, s *shelf, next *remembered) {
	l.mu.Lock()
	old := s.memory.key
	s.memory = next
	l.settle(name, s)
	l.mu.Unlock()
	err := l.storeMemory(ctx, name, next)
	if err == nil && old != "" {
		err = l.cfg.Objects.Delete(ctx, old)
	}
	if err != nil {
		l.log.Warn("vendor memory is not stored; it is made again at the next start", "type", name, "error", err)
	}
}

func (m *remembered) clone() (*remembered, error) {
	next := &remembered{Format: memoryFormat, Revision: m.Revision, Documents: map[doc.ID]time.Time{}, Memory: &fields.Memory{}}
	maps.Copy(next.Documents, m.Documents)
	if m.Memory == nil {
		return next, nil
	}
	raw, err := json.Marshal(m.Memory)
	if err == nil {
		err = json.Unmarshal(raw, next.Memory)
	}
	return next, err
}

func (l *Learner) storeMemory(ctx context.Context, name string, m *remembered) error {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(z).Encode(m), z.Close()); err != nil {
		return fmt.Errorf("store memory: %w", err)
	}
	sum := sha256.Sum256(b.Bytes()) // lets a store see damage; keys of earlier versions end after the time
	key := fmt.Sprintf("%s%s/%020d-%x.json.gz", memoryPrefix, name, time.Now().UnixNano(), sum[:8])
	if err := l.cfg.Objects.Put(ctx, key, b.Bytes()); err != nil {
		return err
	}
	m.key = key
	return nil
}

// loadMemory gives the newest stored memory of a type that can be read; the
// reviews make up for what it lacks.
func (l *Learner) loadMemory(ctx context.Context, name string) *remembered {
	keys, err := l.cfg.Objects.Keys(ctx, memoryPrefix+name+"/")
	if err == nil && len(keys) > 0 {
		key := keys[len(keys)-1]
		for _, old := range keys[:len(keys)-1] { // left by a crash, or brought back by a backup
			if err := l.cfg.Objects.Delete(ctx, old); err != nil {
				l.log.Warn("an old vendor memory is not removed", "type", name, "error", err)
			}
		}
		var m *remembered
		if m, err = readMemory(ctx, l.cfg.Objects, key); err == nil {
			m.key = key
			return m
		}
	}
	if err != nil {
		l.log.Warn("vendor memory cannot be read; it is made again from the reviews", "type", name, "error", err)
	}
	return &remembered{}
}

func readMemory(ctx context.Context, o Objects, key string) (*remembered, error) {
	raw, err := o.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read memory: %w", err)
	}
	m := &remembered{}
	if err := json.NewDecoder(io.LimitReader(z, maxMemory)).Decode(m); err != nil {
		return nil, fmt.Errorf("read memory: %w", err)
	}
	if m.Format != memoryFormat || m.Memory == nil {
		return nil, doc.Errorf(doc.Invalid, "the vendor memory is of another version of Recto")
	}
	return m, nil
}

// rememberedTypes gives the types of which a memory is stored.
func (l *Learner) rememberedTypes(ctx context.Context) []string {
	keys, err := l.cfg.Objects.Keys(ctx, memoryPrefix)
	if err != nil {
		l.log.Warn("vendor memory cannot be listed", "error", err)
	}
	seen := map[string]bool{}
	for _, k := range keys {
		name, _, _ := strings.Cut(strings.TrimPrefix(k, memoryPrefix), "/")
		seen[name] = true
	}
	return sortedNames(seen)
}

// catchUp compares what was learned with the reviews there are, and makes up for
// what is missing or too much: after a start, a restore, an erasure, or when a
// review was changed.
func (l *Learner) catchUp(ctx context.Context) error {
	stale, behind := l.takeStale()
	if !behind {
		return nil
	}
	byType := map[string][]doc.Record{}
	had := l.memories() // before looking, so that a review in between is not taken for one too much
	err := l.cfg.Documents.Reviewed(ctx, func(r doc.Record) error {
		if r.Review != nil && r.State != doc.StateErased {
			byType[r.Review.Type] = append(byType[r.Review.Type], r)
		}
		return nil
	})
	if err != nil {
		l.putStale(stale)
		return fmt.Errorf("find reviewed documents: %w", err)
	}
	for name := range byType {
		l.mu.Lock()
		if _, ok := l.shelves[name]; !ok {
			l.shelf(name)
			stale[name] = true
		}
		l.mu.Unlock()
	}
	for _, name := range l.names() {
		if err := l.catchUpType(ctx, name, had[name], byType[name], stale[name]); err != nil {
			l.putStale(stale)
			return err
		}
		delete(stale, name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.caught = true
	return nil
}

// takeStale gives the types whose memory has to be compared with the reviews, and
// whether there is anything to compare: once after the start, and when something was
// taken back. The marks are taken off before anybody looks at the reviews: one that
// is set meanwhile is for the next time.
func (l *Learner) takeStale() (stale map[string]bool, behind bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stale = map[string]bool{}
	for name, s := range l.shelves {
		if s.stale {
			stale[name], s.stale = true, false
		}
	}
	return stale, len(stale) > 0 || !l.caught
}

// putStale puts marks back that were taken for nothing.
func (l *Learner) putStale(stale map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range stale {
		l.shelf(name).stale = true
	}
}

// memories gives the memory of each type as it is now.
func (l *Learner) memories() map[string]*remembered {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]*remembered{}
	for name, s := range l.shelves {
		out[name] = s.memory
	}
	return out
}

func (l *Learner) catchUpType(ctx context.Context, name string, have *remembered, reviewed []doc.Record, stale bool) error {
	l.mu.Lock()
	s := l.shelf(name)
	if have == nil {
		have = s.memory
	}
	l.recount(name, s, reviewed)
	l.settle(name, s)
	l.mu.Unlock()
	if !stale {
		return nil
	}
	t, err := l.cfg.Documents.Type(ctx, name)
	if err != nil {
		return nil // the type is gone; what was learned of it waits for it
	}
	l.count(name, reviewed)
	reviewed = reviewed[:min(len(reviewed), mostRemembered)]
	missing, tooMuch := difference(have, t, reviewed)
	for _, id := range tooMuch {
		if r, ok := l.cfg.Documents.Known(id); ok && r.State == doc.StateErased {
			if err := l.markErased(ctx, name, id); err != nil {
				l.log.Warn("models are not marked as trained on an erased document", "type", name, "error", err)
			}
		}
	}
	if len(missing)+len(tooMuch) == 0 {
		return nil
	}
	next, err := have.clone()
	if err != nil || len(tooMuch) > 0 {
		next, missing = (&remembered{}).fresh(), reviewed
	}
	for i := len(missing) - 1; i >= 0; i-- { // in the order in which they came
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		reading, err := l.cfg.Documents.Reading(ctx, missing[i])
		if err != nil {
			l.log.Warn("a reviewed document cannot be read again: nothing is learned from it", "id", missing[i].ID, "error", err)
		} else {
			next.Memory.Remember(t, lessonOf(missing[i], t, reading))
		}
		next.Documents[missing[i].ID] = missing[i].Review.At
	}
	next.Revision = t.Revision()
	l.recalling.Lock()
	defer l.recalling.Unlock()
	l.mu.Lock()
	changed := s.memory != have
	s.stale = s.stale || changed // a review came meanwhile: once more
	l.mu.Unlock()
	if changed {
		l.nudge()
		return nil
	}
	l.swap(ctx, name, s, next)
	return nil
}

// recount takes over what people said of picked values. The caller holds mu.
func (l *Learner) recount(name string, s *shelf, reviewed []doc.Record) {
	for _, r := range reviewed {
		s.verdicts[r.ID] = verdictsOf(r)
	}
	for id := range s.verdicts {
		r, ok := l.cfg.Documents.Known(id)
		if !ok || r.State == doc.StateErased || r.Review == nil || r.Review.Type != name {
			delete(s.verdicts, id)
		}
	}
}

func (m *remembered) fresh() *remembered {
	return &remembered{Format: memoryFormat, Documents: map[doc.ID]time.Time{}, Memory: &fields.Memory{}}
}

// difference says which reviews a memory lacks, and which documents it should not
// hold, or not as it does.
func difference(have *remembered, t doc.Type, reviewed []doc.Record) (missing []doc.Record, tooMuch []doc.ID) {
	now := map[doc.ID]bool{}
	for _, r := range reviewed {
		now[r.ID] = true
		at, ok := have.Documents[r.ID]
		switch {
		case !ok:
			missing = append(missing, r)
		case !at.Equal(r.Review.At) || have.Revision != t.Revision():
			tooMuch = append(tooMuch, r.ID)
		}
	}
	for id := range have.Documents {
		if !now[id] {
			tooMuch = append(tooMuch, id)
		}
	}
	return missing, tooMuch
}

// count says how many reviews are newer than the newest model.
func (l *Learner) count(name string, reviewed []doc.Record) {
	var newest time.Time
	if es := l.entries(name); len(es) > 0 {
		newest = es[0].MadeAt
	}
	n := 0
	for _, r := range reviewed {
		if r.Review.At.After(newest) {
			n++
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shelf(name)
	if s.training.Reviews == 0 && n > 0 {
		s.first = time.Now()
	}
	s.training.Reviews = n
}
