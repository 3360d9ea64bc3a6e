package node

import (
	"testing"
	"time"
)

// A clock that jumps ahead and back between two probes is noticed, and one that is
// put forward, or is slow, is not taken for one that was put back.
func TestClockWatch(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		ahead []time.Duration // of the wall clock, at each look
		want  bool
	}{
		"right":            {[]time.Duration{0, 0, 0}, false},
		"put forward":      {[]time.Duration{0, time.Hour, time.Hour}, false},
		"ahead and back":   {[]time.Duration{0, 24 * time.Hour, 0}, true},
		"ahead from start": {[]time.Duration{10 * time.Minute, 0}, true},
		"behind and right": {[]time.Duration{0, -time.Hour, 0}, true},
		"slow":             {[]time.Duration{0, -time.Second, -2 * time.Second, -3 * time.Second}, false},
	} {
		var w clockWatch
		for i, ahead := range c.ahead {
			running := time.Duration(i) * clockPeriod
			w.look(begin.Add(running+ahead), running)
		}
		if got := w.back.Load(); got != c.want {
			t.Errorf("%s: put back %v, want %v", name, got, c.want)
		}
	}
	if clockPeriod >= time.Second {
		t.Error("a jump of a second is missed")
	}
}
