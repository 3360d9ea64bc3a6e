package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Open implements Store: from this member's disk, or else from another's. What is
// damaged here is replaced, and what this member shall keep is kept.
func (c *Copies) Open(ctx context.Context, key string) (File, error) {
	f, err := c.local.Open(ctx, key)
	v := c.now.Load()
	if err == nil || doc.CodeOf(err) == doc.Invalid || ctx.Err() != nil {
		return f, err
	}
	hurt := error(nil)
	if errors.Is(err, ErrDamaged) || c.local.isAside(key) {
		hurt = damaged(key)
	}
	tmp, o, far := c.fetch(ctx, v, key, hurt)
	switch {
	case far == nil:
		if hurt != nil || v.owns(key) {
			c.mend(ctx, o, tmp, hurt != nil)
		}
		return tmp, nil
	case doc.CodeOf(far) == doc.NotFound && doc.CodeOf(err) != doc.NotFound:
		return nil, err // says more than that others have none
	}
	return nil, far
}

// mend keeps a good copy here. The reader is served whether that works or not.
func (c *Copies) mend(ctx context.Context, o object, good io.ReaderAt, hurt bool) {
	_, err := c.local.receive(ctx, io.NewSectionReader(good, 0, o.size), o)
	if err != nil {
		c.log.Warn("a good copy of an object cannot be kept here", "key", o.key, "error", err)
		return
	}
	if hurt {
		c.scrub.healed.Add(1)
		c.log.Warn("a damaged object was replaced by another member's copy", "key", o.key)
	}
}

// Stat implements Store.
func (c *Copies) Stat(ctx context.Context, key string) (Info, error) {
	info, err := c.local.Stat(ctx, key)
	if err == nil || doc.CodeOf(err) == doc.Invalid {
		return info, err
	}
	v := c.now.Load()
	born, err := c.local.erasedAt(key)
	if err != nil {
		return Info{}, err
	}
	able, unable := c.split(v, v.others())
	found := Info{}
	missing := c.askAll(ctx, able, haveQuestion{Keys: []string{key}}, func(_ string, h []holding) bool {
		if h[0].Size < 0 || h[0].Born <= born {
			return false
		}
		found = Info{Key: key, Size: h[0].Size, Modified: time.Unix(h[0].Born, 0)}
		return true
	})
	if found.Key != "" {
		return found, nil
	}
	if err := ctx.Err(); err != nil {
		return Info{}, context.Cause(ctx)
	}
	return Info{}, c.nobodyHas(v, key, append(unable, missing...))
}

// askAll asks members at once and calls fn with each answer, one after the other,
// until fn is content. It gives those that did not answer.
func (c *Copies) askAll(ctx context.Context, ids []string, q haveQuestion, fn func(id string, h []holding) bool) (missing []string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		id  string
		h   []holding
		err error
	}
	answers := make(chan answer)
	for _, id := range ids {
		p := c.peer(id)
		go func() { // its answer is taken below
			var a answer
			if a = (answer{id: id}); p == nil {
				a.err = doc.Errorf(doc.Unavailable, "removed")
			} else {
				a.h, a.err = p.have(ctx, q)
			}
			answers <- a
		}()
	}
	content := false
	for range ids {
		a := <-answers
		if a.err != nil {
			missing = append(missing, a.id)
		} else if !content && fn(a.id, a.h) {
			content = true
			cancel()
		}
	}
	return missing
}

// nobodyHas is the error for a key that none of the members has that answered.
// Only when the silent ones cannot have it alone it is NotFound: what is not there
// today must not be taken for lost.
func (c *Copies) nobodyHas(v *view, key string, silent []string) error {
	if c.covered(v, silent) {
		return doc.Errorf(doc.NotFound, "no object %s", key)
	}
	return &doc.Error{Code: doc.Unavailable, Message: fmt.Sprintf(
		"whether there is an object %s cannot be said without %s: bring it back, or remove it from the cluster", key, v.names(silent))}
}

