package blob

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Status is how the keeping of copies goes on one member.
type Status struct {
	Set     string `json:"set"`     // names the members that shall keep copies, as this one sees it
	Settled bool   `json:"settled"` // since the members are these, all that this one has is on enough of them
	Placed  bool   `json:"placed"`  // what this one has was on enough members once, so that it has nothing alone

	Due      int       `json:"due"`      // objects and erasures known to lack copies
	Walked   int64     `json:"walked"`   // objects compared in this round
	Of       int64     `json:"of"`       // objects of the round before; 0: not known
	Running  bool      `json:"running"`  // a round is under way
	Started  time.Time `json:"started"`  // of the last round
	Finished time.Time `json:"finished"` // of the last whole round
	Trouble  string    `json:"trouble,omitempty"`
	Sent     int64     `json:"sent"` // objects, since the start
	Dropped  int64     `json:"dropped"`

	Checked  int64     `json:"checked"`  // objects whose bytes were compared with their key since the start
	Healed   int64     `json:"healed"`   // damaged here and replaced by another member's copy
	Damaged  int64     `json:"damaged"`  // damaged here, and no good copy was found: an error
	Scrubbed time.Time `json:"scrubbed"` // when all objects had been read last
}

// repairState is what repair remembers.
type repairState struct {
	rounds sync.Mutex // one at a time
	wake   chan struct{}

	mu       sync.Mutex
	due      map[string]struct{}
	more     bool // some did not fit into due
	whole    bool // a whole round is wanted
	placedBy map[string]bool
	settled  string // the set of members for which a round ended with nothing short
	leaves   string // the set for which a round of this member, which leaves, ended with something short: all of that is due

	running           bool
	walked, of        int64
	started, finished time.Time
	trouble           string
	sent, dropped     int64
}

const placedFile = ".placed" // IDs of members that had nothing alone at some time

func (c *Copies) openRepair() error {
	s := &c.repair
	s.wake, s.due, s.placedBy, s.whole = make(chan struct{}, 1), map[string]struct{}{}, map[string]bool{}, true
	raw, err := os.ReadFile(filepath.Join(c.local.root, placedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read which members are placed: %w", err)
	}
	var ids []string
	if json.Unmarshal(raw, &ids) != nil {
		return nil // found again by the next rounds
	}
	for _, id := range ids {
		s.placedBy[id] = true
	}
	return nil
}

// keepPlaced writes down which members have nothing alone.
func (c *Copies) keepPlaced() error {
	s := &c.repair
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, err := json.Marshal(slices.Sorted(maps.Keys(s.placedBy)))
	if err == nil {
		path := filepath.Join(c.local.root, placedFile)
		if old, readErr := os.ReadFile(path); readErr == nil && string(old) == string(raw) {
			return nil
		}
		err = c.local.write.WriteFile(path, strings.NewReader(string(raw)))
	}
	if err != nil {
		return fmt.Errorf("write which members are placed: %w", fileError(err))
	}
	return nil
}

// placed says whether all that a member has is known to be elsewhere too, but for
// what was answered for since, which is on two members anyway.
func (c *Copies) placed(id string) bool {
	if c.now.Load().members[id].Came {
		return true
	}
	s := &c.repair
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.placedBy[id]
}

// membersChanged has the background look after what a change asks for.
func (c *Copies) membersChanged(v *view, set, back bool) {
	s := &c.repair
	s.mu.Lock()
	if set {
		s.whole = true
	}
	if len(v.members) > 0 {
		maps.DeleteFunc(s.placedBy, func(id string, _ bool) bool {
			_, is := v.members[id]
			return !is || len(v.goal) < mostSynced // alone: what comes now is nowhere else
		})
	}
	s.mu.Unlock()
	if set || back {
		c.nudge()
	}
}

// nudge wakes the background.
func (c *Copies) nudge() {
	select {
	case c.repair.wake <- struct{}{}:
	default:
	}
}

// lacks remembers that somebody lacks key.
func (c *Copies) lacks(key string) { c.repair.set(key, true) }

func (s *repairState) set(key string, lacking bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !lacking:
		delete(s.due, key)
	case len(s.due) < maxDue:
		s.due[key] = struct{}{}
	default:
		s.more = true
	}
}

func (s *repairState) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.due))
}

func (s *repairState) count(n *int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n++
}

func (s *repairState) walk(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.walked += int64(n)
}

func (s *repairState) begin(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.whole, s.more, s.walked, s.started = true, false, false, 0, now
}

// end takes in how a round ended.
func (s *repairState) end(now time.Time, v *view, short int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.trouble = false, ""
	if err != nil {
		s.trouble, s.whole = err.Error(), true
		return
	}
	s.of, s.finished, s.leaves = s.walked, now, ""
	if short > 0 {
		s.settled = ""
		if v.members[v.self].Leaving {
			s.leaves = v.set
		}
		return
	}
	s.settled = v.set
	if len(v.goal) >= mostSynced {
		s.placedBy[v.self] = true
	}
}

// mended takes in how it ended to look after all that is due. A member that leaves
// looks after everything itself: when nothing of what was short in its round is short
// any more, another round would find nothing.
func (s *repairState) mended(v *view, short int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if short == 0 && s.leaves == v.set && !s.whole && !s.more {
		s.settled, s.leaves = v.set, ""
	}
}

