package cluster

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// tokenForm begins a join token: "rct1.<SHA-256 of the authority>.<secret>".
	tokenForm = "rct1"
	// TokenLife is how long a join token holds when nothing is said.
	TokenLife = time.Hour
	// tokenKept is how long a token is remembered after its end, so that whoever
	// comes late is told so.
	tokenKept = 24 * time.Hour
)

// token is what the cluster keeps of a join token, by the hash of its secret.
type token struct {
	Expires time.Time `json:"expires"`
	Used    string    `json:"used,omitempty"` // by whom: name and node ID
}

// Token makes a join token that lets one machine in within ttl (0: TokenLife). It
// is shown once; the cluster keeps a hash. It pins the cluster's authority, so that
// whoever has it can tell this cluster from another.
func (c *Cluster) Token(ctx context.Context, ttl time.Duration) (secret string, expires time.Time, err error) {
	if c.peer == nil {
		return "", time.Time{}, errors.New("make join token: this member has no peer port")
	}
	if c.Level() < LevelClustered {
		return "", time.Time{}, fmt.Errorf("make join token: %w: %s", ErrLevel, finishFirst)
	}
	if ttl <= 0 {
		ttl = TokenLife
	}
	cert, err := c.creds.current()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("make join token: %w", err)
	}
	random, expires := strings.ToLower(rand.Text()), c.now().Add(ttl)
	cmd, err := putJSON(kindToken, fingerprint([]byte(random)), token{Expires: expires}, 0)
	if err != nil {
		return "", time.Time{}, err
	}
	if _, err := c.Propose(ctx, cmd); err != nil {
		return "", time.Time{}, fmt.Errorf("make join token: %w", err)
	}
	return tokenForm + "." + fingerprint(cert.Certificate[1]) + "." + random, expires, nil
}

// splitToken gives the parts of a join token.
func splitToken(text string) (pin, secret string, err error) {
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) != 3 || parts[0] != tokenForm || len(parts[1]) != 64 || parts[2] == "" {
		return "", "", &Refusal{Err: ErrToken, Reason: "this is not a whole join token", Remedy: "copy it again, or make a new one on a member: recto token create"}
	}
	return parts[1], parts[2], nil
}

const newToken = "make a new one on a member: recto token create"

// findToken gives the entry of a join token that may be used now.
func (c *Cluster) findToken(secret string) (Entry, token, error) {
	e, ok := c.Get(kindToken, fingerprint([]byte(secret)))
	if !ok {
		return e, token{}, &Refusal{Err: ErrToken, Reason: "the cluster does not know this join token", Remedy: newToken}
	}
	var t token
	if err := json.Unmarshal(e.Value, &t); err != nil {
		return e, t, fmt.Errorf("read join token: %w", err)
	}
	switch {
	case t.Used != "":
		return e, t, &Refusal{Err: ErrTokenUsed, Reason: "this join token was used by " + t.Used, Remedy: newToken}
	case !c.now().Before(t.Expires):
		return e, t, &Refusal{Err: ErrTokenExpired, Reason: "this join token ended on " + t.Expires.UTC().Format("2006-01-02 15:04 MST"), Remedy: newToken}
	}
	return e, t, nil
}

// sweepTokens removes tokens that ended long ago.
func (c *Cluster) sweepTokens() {
	for _, e := range c.List(kindToken) {
		var t token
		if err := json.Unmarshal(e.Value, &t); err == nil && c.now().Before(t.Expires.Add(tokenKept)) {
			continue
		}
		if _, err := c.Propose(c.life, Command{Op: OpDelete, Kind: kindToken, Key: e.Key, Expect: e.Version}); err != nil {
			c.log.Warn("remove an old join token", "error", err)
		}
	}
}
