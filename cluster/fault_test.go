package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// writers put entries under keys of their own, on all boxes, until stop. What was
// answered must be there, and nothing twice.
type writers struct {
	l        *lab
	ctx      context.Context
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	mu       sync.Mutex
	answered map[string]uint64
	last     map[string]error // by box
}

func (l *lab) write() *writers {
	w := &writers{l: l, answered: map[string]uint64{}, last: map[string]error{}}
	w.ctx, w.cancel = context.WithTimeout(context.Background(), 4*patience)
	for _, b := range l.up() {
		c := b.Cluster
		w.wg.Go(func() {
			for i := 0; w.ctx.Err() == nil; i++ {
				key := fmt.Sprintf("%s%06d", b.cfg.Name, i)
				r, err := c.Propose(w.ctx, Command{Op: OpPut, Kind: "w", Key: key, Value: []byte(key)})
				if errors.Is(err, ErrConflict) {
					l.t.Errorf("%s was applied twice", key)
				}
				w.mu.Lock()
				if err == nil {
					w.answered[key] = r.Version
				} else {
					w.last[b.cfg.Name] = fmt.Errorf("%s: %w", key, err)
				}
				w.mu.Unlock()
			}
		})
	}
	return w
}

func (w *writers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.answered)
}

// more waits for n further answers.
func (w *writers) more(n int) {
	w.l.t.Helper()
	from := w.count()
	defer func() {
		if w.l.t.Failed() {
			w.l.t.Logf("%d commands were answered before, %d after; %v", from, w.count()-from, w.last)
		}
	}()
	eventually(w.l.t, "commands are answered", func() bool { return w.count() >= from+n })
}

func (w *writers) stop() {
	w.l.t.Helper()
	w.cancel()
	w.wg.Wait()
	for _, b := range w.l.up() {
		if err := b.Barrier(within(w.l.t)); err != nil {
			w.l.t.Fatalf("%s: %v", b.cfg.Name, err)
		}
		for key, version := range w.answered {
			if e, ok := b.Get("w", key); !ok || e.Version != version {
				w.l.t.Fatalf("%s: %s was answered with version %d and is %d", b.cfg.Name, key, version, e.Version)
			}
		}
	}
}

// The leader is cut off, and comes back: the others go on, nobody's command is lost
// or applied twice, and what carries the old epoch is refused.
func TestLeaderCutOff(t *testing.T) {
	t.Parallel()
	for _, hang := range []bool{false, true} {
		t.Run(fmt.Sprintf("hang=%v", hang), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			l.cluster(3)
			w := l.write()
			w.more(30)
			old := l.leader()
			epoch := old.Epoch()
			l.wires.part(hang, old)
			next := l.leaderBut(old)
			w.more(30)
			if next.Epoch() <= epoch {
				t.Fatalf("the epoch went from %d to %d", epoch, next.Epoch())
			}
			eventually(t, "the old leader knows", func() bool { return !old.Leads() })
			read := make(chan error, 1)
			go func() { read <- old.Barrier(within(t)) }()
			if _, err := old.Propose(within(t), Command{Op: OpPut, Kind: "k", Key: "old", Expect: AnyVersion}); !errors.Is(err, ErrNoQuorum) {
				t.Fatalf("one that is cut off answers %v", err)
			}
			if err := <-read; !errors.Is(err, ErrNoQuorum) {
				t.Fatalf("one that is cut off answers %v", err)
			}
			l.wires.mend()
			fenced := Command{Op: OpPut, Kind: "k", Key: "duty", Fence: epoch, Expect: AnyVersion}
			if _, err := old.Propose(within(t), fenced); !errors.Is(err, ErrFenced) {
				t.Fatalf("got %v, want ErrFenced", err)
			}
			if err := old.Barrier(within(t)); err != nil {
				t.Fatal(err)
			}
			fenced.Fence = old.Epoch()
			if _, err := old.Propose(within(t), fenced); err != nil {
				t.Fatalf("with the current epoch: %v", err)
			}
			w.stop()
		})
	}
}

