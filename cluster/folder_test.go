package cluster

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// firstFolder lays out a folder as the first version left it.
func firstFolder(t *testing.T, dir string) {
	t.Helper()
	packed, err := os.Open("testdata/folder-v1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	db, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "raft.db"), db, 0o600); err != nil {
		t.Fatal(err)
	}
}

// firstCommand is a command as the first version reads it.
type firstCommand struct {
	Op      uint8     `json:"op"`
	Kind    string    `json:"kind,omitempty"`
	Key     string    `json:"key,omitempty"`
	Value   []byte    `json:"value,omitempty"`
	Expect  uint64    `json:"expect,omitempty"`
	At      time.Time `json:"at"`
	By      string    `json:"by,omitempty"`
	Epoch   uint64    `json:"epoch,omitempty"`
	Version uint64    `json:"version,omitempty"`
}

// strange gives the entries of the log that the first version cannot read.
func strange(t *testing.T, s *store) (out []string) {
	t.Helper()
	last, err := s.LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.FirstIndex()
	if err != nil {
		t.Fatal(err)
	}
	for i := first; i <= last; i++ {
		var l raft.Log
		if err := s.GetLog(i, &l); err != nil {
			t.Fatal(err)
		}
		if l.Type != raft.LogCommand {
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(l.Data))
		dec.DisallowUnknownFields()
		var c firstCommand
		if err := dec.Decode(&c); err != nil || c.Op > 3 {
			out = append(out, string(l.Data))
		}
	}
	return out
}

// A folder of the first version just opens, gets what a cluster needs, can still go
// back, and grows when its upgrade is finished.
func TestFolderOfTheFirstVersion(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	a := l.box("a")
	a.cfg.NodeID, a.cfg.ClusterID = "nfirst", "cfirst"
	firstFolder(t, a.cfg.Dir)
	a.start()
	if e, ok := a.Get("user", "anna"); !ok || string(e.Value) != `{"role":"reviewer"}` || e.Version != 2 {
		t.Fatalf("got %+v", e)
	}
	if m, ok := a.Member("nfirst"); !ok || m.State != Active || m.Peer != a.Peer() {
		t.Fatalf("its member is %+v", m)
	}
	if a.Level() != 1 || a.ClusterID() != "cfirst" || a.CertUntil().IsZero() || !a.Leads() {
		t.Fatalf("level %d, cluster %s, certificate until %v", a.Level(), a.ClusterID(), a.CertUntil())
	}
	a.mustPut("x", "1")
	fenced := Command{Op: OpPut, Kind: "k", Key: "f", Fence: a.Epoch(), Expect: AnyVersion}
	if _, err := a.Propose(within(t), fenced); err != nil {
		t.Fatal(err)
	}
	fenced.Fence--
	if _, err := a.Propose(within(t), fenced); !errors.Is(err, ErrFenced) {
		t.Fatalf("got %v", err)
	}
	if _, err := a.Propose(within(t), Command{Op: OpBatch, Batch: []Command{{Op: OpPut, Kind: "k", Key: "b"}}}); !errors.Is(err, ErrLevel) {
		t.Fatalf("got %v", err)
	}
	if _, _, err := a.Token(within(t), 0); !errors.Is(err, ErrLevel) {
		t.Fatalf("got %v", err)
	}
	if err := a.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(a.cfg.Dir, "snapshots", "*", "state.bin")); len(files) != 1 {
		t.Fatalf("snapshots %v", files)
	} else if data, err := os.ReadFile(files[0]); err != nil || !bytes.Contains(data, []byte(`"format": 1`)) || bytes.Contains(data, []byte("recent")) {
		t.Fatalf("the first version cannot read this snapshot: %.100s", data)
	}
	a.stop()
	a.cfg.ClusterID = "cother"
	if err := a.tryStart(); !errors.Is(err, ErrOtherCluster) {
		t.Fatalf("opened for another cluster: %v", err)
	}
	a.cfg.ClusterID = "cfirst"
	a.start()
	if got := strange(t, a.store); len(got) > 0 {
		t.Fatalf("the first version cannot read %v", got)
	}
	if err := a.RaiseLevel(within(t)); err != nil || a.Level() != 2 {
		t.Fatalf("level %d: %v", a.Level(), err)
	}
	b := l.box("b").join(a)
	b.mustPut("y", "2")
	if len(strange(t, a.store)) == 0 {
		t.Fatal("no entry of the log has what this version brings: the test looks at nothing")
	}
	if e, ok := b.Get("setting", "window"); !ok || string(e.Value) != `"20:00"` {
		t.Fatalf("the new member has %+v", e)
	}
}

