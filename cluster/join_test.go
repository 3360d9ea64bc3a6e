package cluster

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recto-edge/recto/embedded/brokertest"
)

// untouched makes sure that a refusal has changed nothing, there or here.
func untouched(t *testing.T, lead, b *box, fn func() error) error {
	t.Helper()
	look := func() string {
		var out strings.Builder
		for _, e := range append(lead.List(kindMember), lead.List(kindToken)...) {
			out.WriteString(e.Key + string(e.Value))
		}
		for _, s := range lead.Servers() {
			out.WriteString(s.ID)
		}
		return out.String()
	}
	var files []string
	walk := func() []string {
		files = nil
		_ = filepath.WalkDir(b.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, path)
			}
			return nil
		})
		return files
	}
	before, had := look(), len(walk())
	err := fn()
	if after := look(); after != before {
		t.Errorf("the cluster changed:\n%s\n%s", before, after)
	}
	if got := walk(); len(got) != had {
		t.Errorf("the folder has now %v", got)
	}
	return err
}

func TestJoinRefusals(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(2)
	a, b := boxes[0], boxes[1]
	other := newLab(t).box("other").start()
	cut := func(token string) (pin, secret string) {
		i := strings.LastIndex(token, ".")
		return token[:i], token[i:]
	}

	ended := a.token()
	l.advance(2 * time.Hour)
	other.lab.advance(2 * time.Hour)
	used := a.token()
	l.box("c").joinWith(a, used)
	good := a.token()
	pin, _ := cut(other.token())
	_, secret := cut(good)

	for _, test := range []struct {
		name  string
		want  error
		addr  string
		token string
		set   func(b *box)
	}{
		{name: "not a token", want: ErrToken, token: "rct1.abc"},
		{name: "wrong secret", want: ErrToken, token: good + "x"},
		{name: "used", want: ErrTokenUsed, token: used},
		{name: "expired", want: ErrTokenExpired, token: ended},
		{name: "server of another cluster", want: ErrOtherCluster, addr: other.Peer()},
		{name: "token of another cluster", want: ErrOtherCluster, token: other.token()},
		{name: "forged pin", want: ErrToken, addr: other.Peer(), token: pin + secret},
		{name: "clock ahead", want: ErrClock, set: func(b *box) { b.off.Store(int64(45 * time.Second)) }},
		{name: "clock behind", want: ErrClock, set: func(b *box) { b.off.Store(int64(-10 * time.Minute)) }},
		{name: "clock years off", want: ErrClock, set: func(b *box) { b.off.Store(int64(-60 * 365 * 24 * time.Hour)) }},
		{name: "too old", want: ErrLevel, set: func(b *box) { b.cfg.Levels = [2]int{1, 1} }},
		{name: "too new", want: ErrLevel, set: func(b *box) { b.cfg.Levels = [2]int{3, 4} }},
		{name: "peer address", want: ErrUnreachable, set: func(b *box) { b.cfg.Advertise = brokertest.FreeAddress(t) }},
		{name: "somebody else's address", want: ErrUnreachable, set: func(b *box) { b.cfg.Advertise = a.Peer() }},
		{name: "only one cannot reach it", want: ErrUnreachable, set: func(d *box) {
			d.cfg.Listen = brokertest.FreeAddress(t)
			l.wires.plug("d", d.cfg.Listen)
			l.wires.cut[[2]string{"b", "d"}] = true
		}},
		{name: "cannot reach one", want: ErrUnreachable, set: func(d *box) { l.wires.cut[[2]string{"d", "b"}] = true }},
		{name: "nobody there", want: ErrUnreachable, addr: brokertest.FreeAddress(t)},
		{name: "clock in tolerance, through b", want: nil, addr: b.Peer(), set: func(b *box) { b.off.Store(int64(25 * time.Second)) }},
	} {
		d := l.box("d")
		if test.set != nil {
			test.set(d)
		}
		addr, token := a.Peer(), good
		if test.addr != "" {
			addr = test.addr
		}
		if test.token != "" {
			token = test.token
		}
		if test.want == nil {
			if _, err := Join(within(t), d.cfg, addr, token); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		err := untouched(t, a, d, func() error { _, err := Join(within(t), d.cfg, addr, token); return err })
		refused(t, test.name, err, test.want)
		l.wires.mend()
	}
}

func (b *box) joinWith(by *box, token string) {
	b.lab.t.Helper()
	if _, err := Join(within(b.lab.t), b.cfg, by.Peer(), token); err != nil {
		b.lab.t.Fatal(err)
	}
	b.start()
	b.promote()
}

// A route port that the others cannot reach is refused as the peer port is.
func TestJoinTriesTheRoutePort(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a, b := l.box("a").start(), l.box("b")
	_, port, _ := net.SplitHostPort(b.cfg.Route)
	b.cfg.Route = net.JoinHostPort("127.0.0.2", port) // answered on 127.0.0.1 alone
	token := a.token()
	err := untouched(t, a, b, func() error { _, err := Join(within(t), b.cfg, a.Peer(), token); return err })
	refused(t, "route port", err, ErrUnreachable)
	taken, err := net.Listen("tcp", b.cfg.Route)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	b.cfg.Route = taken.Addr().String()
	b.cfg.Listen = "127.0.0.2:0"
	if _, err := Join(within(t), b.cfg, a.Peer(), a.token()); err == nil {
		t.Fatal("joined without a port for its routes")
	}
}

func TestJoinFolders(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(3)
	a, b := boxes[0], boxes[1]

	// A unit file that keeps its --join does no harm.
	b.stop()
	joined, err := Join(within(t), b.cfg, a.Peer(), a.token())
	refused(t, "member already", err, ErrMember)
	if joined.ClusterID != a.ClusterID() {
		t.Fatalf("got %+v", joined)
	}
	other := newLab(t).box("x").start()
	_, err = Join(within(t), b.cfg, other.Peer(), other.token())
	refused(t, "member of another", err, ErrOtherCluster)
	b.start()

	// One that worked alone has data of its own.
	lone := l.box("lone").start()
	own := lone.token()
	lone.stop()
	_, err = Join(within(t), lone.cfg, a.Peer(), a.token())
	refused(t, "worked alone", err, ErrNotEmpty)
	_, err = Join(within(t), lone.cfg, a.Peer(), own)
	refused(t, "its own token", err, ErrNotEmpty)

	// A copy of a machine has its node ID, but not its key.
	twin := l.box("twin")
	twin.cfg.NodeID = "nb"
	_, err = Join(within(t), twin.cfg, a.Peer(), a.token())
	refused(t, "same node ID", err, ErrMember)

	// One that was removed is kept out, and told why.
	l.leave(b)
	<-b.Removed()
	if s := b.Status(); !strings.Contains(s.Removed, "was removed from the cluster") {
		t.Fatalf("status %+v", s)
	}
	if _, err := b.put("k", "x", "y", 0); !errors.Is(err, ErrRemoved) {
		t.Fatalf("got %v", err)
	}
	b.stop()
	refused(t, "removed, started", b.tryStart(), ErrRemoved)
	_, err = Join(within(t), b.cfg, a.Peer(), a.token())
	refused(t, "removed, joins", err, ErrRemoved)
	again := l.box("again")
	again.cfg.NodeID = "nb"
	_, err = Join(within(t), again.cfg, a.Peer(), a.token())
	refused(t, "removed node ID", err, ErrRemoved)
	again.cfg.NodeID, again.cfg.Name = "nb2", "b"
	again.join(a) // the same name, new in every other way
}

func TestJoinOneByOne(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a := l.box("a").start()
	b, c := l.box("b"), l.box("c")
	if _, err := Join(within(t), b.cfg, a.Peer(), a.token()); err != nil {
		t.Fatal(err)
	}
	token := a.token()
	err := untouched(t, a, c, func() error { _, err := Join(within(t), c.cfg, a.Peer(), token); return err })
	refused(t, "another joins", err, ErrJoinBusy)
	// Two at once: the second waits for the first.
	b.start()
	done := make(chan error, 1)
	waits := c.cfg
	go func() { _, err := Join(within(t), waits, a.Peer(), token); done <- err }()
	b.promote()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestJoinWithoutQuorum(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(3)
	token := boxes[0].token()
	boxes[1].stop()
	boxes[2].stop()
	d := l.box("d")
	_, err := Join(within(t), d.cfg, boxes[0].Peer(), token)
	refused(t, "no quorum", err, ErrNoQuorum)
	if _, err := os.Stat(filepath.Join(d.cfg.Dir, "raft.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the folder was changed: %v", err)
	}
	boxes[1].start()
	d.joinWith(boxes[1], token) // not used up
}

// spoiled is a connection that fails when it has received something.
type spoiled struct {
	net.Conn
	when func(sent []byte) bool
	due  atomic.Bool
}

func (c *spoiled) Write(b []byte) (int, error) {
	if c.when(b) {
		c.due.Store(true)
	}
	return c.Conn.Write(b)
}

func (c *spoiled) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.due.Load() && n > 0 {
		c.Conn.Close()
		return 0, errors.New("spoiled")
	}
	return n, err
}

// The answer gets lost after the cluster has let the machine in: the machine asks
// again, also after a crash, and goes on as if nothing had happened.
func TestJoinAnswerLost(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a, b := l.box("a").start(), l.box("b")
	token := a.token()
	big := 0
	whole := b.cfg.Dial
	b.cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := whole(ctx, network, addr)
		if err != nil || addr != a.Peer() {
			return c, err
		}
		return &spoiled{Conn: c, when: func(sent []byte) bool {
			if len(sent) > 600 && !bytes.HasPrefix(sent, []byte{22}) { // the request with the CSR, the second of them
				big++
			}
			return big == 2
		}}, nil
	}
	if _, err := Join(within(t), b.cfg, a.Peer(), token); err == nil || errors.As(err, new(*Refusal)) {
		t.Fatalf("got %v, want a broken connection", err)
	}
	if m, ok := a.Member("nb"); !ok || m.State != Joining {
		t.Fatalf("the cluster has let in: %+v", m)
	}
	if big != 2 {
		t.Fatalf("%d requests were seen", big)
	}
	b.cfg.Dial = whole
	joined, err := Join(within(t), b.cfg, a.Peer(), token)
	if err != nil || joined.ClusterID != a.ClusterID() || len(joined.Members) != 2 {
		t.Fatalf("asked again: %+v, %v", joined, err)
	}
	b.start().promote()
	b.mustPut("x", "1")
	// But nobody else gets in with that token.
	_, err = Join(within(t), l.box("c").cfg, a.Peer(), token)
	refused(t, "used", err, ErrTokenUsed)
}

func TestTokensEnd(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a := l.box("a").start()
	token := a.token()
	if e := a.List(kindToken)[0]; strings.Contains(token, e.Key) || strings.Contains(string(e.Value)+e.Key, token[strings.LastIndex(token, ".")+1:]) {
		t.Fatal("the secret is kept")
	}
	l.advance(TokenLife + tokenKept + time.Minute)
	eventually(t, "the token is removed", func() bool { return len(a.List(kindToken)) == 0 })
	alone := l.box("alone")
	alone.cfg.Listen = ""
	if _, _, err := alone.start().Token(within(t), 0); err == nil {
		t.Fatal("a token for a member that nobody can reach")
	}
}
