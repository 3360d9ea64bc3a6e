package blob

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// List implements Store: what any member has, each key once. When members that do
// not answer may alone have objects, it is Unavailable instead of incomplete.
func (c *Copies) List(ctx context.Context, prefix, after string, fn func(Info) error) error {
	if err := checkPrefix(prefix); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	v := c.now.Load()
	ask, silent := c.split(v, v.others())
	if !c.covered(v, silent) {
		ask, silent = append(ask, silent...), nil
	}
	m := &merge{c: c, v: v, silent: silent}
	defer m.end()
	m.add("", all(ctx, c.local, prefix, after))
	for _, id := range ask {
		m.add(id, c.remote(ctx, id, prefix, after))
	}
	err := m.run(fn)
	if errors.Is(err, Stop) {
		return nil
	}
	return err
}

// ListLocal is List for what is on this member's disk alone: for sweeps, which
// every member does for its own.
func (c *Copies) ListLocal(ctx context.Context, prefix, after string, fn func(Info) error) error {
	return c.local.List(ctx, prefix, after, fn)
}

// all gives the listing of a store as a sequence that can be drawn from.
func all(ctx context.Context, s Store, prefix, after string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		err := s.List(ctx, prefix, after, func(i Info) error {
			if !yield(i, nil) {
				return Stop
			}
			return nil
		})
		if err != nil {
			yield(Info{}, err)
		}
	}
}

// remote gives the listing of another member. It is asked at once and read ahead,
// so that members answer side by side, and asked again where an answer broke off.
func (c *Copies) remote(ctx context.Context, id, prefix, after string) iter.Seq2[Info, error] {
	type line struct {
		Info
		err error
	}
	lines := make(chan line, listFlush)
	p := c.peer(id)
	send := func(l line) error {
		select {
		case lines <- l:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	started := p != nil && c.begin(func(context.Context) {
		defer close(lines)
		for came := true; came; {
			came = false
			err := p.list(ctx, prefix, after, func(i Info) error {
				after, came = i.Key, true
				return send(line{Info: i})
			})
			if err == nil || ctx.Err() != nil {
				return
			}
			if !came {
				_ = send(line{err: err})
			}
		}
	})
	return func(yield func(Info, error) bool) {
		if !started {
			yield(Info{}, doc.Errorf(doc.Unavailable, "member %s was removed", id))
			return
		}
		for l := range lines {
			if !yield(l.Info, l.err) || l.err != nil {
				return
			}
		}
	}
}

// merge puts listings together.
type merge struct {
	c      *Copies
	v      *view
	from   []*drawn
	silent []string // members whose listing is not or not wholly there
}

// drawn is one listing with its next object.
type drawn struct {
	id   string // "" for this member
	next func() (Info, error, bool)
	stop func()
	head Info
	over bool
}

func (m *merge) add(id string, all iter.Seq2[Info, error]) {
	d := &drawn{id: id}
	d.next, d.stop = iter.Pull2(all)
	m.from = append(m.from, d)
}

func (m *merge) end() {
	for _, d := range m.from {
		d.stop()
	}
}

// advance draws the next object of a listing. One that breaks off is only an
// error when what is missing may be nowhere else.
func (m *merge) advance(d *drawn) error {
	i, err, ok := d.next()
	switch {
	case err != nil && d.id == "":
		return err
	case err != nil:
		d.over = true
		m.silent = append(m.silent, d.id)
		if !m.c.covered(m.v, m.silent) {
			return &doc.Error{Code: doc.Unavailable, Err: err, Message: fmt.Sprintf(
				"objects cannot be listed without %s: bring it back, or remove it from the cluster", m.v.names(m.silent))}
		}
	case !ok:
		d.over = true
	default:
		d.head = i
	}
	return nil
}

func (m *merge) run(fn func(Info) error) error {
	if !m.c.covered(m.v, m.silent) {
		return doc.Errorf(doc.Unavailable, "objects cannot be listed without %s: bring it back, or remove it from the cluster", m.v.names(m.silent))
	}
	for _, d := range m.from {
		if err := m.advance(d); err != nil {
			return err
		}
	}
	for {
		least, here := Info{}, false
		for _, d := range m.from {
			if !d.over && (least.Key == "" || d.head.Key < least.Key) {
				least, here = d.head, d.id == ""
			}
		}
		if least.Key == "" {
			return nil
		}
		for _, d := range m.from {
			for !d.over && d.head.Key == least.Key {
				if d.head.Modified.After(least.Modified) {
					least.Modified = d.head.Modified
				}
				if err := m.advance(d); err != nil {
					return err
				}
			}
		}
		if !here {
			at, err := m.c.local.erasedAt(least.Key)
			if err != nil {
				return err
			}
			if !least.Modified.After(time.Unix(at, 0)) {
				continue // of a member that has not heard of the erasure yet
			}
		}
		if err := fn(least); err != nil {
			return err
		}
	}
}