// A cluster is upgraded one by one; nobody can go back when it is finished, and
// nobody is left behind.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(3)
	for i, b := range boxes {
		b.stop()
		b.cfg.Levels, b.cfg.Version = [2]int{2, 3}, "3.0"
		b.start()
		b.mustPut("x", b.cfg.Name)
		if i < 2 {
			refused(t, "not all are upgraded", b.RaiseLevel(within(t)), ErrLevel)
		}
		if b.Level() != 2 {
			t.Fatalf("level %d", b.Level())
		}
	}
	// One goes back before it is finished.
	c := boxes[2]
	c.stop()
	c.cfg.Levels = [2]int{1, 2}
	c.start()
	eventually(t, "the others know", func() bool { m, _ := boxes[0].Member("nc"); return m.Levels == [2]int{1, 2} })
	refused(t, "one went back", boxes[0].RaiseLevel(within(t)), ErrLevel)
	c.stop()
	c.cfg.Levels = [2]int{2, 3}
	c.start()
	eventually(t, "the level is raised", func() bool { return boxes[1].RaiseLevel(within(t)) == nil })
	if err := c.Barrier(within(t)); err != nil || c.Level() != 3 {
		t.Fatalf("level %d, %v", c.Level(), err)
	}
	c.stop()
	c.cfg.Levels = [2]int{1, 2}
	refused(t, "goes back too late", c.tryStart(), ErrLevel)
	d := l.box("d")
	d.cfg.Levels = [2]int{2, 2}
	token := boxes[0].token()
	_, err := Join(within(t), d.cfg, boxes[0].Peer(), token)
	refused(t, "joins with an old version", err, ErrLevel)
}

// Most voters are lost for good: one goes on alone after a person has seen what
// that may cost, and grows again.
func TestRecover(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(3)
	a, b, c := boxes[0], boxes[1], boxes[2]
	b.mustPut("x", "kept")
	if err := a.Barrier(within(t)); err != nil {
		t.Fatal(err)
	}
	epoch, id, ca := a.Epoch(), a.ClusterID(), a.token()
	if _, err := PlanRecovery(within(t), a.cfg); !errors.Is(err, ErrInUse) {
		t.Fatalf("while it runs: %v", err)
	}
	b.stop()
	c.stop()
	a.stop()
	plan, err := PlanRecovery(within(t), a.cfg)
	if err != nil {
		t.Fatal(err)
	}
	lost := []string{}
	for _, m := range plan.Lost {
		lost = append(lost, m.ID)
	}
	if plan.Self.ID != "na" || !slices.Equal(lost, []string{"nb", "nc"}) || plan.ClusterID != id || plan.Epoch != epoch ||
		plan.LastIndex < plan.Committed || plan.Committed == 0 || plan.LastTerm == 0 || plan.Changed.IsZero() {
		t.Fatalf("plan %+v", plan)
	}
	a.start() // without effect so far
	if _, err := a.put("k", "x", "y", AnyVersion); !errors.Is(err, ErrNoQuorum) {
		t.Fatalf("got %v", err)
	}
	a.stop()
	stale := plan
	stale.LastIndex++
	if err := Recover(within(t), a.cfg, stale); !errors.Is(err, ErrConflict) {
		t.Fatalf("with a plan for another folder: %v", err)
	}
	for range 2 { // broken off and repeated
		if plan, err = PlanRecovery(within(t), a.cfg); err != nil {
			t.Fatal(err)
		}
		if err := Recover(within(t), a.cfg, plan); err != nil {
			t.Fatal(err)
		}
	}
	a.start()
	if !a.Leads() || a.value("x") != "kept" || a.Epoch() < epoch+epochLeap || a.ClusterID() != id || a.Level() != 2 {
		t.Fatalf("epoch %d (before %d), status %+v", a.Epoch(), epoch, a.Status())
	}
	if cut := strings.LastIndex(ca, "."); a.token()[:cut] != ca[:cut] {
		t.Fatal("another authority")
	}
	for _, m := range a.Members() {
		if want := map[string]MemberState{"na": Active, "nb": Removed, "nc": Removed}[m.ID]; m.State != want {
			t.Errorf("%s is %s, want %s", m.ID, m.State, want)
		}
	}
	a.mustPut("x", "alone")
	// The lost ones were not as lost as that: they are kept out, also together.
	b.start()
	<-b.Removed()
	if v := a.Voters(); len(v) != 1 {
		t.Fatalf("voters %v", v)
	}
	b.stop()
	refused(t, "recovering a removed one", func() error { _, err := PlanRecovery(within(t), b.cfg); return err }(), ErrRemoved)
	l.box("d").join(a)
	l.box("e").join(a)
	l.leader().mustPut("x", "three again")
}

