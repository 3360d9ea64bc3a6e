package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// sendRate is how fast a member is expected to take an object, in bytes/s, before
// another is tried as well.
const sendRate = 16 << 20

// deliver brings an object to the members that shall keep it, and answers when
// enough of them have it on their disk. The rest goes on after that.
func (c *Copies) deliver(ctx context.Context, p *parcel, o object) (existed bool, err error) {
	o.born = c.second()
	for range 5 {
		existed, err = c.deliverOnce(ctx, p, o)
		var erased *erasedError
		if !errors.As(err, &erased) {
			return existed, err
		}
		o.born = erased.at + 1 // delivered again: younger than the erasure it met
	}
	return false, doc.Errorf(doc.Unavailable, "the object is being erased again and again; repeat later")
}

func (c *Copies) deliverOnce(ctx context.Context, p *parcel, o object) (bool, error) {
	v := c.now.Load()
	d := &delivery{c: c, v: v, p: p, o: o, answered: make(chan struct{}), sent: make(chan sent)}
	able, unable := c.split(v, v.rank(o.key))
	d.next = append(able, unable...)
	d.first = max(min(v.copies(), len(able)), v.synced())
	if _, ok := digestOf(o.key); !ok {
		d.arbiter = true
	}
	p.hold()
	if !c.begin(d.run) {
		p.release()
		return false, doc.Errorf(doc.Unavailable, "the blob store is being closed")
	}
	select {
	case <-d.answered:
		return d.existed, d.err
	case <-ctx.Done(): // the copies are harmless
		return false, context.Cause(ctx)
	}
}

// delivery is one object on its way.
type delivery struct {
	c       *Copies
	v       *view
	p       *parcel
	o       object
	next    []string // members not tried yet, best first
	first   int      // how many are tried at once
	arbiter bool     // the key does not name the bytes: the best member decides before others hear of it

	sent    chan sent
	running int
	kept    []string // members that have it on their disk

	answered chan struct{} // closed when existed and err are there
	done     bool
	existed  bool
	certain  bool // existed is what this member says of its own disk
	err      error
	refused  []error
	failed   []string // members that did not take it
}

type sent struct {
	id      string
	existed bool
	err     error
}

// run is the whole delivery. A member that fails is replaced by the next in rank.
func (d *delivery) run(ctx context.Context) {
	defer d.p.release()
	if d.arbiter {
		d.start(ctx, 1)
	} else {
		d.start(ctx, d.first)
	}
	slow := time.NewTimer(d.c.cfg.Hedge + time.Duration(d.o.size/sendRate)*time.Second)
	defer slow.Stop()
	for d.running > 0 {
		select {
		case s := <-d.sent:
			d.running--
			d.note(ctx, s)
		case <-slow.C:
			if !d.done && !d.arbiter { // two arbiters would be none
				d.start(ctx, 1)
			}
			slow.Reset(d.c.cfg.Hedge)
		}
	}
	if !d.done {
		d.answer(d.c.tooFew(d.v, d.failed, d.refused))
	}
	if len(d.kept) < d.v.copies() && slices.Contains(d.kept, d.v.self) {
		d.c.lacks(d.o.key)
	}
}

// note takes in what became of one copy.
func (d *delivery) note(ctx context.Context, s sent) {
	var erased *erasedError
	switch {
	case s.err == nil:
		d.kept = append(d.kept, s.id)
		switch {
		case d.done:
		case s.id == d.v.self: // a round of repair may have sent it from here to others meanwhile
			d.existed, d.certain = s.existed, true
		case !d.certain:
			d.existed = d.existed || s.existed
		}
		if len(d.kept) >= d.v.synced() {
			d.answer(nil)
		}
		if d.arbiter {
			d.arbiter = false
			d.start(ctx, d.first-len(d.kept)-d.running)
		}
	case errors.As(s.err, &erased), doc.CodeOf(s.err) == doc.Conflict, doc.CodeOf(s.err) == doc.Invalid:
		d.answer(s.err)
		d.next = nil
	default:
		d.failed, d.refused = append(d.failed, s.id), append(d.refused, s.err)
		if len(d.kept)+d.running < d.v.copies() {
			d.start(ctx, 1)
		}
	}
}

func (d *delivery) answer(err error) {
	if !d.done {
		d.done, d.err = true, err
		close(d.answered)
	}
}

// start tries the next n members.
func (d *delivery) start(ctx context.Context, n int) {
	n = max(0, min(n, len(d.next)))
	for _, id := range d.next[:n] {
		d.running++
		go func() { // run takes its answer before it ends
			existed, err := d.send(ctx, id)
			d.sent <- sent{id, existed, err}
		}()
	}
	d.next = d.next[n:]
}

func (d *delivery) send(ctx context.Context, id string) (existed bool, err error) {
	if id == d.v.self {
		return d.p.keep(context.WithoutCancel(ctx), d.o) // a file being written is ended even when the node stops
	}
	p := d.c.peer(id)
	if p == nil {
		return false, doc.Errorf(doc.Unavailable, "member %s was removed", d.v.name(id))
	}
	select {
	case p.slots <- struct{}{}:
	default:
		// Who sends gives up one day and asks another member: what then still stood in
		// line would keep a member busy that is too slow already.
		late := time.NewTimer(peerAnswer)
		defer late.Stop()
		select {
		case p.slots <- struct{}{}:
		case <-late.C:
			return false, doc.Errorf(doc.Unavailable, "member %s is too slow", p.name)
		case <-d.answered: // enough have it; repair brings it to a member that is so far behind
			return false, doc.Errorf(doc.Unavailable, "member %s is too slow", p.name)
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
	defer func() { <-p.slots }()
	return p.put(ctx, d.o, io.NewSectionReader(d.p.body, 0, d.o.size))
}

// tooFew is the error of an object that not enough members have.
func (c *Copies) tooFew(v *view, failed []string, why []error) error {
	for _, err := range why {
		if doc.CodeOf(err) == doc.Full {
			return err
		}
	}
	cause := errors.Join(why...)
	if errors.Is(cause, context.Canceled) {
		return cause
	}
	failed = slices.DeleteFunc(slices.Clone(failed), func(id string) bool { return id == v.self })
	if len(failed) == 0 {
		return cause
	}
	return &doc.Error{Code: doc.Unavailable, Err: cause,
		Message: fmt.Sprintf("originals and records need the disks of %d members: bring back %s, or remove it from the cluster", v.synced(), v.names(failed))}
}
