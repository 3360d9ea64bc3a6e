package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/recto-edge/recto/cluster"
)

const childDir = "RECTO_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		return
	}
	// They wait more than they work.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

func timeout(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func open(t testing.TB, dir string) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Open(timeout(t), cluster.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func put(t testing.TB, c *cluster.Cluster, kind, key, value string, expect uint64) uint64 {
	t.Helper()
	r, err := c.Propose(timeout(t), cluster.Command{Op: cluster.OpPut, Kind: kind, Key: key, Value: []byte(value), Expect: expect})
	if err != nil {
		t.Fatal(err)
	}
	return r.Version
}

func TestStateSurvivesRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "cluster")
	c := open(t, dir)
	id, epoch := c.NodeID(), c.Epoch()
	if epoch != 1 || len(id) < 8 {
		t.Fatalf("first start: node %q, epoch %d", id, epoch)
	}
	v := put(t, c, "user", "anna", "1", 0)
	put(t, c, "user", "berta", "2", 0)
	put(t, c, "type", "invoice", "3", 0)
	if _, err := c.Propose(timeout(t), cluster.Command{Op: cluster.OpPut, Kind: "user", Key: "anna"}); !errors.Is(err, cluster.ErrConflict) {
		t.Fatalf("got %v, want a conflict", err)
	}
	put(t, c, "user", "anna", "4", v)
	want := c.List("user")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = open(t, dir)
	if diff := cmp.Diff(want, c.List("user")); diff != "" || len(want) != 2 {
		t.Fatalf("users differ after a restart:\n%s", diff)
	}
	if c.NodeID() != id || c.Epoch() <= epoch {
		t.Fatalf("after a restart: node %q, epoch %d; before: %q, %d", c.NodeID(), c.Epoch(), id, epoch)
	}
	if s := c.Status(); s.State != "leader" || s.Leader != id || s.Epoch != c.Epoch() || s.Applied == 0 {
		t.Fatalf("status %+v", s)
	}
}

func TestOneProcessADirectory(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	_, err := cluster.Open(timeout(t), cluster.Config{Dir: dir})
	if !errors.Is(err, cluster.ErrInUse) {
		t.Fatalf("got %v, want ErrInUse", err)
	}
}

func TestNodeIDBelongsToTheDirectory(t *testing.T) {
	dir := t.TempDir()
	c, err := cluster.Open(timeout(t), cluster.Config{Dir: dir, NodeID: "n7"})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if c.NodeID() != "n7" {
		t.Fatalf("node %q", c.NodeID())
	}
	if c, err := cluster.Open(timeout(t), cluster.Config{Dir: dir, NodeID: "n8"}); err == nil {
		c.Close()
		t.Fatal("opened another node's directory")
	}
}

func TestWatch(t *testing.T) {
	c := open(t, t.TempDir())
	users, cancel := c.Watch("user")
	all, cancelAll := c.Watch("")
	defer cancelAll()
	put(t, c, "type", "invoice", "x", 0)
	<-all
	select {
	case <-users:
		t.Fatal("told of another kind")
	default:
	}
	put(t, c, "user", "anna", "x", 0)
	select {
	case <-users:
	case <-timeout(t).Done():
		t.Fatal("not told")
	}
	cancel()
	put(t, c, "user", "berta", "x", 0)
	select {
	case <-users:
		t.Fatal("told after cancel")
	default:
	}
}

