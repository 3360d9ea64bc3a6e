package broker_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recto-edge/recto/embedded/broker"
	"github.com/recto-edge/recto/embedded/brokertest"
)

func members(t *testing.T) *brokertest.Members {
	m := brokertest.New(t)
	var w io.Writer = io.Discard
	if os.Getenv("RECTO_TEST_LOG") != "" {
		w = os.Stderr
	}
	m.Logger = slog.New(slog.NewTextHandler(w, nil))
	return m
}

// until repeats ok until it is true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

type meta struct {
	Leader string `json:"leader"`
	Size   int    `json:"cluster_size"`
}

// metaOf is the meta group as a member's own server sees it.
func metaOf(t *testing.T, b *broker.Broker) meta {
	t.Helper()
	user, password := b.SystemCredentials()
	nc, err := nats.Connect("", nats.InProcessServer(b), nats.UserInfo(user, password))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	m, err := nc.Request("$SYS.REQ.SERVER."+nc.ConnectedServerId()+".JSZ", nil, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Meta meta `json:"meta_cluster"`
		} `json:"data"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Data.Meta
}

func oneGroup(t *testing.T, m *brokertest.Members, size int) func() bool {
	return func() bool {
		leaders := map[string]bool{}
		for _, name := range m.Names() {
			got := metaOf(t, m.Broker(name))
			if got.Size != size || got.Leader == "" {
				return false
			}
			leaders[got.Leader] = true
		}
		return len(leaders) == 1
	}
}

// A lone broker grows while it runs, its data stays, and each member knows it after
// a restart.
func TestGrow(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	m := members(t)
	a := m.Start(t, "a")
	js := connect(t, a)
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(ctx, "s.x", []byte("x")); err != nil {
		t.Fatal(err)
	}
	m.Start(t, "b")
	until(t, "two are one group", oneGroup(t, m, 2))
	m.Start(t, "c")
	until(t, "three are one group", oneGroup(t, m, 3))
	if got := a.Routes(); !slices.Equal(got, []string{"b", "c"}) {
		t.Fatalf("a has routes to %v", got)
	}
	m.Stop(t, "b")
	m.Start(t, "b")
	until(t, "three are one group again", oneGroup(t, m, 3))
	s, err := connect(t, m.Broker("b")).Stream(ctx, "S")
	if err != nil {
		t.Fatal(err)
	}
	if n := s.CachedInfo().State.Msgs; n != 1 {
		t.Fatalf("%d messages, want 1", n)
	}
}

// Joiners that meet each other, and nobody else, elect no leader; when they meet the
// cluster they are taken in.
func TestJoinersFormNoClusterOfTheirOwn(t *testing.T) {
	t.Parallel()
	m := members(t)
	m.Config(t, "a", nil) // a member that is away
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var joiners []*broker.Broker
	for _, name := range []string{"b", "c"} {
		m.Config(t, name, nil)
	}
	for _, name := range []string{"b", "c"} {
		b, err := broker.Open(ctx, m.Config(t, name, []string{"a", "b", "c"}))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		joiners = append(joiners, b)
	}
	until(t, "they know each other", func() bool {
		return slices.Equal(joiners[0].Routes(), []string{"c"}) && slices.Equal(joiners[1].Routes(), []string{"b"})
	})
	// Elections take four to nine seconds; an unseeded pair needs less than one.
	watch := time.NewTimer(12 * time.Second)
	defer watch.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case <-watch.C:
			waiting = false
		case <-tick.C:
			for _, b := range joiners {
				if got := metaOf(t, b); got.Leader != "" {
					t.Fatalf("joiners elected %s", got.Leader)
				}
			}
		}
	}
	a, err := broker.Open(ctx, func() broker.Config { c := m.Config(t, "a", nil); c.Peers = nil; return c }())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.SetPeers(m.Peers("a")); err != nil {
		t.Fatal(err)
	}
	until(t, "they are taken in", func() bool {
		for _, b := range append(joiners, a) {
			if got := metaOf(t, b); got.Size != 3 || got.Leader == "" {
				return false
			}
		}
		return true
	})
}

// Who is no member any more loses its routes at once and gets none again; a
// certificate of another authority gets none either.
func TestRemovedMemberIsCutOff(t *testing.T) {
	t.Parallel()
	m := members(t)
	a, b, c := m.Start(t, "a"), m.Start(t, "b"), m.Start(t, "c")
	all := func() bool { return len(a.Routes()) == 2 && len(b.Routes()) == 2 && len(c.Routes()) == 2 }
	until(t, "all are connected", all)
	m.Remove(t, "c")
	until(t, "c is cut off", func() bool {
		return slices.Equal(a.Routes(), []string{"b"}) && slices.Equal(b.Routes(), []string{"a"}) && len(c.Routes()) == 0
	})
	// It tries again each second.
	watch := time.NewTimer(3 * time.Second)
	defer watch.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case <-watch.C:
			waiting = false
		case <-tick.C:
			if len(c.Routes()) > 0 || slices.Contains(a.Routes(), "c") {
				t.Fatal("a removed member was let in again")
			}
		}
	}

	stranger := brokertest.New(t)
	cfg := stranger.Config(t, "b", []string{"a", "b"}) // even under a member's name
	cfg.Peers = []broker.Peer{{Name: "a", Route: a.Route()}}
	x, err := broker.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	again := time.NewTimer(2 * time.Second)
	defer again.Stop()
	<-again.C
	if got := x.Routes(); len(got) != 0 {
		t.Fatalf("another cluster's member has routes to %v", got)
	}
}

// A replica that is reset gets everything from the others.
func TestReset(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	m := members(t)
	a := m.Start(t, "a")
	m.Start(t, "b")
	until(t, "two are one group", oneGroup(t, m, 2))
	c := m.Start(t, "c")
	until(t, "three are one group", oneGroup(t, m, 3))
	js := connect(t, a)
	until(t, "there is room", func() bool {
		try, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := js.CreateStream(try, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Replicas: 3})
		return err == nil
	})
	for range 50 {
		if _, err := js.Publish(ctx, "s.x", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Reset(ctx, []string{"c"}); err == nil {
		t.Fatal("the only member was reset")
	}
	aside, err := c.Reset(ctx, m.Names())
	if err != nil {
		t.Fatal(err)
	}
	if old, err := os.ReadDir(aside); err != nil || len(old) != 1 {
		t.Fatalf("nothing was put aside: %v %v", old, err)
	}
	until(t, "c has it all again", func() bool {
		try, cancel := context.WithTimeout(ctx, time.Second) // a question is lost when it meets an election
		defer cancel()
		s, err := js.Stream(try, "S")
		if err != nil {
			return false
		}
		others := s.CachedInfo().Cluster.Replicas
		return c.Health() == nil && len(others) == 2 && others[0].Current && others[1].Current
	})
}

// A port that somebody has is told apart from damaged files.
func TestRouteTaken(t *testing.T) {
	t.Parallel()
	m := members(t)
	cfg := m.Config(t, "a", nil)
	l, err := net.Listen("tcp", cfg.Route)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := broker.Open(t.Context(), cfg); !errors.Is(err, broker.ErrRoute) {
		t.Fatalf("got %v, want ErrRoute", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	m.Start(t, "a")
}

// The last one of three starts, so that it can be helped.
func TestStartsWithoutTheOthers(t *testing.T) {
	t.Parallel()
	m := members(t)
	m.Start(t, "a")
	m.Start(t, "b")
	until(t, "two are one group", oneGroup(t, m, 2))
	for _, name := range m.Names() {
		m.Stop(t, name)
	}
	m.Remove(t, "b")
	a := m.Start(t, "a")
	if !a.Enabled() || a.Health() == nil {
		t.Fatalf("enabled %v, health %v; want it to run and to know that it cannot work", a.Enabled(), a.Health())
	}
}
