//go:build linux

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/recto-edge/recto/node/chaos/history"
	"github.com/recto-edge/recto/node/chaos/paper"
	"github.com/recto-edge/recto/node/doc"
)

// Failover is how fast others take over from a member that is killed.
type Failover struct {
	Kills      int                 `json:"kills"`
	NextP50    time.Duration       `json:"next_p50"` // until another member accepts the next document
	NextP99    time.Duration       `json:"next_p99"`
	NextMax    time.Duration       `json:"next_max"`
	InFlight   int                 `json:"in_flight"` // documents that were being read by the one killed
	WorkP50    time.Duration       `json:"work_p50"`  // until another begins to read them again
	WorkP99    time.Duration       `json:"work_p99"`
	WorkMax    time.Duration       `json:"work_max"`
	Pause      time.Duration       `json:"pause"`
	Acked      int                 `json:"acked"`
	Violations []history.Violation `json:"violations"`
}

// MeasureFailover kills members, every second time the one that leads, and waits
// until all is well between. r.Delay makes reading take so long that there is work
// in flight.
func MeasureFailover(ctx context.Context, cfg Config, r *Recto, kills int) (Failover, error) {
	out := Failover{Kills: kills}
	var next []time.Duration
	var at []time.Time
	// Three fifths of what three members read: work is in flight, and no backlog grows.
	rate := 0.6 * 3 * float64(max(1, r.Workers)) / max(r.Delay.Seconds(), 0.1)
	s, err := tell(ctx, "failover", cfg, r, 3, rate, func(s *story) error {
		random := rand.New(rand.NewPCG(1, 2))
		for i := range kills {
			m := s.c.Members()[random.IntN(3)]
			if l := r.Leader(ctx, s.c); i%2 == 0 && l != nil {
				m = l
			}
			at = append(at, time.Now())
			if err := m.Kill(); err != nil {
				return err
			}
			took, err := s.accepted(paper.Make(uint64(1_000_000+i), 0), s.c.Others(m)[random.IntN(2)])
			if err != nil {
				return err
			}
			next = append(next, took)
			wait, cancel := context.WithTimeout(ctx, membershipTime)
			// Long enough for others to take over the work before it is back.
			pause(wait, 8*time.Second)
			if err = s.c.Restart(m); err == nil {
				err = s.c.awaitReady(wait, m)
			}
			if err == nil {
				err = r.await(wait, s.c.Members(), "all are ready", allReady(3))
			}
			cancel()
			if err != nil {
				return fmt.Errorf("after kill %d: %w", i+1, err)
			}
		}
		// What was in flight when is in the revisions, once all is settled.
		return s.restarts(at, &out)
	})
	slices.Sort(next)
	out.NextP50, out.NextP99, out.NextMax = Quantile(next, 0.5), Quantile(next, 0.99), Quantile(next, 1)
	out.Pause, out.Acked, out.Violations = s.Pause, s.Acked, s.Violations
	if err == nil && s.Error != "" {
		err = fmt.Errorf("failover: %s", s.Error)
	}
	return out, err
}

// accepted sends a document to one member until it is accepted.
func (s *story) accepted(p paper.Paper, m *Member) (time.Duration, error) {
	from := time.Now()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	for !s.load.attempt(ctx, m, p) {
		if !pause(ctx, 10*time.Millisecond) {
			return 0, fmt.Errorf("%s accepted nothing for %v", m.Name, patience)
		}
	}
	return time.Since(from), nil
}

// restarts finds the documents whose reading a kill interrupted, and the time from
// the kill until another reading of them began.
func (s *story) restarts(at []time.Time, out *Failover) error {
	var took []time.Duration
	for id, sent := range s.load.History().Documents() {
		if sent.Acked == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(s.ctx, askTimeout)
		revs, err := s.r.client(s.c.Members()[0]).Revisions(ctx, id)
		cancel()
		if err != nil {
			return err
		}
		took = append(took, interrupted(revs, at)...)
	}
	slices.Sort(took)
	out.InFlight = len(took)
	out.WorkP50, out.WorkP99, out.WorkMax = Quantile(took, 0.5), Quantile(took, 0.99), Quantile(took, 1)
	return nil
}

