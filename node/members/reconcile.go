package members

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Hands does what a plan says.
type Hands interface {
	// Leads says whether this member may act, asking the others if need be.
	Leads(ctx context.Context) bool
	// Facts looks at everything.
	Facts(ctx context.Context) (Facts, error)
	// Do takes one action. It may be repeated, and may find it done already.
	Do(ctx context.Context, a Action) error
}

// period is how often the facts are looked at when nobody said that they changed.
const period = time.Second

// patience bounds one action.
const patience = 60 * time.Second

// Reconciler brings a cluster to its goal while this member leads.
type Reconciler struct {
	hands Hands
	log   *slog.Logger

	mu   sync.Mutex
	plan Plan
	err  string // of the last action
}

// NewReconciler makes a Reconciler, which acts when it is run.
func NewReconciler(hands Hands, log *slog.Logger) *Reconciler {
	return &Reconciler{hands: hands, log: log}
}

// Run looks and acts until ctx ends.
func (r *Reconciler) Run(ctx context.Context, changed <-chan struct{}) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		for r.step(ctx) {
			if ctx.Err() != nil {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-tick.C:
		}
	}
}

// step looks once, acts at most once, and says whether to look again at once.
func (r *Reconciler) step(ctx context.Context) bool {
	if !r.hands.Leads(ctx) {
		r.keep(Plan{}, nil)
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	facts, err := r.hands.Facts(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("look at the members", "error", err)
		}
		return false
	}
	plan := Make(facts)
	r.keep(plan, nil)
	if plan.Next == nil {
		return false
	}
	a := *plan.Next
	r.log.Info("members change", "action", a.Kind, "member", a.Member, "n", a.N)
	if err := r.hands.Do(ctx, a); err != nil {
		r.log.Warn("members change: will be tried again", "action", a.Kind, "member", a.Member, "error", err)
		r.keep(plan, err)
		return false
	}
	return true
}

// keep remembers the plan for View. The error of an action stays until another
// plan is made for another action.
func (r *Reconciler) keep(p Plan, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	same := p.Next != nil && r.plan.Next != nil && *p.Next == *r.plan.Next
	if err != nil {
		r.err = err.Error()
	} else if !same {
		r.err = ""
	}
	r.plan = p
}

// View gives the goal and what is being done for it; both are empty on a member
// that does not lead.
func (r *Reconciler) View() (goal string, steps []doc.ClusterStep) {
	r.mu.Lock()
	defer r.mu.Unlock()
	steps = append([]doc.ClusterStep{}, r.plan.Steps...)
	if r.err != "" && len(steps) > 0 {
		steps[len(steps)-1].Error = r.err
	}
	return r.plan.Goal, steps
}
