package auth

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// DetailThrottled is the Detail word of an error that asks to wait.
const DetailThrottled = "throttled"

// Throttled says that somebody guessed too often and how long to wait. Its
// cause is a *doc.Error with code Unavailable and DetailThrottled.
type Throttled struct {
	Wait time.Duration
}

// Error implements error.
func (t *Throttled) Error() string { return t.Unwrap().Error() }

// Unwrap gives the coded error.
func (t *Throttled) Unwrap() error {
	return &doc.Error{
		Code: doc.Unavailable, Detail: DetailThrottled,
		Message: fmt.Sprintf("too many wrong sign-ins: wait %d seconds", int(t.Wait.Seconds()+0.999)),
	}
}

// Free wrong guesses before waiting starts. A user from one address is watched
// closest; a user from anywhere loosest, so that a stranger cannot easily lock
// somebody out.
const (
	freePair    = 5
	freeAddress = 20
	freeUser    = 50

	longestWait   = 15 * time.Minute
	forgetAfter   = time.Hour
	maxThrottled  = 10_000 // counters kept; the oldest go first
	tidyThrottled = maxThrottled / 10
)

// throttle counts wrong guesses by user, by address, and by both. It lives on
// one member only: three members allow three times the guesses.
type throttle struct {
	clock func() time.Time

	mu   sync.Mutex
	seen map[string]*guesses
}

type guesses struct {
	wrong int
	last  time.Time
}

func newThrottle(clock func() time.Time) *throttle {
	return &throttle{clock: clock, seen: map[string]*guesses{}}
}

// network is the address to count by: an IPv6 host owns its whole /64.
func network(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	ip = ip.Unmap()
	if ip.Is4() {
		return ip.String()
	}
	p, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return p.String()
}

type counter struct {
	key  string
	free int
}

func counters(user, addr string) [3]counter {
	n := network(addr)
	return [3]counter{{"p " + user + " " + n, freePair}, {"a " + n, freeAddress}, {"u " + user, freeUser}}
}

// enter gives a *Throttled while one of the counters asks to wait. Otherwise it
// counts the guess as wrong until forgive says that it was right, so that many
// guesses at the same moment do not slip through together.
func (t *throttle) enter(user, addr string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	var wait time.Duration
	for _, c := range counters(user, addr) {
		if g := t.seen[c.key]; g != nil && now.Sub(g.last) < forgetAfter {
			wait = max(wait, pause(g.wrong-c.free)-now.Sub(g.last))
		}
	}
	if wait > 0 {
		return &Throttled{Wait: wait}
	}
	for _, c := range counters(user, addr) {
		g := t.seen[c.key]
		if g == nil || now.Sub(g.last) >= forgetAfter {
			t.tidy(now)
			g = &guesses{}
			t.seen[c.key] = g
		}
		g.wrong++
		g.last = now
	}
	return nil
}

// pause doubles with each wrong guess beyond the free ones: 1 s, 2 s, 4 s …
func pause(over int) time.Duration {
	if over < 0 {
		return 0
	}
	return min(longestWait, time.Second<<min(over, 20))
}

// forgive ends what enter began for somebody who was right: their wrong guesses
// from this address are forgotten, the other counters go back by one.
func (t *throttle) forgive(user, addr string) {
	t.undo(user, addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.seen, counters(user, addr)[0].key)
}

// undo takes back what enter counted, for a guess that was never judged.
func (t *throttle) undo(user, addr string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range counters(user, addr) {
		g := t.seen[c.key]
		if g == nil {
			continue
		}
		if g.wrong--; g.wrong <= 0 {
			delete(t.seen, c.key)
		}
	}
}

// tidy keeps the number of counters bounded: the forgotten ones go, and when
// that is not enough, those with the fewest guesses.
func (t *throttle) tidy(now time.Time) {
	if len(t.seen) < maxThrottled {
		return
	}
	for k, g := range t.seen {
		if now.Sub(g.last) >= forgetAfter {
			delete(t.seen, k)
		}
	}
	for limit := 1; len(t.seen) > maxThrottled-tidyThrottled; limit *= 2 {
		for k, g := range t.seen {
			if g.wrong <= limit && len(t.seen) > maxThrottled-tidyThrottled {
				delete(t.seen, k)
			}
		}
	}
}