// interrupted gives the times from a kill that fell between two begins of reading a
// document until the second.
func interrupted(revs []doc.Record, at []time.Time) []time.Duration {
	var out []time.Duration
	var begun time.Time
	for _, r := range revs {
		switch r.State {
		case doc.StateReading:
			for _, kill := range at {
				if !begun.IsZero() && kill.After(begun) && kill.Before(r.UpdatedAt) {
					out = append(out, r.UpdatedAt.Sub(kill))
					break
				}
			}
			begun = r.UpdatedAt
		case doc.StateDone, doc.StateReview:
			begun = time.Time{}
		}
	}
	return out
}

// Spread is how work spreads over members, with documents that wait instead of
// using a core.
type Spread struct {
	One       float64       `json:"one"`       // documents a second of one member
	Three     float64       `json:"three"`     // of three
	Ratio     float64       `json:"ratio"`     // Three / (3 * One)
	Rebalance time.Duration `json:"rebalance"` // from the moment a new member is let in until it works to capacity
}

// MeasureSpread measures throughput of one and of three members, each reading
// r.Workers documents at once that take r.Delay each, then lets a member join a
// cluster that has a backlog.
func MeasureSpread(ctx context.Context, cfg Config, r *Recto, each int) (Spread, error) {
	var out Spread
	for _, n := range []int{1, 3} {
		cfg.System, cfg.Members = r, n
		c, err := Start(ctx, cfg)
		if err != nil {
			return out, err
		}
		rate, err := throughput(ctx, c, r, each*n)
		if n == 1 {
			out.One = rate
		} else if out.Three = rate; err == nil {
			out.Rebalance, err = rebalance(ctx, c, r, each*n*2)
		}
		if e := c.Close(); err == nil {
			err = e
		}
		if err != nil {
			return out, err
		}
	}
	out.Ratio = out.Three / (3 * out.One)
	return out, nil
}

// fill sends n documents to the members in turn, as fast as they take them.
func fill(ctx context.Context, c *Cluster, seed uint64, n int) error {
	jobs := make(chan int)
	failed := make(chan error, 8)
	for w := range cap(failed) {
		go func() { // ends with jobs, and its error is received below
			var err error
			for i := range jobs {
				all := c.Members()
				for try := 0; ctx.Err() == nil; try++ {
					a := c.cfg.System.Deliver(ctx, all[(i+w+try)%len(all)], paper.Make(seed, 24*i)) // XML only
					if err = a.Err; err == nil {
						break
					}
					pause(ctx, againAfter)
				}
			}
			failed <- err
		}()
	}
	for i := range n {
		jobs <- i
	}
	close(jobs)
	var err error
	for range cap(failed) {
		if e := <-failed; err == nil {
			err = e
		}
	}
	return err
}

// throughput is documents a second from the first delivery until all are read.
func throughput(ctx context.Context, c *Cluster, r *Recto, n int) (float64, error) {
	from := time.Now()
	if err := fill(ctx, c, 2_000_000, n); err != nil {
		return 0, err
	}
	for {
		o, err := r.client(c.Members()[0]).Overview(ctx)
		if err == nil && o.ByState[doc.StateDone]+o.ByState[doc.StateReview] >= n {
			return float64(n) / time.Since(from).Seconds(), nil
		}
		if !pause(ctx, 50*time.Millisecond) {
			return 0, fmt.Errorf("throughput: %w", context.Cause(ctx))
		}
	}
}

// rebalance is the time from the moment a new member is let in until it works to
// capacity.
func rebalance(ctx context.Context, c *Cluster, r *Recto, backlog int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, membershipTime)
	defer cancel()
	if err := fill(ctx, c, 3_000_000, backlog); err != nil {
		return 0, err
	}
	joined := make(chan error, 1)
	go func() { _, err := c.Grow(ctx); joined <- err }()
	var seen time.Time
	for pause(ctx, 50*time.Millisecond) {
		v, err := r.View(ctx, c)
		if err != nil {
			continue
		}
		for _, m := range v.Members {
			if m.Name != "n4" {
				continue
			}
			if seen.IsZero() {
				seen = time.Now()
			}
			if m.Busy >= m.Workers {
				took := time.Since(seen)
				cancel()
				<-joined // its wait was cut short on purpose
				return took, nil
			}
		}
	}
	return 0, fmt.Errorf("rebalance: the new member did not work to capacity: %w, joined: %w", context.Cause(ctx), <-joined)
}
