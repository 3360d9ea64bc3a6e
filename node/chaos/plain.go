//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/node/chaos/history"
	"github.com/recto-edge/recto/node/chaos/paper"
	"github.com/recto-edge/recto/node/doc"
)

// serveEnv names the configuration of a NATS server that this program is to be.
const serveEnv = "RECTO_CHAOS_NATS"

// ServePlain turns the process into a NATS server when it was started as one, and
// says whether it was. A program that runs Plain calls it first of all.
func ServePlain() bool {
	conf := os.Getenv(serveEnv)
	if conf == "" {
		return false
	}
	opts, err := server.ProcessConfigFile(conf)
	if err != nil {
		fmt.Fprintln(os.Stderr, "nats:", err)
		return true
	}
	opts.NoSigs = true
	s, err := server.NewServer(opts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "nats:", err)
		return true
	}
	s.ConfigureLogger()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s.Start()
	<-ctx.Done()
	s.Shutdown()
	s.WaitForShutdown()
	return true
}

// Plain is JetStream as it comes: default settings, one stream with a replica on
// each member, a document a message, acknowledged when the server says so. It is
// what a fault run must find fault with.
type Plain struct {
	mu    sync.Mutex
	conns map[*Member]*nats.Conn
}

// NewPlain makes the system to compare with.
func NewPlain() *Plain { return &Plain{conns: map[*Member]*nats.Conn{}} }

const (
	natsPort, routePort = 4222, 6222
	plainStream         = "PAPERS"
	plainMembers        = 3 // and so replicas
)

// Name implements System.
func (*Plain) Name() string { return "jetstream" }

// Forget lets go of a cluster that ended.
func (p *Plain) Forget(c *Cluster) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range c.Members() {
		if nc := p.conns[m]; nc != nil {
			nc.Close()
		}
		delete(p.conns, m)
	}
}

// Command implements System.
func (*Plain) Command(c *Cluster, m *Member) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serveEnv+"="+m.Log+".conf")
	return cmd
}

func (p *Plain) configure(m *Member) error {
	var routes []string
	ip := m.Host.Addr().As4()
	for i := range plainMembers {
		routes = append(routes, fmt.Sprintf("nats://%d.%d.%d.%d:%d", ip[0], ip[1], ip[2], 11+i, routePort))
	}
	return save(m.Log+".conf", fmt.Appendf(nil, `
server_name: %q
listen: "%s:%d"
jetstream { store_dir: %q, max_mem: 64MB, max_file: 150MB }
cluster { name: plain, listen: "%s:%d", routes: [%s] }
`, m.Name, m.Host.Addr(), natsPort, m.Dir, m.Host.Addr(), routePort, strings.Join(routes, ", ")))
}

// Join implements System. The stream is made when the last member is there.
func (p *Plain) Join(ctx context.Context, c *Cluster, m *Member) error {
	if len(c.Members()) > plainMembers {
		return fmt.Errorf("plain JetStream runs with %d members", plainMembers)
	}
	if err := p.configure(m); err != nil {
		return err
	}
	if err := m.Start(p.Command(c, m)); err != nil {
		return err
	}
	nc, err := nats.Connect(fmt.Sprintf("nats://%s:%d", m.Host.Addr(), natsPort),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.Timeout(2*time.Second),
		nats.IgnoreDiscoveredServers(), nats.ReconnectBufSize(-1), nats.PingInterval(2*time.Second))
	if err != nil {
		return fmt.Errorf("connect to %s: %w", m.Name, err)
	}
	p.mu.Lock()
	p.conns[m] = nc
	p.mu.Unlock()
	if len(c.Members()) < plainMembers {
		return nil
	}
	for {
		js, err := p.js(m)
		if err == nil {
			make, cancel := context.WithTimeout(ctx, askTimeout)
			_, err = js.CreateStream(make, jetstream.StreamConfig{Name: plainStream, Subjects: []string{"papers.>"}, Replicas: plainMembers})
			cancel()
		}
		if err == nil {
			break
		}
		if !pause(ctx, 200*time.Millisecond) {
			return fmt.Errorf("create stream: %w", err)
		}
	}
	for _, x := range c.Members() {
		if err := c.awaitReady(ctx, x); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plain) js(m *Member) (jetstream.JetStream, error) {
	p.mu.Lock()
	nc := p.conns[m]
	p.mu.Unlock()
	if nc == nil {
		return nil, errors.New("no connection")
	}
	return jetstream.New(nc)
}

func (p *Plain) info(ctx context.Context, m *Member) (*jetstream.StreamInfo, error) {
	js, err := p.js(m)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	s, err := js.Stream(ctx, plainStream)
	if err != nil {
		return nil, err
	}
	return s.CachedInfo(), nil
}

// Ready implements System: the stream has a leader and this member is current, as
// far as the server says.
func (p *Plain) Ready(ctx context.Context, m *Member) error {
	i, err := p.info(ctx, m)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // gone: nothing to wait for, and Judge tells
	}
	if err != nil {
		return err
	}
	if i.Cluster == nil || i.Cluster.Leader == "" {
		return errors.New("the stream has no leader")
	}
	for _, r := range i.Cluster.Replicas {
		if r.Name == m.Name && !r.Current {
			return errors.New("the replica is behind")
		}
	}
	return nil
}