// wait says how long the background may rest, and whether it then does a whole
// round. hurry is that somebody waits for this member to have its copies whole.
func (s *repairState) wait(cfg CopiesConfig, strangers, hurry bool) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := cfg.Every
	if !s.finished.IsZero() {
		rest = max(0, cfg.Every-cfg.Now().Sub(s.finished))
	}
	switch {
	case s.trouble != "":
		return min(rest, retryDue), true
	case s.whole || s.more && len(s.due) == 0:
		return cfg.Soon, true
	case s.settled == "" && len(s.due) == 0 && hurry:
		return min(rest, retryDue), true
	case s.settled == "" && len(s.due) == 0: // others were to send what is short
		return min(rest, max(retryDue, 10*s.finished.Sub(s.started))), true
	case (len(s.due) > 0 || strangers) && rest > retryDue:
		return retryDue, false
	}
	return rest, true
}

// keepRepairing is the background.
func (c *Copies) keepRepairing(ctx context.Context) {
	for ctx.Err() == nil {
		rest, whole := c.repair.wait(c.cfg, len(c.strangers()) > 0, c.now.Load().changes())
		t := time.NewTimer(rest)
		woken := false
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-c.repair.wake:
			woken = true
		}
		t.Stop()
		if ctx.Err() != nil {
			return
		}
		if woken { // several changes in a row are one
			if _, whole = c.repair.wait(c.cfg, true, false); sleep(ctx, c.cfg.Soon) != nil {
				return
			}
		}
		var err error
		if whole {
			err = c.Repair(ctx)
		} else {
			err = c.repairDue(ctx)
		}
		if err == nil {
			err = c.Meet(ctx)
		}
		if err != nil && ctx.Err() == nil {
			c.log.Warn("copies are not repaired wholly, will be tried again", "error", err)
		}
	}
}

// strangers gives the members that may have something alone.
func (c *Copies) strangers() []string {
	var out []string
	for _, id := range c.now.Load().others() {
		if !c.placed(id) {
			out = append(out, id)
		}
	}
	return out
}

// Meet asks the members of which that is not known whether they still have
// something alone. It is also done in the background.
func (c *Copies) Meet(ctx context.Context) error {
	v := c.now.Load()
	for _, id := range c.strangers() {
		p := c.peer(id)
		if p == nil || !c.able(v, id) {
			continue
		}
		if st, err := p.status(ctx); err == nil && st.Placed {
			c.repair.mu.Lock()
			c.repair.placedBy[id] = true
			c.repair.mu.Unlock()
		}
	}
	return c.keepPlaced()
}

// Status says how it goes on this member.
func (c *Copies) Status() Status {
	v, s := c.now.Load(), &c.repair
	aside, err := c.local.aside() // usually an empty folder
	if err != nil {
		c.log.Error("it cannot be said how many objects are damaged", "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return Status{
		Set: v.set, Settled: s.settled == v.set && !s.whole, Placed: s.placedBy[v.self],
		Due: len(s.due), Walked: s.walked, Of: s.of, Running: s.running, Started: s.started, Finished: s.finished,
		Trouble: s.trouble, Sent: s.sent, Dropped: s.dropped,
		Checked: c.scrub.checked.Load(), Healed: c.scrub.healed.Load(), Damaged: aside, Scrubbed: c.scrub.last(),
	}
}

// Drain is how far a member's copies are safe without it.
type Drain struct {
	Safe bool
	Done float64 // 0..1 of what is being compared, at the slowest member; -1: not known
	Due  int     // objects known to lack copies
	Why  string  // what is missing; empty when safe
}

// Drained says whether everything that member id has is on enough of the members
// that stay: to be asked before it is removed. A member that answers says it of
// itself; for a dead one all others have to be through, and then only what was on
// it alone is lost, which Why says.
func (c *Copies) Drained(ctx context.Context, id string) (Drain, error) {
	v := c.now.Load()
	if slices.Contains(v.goal, id) {
		return Drain{Done: -1, Why: "it still keeps copies: it does not leave"}, nil
	}
	if id == v.self {
		return drainOf(c.Status(), v, v.name(id)), nil
	}
	p := c.peer(id)
	if p == nil {
		return Drain{Done: -1, Why: "it is no member"}, nil
	}
	if st, err := p.status(ctx); err == nil {
		return drainOf(st, v, v.name(id)), nil
	}
	out := Drain{Safe: true, Done: 1}
	for _, other := range v.goal {
		st, err := c.Status(), error(nil)
		if other != v.self {
			q := c.peer(other)
			if q == nil {
				return Drain{Done: -1, Why: "the members change"}, nil
			}
			if st, err = q.status(ctx); err != nil {
				return Drain{Done: -1, Why: "member " + v.name(other) + " does not answer"}, ctx.Err()
			}
		}
		d := drainOf(st, v, v.name(other))
		out.Due += d.Due
		out.Done = min(out.Done, d.Done)
		if !d.Safe && out.Safe {
			out.Safe, out.Why = false, d.Why
		}
	}
	if out.Safe && !c.placed(id) {
		out.Safe, out.Why = false, "it does not answer, and may have objects that are nowhere else: bring it back, or remove it and lose them"
	}
	return out, ctx.Err()
}

func drainOf(st Status, v *view, name string) Drain {
	d := Drain{Safe: st.Settled && st.Set == v.set, Done: 1, Due: st.Due}
	if d.Safe {
		return d
	}
	d.Why = "member " + name + " still compares and sends copies"
	if d.Done = 0; st.Of > 0 {
		d.Done = min(1, float64(st.Walked)/float64(st.Of))
	}
	return d
}
