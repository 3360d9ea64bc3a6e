package broker_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/recto-edge/recto/embedded/broker"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The server itself leaves the meta group's file store open when it fails
		// to start on a damaged one (TestFatalIsAnError).
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"))
}

const patience = 20 * time.Second

func open(t *testing.T, dir string) *broker.Broker {
	t.Helper()
	// An election that is not seeded takes at least 4 s: the guard against a
	// server whose internals have changed.
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	b, err := broker.Open(ctx, config(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func config(dir string) broker.Config {
	return broker.Config{Dir: dir, ServerName: "n-" + filepath.Base(dir), ClusterName: "test", Logger: slog.New(slog.DiscardHandler)}
}

func connect(t *testing.T, b *broker.Broker) jetstream.JetStream {
	t.Helper()
	user, password := b.Credentials()
	nc, err := nats.Connect("", nats.InProcessServer(b), nats.UserInfo(user, password))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestStreamsSurviveRestart(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	b := open(t, dir)
	js := connect(t, b)
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}); err != nil {
		t.Fatal(err)
	}
	for want := range uint64(3) {
		ack, err := js.Publish(ctx, "s.x", []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if ack.Sequence != want+1 {
			t.Fatalf("got sequence %d, want %d", ack.Sequence, want+1)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		b = open(t, dir)
		js = connect(t, b)
	}
	if err := b.Health(); err != nil {
		t.Fatal(err)
	}
	s, err := b.Storage()
	if err != nil {
		t.Fatal(err)
	}
	if s.Used == 0 || s.Max == 0 || s.DiskFree == 0 || s.Reserve == 0 {
		t.Fatalf("storage has blanks: %+v", s)
	}
}

// A client that was connected before Restart is connected after it.
func TestRestartInPlace(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b := open(t, t.TempDir())
	user, password := b.Credentials()
	back := make(chan struct{}, 1)
	nc, err := nats.Connect("", nats.InProcessServer(b), nats.UserInfo(user, password),
		nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond),
		nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := b.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case <-back:
	case <-ctx.Done():
		t.Fatal("the client did not come back")
	}
}

func TestTwoBrokersInOneProcess(t *testing.T) {
	a, b := open(t, t.TempDir()), open(t, t.TempDir())
	for _, x := range []*broker.Broker{a, b} {
		if err := x.Health(); err != nil {
			t.Fatal(err)
		}
	}
}

// The internal users are no way in from the network, not even with the password.
func TestNoClientsFromTheNetwork(t *testing.T) {
	b := open(t, t.TempDir())
	url := b.ClientURL()
	for name, creds := range map[string]func() (string, string){"app": b.Credentials, "sys": b.SystemCredentials} {
		user, password := creds()
		nc, err := nats.Connect(url, nats.UserInfo(user, password))
		if err == nil {
			nc.Close()
			t.Errorf("user %s connected over TCP", name)
		} else if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("user %s: got %v, want an authorization error", name, err)
		}
	}
	if nc, err := nats.Connect(url); err == nil {
		nc.Close()
		t.Error("connected over TCP without a user")
	}
}

// The server reports a failed start by a fatal message only; it must be an error.
func TestFatalIsAnError(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	b.Close()
	snaps, err := filepath.Glob(filepath.Join(dir, "jetstream", "$SYS", "_js_", "_meta_", "snapshots", "snap.*"))
	if err != nil || len(snaps) == 0 {
		t.Fatalf("no snapshot of the meta group: %v", err)
	}
	for _, s := range snaps {
		if err := os.WriteFile(s, []byte("damaged, and longer than the shortest snapshot"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b, err = broker.Open(ctx, config(dir))
	if err == nil {
		b.Close()
		t.Fatal("opened on a damaged meta group")
	}
	if ctx.Err() != nil {
		t.Fatalf("waited instead of failing: %v", err)
	}
}

func TestClosedBroker(t *testing.T) {
	b := open(t, t.TempDir())
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.InProcessConn(); !errors.Is(err, broker.ErrClosed) {
		t.Fatalf("got %v, want ErrClosed", err)
	}
	if err := b.Restart(t.Context()); !errors.Is(err, broker.ErrClosed) {
		t.Fatalf("got %v, want ErrClosed", err)
	}
}

func BenchmarkFirstStart(b *testing.B) {
	for b.Loop() {
		x, err := broker.Open(b.Context(), config(b.TempDir()))
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		x.Close()
		b.StartTimer()
	}
}

func BenchmarkRestart(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		x, err := broker.Open(b.Context(), config(dir))
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		x.Close()
		b.StartTimer()
	}
}
