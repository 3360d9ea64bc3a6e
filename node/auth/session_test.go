package auth

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

func TestSessionLifetimes(t *testing.T) {
	t.Parallel()
	a, _, c := setup(t)
	mustUser(t, a, "anna", Reader)
	s := mustLogin(t, a, "Anna ")

	c.Add(59 * time.Second)
	got, err := a.Resume(t.Context(), s.Token)
	if err != nil || got.Renewed || got.Principal.Name != "anna" || got.Principal.Role != Reader {
		t.Fatalf("at once: %+v, %v", got, err)
	}
	c.Add(14 * time.Minute)
	got, err = a.Resume(t.Context(), s.Token)
	if err != nil || !got.Renewed || got.Token == s.Token {
		t.Fatalf("a quarter of an hour later: %+v, %v", got, err)
	}
	c.Add(2 * time.Minute)
	_, err = a.Resume(t.Context(), s.Token)
	wantCode(t, "the token that was not renewed, 16 min idle", err, doc.Unauthorized)
	if _, err := a.Resume(t.Context(), got.Token); err != nil {
		t.Errorf("the renewed one: %v", err)
	}

	token := got.Token
	for range 12*60/10 - 2 { // renewed every ten minutes until just before the absolute end
		c.Add(10 * time.Minute)
		next, err := a.Resume(t.Context(), token)
		if err != nil {
			break
		}
		token = next.Token
	}
	if _, err := a.Resume(t.Context(), token); err != nil {
		t.Errorf("within 12 h and in use: %v", err)
	}
	c.Add(10 * time.Minute)
	_, err = a.Resume(t.Context(), token)
	wantCode(t, "after 12 h", err, doc.Unauthorized)
}

func TestSessionRevocation(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		act  func(t *testing.T, a *Auth) error
	}{
		{"password changed", func(t *testing.T, a *Auth) error {
			return a.ChangePassword(t.Context(), "anna", goodPassword, goodPassword+"!", "192.0.2.9")
		}},
		{"sign out everywhere", func(t *testing.T, a *Auth) error { return a.SignOutEverywhere(t.Context(), "anna") }},
		{"other role", func(t *testing.T, a *Auth) error { return a.SetRole(t.Context(), "anna", Operator) }},
		{"removed", func(t *testing.T, a *Auth) error { return a.DeleteUser(t.Context(), "anna") }},
		{"removed and made again", func(t *testing.T, a *Auth) error {
			if err := a.DeleteUser(t.Context(), "anna"); err != nil {
				return err
			}
			_, err := a.CreateUser(t.Context(), "anna", goodPassword, Reader)
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, _, _ := setup(t)
			mustUser(t, a, "anna", Reader)
			mustUser(t, a, "bert", Reader)
			one, two, other := mustLogin(t, a, "anna"), mustLogin(t, a, "anna"), mustLogin(t, a, "bert")
			if err := tt.act(t, a); err != nil {
				t.Fatal(err)
			}
			for _, s := range []Session{one, two} {
				_, err := a.Resume(t.Context(), s.Token)
				wantCode(t, tt.name, err, doc.Unauthorized)
			}
			if _, err := a.Resume(t.Context(), other.Token); err != nil {
				t.Errorf("somebody else's session: %v", err)
			}
		})
	}
}

func TestLogoutEndsThatSessionOnly(t *testing.T) {
	t.Parallel()
	a, store, c := setup(t)
	mustUser(t, a, "anna", Reader)
	one, two := mustLogin(t, a, "anna"), mustLogin(t, a, "anna")
	c.Add(2 * time.Minute)
	renewed, err := a.Resume(t.Context(), one.Token)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time is harmless
		if err := a.Logout(t.Context(), one.Token); err != nil {
			t.Fatal(err)
		}
	}
	for _, token := range []string{one.Token, renewed.Token} {
		_, err := a.Resume(t.Context(), token)
		wantCode(t, "after logout", err, doc.Unauthorized)
	}
	if _, err := a.Resume(t.Context(), two.Token); err != nil {
		t.Errorf("the other session: %v", err)
	}
	if err := a.Logout(t.Context(), "nonsense"); err != nil {
		t.Errorf("logout of nothing: %v", err)
	}
	c.Add(13 * time.Hour)
	fresh := mustLogin(t, a, "anna")
	if err := a.Logout(t.Context(), fresh.Token); err != nil {
		t.Fatal(err)
	}
	if n := len(store.List(KindRevoked)); n != 1 {
		t.Errorf("%d revocations kept, want only the one that still matters", n)
	}
}

func TestForgedTokens(t *testing.T) {
	t.Parallel()
	a, _, _ := setup(t)
	mustUser(t, a, "anna", Reader)
	s := mustLogin(t, a, "anna")
	head, tail, _ := strings.Cut(s.Token, ".")
	body, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	edited := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(body), `"e":`, `"e":1`, 1)))
	for _, bad := range []string{"", ".", head, head + ".", "." + tail, edited + "." + tail, head + "." + tail[1:], strings.Repeat("A", 2000) + "." + tail} {
		_, err := a.Resume(t.Context(), bad)
		wantCode(t, "token "+bad[:min(20, len(bad))], err, doc.Unauthorized)
	}
	other, _, _ := setup(t) // another cluster, another key
	mustUser(t, other, "anna", Reader)
	mustLogin(t, other, "anna")
	_, err = other.Resume(t.Context(), s.Token)
	wantCode(t, "a token of another cluster", err, doc.Unauthorized)
}
