// Package auth says who is asking and what they may do: users with Argon2id
// passwords, API keys, signed sessions, a closed set of roles, and the one-time
// link that makes the first admin.
//
// It guarantees that no password, key or link is stored in a form that can be
// used, that guessing is slowed down, that many sign-ins at once cannot exhaust
// memory, and that a changed password or a removed user ends all sessions on
// every member. It never speaks HTTP and never logs a secret. Everything it
// keeps lives in the replicated control state behind Store.
package auth

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// Store is the replicated control state, as far as auth needs it.
type Store interface {
	// Get gives the value under kind and key as this member knows it, with the
	// version to expect when it is replaced.
	Get(kind, key string) (value []byte, version uint64, ok bool)
	// List gives all values of a kind by key.
	List(kind string) map[string][]byte
	// Put writes the value when its version is still expect (0: when there is
	// none yet); otherwise it fails with code doc.Conflict and changes nothing.
	Put(ctx context.Context, kind, key string, value []byte, expect uint64) error
	// Delete removes the value; removing what is not there is no error.
	Delete(ctx context.Context, kind, key string) error
}

// The kinds of values auth keeps in the control state.
const (
	KindUser    = "user"
	KindKey     = "api_key"
	KindSetting = "auth_setting"
	KindRevoked = "revoked_session"
)

// Config bounds sessions and the cost of passwords. The zero value of each
// field means its default.
type Config struct {
	Idle     time.Duration    // a session unused for this long ends; default 15 min
	Absolute time.Duration    // a session ends after this long; default 12 h
	SetupTTL time.Duration    // the first-start link works for this long; default 24 h
	Hashes   int              // passwords hashed at the same time; default 2
	Cost     Cost             // of new password hashes; default OWASP's minimum
	Clock    func() time.Time // default time.Now
	Rand     io.Reader        // default crypto/rand.Reader
}

func (c Config) withDefaults() Config {
	if c.Idle <= 0 {
		c.Idle = 15 * time.Minute
	}
	if c.Absolute <= 0 {
		c.Absolute = 12 * time.Hour
	}
	if c.SetupTTL <= 0 {
		c.SetupTTL = 24 * time.Hour
	}
	if c.Hashes <= 0 {
		c.Hashes = 2
	}
	if c.Cost == (Cost{}) {
		c.Cost = DefaultCost
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return c
}

// Auth answers who somebody is. It is safe for concurrent use.
type Auth struct {
	cfg      Config
	store    Store
	hasher   *hasher
	throttle *throttle

	admins sync.Mutex // held while an admin is demoted or removed, so that one is left

	mu       sync.Mutex // guards what follows
	lastTidy time.Time  // when expired revocations were last removed
}

// New makes an Auth over store. It does not touch the store yet.
func New(cfg Config, store Store) *Auth {
	cfg = cfg.withDefaults()
	return &Auth{
		cfg:      cfg,
		store:    store,
		hasher:   newHasher(cfg.Cost, cfg.Hashes, cfg.Rand),
		throttle: newThrottle(cfg.Clock),
	}
}

// Kind says by what a Principal proved who it is.
type Kind string

// The kinds of principals.
const (
	Anonymous  Kind = ""
	ByPassword Kind = "user" // a signed-in person, with a session
	ByKey      Kind = "key"  // a program, with an API key
)

// Principal is who is asking.
type Principal struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"` // of the user, or of the key
	ID   string `json:"id"`   // of the user (its name) or of the key
	Role Role   `json:"role"`
}

// String is the form in which a principal stands in records and logs:
// user:anna or key:4k2m… .
func (p Principal) String() string {
	if p.Kind == Anonymous {
		return "anonymous"
	}
	return string(p.Kind) + ":" + p.ID
}

// May says whether the principal's role has a permission. Public is for all,
// Known for all but the anonymous, Account for signed-in persons.
func (p Principal) May(perm Permission) bool {
	switch {
	case perm == Public:
		return true
	case p.Kind == Anonymous:
		return false
	case perm == Known:
		return true
	case perm == Account:
		return p.Kind == ByPassword
	}
	return p.Role.may(perm)
}

// random gives n random bytes.
func (a *Auth) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(a.cfg.Rand, b); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return b, nil
}

// load decodes the value under kind and key into v.
func (a *Auth) load(kind, key string, v any) (version uint64, ok bool, err error) {
	raw, version, ok := a.store.Get(kind, key)
	if !ok {
		return version, false, nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return version, false, fmt.Errorf("decode %s %q: %w", kind, key, err)
	}
	return version, true, nil
}

// save writes v under kind and key when the version is still expect.
func (a *Auth) save(ctx context.Context, kind, key string, v any, expect uint64) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", kind, err)
	}
	if err := a.store.Put(ctx, kind, key, raw, expect); err != nil {
		return fmt.Errorf("store %s %q: %w", kind, key, err)
	}
	return nil
}

var errSignIn = &doc.Error{Code: doc.Unauthorized, Message: "user name or password is wrong"}
