//go:build linux

package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for an event.
const patience = 20 * time.Second

// pair is two hosts, one of which echoes what it is sent.
type pair struct {
	net  *Net
	a, b *Host
	conn net.Conn // from a to the echo on b
}

func newPair(t *testing.T) *pair {
	t.Helper()
	n, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	if !n.Links() {
		if os.Geteuid() == 0 && os.Getenv("RECTO_CHAOS_NEEDS_LINKS") != "" {
			t.Fatal(ErrNoLinks)
		}
		t.Skip(ErrNoLinks)
	}
	p := &pair{net: n}
	for _, h := range []**Host{&p.a, &p.b} {
		if *h, err = n.Host(); err != nil {
			t.Fatal(err)
		}
	}
	var l net.Listener
	p.b.do(func() { l, err = net.Listen("tcp", netip.AddrPortFrom(p.b.Addr(), 7).String()) })
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	p.a.do(func() { p.conn, err = net.DialTimeout("tcp", l.Addr().String(), patience) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.conn.Close(); n.Heal(); _ = l.Close(); <-served })
	return p
}

// do runs f on the host's thread: a socket belongs to where it is made.
func (h *Host) do(f func()) {
	done := make(chan struct{})
	h.work <- func() { f(); close(done) }
	<-done
}

func (p *pair) echo(t *testing.T, within time.Duration) (string, error) {
	t.Helper()
	if _, err := p.conn.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	return p.answer(t, within)
}

func (p *pair) answer(t *testing.T, within time.Duration) (string, error) {
	t.Helper()
	if err := p.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4)
	_, err := io.ReadFull(p.conn, buf)
	return string(buf), err
}

func (p *pair) set(t *testing.T, from, to *Host, l Link) {
	t.Helper()
	if err := p.net.Set(from.Addr(), to.Addr(), l); err != nil {
		t.Fatal(err)
	}
}

func TestWhole_Echoes(t *testing.T) {
	p := newPair(t)
	if got, err := p.echo(t, patience); got != "ping" || err != nil {
		t.Fatalf("echo: %q, %v", got, err)
	}
}

// TestBroken_LosesOrHoldsOneWay breaks each way in each manner: nothing comes
// back while it is broken, packets are lost on that way only, and after healing
// TCP brings what was sent.
func TestBroken_LosesOrHoldsOneWay(t *testing.T) {
	for name, link := range map[string]Link{"cut": {Cut: true}, "stall": {Stall: true}} {
		for _, back := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				p := newPair(t)
				from, to := p.a, p.b
				if back {
					from, to = to, from
				}
				p.set(t, from, to, link)
				if got, err := p.echo(t, 300*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("an answer came over a broken link: %q, %v", got, err)
				}
				broken, whole := p.net.Traffic(from.Addr(), to.Addr()), p.net.Traffic(to.Addr(), from.Addr())
				if link.Cut && broken.Lost == 0 || link.Stall && broken.Held == 0 || whole.Lost+whole.Held > 0 {
					t.Errorf("broken way %+v, whole way %+v", broken, whole)
				}
				p.net.Heal()
				if got, err := p.answer(t, patience); got != "ping" || err != nil {
					t.Fatalf("after healing: %q, %v", got, err)
				}
			})
		}
	}
}

func TestDelay_IsAdded(t *testing.T) {
	p := newPair(t)
	p.set(t, p.a, p.b, Link{Delay: 150 * time.Millisecond})
	from := time.Now()
	if got, err := p.echo(t, patience); got != "ping" || err != nil {
		t.Fatalf("echo: %q, %v", got, err)
	}
	if took := time.Since(from); took < 150*time.Millisecond {
		t.Errorf("took %v over a link with 150 ms of delay", took)
	}
}

func TestLoss_IsOvercomeByTCP(t *testing.T) {
	p := newPair(t)
	p.set(t, p.a, p.b, Link{Loss: 0.3})
	for range 20 {
		if got, err := p.echo(t, patience); got != "ping" || err != nil {
			t.Fatalf("echo: %q, %v", got, err)
		}
	}
	if l := p.net.Traffic(p.a.Addr(), p.b.Addr()); l.Lost == 0 {
		t.Errorf("no packet was lost: %+v", l)
	}
}

func TestClose_KillsProcesses(t *testing.T) {
	n, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	h, err := n.Host()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sleep", "600")
	if err := h.Start(cmd); err != nil {
		t.Fatal(err)
	}
	h.Close()
	if err := cmd.Wait(); err == nil || ctx.Err() != nil {
		t.Errorf("the process outlived its host: %v, %v", err, ctx.Err())
	}
	if err := h.Start(exec.CommandContext(ctx, "true")); err == nil {
		t.Error("a process was started on a host that is closed")
	}
}