// Answers get lost on the way back from the leader: the command is sent again, and
// applied once.
func TestAnswersLost(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(3)
	lead := l.leader()
	var lost atomic.Int64
	l.wires.mu.Lock()
	l.wires.spoil = func(from, to string, c net.Conn) net.Conn {
		n := 0
		return &spoiled{Conn: c, when: func(sent []byte) bool {
			if to != lead.cfg.Name || len(sent) < 200 {
				return false
			}
			if n++; n%4 == 0 {
				lost.Add(1)
				return true
			}
			return false
		}}
	}
	l.wires.mu.Unlock()
	for _, b := range boxes {
		b.http.CloseIdleConnections()
	}
	w := l.write()
	eventually(t, "answers are lost", func() bool { return lost.Load() > 20 })
	w.more(20)
	l.wires.mu.Lock()
	l.wires.spoil = nil
	l.wires.mu.Unlock()
	w.stop()
	t.Logf("%d answers lost, %d commands answered, %d entries", lost.Load(), len(w.answered), len(boxes[0].List("w")))
}

// Any of them, and all of them, may be restarted.
func TestRestarts(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(3)
	boxes[1].mustPut("x", "before")
	for _, b := range boxes {
		if err := b.Barrier(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range boxes {
		b.stop()
	}
	// One alone of three: it starts, reads what it knew, and says that it cannot write.
	b := boxes[1].start()
	if got := b.value("x"); got != "before" {
		t.Fatalf("without the others it reads %q", got)
	}
	if m, ok := b.Member("nc"); !ok || m.State != Active || len(b.Members()) != 3 || b.Level() != 2 || b.ClusterID() == "" {
		t.Fatalf("without the others it knows %+v", m)
	}
	if _, err := b.put("k", "x", "alone", AnyVersion); !errors.Is(err, ErrNoQuorum) {
		t.Fatalf("got %v", err)
	}
	for _, o := range boxes {
		if o != b {
			o.start()
		}
	}
	b.mustPut("x", "after")
	l.leader().restart()
	boxes[0].mustPut("x", "later")
	if err := boxes[2].Barrier(within(t)); err != nil || boxes[2].value("x") != "later" {
		t.Fatalf("%v, %q", err, boxes[2].value("x"))
	}
}

// One that was away gets a snapshot when the log before it is gone, and waits for
// its own commands as always.
func TestSnapshotCatchesUp(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(3)
	c := boxes[2]
	c.stop()
	lead := l.leader()
	for i := range 30 {
		lead.mustPut(fmt.Sprint("x", i), "1")
	}
	rc := lead.raft.ReloadableConfig()
	rc.TrailingLogs = 1
	for _, b := range l.up() {
		if err := b.raft.ReloadConfig(rc); err != nil {
			t.Fatal(err)
		}
		if err := b.raft.Snapshot().Error(); err != nil {
			t.Fatal(err)
		}
	}
	c.start()
	c.mustPut("y", "2")
	if c.value("x29") != "1" || c.value("y") != "2" {
		t.Fatalf("it has %d entries", len(c.List("k")))
	}
}

// A member can be stopped at any moment: right after its start, and in the middle
// of whatever it is asked.
func TestCloseAnytime(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a := l.box("a")
	for range 40 {
		a.start().stop()
	}
	a.start()
	for range 10 {
		var asking sync.WaitGroup
		c := a.Cluster
		for range 8 {
			asking.Go(func() {
				for {
					if _, err := c.Propose(t.Context(), Command{Op: OpPut, Kind: "k", Key: "x", Expect: AnyVersion}); err != nil {
						return
					}
					if err := c.Barrier(t.Context()); err != nil {
						return
					}
				}
			})
		}
		eventually(t, "it works", func() bool { e, ok := a.Get("k", "x"); return ok && e.Version > 20 })
		a.stop()
		asking.Wait()
		a.start()
	}
}

// Batches are all or nothing, on every member.
func TestBatch(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(2)
	b := boxes[1]
	v := b.mustPut("a", "1")
	batch := func(parts ...Command) error {
		_, err := b.Propose(within(t), Command{Op: OpBatch, Batch: parts})
		return err
	}
	put := func(key string, expect uint64) Command {
		return Command{Op: OpPut, Kind: "k", Key: key, Value: []byte("2"), Expect: expect}
	}
	check := Command{Op: OpCheck, Kind: "k", Key: "a", Expect: v}
	if err := batch(put("b", 0), check, put("c", 7)); !errors.Is(err, ErrConflict) || b.value("b") != "" {
		t.Fatalf("got %v, and b is %q", err, b.value("b"))
	}
	if err := batch(put("b", 0), check, put("c", 0)); err != nil || b.value("b") != "2" || b.value("c") != "2" {
		t.Fatalf("got %v", err)
	}
	if err := batch(Command{Op: OpDelete, Kind: "k", Key: "c", Expect: AnyVersion}, put("a", v)); err != nil || b.value("c") != "" {
		t.Fatalf("got %v", err)
	}
	if err := batch(put("b", AnyVersion), check); !errors.Is(err, ErrConflict) {
		t.Fatalf("the check held: %v", err)
	}
	if err := batch(); err == nil {
		t.Fatal("an empty batch was taken")
	}
	if err := batch(put("b", AnyVersion), put("b", AnyVersion)); err == nil {
		t.Fatal("a batch with one entry twice was taken")
	}
}

// What one member serves, members get, and strangers do not.
func TestHandle(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(2)
	a, b := boxes[0], boxes[1]
	a.Handle("GET /who", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, Caller(r)) }))
	get := func(c *http.Client, url string) (int, string) {
		req, err := http.NewRequestWithContext(within(t), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		body := make([]byte, 200)
		n, _ := resp.Body.Read(body)
		return resp.StatusCode, string(body[:n])
	}
	for _, from := range boxes { // also from itself
		if code, body := get(from.HTTP(), "https://na/who"); code != 200 || body != from.NodeID() {
			t.Fatalf("from %s: %d %s", from.cfg.Name, code, body)
		}
	}
	if code, _ := get(b.HTTP(), "https://na/other"); code != http.StatusServiceUnavailable {
		t.Fatalf("what nobody handles: %d", code)
	}
	if _, text := get(b.HTTP(), "https://nx/who"); !strings.Contains(text, ErrNoMember.Error()) {
		t.Fatalf("an unknown node: %s", text)
	}
	// A member of another cluster, with the same names.
	other := newLab(t)
	x := other.box("b").start()
	if err := x.Update(within(t), "nb", func(m *Member) error { m.Workers = 9; return nil }); err != nil {
		t.Fatal(err)
	}
	cmd, err := putJSON(kindMember, "na", Member{ID: "na", Peer: a.Peer(), State: Active}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Propose(within(t), cmd); err != nil {
		t.Fatal(err)
	}
	if code, text := get(x.HTTP(), "https://na/who"); code != 0 || !strings.Contains(text, "certificate") {
		t.Fatalf("a stranger gets %d %s", code, text)
	}
	// Nobody at all: only the way in is open.
	j := &joiner{cfg: b.cfg, addr: a.Peer()}
	j.pin, _, _ = splitToken(a.token())
	nobody := &http.Client{Transport: &http.Transport{DialTLSContext: j.dial}}
	defer nobody.CloseIdleConnections()
	if code, _ := get(nobody, "https://member/who"); code != http.StatusForbidden {
		t.Fatalf("without a certificate: %d", code)
	}
	if code, _ := get(nobody, "https://member/join"); code != http.StatusOK {
		t.Fatalf("the greeting: %d", code)
	}
	if conn, err := a.dialMember(within(t), "nb", "recto-other/1"); err == nil {
		conn.Close()
		t.Fatal("an unknown protocol was taken")
	}
}

// Removing a member cuts what is open, at once, on both sides.
func TestRemovalCuts(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(3)
	lead := l.leader()
	gone := boxes[(slices.Index(boxes, lead)+1)%3]
	for _, b := range boxes {
		b.Handle("GET /hang", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}))
	}
	hang := func(from *box, to string) chan error {
		req, err := http.NewRequestWithContext(within(t), http.MethodGet, "https://"+to+"/hang", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := from.HTTP().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			defer resp.Body.Close()
			_, err := resp.Body.Read(make([]byte, 1))
			done <- err
		}()
		return done
	}
	in, out := hang(gone, lead.NodeID()), hang(lead, gone.NodeID())
	l.leave(gone)
	<-in
	<-out
	<-gone.Removed()
	if conn, err := gone.dialMember(within(t), lead.NodeID(), protoRaft); err == nil {
		// In TLS 1.3 the caller is done before he is looked at.
		if n, err := conn.Read(make([]byte, 1)); err == nil || n > 0 {
			t.Fatal("raft of a removed member was let in")
		}
		conn.Close()
	}
	if _, err := lead.dialMember(within(t), gone.NodeID(), protoHTTP); !errors.Is(err, ErrRemoved) {
		t.Fatalf("got %v", err)
	}
	lead.mustPut("x", "1")
	if err := lead.Update(within(t), gone.NodeID(), func(m *Member) error { m.State = Active; return nil }); !errors.Is(err, ErrRemoved) {
		t.Fatalf("brought back: %v", err)
	}
}

