package extract

import (
	"sync"
	"time"
)

// stopwatch adds up the time of each stage, over pages read at the same time.
type stopwatch struct {
	mu    sync.Mutex
	start time.Time
	spent map[string]time.Duration
}

func newStopwatch() *stopwatch {
	return &stopwatch{start: time.Now(), spent: map[string]time.Duration{}}
}

// stage starts a stage; calling what it gives ends it.
func (s *stopwatch) stage(name string) func() {
	from := time.Now()
	return func() {
		d := time.Since(from)
		s.mu.Lock()
		s.spent[name] += d
		s.mu.Unlock()
	}
}

// milliseconds gives the time by stage, and "total": wall time since the start.
func (s *stopwatch) milliseconds() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{"total": int(time.Since(s.start).Milliseconds())}
	for name, d := range s.spent {
		out[name] = int(d.Milliseconds())
	}
	return out
}
