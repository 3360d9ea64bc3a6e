package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// The reference implementation's own test vector.
func TestVerifyReferenceVector(t *testing.T) {
	t.Parallel()
	h := newHasher(DefaultCost, 1, rand.Reader)
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	ok, stale, err := h.verify(t.Context(), phc, "password")
	if err != nil || !ok || !stale {
		t.Errorf("verify: ok %v, stale %v, %v", ok, stale, err)
	}
	if ok, _, err := h.verify(t.Context(), phc, "passwore"); ok || err != nil {
		t.Errorf("a wrong password: %v, %v", ok, err)
	}
}

func TestDefaultCostIsOWASPs(t *testing.T) {
	t.Parallel()
	h := newHasher(DefaultCost, 1, rand.Reader)
	phc, err := h.hash(t.Context(), goodPassword)
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("hash %q, %v", phc, err)
	}
	ok, stale, err := h.verify(t.Context(), phc, goodPassword)
	if !ok || stale || err != nil {
		t.Errorf("verify: ok %v, stale %v, %v", ok, stale, err)
	}
}

func TestDamagedHashes(t *testing.T) {
	t.Parallel()
	h := newHasher(Cost{64, 1, 1}, 1, rand.Reader)
	for _, phc := range []string{
		"", "x", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=0,p=0$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$short",
	} {
		if ok, _, err := h.verify(t.Context(), phc, "password"); ok || err == nil {
			t.Errorf("%q: ok %v, %v", phc, ok, err)
		}
	}
}

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	for password, good := range map[string]bool{
		goodPassword: true, "ünïcödé ist schön": true, strings.Repeat("ab", 128): true,
		"short": false, strings.Repeat("ab", 129): false, "aaaaaaaaaaaa": false, "üüüüüüüüüüüü": false,
		"Password123": false, "annabellina": true, "Recto12345": false, "": false,
	} {
		if err := CheckPassword("anna", password); (err == nil) != good {
			t.Errorf("%q: %v", password, err)
		}
	}
	if CheckPassword("margarethe", "Margarethe2026!") == nil {
		t.Error("the user's own name with a year passes")
	}
}

// A password typed on another keyboard may arrive decomposed.
func TestPasswordsCompareNormalised(t *testing.T) {
	t.Parallel()
	h := newHasher(Cost{64, 1, 1}, 1, rand.Reader)
	phc, err := h.hash(t.Context(), "caf\u00e9 caf\u00e9 caf\u00e9")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, err := h.verify(t.Context(), phc, "cafe\u0301 cafe\u0301 cafe\u0301"); !ok || err != nil {
		t.Errorf("decomposed: %v, %v", ok, err)
	}
}

// With all slots taken a sign-in waits, and gives up with its caller.
func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	a, _, _ := setup(t)
	mustUser(t, a, "anna", Reader)
	var give []func()
	for range cap(a.hasher.slots) {
		release, err := a.hasher.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		give = append(give, release)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 { // not judged, so not counted as wrong either
		_, err := a.Login(ctx, "anna", goodPassword, "192.0.2.1")
		wantCode(t, "no slot", err, doc.Unavailable)
	}
	for _, g := range give {
		g()
	}
	mustLogin(t, a, "anna")
}

func TestCostIsRenewedAtSignIn(t *testing.T) {
	t.Parallel()
	a, store, c := setup(t)
	mustUser(t, a, "anna", Reader)
	b := New(Config{Clock: c.Now, Cost: Cost{MemoryKiB: 128, Passes: 1, Threads: 1}}, store)
	s := mustLogin(t, b, "anna")
	if raw, _, _ := store.Get(KindUser, "anna"); !strings.Contains(string(raw), "m=128,") {
		t.Errorf("stored %s", raw)
	}
	if _, err := b.Resume(t.Context(), s.Token); err != nil {
		t.Errorf("a renewed hash ends the session: %v", err)
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	a, _, c := setup(t)
	mustUser(t, a, "anna", Reader)
	wrong := func(user, addr string) error {
		_, err := a.Login(t.Context(), user, "not the password", addr)
		return err
	}
	for range freePair {
		wantCode(t, "free guess", wrong("anna", "192.0.2.1"), doc.Unauthorized)
	}
	var th *Throttled
	err := wrong("anna", "192.0.2.1")
	if !errors.As(err, &th) || th.Wait != time.Second || doc.DetailOf(err) != DetailThrottled {
		t.Fatalf("sixth guess: %v", err)
	}
	if _, err := a.Login(t.Context(), "anna", goodPassword, "192.0.2.1"); !errors.As(err, &th) {
		t.Errorf("the right password while waiting: %v", err)
	}
	if _, err := a.Login(t.Context(), "anna", goodPassword, "198.51.100.7"); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	c.Add(time.Second)
	wantCode(t, "after the pause", wrong("anna", "192.0.2.1"), doc.Unauthorized)
	if err := wrong("anna", "192.0.2.1"); !errors.As(err, &th) || th.Wait != 2*time.Second {
		t.Errorf("the pause doubles: %v", err)
	}
	c.Add(2 * time.Second)
	mustLogin(t, a, "anna")
	wantCode(t, "forgiven", wrong("anna", "192.0.2.1"), doc.Unauthorized)
}

func TestThrottleByAddressAndUser(t *testing.T) {
	t.Parallel()
	a, _, _ := setup(t)
	var th *Throttled
	for i := range freeAddress + 1 { // one address, many names, one IPv6 network
		_, err := a.Login(t.Context(), "user"+string(rune('a'+i)), "x", "2001:db8:1:2::"+string(rune('a'+i%6)))
		if got := errors.As(err, &th); got != (i == freeAddress) {
			t.Fatalf("guess %d from one network: %v", i+1, err)
		}
	}
	b, _, _ := setup(t)
	mustUser(t, b, "anna", Reader)
	for i := range freeUser + 1 { // one name, many addresses
		_, err := b.Login(t.Context(), "anna", "x", "10.0."+string(rune('0'+i/10))+"."+string(rune('0'+i%10)))
		if got := errors.As(err, &th); got != (i == freeUser) {
			t.Fatalf("guess %d at one user: %v", i+1, err)
		}
	}
}

func TestThrottleStaysSmall(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
	th := newThrottle(c.Now)
	for i := range 3 * maxThrottled {
		_ = th.enter("user"+string(rune(i)), "addr"+string(rune(i/2)))
	}
	if n := len(th.seen); n > maxThrottled+3 {
		t.Errorf("%d counters kept, want at most about %d", n, maxThrottled)
	}
}
