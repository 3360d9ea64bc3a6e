package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recto-edge/recto/embedded/brokertest"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits until fn holds.
func eventually(t testing.TB, what string, fn func() bool) {
	t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !fn() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never: %s", what)
		}
	}
}

// quick are times for tests. Those of raft are the real ones: shorter ones do not
// hold on a machine that is busy with other things.
var quick = timing{
	settle: time.Second, propose: 8 * time.Second, pulse: 100 * time.Millisecond, busy: 2 * time.Second, upkeep: 50 * time.Millisecond,
}

// lab is some machines, the wires between them and the time they have.
type lab struct {
	t     *testing.T
	wires *wires
	boxes []*box

	mu  sync.Mutex
	now time.Duration // ahead of the real time
}

// box is one machine.
type box struct {
	*Cluster
	cfg Config
	lab *lab
	off atomic.Int64 // nanoseconds, of its clock
}

func newLab(t *testing.T) *lab {
	l := &lab{t: t, wires: newWires()}
	t.Cleanup(func() {
		for _, b := range l.boxes {
			b.stop()
		}
	})
	return l
}

func (l *lab) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Add(l.now)
}

func (l *lab) advance(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now += d
}

// box gives a new machine with an empty folder.
func (l *lab) box(name string) *box {
	l.t.Helper()
	b := &box{lab: l}
	b.cfg = Config{
		Dir: filepath.Join(l.t.TempDir(), "control"), Name: name, NodeID: "n" + name, Listen: "127.0.0.1:0", Route: brokertest.FreeAddress(l.t),
		API: "http://0.0.0.0:8420", Version: "2.0", Levels: [2]int{1, 2}, Skills: []string{"ocr"}, Workers: 2, timing: quick,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return l.wires.dial(ctx, name, addr)
		},
		Clock: func() time.Time { return l.clock().Add(time.Duration(b.off.Load())) },
	}
	if os.Getenv("RECTO_TEST_LOG") != "" {
		b.cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("box", name)
	}
	l.boxes = append(l.boxes, b)
	return b
}

func (b *box) start() *box {
	b.lab.t.Helper()
	if err := b.tryStart(); err != nil {
		b.lab.t.Fatalf("start %s: %v", b.cfg.Name, err)
	}
	return b
}

func (b *box) tryStart() error {
	c, err := Open(within(b.lab.t), b.cfg)
	if err != nil {
		return err
	}
	b.Cluster = c
	b.lab.wires.plug(b.cfg.Name, c.Peer())
	return nil
}

func (b *box) stop() {
	if b.Cluster == nil {
		return
	}
	if err := b.Close(); err != nil {
		b.lab.t.Errorf("stop %s: %v", b.cfg.Name, err)
	}
	b.Cluster = nil
}

func (b *box) restart() *box {
	b.lab.t.Helper()
	b.stop()
	return b.start()
}

// token makes a join token.
func (b *box) token() string {
	b.lab.t.Helper()
	token, _, err := b.Token(within(b.lab.t), 0)
	if err != nil {
		b.lab.t.Fatal(err)
	}
	return token
}

// in joins through another box and starts, still without a vote.
func (b *box) in(by *box) *box {
	b.lab.t.Helper()
	if _, err := Join(within(b.lab.t), b.cfg, by.Peer(), by.token()); err != nil {
		b.lab.t.Fatalf("%s joins: %v", b.cfg.Name, err)
	}
	return b.start()
}

// join does what the reconciler does: the box gets the log, then a vote.
func (b *box) join(by *box) *box {
	b.lab.t.Helper()
	b.in(by)
	b.promote()
	return b
}

func (b *box) promote() {
	t := b.lab.t
	t.Helper()
	eventually(t, b.cfg.Name+" is added", func() bool { return b.lab.leader().AddNonvoter(within(t), b.NodeID()) == nil })
	eventually(t, b.cfg.Name+" has the log", func() bool {
		m, ok := b.Member(b.NodeID())
		return ok && m.State == Joining && b.introduced() && len(b.List(kindMember)) > 0
	})
	eventually(t, b.cfg.Name+" has a vote", func() bool { return b.lab.leader().AddVoter(within(t), b.NodeID()) == nil })
	b.lab.setState(b, Active)
}

func (l *lab) setState(b *box, s MemberState) {
	l.t.Helper()
	err := l.leader().Update(within(l.t), b.cfg.NodeID, func(m *Member) error { m.State = s; return nil })
	if err != nil {
		l.t.Fatal(err)
	}
}

// leave does what the reconciler does for a box that goes.
func (l *lab) leave(b *box) {
	l.t.Helper()
	l.setState(b, Leaving)
	if b.Cluster != nil && b.Leads() {
		if err := b.HandOver(within(l.t)); err != nil {
			l.t.Fatal(err)
		}
	}
	eventually(l.t, b.cfg.Name+" is out", func() bool {
		return l.leaderBut(b).RemoveServer(within(l.t), b.cfg.NodeID) == nil
	})
	eventually(l.t, b.cfg.Name+" is removed", func() bool {
		return l.leaderBut(b).Update(within(l.t), b.cfg.NodeID, func(m *Member) error { m.State = Removed; return nil }) == nil
	})
}

func (l *lab) up() []*box {
	return slices.DeleteFunc(slices.Clone(l.boxes), func(b *box) bool { return b.Cluster == nil })
}

// leader waits for the one that leads. One that was cut off may think so, too, for
// a while: so it is the one with the highest term.
func (l *lab) leader() *box { l.t.Helper(); return l.leaderBut(nil) }

func (l *lab) leaderBut(not *box) (lead *box) {
	l.t.Helper()
	eventually(l.t, "somebody leads", func() bool {
		lead = nil
		for _, b := range l.up() {
			if b != not && b.Leads() && (lead == nil || b.Status().Term > lead.Status().Term) {
				lead = b
			}
		}
		return lead != nil
	})
	return lead
}