func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, t.TempDir()), open(t, dir)
	for i := range 50 {
		put(t, a, "user", fmt.Sprint("u", i), strings.Repeat("x", i), 0)
	}
	put(t, b, "user", "other", "gone after the restore", 0)
	for range 60 {
		put(t, b, "setting", "s", "x", cluster.AnyVersion)
	}
	epoch := b.Epoch()
	var backup bytes.Buffer
	if err := a.Backup(&backup); err != nil {
		t.Fatal(err)
	}
	if err := b.Restore(bytes.NewReader(backup.Bytes()[:backup.Len()/2])); err == nil {
		t.Fatal("restored half a backup")
	}
	if _, ok := b.Get("user", "other"); !ok {
		t.Fatal("a damaged backup changed the state")
	}
	changed, cancel := b.Watch("user")
	defer cancel()
	if err := b.Restore(&backup); err != nil {
		t.Fatal(err)
	}
	<-changed
	if diff := cmp.Diff(a.List("user"), b.List("user")); diff != "" {
		t.Fatalf("differs after the restore:\n%s", diff)
	}
	if b.Epoch() <= epoch {
		t.Fatalf("the epoch went from %d to %d", epoch, b.Epoch())
	}
	if v := put(t, b, "user", "new", "x", 0); v <= 61 {
		t.Fatalf("version %d was given before the restore", v)
	}
	want := b.List("user") // now from a snapshot and the log after it
	b.Close()
	if diff := cmp.Diff(want, open(t, dir).List("user")); diff != "" {
		t.Fatalf("differs after restore and restart:\n%s", diff)
	}
}

func TestConcurrentProposals(t *testing.T) {
	c := open(t, t.TempDir())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var versions []uint64
	conflicts := 0
	for range 50 {
		wg.Go(func() {
			r, err := c.Propose(timeout(t), cluster.Command{Op: cluster.OpPut, Kind: "k", Key: "one", Value: []byte("x")})
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, cluster.ErrConflict) {
				conflicts++
			} else if err != nil {
				t.Error(err)
			} else {
				versions = append(versions, r.Version)
			}
		})
	}
	wg.Wait()
	if len(versions) != 1 || conflicts != 49 {
		t.Fatalf("%d won, %d conflicts; want 1 and 49", len(versions), conflicts)
	}
}

func TestRefusals(t *testing.T) {
	c := open(t, t.TempDir())
	_, err := c.Propose(timeout(t), cluster.Command{Op: cluster.OpPut, Kind: "k", Key: "k", Value: make([]byte, cluster.MaxValue+1)})
	if !errors.Is(err, cluster.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	for _, cmd := range []cluster.Command{{Op: cluster.OpEpoch, Kind: "k", Key: "k"}, {Op: 99, Kind: "k", Key: "k"}, {Op: cluster.OpPut, Kind: "k"}, {Op: cluster.OpPut, Key: "k"}} {
		if _, err := c.Propose(timeout(t), cmd); err == nil {
			t.Errorf("proposed %+v", cmd)
		}
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Propose(timeout(t), cluster.Command{Op: cluster.OpPut, Kind: "k", Key: "k"}); !errors.Is(err, cluster.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

// child puts entries for ever and prints each that was answered.
func child(dir string) {
	c, err := cluster.Open(context.Background(), cluster.Config{Dir: dir})
	if err != nil {
		panic(err)
	}
	for i := len(c.List("k")); ; i++ {
		if _, err := c.Propose(context.Background(), cluster.Command{Op: cluster.OpPut, Kind: "k", Key: fmt.Sprintf("%06d", i)}); err != nil {
			panic(err)
		}
		fmt.Println(i)
	}
}

// What was answered is there after SIGKILL, and the next start goes on.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	answered := 0
	for range 3 {
		cmd := exec.CommandContext(timeout(t), os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < 40; n++ {
			if _, err := fmt.Fscanln(out, &answered); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
	}
	c := open(t, dir)
	list := c.List("k")
	if len(list) < answered+1 || !slices.IsSortedFunc(list, func(a, b cluster.Entry) int { return strings.Compare(a.Key, b.Key) }) {
		t.Fatalf("%d entries, %d were answered", len(list), answered+1)
	}
	put(t, c, "k", "after", "x", 0)
}

func BenchmarkFirstStart(b *testing.B) {
	for b.Loop() {
		c := open(b, b.TempDir())
		b.StopTimer()
		c.Close()
		b.StartTimer()
	}
}

func BenchmarkRestart(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		c := open(b, dir)
		b.StopTimer()
		c.Close()
		b.StartTimer()
	}
}

func BenchmarkPropose(b *testing.B) {
	c := open(b, b.TempDir())
	for b.Loop() {
		put(b, c, "setting", "s", "value", cluster.AnyVersion)
	}
}