func TestRecoverRefuses(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	b := l.box("b")
	if _, err := PlanRecovery(within(t), b.cfg); err == nil {
		t.Fatal("an empty folder")
	}
	if _, err := os.Stat(b.cfg.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the folder was made: %v", err)
	}
	a := l.box("a").start()
	if _, err := Join(within(t), b.cfg, a.Peer(), a.token()); err != nil {
		t.Fatal(err)
	}
	if _, err := PlanRecovery(within(t), b.cfg); err == nil || !strings.Contains(err.Error(), "another one") {
		t.Fatalf("one that has no log yet: %v", err)
	}
}

// A backup is of what people put in; who the members are stays as it is.
func TestRestoreKeepsTheCluster(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	boxes := l.cluster(3)
	lead := l.leader()
	lead.mustPut("x", "1")
	var backup bytes.Buffer
	if err := lead.Backup(&backup); err != nil {
		t.Fatal(err)
	}
	if text := backup.String(); strings.Contains(text, `"member"`) || strings.Contains(text, `"ca"`) || strings.Contains(text, "jointoken") || !strings.Contains(text, `"x"`) {
		t.Fatalf("the backup has %s", text)
	}
	before := lead.List(kindMember)
	token := lead.token()
	for _, b := range boxes {
		b.mustPut("x", b.cfg.Name)
	}
	eventually(t, "one that does not lead refuses", func() bool {
		i := slices.IndexFunc(boxes, func(b *box) bool { return !b.Leads() })
		return errors.Is(boxes[i].Restore(strings.NewReader(backup.String())), ErrNotLeader)
	})
	eventually(t, "the leader restores", func() bool { return l.leader().Restore(strings.NewReader(backup.String())) == nil })
	for _, b := range boxes {
		if err := b.Barrier(within(t)); err != nil {
			t.Fatal(err)
		}
		if got := b.List(kindMember); b.value("x") != "1" || len(got) != len(before) || got[2].Version != before[2].Version {
			t.Fatalf("%s has %q and members %v", b.cfg.Name, b.value("x"), got)
		}
	}
	d := l.box("d")
	d.joinWith(lead, token)
	d.mustPut("y", "1")
}

func TestAdvertisedAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ listen, advertise, via, want string }{
		{"10.0.0.5:8421", "", "", "10.0.0.5:8421"},
		{"0.0.0.0:8421", "box.lan", "", "box.lan:8421"},
		{"0.0.0.0:8421", "box.lan:99", "", "box.lan:99"},
		{"[::]:8421", "", "10.1.2.3", "10.1.2.3:8421"},
		{"[::]:8421", "fd00::5", "", "[fd00::5]:8421"},
		{"0.0.0.0:8421", "", "fd00::5", "[fd00::5]:8421"},
	} {
		var via net.Addr
		if test.via != "" {
			via = &net.TCPAddr{IP: net.ParseIP(test.via), Port: 12345}
		}
		at, err := net.ResolveTCPAddr("tcp", test.listen)
		if err != nil {
			t.Fatal(err)
		}
		got, err := advertised(Config{Advertise: test.advertise}, at, via)
		if err != nil || got != test.want {
			t.Errorf("%+v: %s, %v", test, got, err)
		}
	}
	c := Config{Route: "0.0.0.0:8422", API: "https://:8420/ui"}
	c.complete("box.lan:8421")
	if c.Route != "box.lan:8422" || c.API != "https://box.lan:8420/ui" {
		t.Errorf("got %s and %s", c.Route, c.API)
	}
	c = Config{Route: "10.0.0.5:8422", API: "https://docs.example.com"}
	c.complete("box.lan:8421")
	if c.Route != "10.0.0.5:8422" || c.API != "https://docs.example.com" {
		t.Errorf("got %s and %s", c.Route, c.API)
	}
	if host, _, err := net.SplitHostPort(net.JoinHostPort(ownAddress(), "1")); err != nil || net.ParseIP(host) == nil {
		t.Errorf("own address %s", host)
	}
}