// cluster makes a cluster of n boxes, a, b, c …
func (l *lab) cluster(n int) []*box {
	l.t.Helper()
	first := l.box("a").start()
	for i := 1; i < n; i++ {
		l.box(string(rune('a' + i))).join(first)
	}
	for _, b := range l.boxes {
		eventually(l.t, b.cfg.Name+" knows all", func() bool {
			active := 0
			for _, m := range b.Members() {
				if m.State == Active {
					active++
				}
			}
			return active == n
		})
	}
	return l.boxes
}

func (b *box) put(kind, key, value string, expect uint64) (Result, error) {
	return b.Propose(within(b.lab.t), Command{Op: OpPut, Kind: kind, Key: key, Value: []byte(value), Expect: expect})
}

func (b *box) mustPut(key, value string) uint64 {
	b.lab.t.Helper()
	r, err := b.put("k", key, value, AnyVersion)
	if err != nil {
		b.lab.t.Fatalf("put on %s: %v", b.cfg.Name, err)
	}
	return r.Version
}

func (b *box) value(key string) string {
	e, _ := b.Get("k", key)
	return string(e.Value)
}

// wires are the network between boxes.
type wires struct {
	mu    sync.Mutex
	at    map[string]string // address → box
	cut   map[[2]string]bool
	stall map[[2]string]bool
	heal  chan struct{} // closed when something heals
	open  map[*wire]bool
	spoil func(from, to string, c net.Conn) net.Conn // of the next connections
}

func newWires() *wires {
	return &wires{at: map[string]string{}, cut: map[[2]string]bool{}, stall: map[[2]string]bool{}, heal: make(chan struct{}), open: map[*wire]bool{}}
}

func (w *wires) plug(name, addr string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at[addr] = name
}

func (w *wires) dial(ctx context.Context, from, addr string) (net.Conn, error) {
	w.mu.Lock()
	to, spoil := w.at[addr], w.spoil
	link := [2]string{from, to}
	cut := w.cut[link]
	w.mu.Unlock()
	if cut {
		return nil, fmt.Errorf("dial %s: the wire from %s to %s is cut", addr, from, to)
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if spoil != nil {
		c = spoil(from, to, c)
	}
	one := &wire{Conn: c, in: w, from: from, to: addr, closed: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[one] = true
	return one, nil
}

// part cuts (or lets hang) all wires between two sides.
func (w *wires) part(hang bool, side ...*box) {
	w.mu.Lock()
	var broken []*wire
	here := func(name string) bool {
		return slices.ContainsFunc(side, func(b *box) bool { return b.cfg.Name == name })
	}
	names := map[string]bool{}
	for _, n := range w.at {
		names[n] = true
	}
	for a := range names {
		for b := range names {
			if here(a) != here(b) {
				if hang {
					w.stall[[2]string{a, b}] = true
				} else {
					w.cut[[2]string{a, b}] = true
				}
			}
		}
	}
	for c := range w.open {
		if w.cut[c.link()] {
			broken = append(broken, c)
		}
	}
	w.mu.Unlock()
	for _, c := range broken {
		c.Close()
	}
}

func (w *wires) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.cut)
	clear(w.stall)
	close(w.heal)
	w.heal = make(chan struct{})
}

// wire is one connection.
type wire struct {
	net.Conn
	in     *wires
	from   string // box
	to     string // address: whose it is may come out later
	once   sync.Once
	closed chan struct{}

	mu          sync.Mutex
	read, write time.Time // deadlines
}

func (c *wire) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *wire) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.read = t
	c.mu.Unlock()
	return c.Conn.SetReadDeadline(t)
}

func (c *wire) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	c.write = t
	c.mu.Unlock()
	return c.Conn.SetWriteDeadline(t)
}

// link says between which boxes it is. The wires are locked.
func (c *wire) link() [2]string { return [2]string{c.from, c.in.at[c.to]} }

// wait waits while the link hangs, as long as the deadline at that time allows.
func (c *wire) wait(deadline *time.Time) error {
	for {
		c.in.mu.Lock()
		stalled, heal := c.in.stall[c.link()], c.in.heal
		c.in.mu.Unlock()
		if !stalled {
			return nil
		}
		c.mu.Lock()
		until := *deadline
		c.mu.Unlock()
		var late <-chan time.Time
		if !until.IsZero() {
			late = time.After(time.Until(until))
		}
		select {
		case <-heal:
		case <-late:
			return os.ErrDeadlineExceeded
		case <-c.closed:
			return net.ErrClosed
		}
	}
}

func (c *wire) Write(b []byte) (int, error) {
	if err := c.wait(&c.write); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *wire) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if werr := c.wait(&c.read); werr != nil {
		return 0, werr
	}
	return n, err
}

func (c *wire) Close() error {
	c.once.Do(func() { close(c.closed) })
	c.in.mu.Lock()
	delete(c.in.open, c)
	c.in.mu.Unlock()
	return c.Conn.Close()
}

// refused makes sure that err is the refusal want and tells a person what to do.
func refused(t *testing.T, what string, err, want error) {
	t.Helper()
	var r *Refusal
	if !errors.As(err, &r) || !errors.Is(err, want) {
		t.Fatalf("%s: got %v, want %v", what, err, want)
	}
	if len(r.Reason) < 20 || len(r.Remedy) < 10 || strings.Contains(r.Reason+r.Remedy, "%!") {
		t.Errorf("%s: says too little: %v", what, r)
	}
	t.Logf("%-28s %v", what, r)
}

func idMust(t *testing.T, cert *x509.Certificate) string {
	t.Helper()
	id, err := idOf(cert)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
