package auth

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/auth/authtest"
	"github.com/recto-edge/recto/node/doc"
)

const goodPassword = "correct horse battery"

// clock is a time that tests move by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func setup(t *testing.T) (*Auth, *authtest.Memory, *clock) {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
	store := authtest.New()
	return New(Config{Clock: c.Now, Cost: Cost{MemoryKiB: 64, Passes: 1, Threads: 1}}, store), store, c
}

func mustUser(t *testing.T, a *Auth, name string, role Role) {
	t.Helper()
	if _, err := a.CreateUser(t.Context(), name, goodPassword, role); err != nil {
		t.Fatal(err)
	}
}

func mustLogin(t *testing.T, a *Auth, name string) Session {
	t.Helper()
	s, err := a.Login(t.Context(), name, goodPassword, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantCode(t *testing.T, what string, err error, code doc.Code) {
	t.Helper()
	if doc.CodeOf(err) != code {
		t.Errorf("%s: error %v has code %q, want %q", what, err, doc.CodeOf(err), code)
	}
}

func TestRolesAndPermissions(t *testing.T) {
	t.Parallel()
	want := map[Role]string{ // S submit, R read, r retry, v review, e erase, l learn, t types read, T types write, s status, U users, K keys, M maintain, m members
		Admin: "SRrveltTsUKMm", Operator: "SRrvetTs", Reviewer: "SRrvts", Reader: "Rts", Station: "St", "stranger": "",
	}
	letters := map[Permission]string{
		Submit: "S", Read: "R", Retry: "r", Review: "v", Erase: "e", Learn: "l", TypesRead: "t", TypesWrite: "T", StatusRead: "s", Users: "U", Keys: "K", Maintain: "M", Members: "m",
	}
	order := []Permission{Submit, Read, Retry, Review, Erase, Learn, TypesRead, TypesWrite, StatusRead, Users, Keys, Maintain, Members}
	for role, letter := range want {
		got := ""
		for _, p := range order {
			if (Principal{Kind: ByKey, Role: role}).May(p) {
				got += letters[p]
			}
			if (Principal{Kind: Anonymous, Role: role}).May(p) {
				t.Errorf("nobody with role %s may %s", role, p)
			}
		}
		if got != letter {
			t.Errorf("%s may %s, want %s", role, got, letter)
		}
		if (Principal{Kind: ByKey, Role: role}).May("invented") || (Principal{Kind: ByPassword, Role: role}).May("") {
			t.Errorf("%s may do what no table knows", role)
		}
	}
	if (Principal{Kind: ByKey, Role: Admin}).May(Account) || !(Principal{Kind: ByPassword, Role: Reader}).May(Account) || !(Principal{}).May(Public) {
		t.Error("account is for signed-in people, public for all")
	}
	if (Principal{}).May(Known) || !(Principal{Kind: ByKey, Role: Station}).May(Known) {
		t.Error("known is for all but the anonymous")
	}
}

func TestFirstAdminByLinkOnce(t *testing.T) {
	t.Parallel()
	a, store, c := setup(t)
	old, err := a.Invite(t.Context())
	if err != nil || old == "" {
		t.Fatalf("invite: %q, %v", old, err)
	}
	token, err := a.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range store.List(KindSetting) {
		if string(raw) == token || len(raw) == 0 {
			t.Error("the token itself is stored")
		}
	}
	_, err = a.Setup(t.Context(), old, "anna", goodPassword)
	wantCode(t, "an earlier link", err, doc.Forbidden)
	_, err = a.Setup(t.Context(), "", "anna", goodPassword)
	wantCode(t, "no token", err, doc.Forbidden)
	_, err = a.Setup(t.Context(), token, "anna", "short")
	wantCode(t, "a bad password does not use the link up", err, doc.Invalid)

	s, err := a.Setup(t.Context(), token, " Anna@Example.org ", goodPassword)
	if err != nil || s.Principal.Name != "anna@example.org" || s.Principal.Role != Admin {
		t.Fatalf("setup: %+v, %v", s.Principal, err)
	}
	if _, err := a.Resume(t.Context(), s.Token); err != nil {
		t.Errorf("the session of setup: %v", err)
	}
	_, err = a.Setup(t.Context(), token, "eve", goodPassword)
	wantCode(t, "the link a second time", err, doc.Forbidden)
	if again, err := a.Invite(t.Context()); again != "" || err != nil {
		t.Errorf("invite with a user there: %q, %v", again, err)
	}

	b, _, c2 := setup(t)
	token, err = b.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c2.Add(24 * time.Hour)
	_, err = b.Setup(t.Context(), token, "anna", goodPassword)
	wantCode(t, "a link a day old", err, doc.Forbidden)
	_ = c
}

func TestSetupRaceMakesOneAdmin(t *testing.T) {
	t.Parallel()
	a, _, _ := setup(t)
	token, err := a.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, name := range []string{"a1", "a2", "a3", "a4"} {
		wg.Go(func() { _, _ = a.Setup(context.Background(), token, name, goodPassword) })
	}
	wg.Wait()
	users, err := a.ListUsers()
	if err != nil || len(users) != 1 {
		t.Errorf("users %+v, %v: want exactly one", users, err)
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	a, store, _ := setup(t)
	mustUser(t, a, "anna", Admin)
	mustUser(t, a, "bert", Reader)
	_, err := a.CreateUser(t.Context(), "ANNA", goodPassword, Reader)
	wantCode(t, "name taken, other case", err, doc.Conflict)
	_, err = a.CreateUser(t.Context(), "../etc", goodPassword, Reader)
	wantCode(t, "bad name", err, doc.Invalid)
	_, err = a.CreateUser(t.Context(), "carl", goodPassword, "root")
	wantCode(t, "bad role", err, doc.Invalid)
	wantCode(t, "demote the last admin", a.SetRole(t.Context(), "anna", Reader), doc.Conflict)
	wantCode(t, "delete the last admin", a.DeleteUser(t.Context(), "anna"), doc.Conflict)
	wantCode(t, "delete nobody", a.DeleteUser(t.Context(), "nobody"), doc.NotFound)

	if err := a.SetRole(t.Context(), "bert", Admin); err != nil {
		t.Fatal(err)
	}
	if err := a.DeleteUser(t.Context(), "anna"); err != nil {
		t.Fatal(err)
	}
	users, err := a.ListUsers()
	if err != nil || len(users) != 1 || users[0].Name != "bert" || users[0].Role != Admin {
		t.Errorf("users %+v, %v", users, err)
	}
	boom := errors.New("no quorum")
	store.Break(boom)
	if err := a.SetRole(t.Context(), "bert", Admin); !errors.Is(err, boom) {
		t.Errorf("a write that fails: %v", err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	a, store, c := setup(t)
	key, secret, err := a.CreateKey(t.Context(), "user:anna", "copier, 2nd floor", Station, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range store.List(KindKey) {
		if len(secret) < 50 || string(raw) == "" || containsSecret(raw, secret) {
			t.Errorf("stored key %s holds the secret %s", raw, secret)
		}
	}
	p, err := a.CheckKey(secret)
	if err != nil || p.ID != key.ID || p.Role != Station || p.String() != "key:"+key.ID {
		t.Fatalf("check: %+v, %v", p, err)
	}
	last := secret[len(secret)-2]
	flipped := secret[:len(secret)-2] + string('0'+('1'-last)&1) + secret[len(secret)-1:]
	for _, bad := range []string{"", "rk_", "rk__", "rk_" + key.ID, "rk_" + key.ID + "_", secret + "x", flipped, "sk" + secret[2:], "rk_0000000000000_" + secret[17:]} {
		if bad == secret {
			continue
		}
		_, err := a.CheckKey(bad)
		wantCode(t, "key "+bad, err, doc.Unauthorized)
	}
	c.Add(time.Second)
	_, short, err := a.CreateKey(t.Context(), "user:anna", "for an hour", Reader, c.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.CheckKey(short); err != nil {
		t.Errorf("before it expires: %v", err)
	}
	c.Add(time.Hour)
	_, err = a.CheckKey(short)
	wantCode(t, "expired", err, doc.Unauthorized)
	_, _, err = a.CreateKey(t.Context(), "user:anna", "too late", Reader, c.Now())
	wantCode(t, "expiry in the past", err, doc.Invalid)
	_, _, err = a.CreateKey(t.Context(), "user:anna", " ", Reader, time.Time{})
	wantCode(t, "no name", err, doc.Invalid)

	if keys, err := a.ListKeys(); err != nil || len(keys) != 2 || keys[0].Name != "copier, 2nd floor" {
		t.Errorf("keys %+v, %v", keys, err)
	}
	if err := a.DeleteKey(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	_, err = a.CheckKey(secret)
	wantCode(t, "deleted", err, doc.Unauthorized)
	wantCode(t, "delete twice", a.DeleteKey(t.Context(), key.ID), doc.NotFound)
}

func containsSecret(raw []byte, secret string) bool {
	part := secret[len(secret)-52:]
	for i := 0; i+len(part) <= len(raw); i++ {
		if string(raw[i:i+len(part)]) == part {
			return true
		}
	}
	return false
}