// covered says whether all that the silent members keep is also kept by others.
func (c *Copies) covered(v *view, silent []string) bool {
	switch len(silent) {
	case 0:
		return true
	case 1:
		return v.synced() == mostSynced && c.placed(silent[0])
	}
	return false
}

// fetched is what became of one attempt to bring an object here.
type fetched struct {
	id  string
	tmp *spoolFile
	o   object
	err error
}

// fetch brings an object from another member into a file without a name: from
// the first that has it. One that does not get on for a moment is not waited for,
// but not given up either. hurt is not nil when there is a damaged copy: then every
// member is asked, since one that is away may have the only good one.
func (c *Copies) fetch(ctx context.Context, v *view, key string, hurt error) (*spoolFile, object, error) {
	none := func(err error) (*spoolFile, object, error) { return nil, object{}, err }
	erased, err := c.local.erasedAt(key)
	if err != nil {
		return none(err)
	}
	next, silent := c.split(v, c.readers(v, key))
	if hurt != nil || !c.covered(v, silent) { // somebody that probably does not answer may alone have it
		next, silent = append(next, silent...), nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	attempts, running := make(chan fetched), map[string]bool{}
	var moved atomic.Int64
	start := func() {
		if len(next) == 0 {
			return
		}
		id := next[0]
		next, running[id] = next[1:], true
		go func() { attempts <- c.bring(ctx, id, key, func() { moved.Add(1) }) }() // taken below
	}
	defer func() {
		cancel()
		for range running {
			if a := <-attempts; a.tmp != nil {
				_ = a.tmp.Close()
			}
		}
	}()
	tick := time.NewTicker(c.cfg.Hedge)
	defer tick.Stop()
	for start(); len(running) > 0; {
		select {
		case a := <-attempts:
			delete(running, a.id)
			switch {
			case a.err == nil && a.o.born > erased:
				return a.tmp, a.o, nil
			case a.err == nil: // a member that has not heard of the erasure yet
				_ = a.tmp.Close()
			case errors.Is(a.err, ErrDamaged):
				hurt = a.err
			case doc.CodeOf(a.err) == doc.Full:
				return none(a.err)
			case doc.CodeOf(a.err) != doc.NotFound:
				silent = append(silent, a.id)
			}
			start()
		case <-tick.C:
			if moved.Swap(0) > 0 {
				continue
			}
			if hurt == nil && len(next) == 0 && c.covered(v, slices.AppendSeq(slices.Clone(silent), maps.Keys(running))) {
				silent = slices.AppendSeq(silent, maps.Keys(running))
				return none(c.missing(v, key, silent, hurt))
			}
			start()
		case <-ctx.Done():
			return none(context.Cause(ctx))
		}
	}
	return none(c.missing(v, key, silent, hurt))
}

// missing is nobodyHas where somebody may have it damaged.
func (c *Copies) missing(v *view, key string, silent []string, hurt error) error {
	switch {
	case hurt == nil:
		return c.nobodyHas(v, key, silent)
	case len(silent) == 0:
		return hurt
	}
	return &doc.Error{Code: doc.Unavailable, Err: hurt, Message: fmt.Sprintf(
		"object %s is damaged on the members that answer: a good copy may be on %s, bring it back", key, v.names(silent))}
}

// readers gives the other members in the order in which they are asked for key.
func (c *Copies) readers(v *view, key string) []string {
	ids := v.rank(key)
	for _, id := range v.others() {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return slices.DeleteFunc(ids, func(id string) bool { return id == v.self })
}

// bring is one attempt of fetch.
func (c *Copies) bring(ctx context.Context, id, key string, progress func()) fetched {
	p := c.peer(id)
	if p == nil {
		return fetched{id: id, err: doc.Errorf(doc.Unavailable, "member %s was removed", id)}
	}
	tmp, err := newSpoolFile(c.local.temp())
	if err != nil {
		return fetched{id: id, err: err}
	}
	o, err := p.get(ctx, key, tmp, progress)
	if err != nil {
		return fetched{id: id, err: errors.Join(err, tmp.Close())}
	}
	tmp.size = o.size
	return fetched{id: id, tmp: tmp, o: o}
}
