package blob

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// mendsAtOnce bounds the damaged objects that are replaced side by side because
// others came across them.
const mendsAtOnce = 4

// scrubState is what the scrub counts.
type scrubState struct {
	checked, healed atomic.Int64

	mu      sync.Mutex
	mending map[string]bool
	through time.Time // end of the last whole scrub
}

func (s *scrubState) last() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.through
}

// keepScrubbing reads all objects of this member again and again, slowly.
func (c *Copies) keepScrubbing(ctx context.Context) {
	for {
		begun := time.Now()
		if err := c.Scrub(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("objects are not all checked, will be tried again", "error", err)
		}
		if sleep(ctx, max(c.cfg.ScrubEvery-time.Since(begun), time.Second)) != nil {
			return
		}
	}
}

// Scrub reads every object of this member at the configured rate, compares it
// with what its key names, and replaces a damaged one by another member's copy.
// One that has no good copy anywhere is put aside under a name that is no key,
// counted, and reported. It is also done in the background.
func (c *Copies) Scrub(ctx context.Context) error {
	p := newPace(max(c.cfg.ScrubRate, 1<<20))
	err := c.local.List(ctx, "", "", func(i Info) error {
		if _, ok := digestOf(i.Key); !ok {
			return nil
		}
		if err := p.wait(ctx, i.Size); err != nil {
			return err
		}
		o, err := c.local.look(ctx, i.Key)
		if doc.CodeOf(err) == doc.NotFound {
			return nil // erased meanwhile
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c.scrub.checked.Add(1)
		if err != nil {
			c.log.Error("an object cannot be read from this disk", "key", i.Key, "error", err)
		}
		if err != nil || wantNamed(o) != nil {
			c.heal(ctx, i.Key)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("scrub: %w", err)
	}
	c.scrub.mu.Lock()
	defer c.scrub.mu.Unlock()
	c.scrub.through = c.cfg.Now()
	return nil
}

// heal replaces a damaged object of this member by another's copy.
func (c *Copies) heal(ctx context.Context, key string) {
	v := c.now.Load()
	tmp, o, err := c.fetch(ctx, v, key, damaged(key))
	if err == nil {
		c.mend(ctx, o, tmp, true)
		_ = tmp.Close()
		return
	}
	if ctx.Err() != nil {
		return
	}
	if doc.CodeOf(err) == doc.Unavailable || !errors.Is(err, ErrDamaged) {
		c.log.Error("an object is damaged on this member and cannot be replaced now", "key", key, "error", err)
		return
	}
	aside, err := c.local.putAside(ctx, key)
	c.log.Error("an object is damaged and no member has a good copy: deliver the file again, or restore it from a backup", "key", key, "kept_aside", aside, "error", err)
}

// suspect heals an object in the background that was found damaged in passing.
func (c *Copies) suspect(key string) {
	s := &c.scrub
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mending == nil {
		s.mending = map[string]bool{}
	}
	if s.mending[key] || len(s.mending) >= mendsAtOnce {
		return // the scrub will come across it
	}
	s.mending[key] = c.begin(func(ctx context.Context) {
		c.heal(ctx, key)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.mending, key)
	})
	if !s.mending[key] {
		delete(s.mending, key)
	}
}
