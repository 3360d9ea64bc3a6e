package intake

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

const (
	arrivals   = "intake/"
	dayLayout  = "2006-01-02"
	maxArrival = 1 << 20 // bytes of an intake record

	sweepIdle     = 15 * time.Minute // between sweeps when nothing is known to be missing: for what other members left
	sweepMargin   = 10 * time.Minute // clocks of members and of the object store may differ by this
	sweepOpen     = 2                // newest days that are never called complete
	sweepWriters  = 8                // appends at the same time, so that they share a sync
	sweepPatience = 10 * time.Second // for one append: a log that hangs is a log that is away
)

// sweeper is how far sweeping has come.
type sweeper struct {
	pending atomic.Bool // a receipt was given that the log has not heard of
	mu      sync.Mutex  // one sweep at a time
	day     string      // up to and with this day everything is in the log
	last    time.Time   // start of the last complete sweep
}

// arrivalKey is where the intake record of a is kept, which is body. The digest
// of that lets a store see damage, and keeps apart what two members take in at
// the same nanosecond. Records of earlier versions have none in their key.
func arrivalKey(a doc.Arrival, body []byte) string {
	sum := sha256.Sum256(body)
	return fmt.Sprintf("%s%s/%s-%d-%x.json", arrivals, a.ReceivedAt.UTC().Format(dayLayout), a.ID, a.ReceivedAt.UnixNano(), sum[:8])
}

// arrivalID gives the document of the intake record under key.
func arrivalID(key string) (doc.ID, bool) {
	id, _, ok := strings.Cut(path.Base(key), "-")
	return doc.ID(id), ok && doc.ID(id).Valid()
}

// Sweep compares the intake records with the log and appends what that has not
// heard of; it says how many documents. To be called at the start, every minute,
// and when the log comes back: when nothing is known to be missing and the last
// one is not long ago, it does nothing. An error leaves the rest to the next call.
func (in *Intake) Sweep(ctx context.Context) (int, error) {
	s := &in.sweep
	s.mu.Lock()
	defer s.mu.Unlock()
	start := in.cfg.Now().UTC()
	if s.last.IsZero() && in.cfg.Marks != nil {
		s.day = in.cfg.Marks.Swept()
	}
	found, err := in.bringHeard(ctx)
	if err == nil && !s.pending.Swap(false) && !s.last.IsZero() && start.Sub(s.last) < sweepIdle {
		in.counts.swept.Add(int64(found))
		return found, nil
	}
	if err == nil {
		var more int
		more, err = in.compare(ctx, s)
		found += more
	}
	in.counts.swept.Add(int64(found))
	if err != nil {
		s.pending.Store(true)
		return found, fmt.Errorf("sweep: %w", err)
	}
	s.last = start
	day := start.AddDate(0, 0, -sweepOpen).Format(dayLayout)
	if day > s.day {
		s.day = day
		if in.cfg.Marks != nil {
			if err := in.cfg.Marks.SetSwept(day); err != nil {
				return found, fmt.Errorf("sweep: %w", err)
			}
		}
	}
	return found, nil
}

// Forget has the next Sweep begin at the beginning: for after the log was found
// to have gone backwards.
func (in *Intake) Forget() error {
	s := &in.sweep
	s.mu.Lock()
	defer s.mu.Unlock()
	s.day, s.last = "", time.Time{}
	if in.cfg.Marks == nil {
		return nil
	}
	if err := in.cfg.Marks.SetSwept(""); err != nil {
		return fmt.Errorf("forget sweep: %w", err)
	}
	return nil
}

// compare goes through the intake records that may be missing in the log, in a
// memory that does not grow with their number.
func (in *Intake) compare(ctx context.Context, s *sweeper) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	keys := make(chan string)
	var found atomic.Int64
	var wg sync.WaitGroup
	for range sweepWriters {
		wg.Go(func() {
			for key := range keys {
				appended, err := in.bring(ctx, key)
				if err != nil {
					cancel(err) // the log is away: the rest would only wait for it
				} else if appended {
					found.Add(1)
				}
			}
		})
	}
	after := ""
	if s.day != "" {
		after = arrivals + s.day + "/~" // behind every key of that day
	}
	err := in.cfg.Store.Keys(ctx, arrivals, after, func(key string, stored time.Time) error {
		id, ok := arrivalID(key)
		seen := !s.last.IsZero() && stored.Before(s.last.Add(-sweepMargin))
		if !ok || seen {
			return nil
		}
		if _, known := in.cfg.Log.Known(id); known {
			return nil
		}
		select {
		case keys <- key:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(keys)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return int(found.Load()), err
}

// bring appends the first revision of the intake record under key, unless the
// document is there. Of several records of one document the log takes one.
func (in *Intake) bring(ctx context.Context, key string) (bool, error) {
	body, err := in.cfg.Store.Read(ctx, key, maxArrival)
	if err != nil {
		return false, err
	}
	var a doc.Arrival
	if err := json.Unmarshal(body, &a); err != nil || !a.ID.Valid() {
		// Written by us and immutable: repeating does not help, and one bad record
		// must not keep the others waiting.
		in.cfg.Logger.Error("intake record cannot be read", "key", key, "error", err)
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sweepPatience)
	defer cancel()
	_, err = in.cfg.Log.Append(ctx, doc.First(a))
	if doc.CodeOf(err) == doc.Conflict {
		return false, nil
	}
	return err == nil, err
}
