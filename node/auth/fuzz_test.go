package auth

import (
	"testing"

	"github.com/recto-edge/recto/node/auth/authtest"
	"github.com/recto-edge/recto/node/doc"
)

// Whatever is sent as a token, key or stored hash: no panic, and nobody gets in.
func FuzzCredentials(f *testing.F) {
	a := New(Config{Cost: Cost{MemoryKiB: 64, Passes: 1, Threads: 1}}, authtest.New())
	if _, err := a.CreateUser(f.Context(), "anna", goodPassword, Reader); err != nil {
		f.Fatal(err)
	}
	s, err := a.Login(f.Context(), "anna", goodPassword, "")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", ".", s.Token[1:], "rk_a_b", "rk_" + s.Token, "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == s.Token {
			return
		}
		if _, err := a.Resume(t.Context(), text); doc.CodeOf(err) != doc.Unauthorized {
			t.Errorf("token %q: %v", text, err)
		}
		if _, err := a.CheckKey(text); doc.CodeOf(err) != doc.Unauthorized {
			t.Errorf("key %q: %v", text, err)
		}
		if c, _, _, err := parsePHC(text); err == nil && (c.MemoryKiB > 1<<20 || c.Passes > 64) {
			t.Errorf("hash %q is taken with cost %+v", text, c)
		}
		if cleanName(text) != cleanName(cleanName(text)) {
			t.Errorf("name %q is cleaned twice", text)
		}
	})
}
