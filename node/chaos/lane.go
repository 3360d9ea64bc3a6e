//go:build linux

package chaos

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/recto-edge/recto/node/chaos/history"
	"github.com/recto-edge/recto/node/doc"
)

// Times of a run.
const (
	formTime = 3 * time.Minute // a cluster forms
	healTime = 150 * time.Second
	// settleTime bounds a judgement however much still moves.
	settleTime = 8 * time.Minute
)

// Report is what came of one run: one line of JSON.
type Report struct {
	System     string              `json:"system"`
	Seed       uint64              `json:"seed"`
	Members    int                 `json:"members"`
	Faults     []Injected          `json:"faults"`
	Sent       int                 `json:"sent"`     // deliveries begun
	Attempts   int                 `json:"attempts"` // to single members
	Acked      int                 `json:"acked"`    // documents
	Violations []history.Violation `json:"violations"`
	Replaced   []string            `json:"replaced,omitempty"` // members that refused to start with a damaged control plane
	Pause      time.Duration       `json:"pause"`              // of intake, the longest
	Healed     time.Duration       `json:"healed"`             // from the end of the faults until all were ready
	Settled    time.Duration       `json:"settled"`            // from there until everything was judged
	Waited     string              `json:"waited,omitempty"`   // what it was that settled last
	Renewed    string              `json:"renewed,omitempty"`  // member that made its index anew in the end
	Took       time.Duration       `json:"took"`
	Error      string              `json:"error,omitempty"` // the run itself failed: it says nothing
	Kept       string              `json:"kept,omitempty"`  // folder with history and logs
}

func (c *Cluster) patience() time.Duration { return cmp.Or(c.cfg.Patience, healTime) }

// Broken says whether a promise was broken.
func (r Report) Broken() bool { return len(r.Violations) > 0 }

// Lane does one run after the other, in one cluster as long as it is whole.
type Lane struct {
	Config Config
	Fresh  int    // a new cluster after so many runs; 0: 40
	Keep   string // folder for histories and logs of broken runs; empty: they are not kept

	c      *Cluster
	runs   int
	before map[doc.ID]bool
}

// Close ends the lane's cluster.
func (l *Lane) Close() error {
	c := l.c
	l.c = nil
	if c == nil {
		return nil
	}
	return c.Close()
}

func (l *Lane) fresh() int { return cmp.Or(l.Fresh, 40) }

func (l *Lane) cluster(ctx context.Context) (*Cluster, error) {
	if l.c != nil && l.runs >= l.fresh() {
		if err := l.Close(); err != nil {
			return nil, err
		}
	}
	if l.c != nil {
		l.runs++
		return l.c, nil
	}
	ctx, cancel := context.WithTimeout(ctx, formTime)
	defer cancel()
	c, err := Start(ctx, l.Config)
	if err != nil {
		return nil, fmt.Errorf("form cluster: %w", err)
	}
	l.c, l.runs, l.before = c, 1, map[doc.ID]bool{}
	return c, nil
}

// Run carries out one plan: load, faults, healing, judgement.
func (l *Lane) Run(ctx context.Context, p Plan) Report {
	from := time.Now()
	rep := Report{System: l.Config.System.Name(), Seed: p.Seed, Members: l.Config.Members, Violations: []history.Violation{}}
	c, err := l.cluster(ctx)
	if err != nil {
		rep.Error = err.Error()
		return rep
	}
	h := l.play(ctx, c, p, &rep)
	rep.Took = time.Since(from)
	if ctx.Err() != nil {
		// It was not given the time to heal: what was found says nothing.
		rep.Error, rep.Violations = context.Cause(ctx).Error(), []history.Violation{}
	}
	for id := range h.Documents() {
		l.before[id] = true
	}
	if rep.Broken() || rep.Error != "" {
		if err := errors.Join(l.keep(c, p, h, &rep), l.Close()); err != nil && rep.Error == "" {
			rep.Error = err.Error()
		}
	}
	return rep
}

// play breaks and heals under load, then judges.
func (l *Lane) play(ctx context.Context, c *Cluster, p Plan, rep *Report) history.History {
	load := NewLoad(c, p)
	l.strike(ctx, c, p, load, rep)

	from := time.Now()
	c.Mend()
	l.depart(ctx, c)
	heal, cancel := context.WithTimeout(ctx, c.patience())
	failed := c.Heal(heal)
	cancel()
	rep.Violations = append(rep.Violations, l.replace(ctx, c, rep, failed)...)
	last := load.One(ctx)
	h := load.Drain()
	rep.Healed = time.Since(from)
	if h.Documents()[last].Acked == 0 {
		rep.Violations = append(rep.Violations, history.Violation{Kind: history.Refused, ID: last, Text: "no member took a document when everything was healed"})
	}
	rep.Sent, rep.Attempts, rep.Acked, rep.Pause = load.Sent(), len(h.Ops), h.Acked(), h.Pause()
	from = time.Now()
	rep.Violations = append(rep.Violations, l.judge(ctx, c, h)...)
	rep.Settled = time.Since(from)
	if w, ok := c.cfg.System.(interface{ Waited(*Cluster) string }); ok {
		rep.Waited = w.Waited(c)
	}
	if !rep.Broken() && (p.Seed%renewEvery == 0 || l.runs >= l.fresh()) {
		rep.Violations = append(rep.Violations, l.renew(ctx, c, p, h, rep)...)
	}
	return h
}

// strike sends and breaks until the faults are over. Full load meets what each
// does at its begin; a change of members that takes longer meets a thin one, which
// still measures pauses and leaves no backlog that grows with the time it takes.
func (l *Lane) strike(ctx context.Context, c *Cluster, p Plan, load *Load, rep *Report) {
	sending, stop := context.WithCancel(ctx)
	sent := make(chan struct{})
	go func() { defer close(sent); load.Run(sending) }()
	least := time.After(p.Least)
	thin := time.AfterFunc(p.burst(), load.Thin)
	defer thin.Stop()
	rep.Faults = newInjector(c, p.Seed).run(ctx, p.Faults)
	rep.Violations = append(rep.Violations, hung(rep.Faults)...)
	<-least
	pause(ctx, 500*time.Millisecond) // what was broken a moment ago meets documents, too
	stop()
	<-sent
}

// hung blames members that did not stop when they were told to.
func hung(faults []Injected) (out []history.Violation) {
	for _, f := range faults {
		if f.Hung {
			out = append(out, history.Violation{Kind: history.Refused, Member: f.Members[0], Text: errHangs.Error() + " within " + stopTime.String()})
		}
	}
	return out
}

func (l *Lane) judge(ctx context.Context, c *Cluster, h history.History) []history.Violation {
	ctx, cancel := context.WithTimeout(ctx, settleTime+c.patience())
	defer cancel()
	return c.cfg.System.Judge(ctx, c, h, l.before)
}

// keep saves what is needed to understand a broken run.
func (l *Lane) keep(c *Cluster, p Plan, h history.History, rep *Report) error {
	if l.Keep == "" {
		return nil
	}
	dir := filepath.Join(l.Keep, fmt.Sprintf("%s-seed-%d", rep.System, p.Seed))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	rep.Kept = dir
	err := c.SaveLogs(dir)
	for name, v := range map[string]any{"plan.json": p, "report.json": rep, "history.json": h} {
		b, e := json.MarshalIndent(v, "", " ")
		if e == nil {
			e = save(filepath.Join(dir, name), b)
		}
		err = errors.Join(err, e)
	}
	return err
}
