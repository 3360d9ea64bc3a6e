package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/recto-edge/recto/node/doc"
)

// Key is an API key, without the secret.
type Key struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Role      Role       `json:"role"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"` // nil: never
}

// storedKey is a key as stored. The secret is 256 random bits, so a plain hash
// is enough: there is nothing to guess.
type storedKey struct {
	Key
	Hash string `json:"hash"` // SHA-256 of the secret, hexadecimal
}

const keyPrefix = "rk_"

var keyEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

var errKey = &doc.Error{Code: doc.Unauthorized, Message: "the API key is unknown or has expired"}

// CreateKey makes an API key and gives its only copy as secret: rk_<id>_<secret>.
// A zero expires means never. Errors: Invalid.
func (a *Auth) CreateKey(ctx context.Context, by, name string, role Role, expires time.Time) (key Key, secret string, err error) {
	name = strings.TrimSpace(name)
	now := a.cfg.Clock().UTC()
	switch {
	case name == "" || len(name) > 100 || !utf8.ValidString(name):
		return Key{}, "", doc.Errorf(doc.Invalid, "name of the key: use 1 to 100 characters that say who will hold it")
	case !expires.IsZero() && !expires.After(now):
		return Key{}, "", doc.Errorf(doc.Invalid, "expiry of the key lies in the past")
	}
	if err := role.Validate(); err != nil {
		return Key{}, "", err
	}
	raw, err := a.random(8 + 32)
	if err != nil {
		return Key{}, "", err
	}
	id, part := keyEncoding.EncodeToString(raw[:8]), keyEncoding.EncodeToString(raw[8:])
	stored := storedKey{
		Key:  Key{ID: id, Name: name, Role: role, CreatedAt: now, CreatedBy: by},
		Hash: digest(part),
	}
	if !expires.IsZero() {
		utc := expires.UTC()
		stored.ExpiresAt = &utc
	}
	if err := a.save(ctx, KindKey, id, stored, 0); err != nil {
		return Key{}, "", err
	}
	return stored.Key, keyPrefix + id + "_" + part, nil
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// CheckKey gives the principal behind an API key, or Unauthorized.
func (a *Auth) CheckKey(secret string) (Principal, error) {
	rest, ok := strings.CutPrefix(secret, keyPrefix)
	id, part, ok2 := strings.Cut(rest, "_")
	if !ok || !ok2 || len(secret) > 128 {
		return Principal{}, errKey
	}
	var key storedKey
	_, found, err := a.load(KindKey, id, &key)
	if err != nil {
		return Principal{}, err
	}
	if !found || subtle.ConstantTimeCompare([]byte(digest(part)), []byte(key.Hash)) != 1 {
		return Principal{}, errKey
	}
	if key.ExpiresAt != nil && !key.ExpiresAt.After(a.cfg.Clock()) {
		return Principal{}, errKey
	}
	return Principal{Kind: ByKey, Name: key.Name, ID: key.ID, Role: key.Role}, nil
}

// ListKeys gives all API keys, oldest first.
func (a *Auth) ListKeys() ([]Key, error) {
	out := []Key{}
	for id := range a.store.List(KindKey) {
		var key storedKey
		_, ok, err := a.load(KindKey, id, &key)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, key.Key)
		}
	}
	slices.SortFunc(out, func(x, y Key) int {
		if c := x.CreatedAt.Compare(y.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
	return out, nil
}

// DeleteKey removes an API key; it stops working at once. NotFound when there
// is none.
func (a *Auth) DeleteKey(ctx context.Context, id string) error {
	if _, _, ok := a.store.Get(KindKey, id); !ok {
		return doc.Errorf(doc.NotFound, "there is no API key %q", id)
	}
	if err := a.store.Delete(ctx, KindKey, id); err != nil {
		return fmt.Errorf("delete API key: %w", err)
	}
	return nil
}
