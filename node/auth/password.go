package auth

import (
	"bufio"
	"bytes"
	"context"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/recto-edge/recto/node/doc"
)

// Cost is what one Argon2id hash costs.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Threads   uint8
}

// DefaultCost is OWASP's minimum for Argon2id: 19 MiB, two passes, one thread.
var DefaultCost = Cost{MemoryKiB: 19 * 1024, Passes: 2, Threads: 1}

const (
	minPassword = 10  // characters
	maxPassword = 256 // bytes; longer ones cost time and add nothing
	saltBytes   = 16
	hashBytes   = 32
)

//go:embed common_passwords.txt
var commonList []byte

var common = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for s := bufio.NewScanner(bytes.NewReader(commonList)); s.Scan(); {
		set[s.Text()] = true
	}
	return set
})

// CheckPassword says what is wrong with a new password, or gives nil. There are
// no rules about kinds of characters: length is what counts.
func CheckPassword(user, password string) error {
	p := norm.NFKC.String(password)
	switch lower := strings.ToLower(p); {
	case utf8.RuneCountInString(p) < minPassword:
		return doc.Errorf(doc.Invalid, "password is too short: use at least %d characters, a few words are fine", minPassword)
	case len(p) > maxPassword:
		return doc.Errorf(doc.Invalid, "password is too long: use at most %d bytes", maxPassword)
	case strings.Trim(lower, string([]rune(lower)[:1])) == "", common()[lower], user != "" && strings.Trim(lower, "0123456789!.") == user:
		return doc.Errorf(doc.Invalid, "password is one of the first that are tried: use another")
	}
	return nil
}

// hasher makes and checks PHC strings, a bounded number at a time, because each
// hash in the making holds Cost.MemoryKiB.
type hasher struct {
	cost  Cost
	slots chan struct{}
	rand  io.Reader
	dummy func() string // a hash of nothing, checked for users that do not exist
}

func newHasher(cost Cost, parallel int, rand io.Reader) *hasher {
	h := &hasher{cost: cost, slots: make(chan struct{}, parallel), rand: rand}
	h.dummy = sync.OnceValue(func() string {
		return h.encode(make([]byte, saltBytes), make([]byte, hashBytes))
	})
	return h
}

// acquire waits for a slot; the returned function gives it back.
func (h *hasher) acquire(ctx context.Context) (func(), error) {
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, &doc.Error{Code: doc.Unavailable, Message: "too many people sign in at once: try again", Err: context.Cause(ctx)}
	}
}

// hash makes the PHC string of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(h.rand, salt); err != nil {
		return "", fmt.Errorf("make salt: %w", err)
	}
	return h.encode(salt, derive(h.cost, password, salt)), nil
}

// verify says whether password belongs to phc, and whether phc should be made
// anew because the cost has changed since.
func (h *hasher) verify(ctx context.Context, phc, password string) (ok, stale bool, err error) {
	cost, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	release, err := h.acquire(ctx)
	if err != nil {
		return false, false, err
	}
	defer release()
	if len(password) > maxPassword {
		return false, false, nil
	}
	got := derive(cost, password, salt)
	return subtle.ConstantTimeCompare(got, want) == 1, cost != h.cost, nil
}

func derive(c Cost, password string, salt []byte) []byte {
	return argon2.IDKey([]byte(norm.NFKC.String(password)), salt, c.Passes, c.MemoryKiB, c.Threads, hashBytes)
}

func (h *hasher) encode(salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.cost.MemoryKiB, h.cost.Passes, h.cost.Threads, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

// parsePHC takes a PHC string apart. It bounds the cost, so that a damaged
// value cannot ask for all memory.
func parsePHC(s string) (c Cost, salt, sum []byte, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, fmt.Errorf("password hash is not argon2id version %d", argon2.Version)
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.MemoryKiB, &c.Passes, &c.Threads); err != nil {
		return c, nil, nil, fmt.Errorf("password hash parameters: %w", err)
	}
	if c.MemoryKiB == 0 || c.MemoryKiB > 1<<20 || c.Passes == 0 || c.Passes > 64 || c.Threads == 0 {
		return c, nil, nil, fmt.Errorf("password hash parameters are out of bounds")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, nil, nil, fmt.Errorf("password salt: %w", err)
	}
	if sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(sum) != hashBytes {
		return c, nil, nil, fmt.Errorf("password hash has the wrong form")
	}
	return c, salt, sum, nil
}
