//go:build linux

package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/chaos/history"
)

// Campaign is many runs, several at a time, each in its own cluster.
type Campaign struct {
	System  func() System // one a lane
	Config  Config        // of each cluster; System is set from the above
	First   uint64        // seed
	Seeds   int
	Lanes   int
	Fresh   int       // a new cluster after so many runs
	Only    FaultKind // nothing else; empty: what the seeds say
	Keep    string    // folder for what is kept of broken runs
	Reports io.Writer // a JSON line a run; may be nil
	Said    io.Writer // progress for people; may be nil
}

// Summary is what came of a campaign.
type Summary struct {
	System     string               `json:"system"`
	Runs       int                  `json:"runs"`
	Failed     int                  `json:"failed"` // runs that say nothing
	Faults     map[FaultKind]int    `json:"faults"` // that took place
	Missed     map[FaultKind]int    `json:"missed"` // that did not, or not as planned
	Sent       int                  `json:"sent"`
	Attempts   int                  `json:"attempts"`
	Acked      int                  `json:"acked"`
	Broken     int                  `json:"broken"` // runs with a violation
	Violations map[history.Kind]int `json:"violations"`
	Lost       int                  `json:"lost"` // documents acknowledged and gone from some member
	Twice      int                  `json:"twice"`
	Replaced   int                  `json:"replaced"`
	PauseMax   time.Duration        `json:"pause_max"`
	PauseP50   time.Duration        `json:"pause_p50"`
	PauseP99   time.Duration        `json:"pause_p99"`
	HealedP50  time.Duration        `json:"healed_p50"`
	HealedMax  time.Duration        `json:"healed_max"`
	Took       time.Duration        `json:"took"`
	Bad        []uint64             `json:"bad,omitempty"` // seeds of broken or failed runs
}

// Run carries out the campaign. A run that breaks a promise does not end it.
func (k Campaign) Run(ctx context.Context) (Summary, error) {
	from := time.Now()
	seeds := make(chan uint64)
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		reports []Report
		failed  error
	)
	for range max(1, k.Lanes) {
		wg.Go(func() {
			cfg := k.Config
			cfg.System = k.System()
			lane := &Lane{Config: cfg, Fresh: k.Fresh, Keep: k.Keep}
			for seed := range seeds {
				p := NewPlan(seed, cfg.Members)
				if k.Only != "" {
					p = Only(seed, cfg.Members, k.Only)
				}
				rep := lane.Run(ctx, p)
				mu.Lock()
				reports = append(reports, rep)
				failed = errors.Join(failed, k.tell(rep, len(reports)))
				mu.Unlock()
			}
			if err := lane.Close(); err != nil {
				mu.Lock()
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	for i := range k.Seeds {
		select {
		case seeds <- k.First + uint64(i):
			continue
		case <-ctx.Done():
		}
		break
	}
	close(seeds)
	wg.Wait()
	s := Summarise(reports)
	s.Took = time.Since(from)
	return s, errors.Join(failed, context.Cause(ctx))
}

func (k Campaign) tell(r Report, n int) error {
	var err error
	if k.Reports != nil {
		err = json.NewEncoder(k.Reports).Encode(r)
	}
	if k.Said == nil {
		return err
	}
	verdict := "ok"
	switch {
	case r.Broken():
		verdict = fmt.Sprintf("BROKEN %d: %s", len(r.Violations), r.Violations[0])
	case r.Error != "":
		verdict = "FAILED " + r.Error
	}
	var kinds []string
	for _, f := range r.Faults {
		kinds = append(kinds, string(f.Kind))
	}
	_, e := fmt.Fprintf(k.Said, "%4d/%d seed %d %v: %d acked of %d, pause %v, healed %v, settled %v, took %v: %s\n", n, k.Seeds, r.Seed, kinds,
		r.Acked, r.Sent, r.Pause.Round(time.Millisecond), r.Healed.Round(time.Millisecond), r.Settled.Round(time.Millisecond), r.Took.Round(time.Millisecond), verdict)
	return errors.Join(err, e)
}

// Summarise adds up reports.
func Summarise(reports []Report) Summary {
	s := Summary{Faults: map[FaultKind]int{}, Missed: map[FaultKind]int{}, Violations: map[history.Kind]int{}}
	var pauses, healed []time.Duration
	for _, r := range reports {
		s.System = r.System
		s.Runs++
		s.Sent, s.Attempts, s.Acked, s.Replaced = s.Sent+r.Sent, s.Attempts+r.Attempts, s.Acked+r.Acked, s.Replaced+len(r.Replaced)
		for _, f := range r.Faults {
			if f.Error == "" {
				s.Faults[f.Kind]++
			} else {
				s.Missed[f.Kind]++
			}
		}
		if r.Error != "" {
			s.Failed++
		}
		if r.Broken() {
			s.Broken++
		}
		if r.Broken() || r.Error != "" {
			s.Bad = append(s.Bad, r.Seed)
		}
		lost, twice := map[string]bool{}, map[string]bool{}
		for _, v := range r.Violations {
			s.Violations[v.Kind]++
			switch v.Kind {
			case history.Lost:
				lost[string(v.ID)] = true
			case history.Twice, history.Fork, history.Doubled:
				twice[string(v.ID)] = true
			}
		}
		s.Lost, s.Twice = s.Lost+len(lost), s.Twice+len(twice)
		pauses, healed = append(pauses, r.Pause), append(healed, r.Healed)
	}
	slices.Sort(pauses)
	slices.Sort(healed)
	slices.Sort(s.Bad)
	s.PauseMax, s.PauseP50, s.PauseP99 = Quantile(pauses, 1), Quantile(pauses, 0.5), Quantile(pauses, 0.99)
	s.HealedMax, s.HealedP50 = Quantile(healed, 1), Quantile(healed, 0.5)
	return s
}

// Quantile gives the value below which the share q of sorted lies; 0 for nothing.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// Table gives the summary for people.
func (s Summary) Table(w io.Writer) error {
	ms := func(d time.Duration) string { return d.Round(time.Millisecond).String() }
	_, err := fmt.Fprintf(w, "| %s | |\n|---|---|\n| runs (broken, without a verdict) | %d (%d, %d) |\n| documents acknowledged, of deliveries, attempts | %d of %d, %d |\n| lost | %d |\n| doubled, or with two results or histories | %d |\n| violations | %v |\n| intake pause p50, p99, longest | %s, %s, %s |\n| ready after the faults p50, longest | %s, %s |\n| members replaced | %d |\n| took | %s |\n",
		s.System, s.Runs, s.Broken, s.Failed, s.Acked, s.Sent, s.Attempts, s.Lost, s.Twice, s.Violations, ms(s.PauseP50), ms(s.PauseP99), ms(s.PauseMax), ms(s.HealedP50), ms(s.HealedMax), s.Replaced, s.Took.Round(time.Second))
	for _, k := range slices.Sorted(maps.Keys(s.Faults)) {
		_, e := fmt.Fprintf(w, "| fault %s | %d |\n", k, s.Faults[k])
		err = errors.Join(err, e)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Missed)) {
		_, e := fmt.Fprintf(w, "| not as planned: %s | %d |\n", k, s.Missed[k])
		err = errors.Join(err, e)
	}
	return err
}