// Leader implements System.
func (p *Plain) Leader(ctx context.Context, c *Cluster) *Member {
	for _, m := range c.Members() {
		i, err := p.info(ctx, m)
		if err != nil || i.Cluster == nil {
			continue
		}
		for _, l := range c.Members() {
			if l.Name == i.Cluster.Leader {
				return l
			}
		}
	}
	return nil
}

// Deliver implements System.
func (p *Plain) Deliver(ctx context.Context, m *Member, d paper.Paper) Answer {
	js, err := p.js(m)
	if err == nil {
		_, err = js.Publish(ctx, "papers."+d.SHA256, d.Body)
	}
	if err != nil {
		return Answer{Err: err}
	}
	return Answer{Acked: true, ID: d.ID, SHA256: d.SHA256}
}

// Judge implements System: every acknowledged message must be there, with the
// bytes that were sent.
func (p *Plain) Judge(ctx context.Context, c *Cluster, h history.History, _ map[doc.ID]bool) []history.Violation {
	ctx, cancel := context.WithTimeout(ctx, c.patience())
	defer cancel()
	var out []history.Violation
	for {
		out = nil
		for id, s := range h.Documents() {
			if s.Acked == 0 {
				continue
			}
			if k, why := p.look(context.WithoutCancel(ctx), c, s); why != "" {
				out = append(out, history.Violation{Kind: k, ID: id, Name: s.Name, Text: why})
			}
			if ctx.Err() != nil && len(out) > 0 {
				break
			}
		}
		if len(out) == 0 || p.gone(ctx, c) || !pause(ctx, 2*time.Second) {
			return append(out, givenUp(c)...)
		}
	}
}

// givenUp names the members that never came back.
func givenUp(c *Cluster) []history.Violation {
	var out []history.Violation
	for _, m := range c.Members() {
		if why := m.GivenUp(); why != "" {
			out = append(out, history.Violation{Kind: history.Refused, Member: m.Name, Text: m.Name + " could not be asked: " + why})
		}
	}
	return out
}

// gone says that some member answers and knows nothing of the stream any more.
func (p *Plain) gone(ctx context.Context, c *Cluster) bool {
	for _, m := range c.Members() {
		if _, err := p.info(ctx, m); errors.Is(err, jetstream.ErrStreamNotFound) {
			return true
		}
	}
	return false
}

// look asks the members for a message until one gives it.
func (p *Plain) look(ctx context.Context, c *Cluster, s history.Sent) (history.Kind, string) {
	kind, why := history.Lost, "no member answers"
	for _, m := range c.Members() {
		js, err := p.js(m)
		if err != nil {
			continue
		}
		ask, cancel := context.WithTimeout(ctx, askTimeout)
		stream, err := js.Stream(ask, plainStream)
		var msg *jetstream.RawStreamMsg
		if err == nil {
			msg, err = stream.GetLastMsgForSubject(ask, "papers."+s.SHA256)
		}
		cancel()
		if err != nil {
			why = fmt.Sprintf("acknowledged at %s: %v", s.First.Format("15:04:05.000"), err)
			if errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
				return kind, why
			}
			continue
		}
		if got, err := digest(strings.NewReader(string(msg.Data))); err != nil || got != s.SHA256 {
			return history.Bytes, "other bytes came back"
		}
		return "", ""
	}
	return kind, why
}
