package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Session is a signed-in person's token and whose it is. The token carries
// everything; no member keeps a list of sessions.
type Session struct {
	Token     string
	Principal Principal
	Expires   time.Time // when the absolute lifetime ends
	Renewed   bool      // Token differs from the one presented: hand it out again
}

// claims is what a token says. Times are Unix seconds.
type claims struct {
	ID    string `json:"i"`
	User  string `json:"u"`
	Epoch uint64 `json:"e"`
	Start int64  `json:"s"` // signed in
	Seen  int64  `json:"l"` // last seen, to renewEvery
}

// renewEvery is how stale "last seen" may get before the token is made anew.
const renewEvery = time.Minute

const settingSessionKey = "session_key"

var errSession = &doc.Error{Code: doc.Unauthorized, Message: "the session has ended: sign in again"}

// Login checks a password and opens a session. addr is where the guess comes
// from. Errors: Unauthorized, *Throttled, Unavailable.
func (a *Auth) Login(ctx context.Context, name, password, addr string) (Session, error) {
	acc, err := a.check(ctx, name, password, addr)
	if err != nil {
		return Session{}, err
	}
	return a.open(ctx, acc)
}

// check proves a user by password, slowing down guesses. Users that do not
// exist cost as much time as those that do.
func (a *Auth) check(ctx context.Context, name, password, addr string) (account, error) {
	name = cleanName(name)
	if len(name) > 63 {
		name = name[:63]
	}
	if err := a.throttle.enter(name, addr); err != nil {
		return account{}, err
	}
	acc, version, err := a.account(name)
	phc := acc.Hash
	if err != nil {
		if doc.CodeOf(err) != doc.NotFound {
			return account{}, err
		}
		phc = a.hasher.dummy()
	}
	ok, stale, verr := a.hasher.verify(ctx, phc, password)
	if verr != nil {
		a.throttle.undo(name, addr)
		return account{}, verr
	}
	if !ok || err != nil {
		return account{}, errSignIn
	}
	a.throttle.forgive(name, addr)
	if stale {
		a.rehash(ctx, acc, version, password)
	}
	return acc, nil
}

// rehash stores the password at today's cost. Failing is harmless: the next
// sign-in tries again.
func (a *Auth) rehash(ctx context.Context, acc account, version uint64, password string) {
	if hash, err := a.hasher.hash(ctx, password); err == nil {
		acc.Hash = hash
		_ = a.save(ctx, KindUser, acc.Name, acc, version)
	}
}

// open signs a new session for acc.
func (a *Auth) open(ctx context.Context, acc account) (Session, error) {
	id, err := a.random(12)
	if err != nil {
		return Session{}, err
	}
	now := a.cfg.Clock().Unix()
	return a.sign(ctx, claims{
		ID: base64.RawURLEncoding.EncodeToString(id), User: acc.Name, Epoch: acc.Epoch, Start: now, Seen: now,
	}, acc.Role)
}

func (a *Auth) sign(ctx context.Context, c claims, role Role) (Session, error) {
	key, err := a.sessionKey(ctx)
	if err != nil {
		return Session{}, err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return Session{}, fmt.Errorf("encode session: %w", err)
	}
	b64 := base64.RawURLEncoding
	return Session{
		Token:     b64.EncodeToString(body) + "." + b64.EncodeToString(mac(key, body)),
		Principal: Principal{Kind: ByPassword, Name: c.User, ID: c.User, Role: role},
		Expires:   time.Unix(c.Start, 0).Add(a.cfg.Absolute),
		Renewed:   true,
	}, nil
}

func mac(key, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("recto session 1\n"))
	h.Write(body)
	return h.Sum(nil)
}

// Resume gives the session behind a token, or Unauthorized when the token is
// forged, ended, or of an earlier epoch of its user.
func (a *Auth) Resume(ctx context.Context, token string) (Session, error) {
	c, err := a.claims(token)
	if err != nil {
		return Session{}, err
	}
	now := a.cfg.Clock()
	start, seen := time.Unix(c.Start, 0), time.Unix(c.Seen, 0)
	if now.Sub(start) >= a.cfg.Absolute || now.Sub(seen) >= a.cfg.Idle {
		return Session{}, errSession
	}
	if _, _, revoked := a.store.Get(KindRevoked, c.ID); revoked {
		return Session{}, errSession
	}
	acc, _, err := a.account(c.User)
	if err != nil || acc.Epoch != c.Epoch {
		return Session{}, errSession
	}
	if now.Sub(seen) >= renewEvery {
		c.Seen = now.Unix()
		return a.sign(ctx, c, acc.Role)
	}
	return Session{
		Token: token, Expires: start.Add(a.cfg.Absolute),
		Principal: Principal{Kind: ByPassword, Name: acc.Name, ID: acc.Name, Role: acc.Role},
	}, nil
}

// claims checks the signature of a token and gives what it says.
func (a *Auth) claims(token string) (claims, error) {
	var c claims
	head, tail, ok := strings.Cut(token, ".")
	if !ok || len(token) > 1024 {
		return c, errSession
	}
	body, err1 := base64.RawURLEncoding.DecodeString(head)
	sum, err2 := base64.RawURLEncoding.DecodeString(tail)
	key, _, found := a.store.Get(KindSetting, settingSessionKey)
	if errors.Join(err1, err2) != nil || !found || !hmac.Equal(sum, mac(key, body)) {
		return c, errSession
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return c, errSession
	}
	return c, nil
}

// Logout ends the session behind a token on all members. A token that is not
// valid any more is no error.
func (a *Auth) Logout(ctx context.Context, token string) error {
	c, err := a.claims(token)
	if err != nil {
		return nil
	}
	ends := time.Unix(c.Start, 0).Add(a.cfg.Absolute)
	if !ends.After(a.cfg.Clock()) {
		return nil
	}
	a.tidyRevoked(ctx)
	err = a.save(ctx, KindRevoked, c.ID, ends.UTC(), 0)
	if doc.CodeOf(err) == doc.Conflict {
		return nil // already revoked
	}
	return err
}

// tidyRevoked removes revocations of sessions that have ended by themselves, at
// most once an hour.
func (a *Auth) tidyRevoked(ctx context.Context) {
	now := a.cfg.Clock()
	a.mu.Lock()
	due := now.Sub(a.lastTidy) >= time.Hour
	if due {
		a.lastTidy = now
	}
	a.mu.Unlock()
	if !due {
		return
	}
	for id, raw := range a.store.List(KindRevoked) {
		var ends time.Time
		if json.Unmarshal(raw, &ends) == nil && !ends.After(now) {
			_ = a.store.Delete(ctx, KindRevoked, id) // kept a while longer: harmless
		}
	}
}

// sessionKey gives the cluster's signing key and makes it the first time.
func (a *Auth) sessionKey(ctx context.Context) ([]byte, error) {
	key, _, ok := a.store.Get(KindSetting, settingSessionKey)
	if ok {
		return key, nil
	}
	key, err := a.random(32)
	if err != nil {
		return nil, err
	}
	err = a.store.Put(ctx, KindSetting, settingSessionKey, key, 0)
	if doc.CodeOf(err) == doc.Conflict { // another member was first
		if key, _, ok := a.store.Get(KindSetting, settingSessionKey); ok {
			return key, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("store session key: %w", err)
	}
	return key, nil
}
