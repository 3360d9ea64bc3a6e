//go:build linux

package chaos

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recto-edge/recto/node/chaos/history"
	"github.com/recto-edge/recto/node/chaos/paper"
	"github.com/recto-edge/recto/node/doc"
)

// Times of a sender.
const (
	attemptTime = 3 * time.Second // it waits for one answer
	againAfter  = 50 * time.Millisecond
)

// Load sends documents as stations do: each when it is there, whether or not the
// ones before were answered, to a member at random and, when that gives no good
// answer, to another one.
type Load struct {
	c    *Cluster
	plan Plan
	next func(i int) paper.Paper

	wg   sync.WaitGroup
	thin atomic.Bool
	mu   sync.Mutex
	h    history.History
	n    int // deliveries begun
	made int // documents
}

// NewLoad makes the load of a plan.
func NewLoad(c *Cluster, p Plan) *Load {
	return &Load{c: c, plan: p, next: func(i int) paper.Paper { return paper.Make(p.Seed, i) }}
}

// Run sends until ctx ends. Senders that wait then go on; Drain waits for them.
func (l *Load) Run(ctx context.Context) {
	r := rand.New(rand.NewPCG(l.plan.Seed, 2))
	senders := context.WithoutCancel(ctx)
	for {
		p := l.paper()
		l.send(senders, p, r.Uint64())
		if r.Float64() < l.plan.Again { // a person presses the button twice
			l.send(senders, p, r.Uint64())
		}
		wait := time.Duration(r.ExpFloat64() / l.plan.Rate * float64(time.Second))
		if l.thin.Load() {
			wait = max(wait, thinly)
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// thinly is between two documents of a thin load.
const thinly = 2 * time.Second

// Thin has the load go on with a document every now and then.
func (l *Load) Thin() { l.thin.Store(true) }

// One sends a single document, and gives its ID; Drain waits for its sender.
func (l *Load) One(ctx context.Context) doc.ID {
	p := l.paper()
	l.send(ctx, p, l.plan.Seed)
	return p.ID
}

// paper makes the next document.
func (l *Load) paper() paper.Paper {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made++
	return l.next(l.made - 1)
}

// patience is how long a sender goes on trying.
const patience = 2 * time.Minute

func (l *Load) send(ctx context.Context, p paper.Paper, seed uint64) {
	l.mu.Lock()
	l.n++
	l.mu.Unlock()
	l.wg.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		r := rand.New(rand.NewPCG(seed, 3))
		for {
			all := l.c.Members()
			for _, i := range r.Perm(len(all)) {
				if l.attempt(ctx, all[i], p) {
					return
				}
			}
			if !pause(ctx, againAfter) {
				return
			}
		}
	})
}

func (l *Load) attempt(ctx context.Context, m *Member, p paper.Paper) bool {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	op := history.Op{SHA256: p.SHA256, Name: p.Name, Member: m.Name, Start: time.Now()}
	a := l.c.cfg.System.Deliver(ctx, m, p)
	op.End = time.Now()
	op.Acked, op.ID, op.Answer = a.Acked, a.ID, a.SHA256
	if a.Err != nil {
		op.Problem = a.Err.Error()
	}
	l.mu.Lock()
	l.h.Ops = append(l.h.Ops, op)
	l.mu.Unlock()
	return a.Acked
}

// Sent is how many deliveries were begun.
func (l *Load) Sent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

// History gives what happened so far.
func (l *Load) History() history.History {
	l.mu.Lock()
	defer l.mu.Unlock()
	return history.History{Ops: append([]history.Op(nil), l.h.Ops...)}
}

// Drain waits for all senders and gives what happened.
func (l *Load) Drain() history.History {
	l.wg.Wait()
	return l.History()
}
