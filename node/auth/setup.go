package auth

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// invitation is the stored half of the first-start link.
type invitation struct {
	Hash    string    `json:"hash"` // SHA-256 of the token, hexadecimal; empty once used
	Expires time.Time `json:"expires"`
}

const settingSetup = "setup"

var errSetup = &doc.Error{
	Code:    doc.Forbidden,
	Message: "the setup link is wrong, used or too old: restart the node to get a new one",
}

// NeedsSetup says whether there is no user yet.
func (a *Auth) NeedsSetup() bool { return len(a.store.List(KindUser)) == 0 }

// Invite makes the token of the one-time link /setup?token=… and puts any
// earlier one out of use. It gives "" when there is a user already.
func (a *Auth) Invite(ctx context.Context) (token string, err error) {
	if !a.NeedsSetup() {
		return "", nil
	}
	raw, err := a.random(24)
	if err != nil {
		return "", err
	}
	token = base64.RawURLEncoding.EncodeToString(raw)
	_, version, _ := a.store.Get(KindSetting, settingSetup)
	inv := invitation{Hash: digest(token), Expires: a.cfg.Clock().UTC().Add(a.cfg.SetupTTL)}
	if err := a.save(ctx, KindSetting, settingSetup, inv, version); err != nil {
		return "", err
	}
	return token, nil
}

// Setup makes the first admin with the token of Invite and signs them in. A
// token works once; a refused name or password does not use it up.
// Errors: Forbidden, Invalid.
func (a *Auth) Setup(ctx context.Context, token, name, password string) (Session, error) {
	var inv invitation
	version, ok, err := a.load(KindSetting, settingSetup, &inv)
	if err != nil {
		return Session{}, err
	}
	if !ok || inv.Hash == "" || !a.NeedsSetup() || !inv.Expires.After(a.cfg.Clock()) ||
		subtle.ConstantTimeCompare([]byte(digest(token)), []byte(inv.Hash)) != 1 {
		return Session{}, errSetup
	}
	name = cleanName(name)
	if err := checkName(name); err != nil {
		return Session{}, err
	}
	if err := CheckPassword(name, password); err != nil {
		return Session{}, err
	}
	if err := a.save(ctx, KindSetting, settingSetup, invitation{}, version); err != nil {
		if doc.CodeOf(err) == doc.Conflict {
			return Session{}, errSetup // somebody else used it in this moment
		}
		return Session{}, err
	}
	if _, err := a.CreateUser(ctx, name, password, Admin); err != nil {
		return Session{}, err
	}
	acc, _, err := a.account(name)
	if err != nil {
		return Session{}, err
	}
	return a.open(ctx, acc)
}
