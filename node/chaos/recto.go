//go:build linux

package chaos

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/recto-edge/recto/node/chaos/paper"
	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
)

// Recto runs the built binary. It is a black box: the command line, the API, and
// files that are looked at where they lie.
type Recto struct {
	Bin     string        // the built binary
	Env     []string      // more environment for every member
	Trial   bool          // Bin was made by Build
	Workers int           // documents read at once by a member; 0: 1
	Delay   time.Duration // that reading takes longer; needs a binary made by Build

	mu      sync.Mutex
	bins    map[*Member]string // of members that run another build
	keys    map[*Cluster]string
	clients map[*Member]*client.Client
	waits   map[*Cluster]string
}

// NewRecto runs the binary bin.
func NewRecto(bin string) *Recto {
	return &Recto{Bin: bin, bins: map[*Member]string{}, keys: map[*Cluster]string{}, clients: map[*Member]*client.Client{}, waits: map[*Cluster]string{}}
}

// Name implements System.
func (r *Recto) Name() string { return "recto" }

// Use has m run another build from its next start on.
func (r *Recto) Use(m *Member, bin string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bins[m] = bin
}

// Forget lets go of what is known of a cluster that ended.
func (r *Recto) Forget(c *Cluster) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.keys, c)
	delete(r.waits, c)
	for _, m := range c.Members() {
		if x := r.clients[m]; x != nil {
			x.Close()
		}
		delete(r.clients, m)
		delete(r.bins, m)
	}
}

func (r *Recto) configFile(c *Cluster, m *Member) string {
	return filepath.Join(c.base, m.Name+".toml")
}

// configure writes the member's configuration. join and token are empty for the
// first member.
func (r *Recto) configure(c *Cluster, m *Member, join, token string) error {
	workers := max(1, r.Workers)
	text := fmt.Sprintf(`data = %q
listen = %q
plain_http = %t
workers = %d
drain_timeout = "5s"
[limits]
min_free = %d
[cluster]
listen = %q
name = %q
`, m.Dir, m.API, c.Net.Links(), workers, c.cfg.Size/16, m.Peer, m.Name)
	if join != "" {
		text += fmt.Sprintf("join = %q\ntoken = %q\n", join, token)
	}
	return save(r.configFile(c, m), []byte(text))
}

// Command implements System.
func (r *Recto) Command(c *Cluster, m *Member) *exec.Cmd {
	r.mu.Lock()
	bin := r.Bin
	if other := r.bins[m]; other != "" {
		bin = other
	}
	r.mu.Unlock()
	cmd := exec.Command(bin, "up", "--config", r.configFile(c, m))
	// The clock counts for nothing but with a binary made by Build.
	cmd.Env = append(os.Environ(), "HOME="+c.base, clockEnv+"="+clockFile(m), delayEnv+"="+r.Delay.String())
	cmd.Env = append(cmd.Env, r.Env...)
	return cmd
}

func clockFile(m *Member) string { return m.Log + ".clock" }

func setClock(m *Member, d time.Duration) error {
	f, err := os.OpenFile(clockFile(m), os.O_CREATE|os.O_WRONLY, 0o600) // written in place: processes have it mapped
	if err != nil {
		return fmt.Errorf("set clock: %w", err)
	}
	_, err = f.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(int64(d/time.Second))), 0)
	return errors.Join(err, f.Close())
}

// Skew implements Clocked.
func (r *Recto) Skew(m *Member, d time.Duration) error {
	if !r.Trial {
		return errors.New("this binary has the machine's clock")
	}
	return setClock(m, d)
}

// Join implements System.
func (r *Recto) Join(ctx context.Context, c *Cluster, m *Member) error {
	others := c.Others(m)
	join, token := "", ""
	if len(others) > 0 {
		t, err := r.token(ctx, others)
		if err != nil {
			return err
		}
		join, token = others[0].Peer, t
	}
	if err := errors.Join(r.configure(c, m, join, token), setClock(m, 0)); err != nil {
		return err
	}
	if err := m.Start(r.Command(c, m)); err != nil {
		return err
	}
	if err := c.awaitReady(ctx, m); err != nil {
		return err
	}
	if len(others) == 0 {
		return r.makeKey(ctx, c, m)
	}
	if err := r.remember(c, m); err != nil {
		return err
	}
	return r.await(ctx, c.Members(), "the new member is active and everything is copied", func(v doc.ClusterView) bool {
		active := 0
		for _, x := range v.Members {
			if x.State == doc.MemberActive && x.Up && x.Ready && x.Behind == "" {
				active++
			}
		}
		return active == len(others)+1 && len(v.Steps) == 0 && v.Log.Replicas == v.Log.Want && v.Log.Works
	})
}

func (r *Recto) token(ctx context.Context, members []*Member) (string, error) {
	var last error
	for ctx.Err() == nil {
		for _, m := range members {
			t, err := r.client(m).JoinToken(ctx, 10*time.Minute)
			if err == nil {
				return t.Token, nil
			}
			last = err
		}
		pause(ctx, 200*time.Millisecond)
	}
	return "", fmt.Errorf("make join token: %w", last)
}

