package queue_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/embedded/broker"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/queue"
)

// The test binary run again as a process of its own, to be killed.
const (
	childDir  = "RECTO_TEST_CHILD_DIR"
	childRole = "RECTO_TEST_CHILD_ROLE"
)

// child appends documents for ever and prints each that was acknowledged, or
// takes one job and never ends it.
func child(dir, role string) {
	ctx := context.Background()
	b, err := broker.Open(ctx, broker.Config{Dir: dir, ServerName: "n1", ClusterName: "test"})
	must(err)
	q, err := queue.Open(ctx, queue.Config{Broker: b})
	must(err)
	if role == "work" {
		must(q.Work(ctx, quick(1), func(ctx context.Context, job queue.Job) error {
			rec, err := job.Record.Next(doc.StateReading, "worker", epoch)
			must(err)
			_, err = q.Append(ctx, rec)
			must(err)
			fmt.Println("job", job.Attempt)
			select {}
		}))
	}
	_, last, err := q.Bounds(ctx)
	must(err)
	var mu sync.Mutex
	n := int(last)
	var wg sync.WaitGroup
	for range 40 { // enough for atomic batches
		wg.Go(func() {
			for {
				mu.Lock()
				n++
				i := n
				mu.Unlock()
				_, err := q.Append(ctx, record(i))
				must(err)
				mu.Lock()
				fmt.Println("ack", i)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// spawn starts a child, gives each of its lines to line until that says stop, and
// kills it.
func spawn(t *testing.T, dir, role string, line func(string) bool) {
	t.Helper()
	cmd := exec.CommandContext(timeout(t), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childRole+"="+role)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	stopped := false
	for lines.Scan() {
		if !stopped && !line(lines.Text()) {
			stopped = true
			if err := cmd.Process.Kill(); err != nil { // SIGKILL
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || !stopped {
		t.Fatalf("the child ended by itself: %v", err)
	}
}

// Every document that was acknowledged is there after SIGKILL, exactly once, and
// the log takes new ones.
func TestKilledWhileAppending(t *testing.T) {
	dir := t.TempDir()
	acked := map[int]bool{}
	for round := range 3 {
		got := 0
		spawn(t, dir, "append", func(line string) bool {
			var i int
			if _, err := fmt.Sscanf(line, "ack %d", &i); err == nil {
				acked[i] = true
				got++
			}
			return got < 200+50*round
		})
	}
	q, _ := open(t, dir, nil)
	present := map[doc.ID]int{}
	_, last := bounds(t, q)
	ctx, cancel := context.WithCancel(timeout(t))
	defer cancel()
	if err := q.Follow(ctx, 1, func(seq uint64, rec doc.Record) error {
		present[rec.ID]++
		if seq == last {
			cancel()
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range acked {
		if n := present[record(i).ID]; n != 1 {
			t.Errorf("acknowledged document %d stands in the log %d times", i, n)
		}
	}
	for id, n := range present {
		if n != 1 {
			t.Errorf("document %s stands in the log %d times", id, n)
		}
	}
	t.Logf("%d acknowledged, %d present", len(acked), len(present))
	appendOK(t, q, record(1_000_000))
}

// The job of a killed worker comes again soon, as the next attempt and with the
// revision the dead one wrote.
func TestKilledWhileWorking(t *testing.T) {
	dir := t.TempDir()
	q, b := open(t, dir, nil)
	appendOK(t, q, record(1))
	q.Close()
	b.Close()
	spawn(t, dir, "work", func(string) bool { return false })

	q, _ = open(t, dir, nil)
	jobs := make(chan queue.Job, 1)
	start := time.Now()
	stop := work(t, q, quick(1), func(_ context.Context, job queue.Job) error {
		jobs <- job
		return nil
	})
	job := receive(t, jobs)
	t.Logf("redelivered after %s", time.Since(start).Round(time.Millisecond))
	settled(t, q)
	stop()
	if job.Attempt != 2 || job.Record.State != doc.StateReading || job.Record.Revision != 2 {
		t.Fatalf("got attempt %d, %s, revision %d; want attempt 2, reading, revision 2", job.Attempt, job.Record.State, job.Record.Revision)
	}
}

// One flipped bit in the middle of the log's file after a kill cuts the log: its
// last sequence goes back. Consumers are moved back with it, so that what is
// appended from then on is worked on.
func TestFlippedBitCutsTheLog(t *testing.T) {
	dir := t.TempDir()
	q, b := open(t, dir, nil)
	const n = 200
	var recs []doc.Record
	for i := range n {
		recs = append(recs, record(i))
	}
	if _, err := q.AppendBatch(timeout(t), recs); err != nil {
		t.Fatal(err)
	}
	stop := work(t, q, quick(2), func(context.Context, queue.Job) error { return nil })
	settled(t, q)
	stop()
	id := q.LogID()
	q.Close()
	b.Close()
	flip(t, filepath.Join(dir, "jetstream", "RECTO", "streams", "DOCS", "msgs"))

	q, _ = open(t, dir, nil)
	_, last := bounds(t, q)
	if last >= n || last == 0 {
		t.Fatalf("last sequence is %d after the flip of %d", last, n)
	}
	if q.LogID() != id {
		t.Fatal("a cut log is the same log")
	}
	if err := q.Follow(timeout(t), n+1, func(uint64, doc.Record) error { return nil }); err == nil {
		t.Fatal("followed beyond the cut")
	}
	var mu sync.Mutex
	got := map[doc.ID]bool{}
	stop = work(t, q, quick(2), func(_ context.Context, job queue.Job) error {
		mu.Lock()
		defer mu.Unlock()
		got[job.Record.ID] = true
		return nil
	})
	if _, err := q.AppendBatch(timeout(t), recs); err != nil { // the repair
		t.Fatal(err)
	}
	if _, now := bounds(t, q); now != n {
		t.Fatalf("last sequence is %d after the repair, want %d", now, n)
	}
	settled(t, q)
	stop()
	for i := int(last); i < n; i++ {
		if !got[record(i).ID] {
			t.Fatalf("document %d was repaired and not worked on", i)
		}
	}
}

// flip changes a bit in the middle of the largest block, as if after a kill: the
// index that a clean stop leaves is gone.
func flip(t *testing.T, dir string) {
	t.Helper()
	// Without its index the server reads the block itself, as after a kill.
	if err := os.Remove(filepath.Join(dir, "index.db")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	flipHeader(t, dir)
}
