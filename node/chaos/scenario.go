//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/recto-edge/recto/node/chaos/history"
	"github.com/recto-edge/recto/node/doc"
)

// Step is a part of a scenario.
type Step struct {
	Text  string        `json:"text"`
	From  time.Time     `json:"from"`
	Took  time.Duration `json:"took"`
	Pause time.Duration `json:"pause"` // of intake, the longest that began in it
}

// Story is what came of a scenario under constant load.
type Story struct {
	Name       string              `json:"name"`
	Steps      []Step              `json:"steps"`
	Sent       int                 `json:"sent"`
	Acked      int                 `json:"acked"`
	Pause      time.Duration       `json:"pause"`
	Settled    time.Duration       `json:"settled"` // from the end of the load until everything was judged
	Violations []history.Violation `json:"violations"`
	Error      string              `json:"error,omitempty"`
}

// settling is how long the load meets the state after a step before the next one.
const settling = 2 * time.Second

// story tells a scenario: steps, one after the other, in a cluster under load.
type story struct {
	ctx  context.Context
	r    *Recto
	c    *Cluster
	load *Load
	out  Story
}

// tell runs a scenario in a new cluster of so many members.
func tell(ctx context.Context, name string, cfg Config, r *Recto, members int, rate float64, script func(*story) error) (Story, error) {
	cfg.System, cfg.Members = r, members
	c, err := Start(ctx, cfg)
	if err != nil {
		return Story{Name: name, Error: err.Error()}, err
	}
	s := &story{ctx: ctx, r: r, c: c, out: Story{Name: name, Violations: []history.Violation{}}}
	s.load = NewLoad(c, Plan{Seed: uint64(time.Now().Unix()), Rate: rate, Again: 0.05})
	sending, stop := context.WithCancel(ctx)
	sent := make(chan struct{})
	go func() { defer close(sent); s.load.Run(sending) }()
	if err := script(s); err != nil {
		s.out.Error = err.Error()
	}
	stop()
	<-sent
	h := s.load.Drain()
	from := time.Now()
	judge, cancel := context.WithTimeout(ctx, settleTime)
	s.out.Violations = append(s.out.Violations, r.Judge(judge, c, h, nil)...)
	cancel()
	s.out.Settled = time.Since(from)
	s.out.Sent, s.out.Acked, s.out.Pause = s.load.Sent(), h.Acked(), h.Pause()
	for i, step := range s.out.Steps {
		s.out.Steps[i].Pause = h.PauseWithin(step.From, step.From.Add(step.Took+settling))
	}
	if s.out.Error != "" || len(s.out.Violations) > 0 {
		err = c.keepLogs()
	}
	return s.out, errors.Join(err, c.Close())
}

// step carries out a part of the scenario and notes how long it took.
func (s *story) step(text string, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(s.ctx, membershipTime)
	defer cancel()
	from := time.Now()
	err := f(ctx)
	s.out.Steps = append(s.out.Steps, Step{Text: text, From: from, Took: time.Since(from)})
	if err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	pause(s.ctx, settling)
	return nil
}

func (s *story) grow(text string) error {
	return s.step(text, func(ctx context.Context) error { _, err := s.c.Grow(ctx); return err })
}

func (s *story) leave(m *Member, dead bool) error {
	text := fmt.Sprintf("%s leaves", m.Name)
	if dead {
		text = fmt.Sprintf("%s, dead, is removed", m.Name)
	}
	return s.step(text, func(ctx context.Context) error {
		if err := s.r.Leave(ctx, s.c, m, dead); err != nil {
			return err
		}
		return s.c.Shrink(m)
	})
}

// Growth is one box that becomes three, loses one, replaces it, becomes five and
// three again.
func Growth(ctx context.Context, cfg Config, r *Recto) (Story, error) {
	return tell(ctx, "1 → 3 → lose one → replace → 5 → 3", cfg, r, 1, 5, func(s *story) error {
		for _, f := range []func() error{
			func() error { return s.grow("a second joins") },
			func() error { return s.grow("a third joins, three copies") },
			func() error {
				return s.step("one is killed for good", func(context.Context) error { return s.c.Members()[1].Kill() })
			},
			func() error { return s.leave(s.c.Members()[1], true) },
			func() error { return s.grow("a new one replaces it") },
			func() error { return s.grow("a fourth joins") },
			func() error { return s.grow("a fifth joins") },
			func() error { return s.leave(s.c.Members()[0], false) },
			func() error { return s.leave(s.c.Members()[1], false) },
		} {
			if err := f(); err != nil {
				return err
			}
		}
		return nil
	})
}

// Rolling upgrades three members from the build old to the build new, one after
// the other, takes one of them back and forth, and finalises.
func Rolling(ctx context.Context, cfg Config, r *Recto, newer string) (Story, error) {
	older := r.Bin
	return tell(ctx, "rolling upgrade", cfg, r, 3, 5, func(s *story) error {
		exchange := func(m *Member, bin, text string) error {
			return s.step(m.Name+" "+text, func(ctx context.Context) error {
				if err := m.Term(ctx); err != nil {
					return err
				}
				s.r.Use(m, bin)
				if err := s.c.Restart(m); err != nil {
					return err
				}
				if err := s.c.awaitReady(ctx, m); err != nil {
					return err
				}
				return s.r.await(ctx, s.c.Members(), "all are ready", allReady(3))
			})
		}
		for _, m := range s.c.Members() {
			if err := exchange(m, newer, "gets the new build"); err != nil {
				return err
			}
		}
		first := s.c.Members()[0]
		if err := exchange(first, older, "goes back to the old build"); err != nil {
			return err
		}
		if err := exchange(first, newer, "gets the new build again"); err != nil {
			return err
		}
		return s.step("finalised", func(ctx context.Context) error {
			before, err := s.r.View(ctx, s.c)
			if err == nil {
				err = s.r.client(first).Finalise(ctx)
			}
			if err != nil {
				return err
			}
			return s.r.await(ctx, s.c.Members(), "the level is raised", func(v doc.ClusterView) bool { return v.Level > before.Level })
		})
	})
}

func allReady(n int) func(doc.ClusterView) bool {
	return func(v doc.ClusterView) bool {
		ready := 0
		for _, m := range v.Members {
			if m.State == doc.MemberActive && m.Up && m.Ready {
				ready++
			}
		}
		return ready == n && v.Log.Works
	}
}
