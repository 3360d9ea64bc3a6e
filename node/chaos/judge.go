//go:build linux

package chaos

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/recto-edge/recto/node/chaos/history"
	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
)

// Judge implements System.
func (r *Recto) Judge(ctx context.Context, c *Cluster, h history.History, before map[doc.ID]bool) []history.Violation {
	copies := min(2, len(c.Members()))
	latest := pagesOf(h)
	parent, last, stood := ctx, "", ""
	ctx, still := whileMoving(parent, c.patience())
	defer func() { still("") }()
	for {
		// The newest documents are cheap to ask for and tell whether more is worth a
		// look.
		newest := r.lists(ctx, c, latest)
		now := standing(newest)
		still(now)
		why := agree(newest, h)
		if why != "" && now == stood { // what a clock that was behind took stands further down
			why = agree(r.lists(ctx, c, 0), h)
		}
		stood = now
		if why == "" || ctx.Err() != nil {
			look := context.WithoutCancel(ctx)
			final := history.Final{Views: r.details(look, c, r.lists(look, c, 0), h), Disks: disks(c, h), Copies: copies, Before: before}
			found := history.Check(h, final)
			if len(found) == 0 {
				return nil
			}
			why = found[0].String()
			if ctx.Err() != nil {
				if parent.Err() != nil || why == last {
					return found
				}
				// A close look takes long: what was seen once may have been under way.
				last = why
				ctx, still = whileMoving(parent, c.patience())
			}
		}
		r.mu.Lock()
		r.waits[c] = why
		r.mu.Unlock()
		pause(ctx, 250*time.Millisecond)
	}
}

const pageSize = 100

// pagesOf is on how many pages of a list, newest first, a run's documents are.
func pagesOf(h history.History) int { return 1 + (len(h.Documents())+5)/pageSize }

// lists asks every member for so many pages of its list; 0 is all.
func (r *Recto) lists(ctx context.Context, c *Cluster, pages int) []history.View {
	members := c.Members()
	views := make([]history.View, len(members))
	var g errgroup.Group
	for i, m := range members {
		g.Go(func() error {
			docs, err := list(context.WithoutCancel(ctx), r.client(m), pages)
			views[i] = history.View{Member: m.Name, Documents: docs, Away: r.away(ctx, m, err)}
			return nil
		})
	}
	_ = g.Wait() // who could not be asked is away, which agrees with nobody
	return views
}

// away says why a member that answered with err could not be asked, with what it
// says of itself; empty without err.
func (r *Recto) away(ctx context.Context, m *Member, err error) string {
	if err == nil {
		return ""
	}
	why := err.Error()
	if given := m.GivenUp(); given != "" {
		return given
	}
	if !m.Runs() {
		return "its process has ended: " + why
	}
	if ready := r.Ready(context.WithoutCancel(ctx), m); ready != nil && ready.Error() != why {
		why += "; " + ready.Error()
	}
	return why
}

func list(ctx context.Context, x *client.Client, pages int) ([]doc.Summary, error) {
	if x == nil {
		return nil, errors.New("it never became a member")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*askTimeout)
	defer cancel()
	var out []doc.Summary
	cursor := ""
	for n := 1; ; n++ {
		l, err := x.List(ctx, doc.Query{Limit: pageSize, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		out = append(out, l.Documents...)
		if cursor = l.Next; cursor == "" || n == pages {
			return out, nil
		}
	}
}

// whileMoving gives a context that ends when still was told the same for so long,
// or parent does: what gets on slowly is not stuck. still("") ends it.
func whileMoving(parent context.Context, patience time.Duration) (ctx context.Context, still func(string)) {
	ctx, cancel := context.WithCancelCause(parent)
	stuck := time.AfterFunc(patience, func() { cancel(errStuck) })
	last := ""
	return ctx, func(now string) {
		if now == "" {
			stuck.Stop()
			cancel(nil)
			return
		}
		if now != last {
			last = now
			stuck.Reset(patience)
		}
	}
}

var errStuck = errors.New("nothing moves any more")

// standing is how far all members are, as text to compare.
func standing(views []history.View) string {
	out := ""
	for _, v := range views {
		sum := uint64(0)
		for _, d := range v.Documents {
			sum += d.Revision
		}
		out += fmt.Sprintf("%s %d %d;", v.Member, len(v.Documents), sum)
	}
	return out
}

// Waited says what the last judgement of c waited for longest; empty: nothing.
func (r *Recto) Waited(c *Cluster) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	why := r.waits[c]
	delete(r.waits, c)
	return why
}

// agree says in what members differ, what is not there that was acknowledged, or
// what is not settled; or nothing.
func agree(views []history.View, h history.History) string {
	sent := h.Documents()
	var first map[doc.ID]uint64
	for _, v := range views {
		if v.Away != "" {
			return fmt.Sprintf("%s could not be asked: %s", v.Member, v.Away)
		}
		have := map[doc.ID]uint64{}
		for _, d := range v.Documents {
			if !d.State.Settled() {
				return fmt.Sprintf("%s: %s is %s", v.Member, d.Name, d.State)
			}
			have[d.ID] = d.Revision
		}
		for id, s := range sent {
			if s.Acked > 0 && have[id] == 0 {
				return fmt.Sprintf("%s: %s is not listed", v.Member, s.Name)
			}
		}
		if first == nil {
			first = have
		}
		for id := range sent {
			if first[id] != have[id] {
				return fmt.Sprintf("%s: %s is at revision %d, elsewhere at %d", v.Member, sent[id].Name, have[id], first[id])
			}
		}
	}
	return ""
}

// details looks closely at every acknowledged document on every member that
// answers. One that stops answering on the way is away.
func (r *Recto) details(ctx context.Context, c *Cluster, views []history.View, h history.History) []history.View {
	var g errgroup.Group
	for i, m := range c.Members() {
		v := &views[i]
		if v.Away != "" {
			continue
		}
		v.Revisions, v.Originals, v.Problems = map[doc.ID][]doc.Record{}, map[doc.ID]string{}, map[doc.ID]string{}
		g.Go(func() error {
			for id, s := range h.Documents() {
				if s.Acked == 0 {
					continue
				}
				ask, cancel := context.WithTimeout(ctx, askTimeout)
				revs, err := r.client(m).Revisions(ask, id)
				sum, e := original(ask, r.client(m), id)
				cancel()
				if err = errors.Join(err, e); err != nil {
					if _, gone := list(ctx, r.client(m), 1); gone != nil {
						*v = history.View{Member: m.Name, Away: r.away(ctx, m, gone)}
						return nil
					}
					v.Problems[id] = err.Error()
				}
				v.Revisions[id], v.Originals[id] = revs, sum
			}
			return nil
		})
	}
	_ = g.Wait() // problems are part of the views
	return views
}

func original(ctx context.Context, x *client.Client, id doc.ID) (string, error) {
	body, _, err := x.Original(ctx, id)
	if err != nil {
		return "", err
	}
	defer body.Close()
	return digest(body)
}

func digest(r io.Reader) (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