// A dead member is removed, and another takes its place.
func TestReplaceADeadMember(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.cluster(3)
	dead := l.leader()
	dead.stop()
	l.leave(dead)
	fresh := l.box("fresh").join(l.leader())
	for _, b := range l.up() {
		b.mustPut(b.cfg.Name, "1")
	}
	if v := fresh.Voters(); len(v) != 3 || slices.Contains(v, dead.cfg.NodeID) {
		t.Fatalf("voters %v", v)
	}
	refused(t, "the dead one comes back", func() error {
		if err := dead.tryStart(); err != nil {
			return err
		}
		<-dead.Removed()
		dead.stop()
		return dead.tryStart()
	}(), ErrRemoved)
}

// Certificates are renewed in time, and a cluster that was switched off for longer
// than they hold comes up again.
func TestCertificates(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(3)
	until := boxes[1].CertUntil()
	if left := until.Sub(l.clock()); left < certLife-time.Hour || left > certLife {
		t.Fatalf("the certificate holds for %v", left)
	}
	l.advance(certLife/3*2 - time.Hour)
	boxes[0].mustPut("x", "1")
	if !boxes[1].CertUntil().Equal(until) {
		t.Fatal("renewed too early")
	}
	l.advance(2 * time.Hour)
	for _, b := range boxes {
		eventually(t, "the certificate is renewed", func() bool { return b.CertUntil().Sub(l.clock()) > certLife-time.Hour })
	}
	cert, err := boxes[2].creds.current()
	if err != nil || idMust(t, cert.Leaf) != "nc" {
		t.Fatal(err)
	}
	l.wires.part(false, boxes[0]) // so that all connect anew
	l.wires.mend()
	boxes[2].mustPut("x", "2")
	for _, b := range boxes {
		b.stop()
	}
	l.advance(400 * 24 * time.Hour)
	for _, b := range boxes {
		b.start()
	}
	boxes[1].mustPut("x", "3")
	// One whose clock went far ahead makes itself a certificate that nobody else
	// believes for longer than its own clock is wrong.
	boxes[0].off.Store(int64(500 * 24 * time.Hour))
	eventually(t, "it renews by its clock", func() bool { return boxes[0].CertUntil().Sub(l.clock()) > 500*24*time.Hour })
	boxes[0].off.Store(int64(0))
	eventually(t, "and again", func() bool { return boxes[0].CertUntil().Sub(l.clock()) < certLife+time.Hour })
	boxes[0].mustPut("x", "4")
}