// makeKey makes the API key that all senders use, by the way of a person at the
// first member.
func (r *Recto) makeKey(ctx context.Context, c *Cluster, m *Member) error {
	var local struct{ Key string }
	b, err := os.ReadFile(filepath.Join(m.Dir, "local.json"))
	if err == nil {
		err = json.Unmarshal(b, &local)
	}
	if err != nil {
		return fmt.Errorf("read local access: %w", err)
	}
	x, err := client.New("http://"+m.API, local.Key, client.TLS{})
	if err != nil {
		return err
	}
	defer x.Close()
	_, secret, err := x.CreateKey(ctx, "chaos", "admin", time.Time{})
	if err != nil {
		return fmt.Errorf("make API key: %w", err)
	}
	r.mu.Lock()
	r.keys[c] = secret
	r.mu.Unlock()
	return r.remember(c, m)
}

func (r *Recto) remember(c *Cluster, m *Member) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	x, err := client.New("http://"+m.API, r.keys[c], client.TLS{})
	r.clients[m] = x
	return err
}

func (r *Recto) client(m *Member) *client.Client {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.clients[m]
}

// patience of one question, whoever is asked.
const askTimeout = 3 * time.Second

// Ready implements System.
func (r *Recto) Ready(ctx context.Context, m *Member) error {
	x := r.client(m)
	if x == nil {
		var err error
		if x, err = client.New("http://"+m.API, "", client.TLS{}); err != nil {
			return err
		}
		defer x.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	missing, err := x.Ready(ctx)
	if err == nil && len(missing) > 0 {
		err = errors.New("missing: " + strings.Join(missing, ", "))
	}
	if err != nil || r.client(m) == nil {
		return err
	}
	// Ready is who takes documents. A run begins when all are whole as well.
	v, err := x.Cluster(ctx)
	for _, member := range v.Members {
		if member.ID == v.Self && member.Behind != "" {
			err = errors.New("behind: " + member.Behind)
		}
	}
	return err
}

// View asks the members, from the first, for the cluster as they see it.
func (r *Recto) View(ctx context.Context, c *Cluster) (doc.ClusterView, error) {
	return r.viewOf(ctx, c.Members())
}

func (r *Recto) viewOf(ctx context.Context, members []*Member) (doc.ClusterView, error) {
	last := errors.New("there is no member to ask")
	for _, m := range members {
		x := r.client(m)
		if x == nil || !m.Runs() {
			continue
		}
		ask, cancel := context.WithTimeout(ctx, askTimeout)
		v, err := x.Cluster(ask)
		cancel()
		if err == nil {
			return v, nil
		}
		last = err
	}
	return doc.ClusterView{}, last
}

func (r *Recto) await(ctx context.Context, members []*Member, what string, ok func(doc.ClusterView) bool) error {
	var v doc.ClusterView
	var last error
	for {
		if v, last = r.viewOf(ctx, members); last == nil && ok(v) {
			return nil
		}
		if !pause(ctx, 100*time.Millisecond) {
			seen, err := json.Marshal(v)
			return fmt.Errorf("waited in vain until %s: %w; last seen %s", what, errors.Join(last, err, context.Cause(ctx)), seen)
		}
	}
}

// Leader implements System.
func (r *Recto) Leader(ctx context.Context, c *Cluster) *Member {
	v, err := r.View(ctx, c)
	if err != nil {
		return nil
	}
	for _, x := range v.Members {
		for _, m := range c.Members() {
			if x.ID == v.Leader && x.Name == m.Name {
				return m
			}
		}
	}
	return nil
}

// Leave implements Membership.
func (r *Recto) Leave(ctx context.Context, c *Cluster, m *Member, dead bool) error {
	var err error
	for {
		for _, other := range c.Others(m) {
			ask, cancel := context.WithTimeout(ctx, 2*askTimeout)
			err = r.client(other).Remove(ask, m.Name, dead)
			cancel()
			if err == nil || doc.CodeOf(err) == doc.NotFound {
				return r.await(ctx, c.Others(m), m.Name+" has left", func(v doc.ClusterView) bool {
					for _, x := range v.Members {
						if x.Name == m.Name && x.State != doc.MemberRemoved {
							return false
						}
					}
					return len(v.Steps) == 0 && v.Log.Works
				})
			}
		}
		if !pause(ctx, 500*time.Millisecond) {
			return fmt.Errorf("remove %s: %w", m.Name, err)
		}
	}
}

// Leaving implements Membership.
func (r *Recto) Leaving(ctx context.Context, c *Cluster) []*Member {
	var out []*Member
	for _, m := range c.Members() {
		v, err := r.viewOf(ctx, c.Others(m))
		if err != nil {
			continue // Heal says what does not answer
		}
		for _, x := range v.Members {
			if x.Name == m.Name && (x.State == doc.MemberLeaving || x.State == doc.MemberRemoved) {
				out = append(out, m)
			}
		}
	}
	return out
}

// Renew implements Renewing: the index is a file that a node makes anew from the
// log when it is not there.
func (r *Recto) Renew(ctx context.Context, c *Cluster, m *Member) error {
	if err := m.Term(ctx); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(m.Dir, "cache.db")); err != nil {
		return err
	}
	if err := c.Restart(m); err != nil {
		return err
	}
	return c.awaitReady(ctx, m)
}

// Deliver implements System.
func (r *Recto) Deliver(ctx context.Context, m *Member, p paper.Paper) Answer {
	x := r.client(m)
	if x == nil {
		return Answer{Err: errors.New("the member has no address yet")}
	}
	receipt, err := x.Submit(ctx, p.Name, bytes.NewReader(p.Body), int64(len(p.Body)), client.SubmitOptions{})
	if err != nil {
		return Answer{Err: err}
	}
	return Answer{Acked: true, ID: receipt.ID, SHA256: receipt.SHA256}
}
