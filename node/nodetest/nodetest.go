// Package nodetest starts one or more real nodes in the process of a test: each
// with a data folder, ports and a client of its own, all on loopback. It guarantees
// that whatever it started has ended when the test has.
package nodetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/node"
	"github.com/recto-edge/recto/node/client"
	"github.com/recto-edge/recto/node/doc"
)

// Patience bounds every wait for an event.
const Patience = 90 * time.Second

// Site is a cluster of nodes in one process.
type Site struct {
	t       *testing.T
	dir     string
	logs    *lockedBuffer
	version string
	change  func(*node.Config)

	mu      sync.Mutex // whoever delivers documents asks for Running meanwhile
	Members []*Member
}

// Member is one node of a Site. Its client stays usable, and answers with errors,
// while the node is stopped.
type Member struct {
	*client.Client
	Name, Data string
	site       *Site
	joining    [2]string  // address and token of the first start; empty: none
	peer       string     // where the others find it: as on a real box, the same after a restart
	node       *node.Node // nil while it does not run; guarded by the site
}

// New makes a site without members. change adapts each member's configuration; nil
// leaves it as it is.
func New(t *testing.T, change func(*node.Config)) *Site {
	t.Helper()
	dir, err := os.MkdirTemp("", "recto-site-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Site{t: t, dir: dir, logs: &lockedBuffer{}, version: "test", change: change}
	t.Cleanup(func() {
		for _, m := range s.Members {
			m.Stop()
		}
		if t.Failed() {
			t.Logf("end of the members' logs:\n%s", s.logs.tail(12000))
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Start makes a site of n members that all work.
func Start(t *testing.T, n int) *Site {
	t.Helper()
	s := New(t, nil)
	for range n {
		s.Add()
	}
	s.Settle()
	return s
}

// Add starts another member: the first one on its own, the others by a token.
func (s *Site) Add() *Member {
	s.t.Helper()
	// An address of its own: no connection takes its port while the member is stopped.
	i := len(s.Members) + 1
	m := &Member{Name: fmt.Sprintf("box%d", i), peer: fmt.Sprintf("127.0.8.%d:0", i), site: s}
	m.Data = filepath.Join(s.dir, m.Name)
	if up := s.Running(); len(up) > 0 {
		token, err := up[0].JoinToken(s.t.Context(), time.Hour)
		if err != nil {
			s.t.Fatal(err)
		}
		v, err := up[0].Cluster(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		m.joining = [2]string{self(v).Peer, token.Token}
	}
	s.mu.Lock()
	s.Members = append(s.Members, m)
	s.mu.Unlock()
	m.Start()
	return m
}

// Running gives the members that run.
func (s *Site) Running() []*Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*Member
	for _, m := range s.Members {
		if m.node != nil {
			out = append(out, m)
		}
	}
	return out
}

// StartAll starts members in the same moment and waits for all of them: after a power
// cut none can be ready without others.
func (s *Site) StartAll(members ...*Member) {
	s.t.Helper()
	errs := make([]error, len(members))
	var wg sync.WaitGroup
	for i, m := range members {
		wg.Go(func() { errs[i] = m.TryStart(s.t.Context()) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			s.t.Fatalf("start %s with the others: %v", members[i].Name, err)
		}
	}
}

// Recover makes a stopped member a cluster of its own, as recto recover does, and
// gives what it said would be lost.
func (m *Member) Recover() node.RecoverPlan {
	m.site.t.Helper()
	var plan node.RecoverPlan
	if err := node.Recover(m.site.t.Context(), m.config(), func(p node.RecoverPlan) bool { plan = p; return true }); err != nil {
		m.site.t.Fatalf("recover %s: %v", m.Name, err)
	}
	return plan
}

// Start starts the member, as its program would be started, and waits until it is
// ready or cannot be without the others.
func (m *Member) Start() {
	m.site.t.Helper()
	if err := m.TryStart(m.site.t.Context()); err != nil {
		m.site.t.Fatalf("start %s: %v", m.Name, err)
	}
}

func (m *Member) config() node.Config {
	cfg := node.Default()
	cfg.Data, cfg.Listen = m.Data, "127.0.0.1:0"
	cfg.Cluster.Listen, cfg.Cluster.Name = m.peer, m.Name
	cfg.Cluster.Join, cfg.Cluster.Token = m.joining[0], m.joining[1]
	cfg.Limits.MinFree = 1 << 20
	if m.site.change != nil {
		m.site.change(&cfg)
	}
	return cfg
}

// TryStart starts the member and gives the error that kept it from being ready.
func (m *Member) TryStart(ctx context.Context) error {
	cfg := m.config()
	log := slog.New(unasked{slog.NewTextHandler(m.site.logs, nil)}).With("box", m.Name)
	n, err := node.New(cfg, node.Build{Version: m.site.version}, log)
	if err != nil {
		return err
	}
	if err := n.Start(ctx, io.Discard); err != nil {
		return errors.Join(err, n.Stop(context.WithoutCancel(ctx)))
	}
	access, err := node.LocalAccess(m.Data)
	if err != nil {
		return errors.Join(err, n.Stop(context.WithoutCancel(ctx)))
	}
	c, err := client.New(access.URL, access.Key, client.TLS{})
	if err != nil {
		return errors.Join(err, n.Stop(context.WithoutCancel(ctx)))
	}
	v, err := c.Cluster(ctx)
	if err != nil {
		return errors.Join(err, n.Stop(context.WithoutCancel(ctx)))
	}
	m.site.mu.Lock()
	defer m.site.mu.Unlock()
	m.node, m.Client, m.peer = n, c, self(v).Peer
	return nil
}

func self(v doc.ClusterView) doc.Member {
	return v.Members[slices.IndexFunc(v.Members, func(x doc.Member) bool { return x.ID == v.Self })]
}

// Stop stops the member, which keeps its data. It may be called again.
func (m *Member) Stop() {
	m.site.mu.Lock()
	n := m.node
	m.node = nil
	m.site.mu.Unlock()
	if n == nil {
		return
	}
	m.Client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		m.site.t.Errorf("stop %s: %v", m.Name, err)
	}
}

// Until waits until ok says yes.
func (s *Site) Until(what string, ok func(ctx context.Context) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), Patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok(ctx) {
		select {
		case <-ctx.Done():
			s.t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

// Settle waits until every running member is active and the reconciler has come
// to its goal.
func (s *Site) Settle() {
	s.t.Helper()
	want := len(s.Running())
	var last []string
	defer func() {
		if s.t.Failed() {
			s.t.Logf("at the end: %q", last)
		}
	}()
	s.Until(fmt.Sprintf("%d members are at their goal", want), func(ctx context.Context) bool {
		for _, m := range s.Running() {
			v, err := m.Cluster(ctx)
			if err == nil {
				last = []string{v.Goal, fmt.Sprint(v.Steps), fmt.Sprint(v.Log), fmt.Sprint(v.Copies)}
			}
			if err != nil || len(v.Steps) > 0 || v.Goal == "" {
				return false
			}
			active := 0
			for _, x := range v.Members {
				if x.State == doc.MemberActive && x.Up {
					active++
				}
			}
			if active != want || v.Log.Replicas != v.Log.Want {
				return false
			}
		}
		return true
	})
}

// unasked drops the lines about requests, which the tests themselves make.
type unasked struct{ slog.Handler }

// Handle implements slog.Handler.
func (h unasked) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "request" {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h unasked) WithAttrs(a []slog.Attr) slog.Handler { return unasked{h.Handler.WithAttrs(a)} }

// lockedBuffer keeps what members log.
type lockedBuffer struct {
	mu sync.Mutex
	b  []byte
}

// Write implements io.Writer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	return len(p), nil
}

func (l *lockedBuffer) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b[max(0, len(l.b)-n):])
}
