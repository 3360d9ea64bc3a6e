package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/blob/blobtest"
	"github.com/recto-edge/recto/node/doc"
)

func TestCopiesRepairAfterGrowth(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, nil)
	objects := map[string][]byte{}
	for i := range 30 {
		key, body := ingest(t, f.of("n0"), uint64(i), 2000)
		objects[key] = body
	}
	for _, id := range []string{"n1", "n2"} {
		f.add(id)
		f.tell()
	}
	for key, body := range objects { // before anything was moved
		wantRead(t, f.of("n2"), key, body)
	}
	f.repair()
	for key := range objects {
		if h := f.holders(key); len(h) != 3 {
			t.Errorf("%s on %v; want 3", key, h)
		}
	}
	for _, id := range []string{"n3", "n4"} {
		f.add(id)
		f.tell()
	}
	f.repair()
	spread := map[string]int{}
	for key, body := range objects {
		h := f.holders(key)
		if len(h) != 3 {
			t.Errorf("%s on %v; want 3 of 5", key, h)
		}
		for _, id := range h {
			spread[id]++
		}
		for _, id := range f.ids {
			wantRead(t, f.of(id), key, body)
		}
	}
	if len(spread) != 5 {
		t.Errorf("copies by member: %v", spread)
	}
	for _, id := range f.ids {
		if st := f.of(id).Status(); !st.Settled || !st.Placed || st.Due != 0 {
			t.Errorf("%s: %+v", id, st)
		}
	}
}

func TestCopiesRepairByThemselves(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, nil)
	key, _ := ingest(t, f.of("n0"), 1, 2000)
	m := f.add("n1")
	f.tell()
	if got := <-m.stored; got != key {
		t.Errorf("stored %s; want %s", got, key)
	}
	f.setDown("n1", true)
	other := f.add("n2")
	f.tell()
	if got := <-other.stored; got != key {
		t.Errorf("stored %s; want %s", got, key)
	}
	late, _ := ingest(t, f.of("n0"), 2, 2000) // without n1
	f.setDown("n1", false)
	if got := <-m.stored; got != late {
		t.Errorf("stored %s; want %s", got, late)
	}
}

func TestCopiesOfALeavingMemberMove(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 4, nil)
	objects := map[string][]byte{}
	for i := range 40 {
		key, body := ingest(t, f.of(f.ids[i%4]), uint64(i), 500)
		objects[key] = body
	}
	f.repair()
	f.leaving["n1"] = true
	f.tell()
	f.repair()
	for _, id := range []string{"n0", "n1"} {
		if d, err := f.of(id).Drained(t.Context(), "n1"); err != nil || !d.Safe {
			t.Errorf("Drained on %s: %+v, %v", id, d, err)
		}
	}
	if d, err := f.of("n0").Drained(t.Context(), "n2"); err != nil || d.Safe {
		t.Errorf("Drained of one that stays: %+v, %v", d, err)
	}
	f.of("n1").halt()
	f.ids = []string{"n0", "n2", "n3"}
	f.tell()
	for key, body := range objects {
		if h := f.holders(key); len(h) != 3 {
			t.Errorf("%s on %v", key, h)
		}
		wantRead(t, f.of("n3"), key, body)
	}
}

// TestCopiesOfALeavingMemberNeedOneRound has a member that stays not answer while
// the one that leaves compares, as under load. When it answers again, what lacked
// copies is looked after, and nothing else has to be compared once more.
func TestCopiesOfALeavingMemberNeedOneRound(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, func(c *blob.CopiesConfig) { c.Soon = time.Hour }) // rounds are those of the test
	for i := range 20 {
		ingest(t, f.of("n0"), uint64(i), 500)
	}
	f.repair()
	leaver := f.of("n1")
	f.fault("n1", "n2", refuse)
	f.leaving["n1"] = true
	f.tell()
	if err := leaver.Repair(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole := leaver.Status()
	if d, err := f.of("n0").Drained(t.Context(), "n1"); err != nil || d.Safe || whole.Due == 0 {
		t.Fatalf("with a member that does not answer: %+v, %v; %d due", d, err, whole.Due)
	}
	if err := leaver.RepairDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d, err := f.of("n0").Drained(t.Context(), "n1"); err != nil || d.Safe {
		t.Errorf("it still does not answer: %+v, %v", d, err)
	}
	f.fault("n1", "n2", nil)
	if err := leaver.RepairDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, err := f.of("n0").Drained(t.Context(), "n1")
	if err != nil || !d.Safe {
		t.Errorf("when all is where it belongs: %+v, %v", d, err)
	}
	if st := leaver.Status(); !st.Started.Equal(whole.Started) {
		t.Errorf("another round began at %v, after the one of %v", st.Started, whole.Started)
	}
}

// TestCopiesDoNotStandInLineForever has both other members take all that may be on
// its way to them at a time, and no more: what comes then is answered, not kept
// until nobody waits for it.
func TestCopiesDoNotStandInLineForever(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, func(c *blob.CopiesConfig) { c.Soon = time.Hour })
	taken, release := make(chan struct{}, 1000), make(chan struct{})
	for _, id := range []string{"n1", "n2"} {
		f.fault("n0", id, func(req *http.Request, pass passOn) (*http.Response, error) {
			if req.Method != http.MethodPut {
				return pass(req)
			}
			taken <- struct{}{}
			<-release // even when who asked has given up
			return nil, errors.New("connection refused")
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var wg sync.WaitGroup
	put := func(i int) error {
		b := fmt.Appendf(nil, "object %d", i)
		return f.of("n0").Put(ctx, blob.OriginalKey(sha256.Sum256(b)), bytes.NewReader(b), int64(len(b)))
	}
	const atOnce = 32
	for i := range atOnce {
		wg.Go(func() { _ = put(i) }) // it is to hang
	}
	for range 2 * atOnce {
		<-taken
	}
	if err := put(atOnce); doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("one more object: %v, want that members are too slow", err)
	}
	close(release)
	wg.Wait()
}

func TestCopiesDrainedOfADeadMember(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, nil)
	for i := range 10 {
		ingest(t, f.of("n0"), uint64(i), 500)
	}
	f.repair()
	f.meet() // the others hear that n1 is placed
	deadline, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	f.setDown("n1", true)
	f.leaving["n1"] = true
	f.tell()
	for {
		f.repair()
		d, err := f.of("n0").Drained(deadline, "n1")
		if err != nil {
			t.Fatalf("%v: %+v", err, d)
		}
		if d.Safe {
			break
		}
	}
	// One that was never compared may have something alone.
	g := newFleet(t, 2, func(c *blob.CopiesConfig) { c.Soon = time.Hour })
	g.setDown("n1", true)
	g.leaving["n1"] = true
	g.tell()
	g.repair()
	d, err := g.of("n0").Drained(t.Context(), "n1")
	if err != nil || d.Safe || !strings.Contains(d.Why, "nowhere else") {
		t.Errorf("Drained: %+v, %v", d, err)
	}
}

func TestCopiesNeverTakeAwayForGone(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, func(c *blob.CopiesConfig) { c.Soon = time.Hour }) // nothing is repaired by itself
	key, _ := ingest(t, f.of("n0"), 1, 500)
	f.add("n1")
	f.tell()
	f.setDown("n0", true)
	if _, err := f.of("n1").Open(t.Context(), key); doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("Open: %v; want unavailable", err)
	}
	if _, err := f.of("n1").Stat(t.Context(), key); doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("Stat: %v; want unavailable", err)
	}
	err := f.of("n1").List(t.Context(), "", "", func(blob.Info) error { return nil })
	if doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("List: %v; want unavailable", err)
	}
	wantInText(t, err, "box-n0")
	f.setDown("n0", false)
	f.repair()
	f.repair()
	f.meet()
	f.setDown("n0", true)
	if _, err := f.of("n1").Open(t.Context(), "records/none"); doc.CodeOf(err) != doc.NotFound {
		t.Errorf("Open of what never was, with all placed: %v; want not_found", err)
	}
	n := 0
	if err := f.of("n1").List(t.Context(), "", "", func(blob.Info) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("List: %d, %v; want 1", n, err)
	}
}

func TestCopiesEraseStaysErased(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, nil)
	key, body := ingest(t, f.of("n0"), 1, 500)
	const record = "records/x/0000000001-ab.json"
	put := func(id string) {
		t.Helper()
		if err := f.of(id).Put(t.Context(), record, strings.NewReader("r"), 1); err != nil {
			t.Fatal(err)
		}
	}
	put("n0")
	f.repair()
	f.setDown("n2", true)
	for _, k := range []string{key, record} {
		if err := f.of("n1").Delete(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		if h := f.holders(k); !slices.Equal(h, []string{"n2"}) {
			t.Errorf("%s on %v; want n2 alone", k, h)
		}
	}
	f.restart("n2") // it remembers nothing
	f.setDown("n2", false)
	f.repair()
	for _, k := range []string{key, record} {
		if h := f.holders(k); len(h) > 0 {
			t.Errorf("%s came back on %v", k, h)
		}
		for _, id := range f.ids {
			if _, err := f.of(id).Open(t.Context(), k); doc.CodeOf(err) != doc.NotFound {
				t.Errorf("Open on %s: %v; want not_found", id, err)
			}
		}
	}
	if again, _ := ingest(t, f.of("n2"), 1, 500); again != key {
		t.Fatal("other bytes")
	}
	put("n1")
	f.repair()
	for _, k := range []string{key, record} {
		if h := f.holders(k); len(h) != 3 {
			t.Errorf("%s delivered again is on %v", k, h)
		}
	}
	wantRead(t, f.of("n1"), key, body)
}

// The clock of the member that took the object in is ahead.
func TestCopiesEraseWithClocksApart(t *testing.T) {
	t.Parallel()
	n := 0
	f := newFleet(t, 3, func(c *blob.CopiesConfig) {
		ahead := time.Duration(n) * time.Hour
		n++
		c.Now = func() time.Time { return time.Now().Add(ahead) }
	})
	for range 3 {
		key, _ := ingest(t, f.of("n2"), 1, 500)
		if err := f.of("n0").Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		f.repair()
		if h := f.holders(key); len(h) > 0 {
			t.Fatalf("erased, and on %v", h)
		}
		ingest(t, f.of("n0"), 1, 500)
		f.repair()
		if h := f.holders(key); len(h) != 3 {
			t.Fatalf("delivered again, and on %v", h)
		}
		if err := f.of("n1").Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCopiesForgetErasuresAfterAWhile(t *testing.T) {
	t.Parallel()
	later := time.Duration(0)
	f := newFleet(t, 3, func(c *blob.CopiesConfig) {
		c.Soon = time.Hour
		c.Now = func() time.Time { return time.Now().Add(later) }
	})
	key, _ := ingest(t, f.of("n0"), 1, 500)
	if err := f.of("n0").Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		for _, id := range f.ids {
			left, err := filepath.Glob(filepath.Join(f.of(id).root, ".erased", "*", "*"))
			if err != nil {
				t.Fatal(err)
			}
			n += len(left)
		}
		return n
	}
	if n := count(); n != 3 {
		t.Errorf("%d erasures are remembered; want 3", n)
	}
	later = 89 * 24 * time.Hour
	f.repair()
	if n := count(); n != 3 {
		t.Errorf("%d erasures after 89 days; want 3", n)
	}
	later = 91 * 24 * time.Hour
	f.repair()
	if n := count(); n != 0 {
		t.Errorf("%d erasures after 91 days; want 0", n)
	}
}

func TestCopiesHealDamageWhenRead(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, func(c *blob.CopiesConfig) { c.Soon = time.Hour }) // reading heals, not a round of repair
	key, body := ingest(t, f.of("n0"), 1, 50_000)
	f.repair()
	f.of("n0").damage(t, key)
	wantRead(t, f.of("n0"), key, body)
	if err := blob.Verify(t.Context(), f.of("n0").files, key); err != nil {
		t.Errorf("after reading: %v", err)
	}
	if st := f.of("n0").Status(); st.Healed != 1 {
		t.Errorf("%+v", st)
	}
	if err := os.Remove(f.of("n1").path(key)); err != nil { // acknowledged, then lost
		t.Fatal(err)
	}
	wantRead(t, f.of("n1"), key, body)
	if h := f.holders(key); len(h) != 3 {
		t.Errorf("on %v after reading", h)
	}
}

func TestCopiesRepairWhatWasAcknowledgedAndLost(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, nil)
	key, body := ingest(t, f.of("n0"), 1, 50_000)
	f.repair()
	for _, id := range []string{"n0", "n1"} {
		m := f.of(id)
		if err := os.Remove(m.path(key)); err != nil {
			t.Fatal(err)
		}
		f.restart(id)
	}
	f.repair()
	if h := f.holders(key); len(h) != 3 {
		t.Errorf("on %v", h)
	}
	wantRead(t, f.of("n1"), key, body)
}

func TestCopiesScrub(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, nil)
	var keys []string
	for i := range 5 {
		key, _ := ingest(t, f.of("n0"), uint64(i), 20_000)
		keys = append(keys, key)
	}
	f.repair()
	f.of("n0").damage(t, keys[0])
	f.of("n0").damage(t, keys[1])
	for _, id := range f.ids { // no good copy anywhere
		f.of(id).damage(t, keys[2])
	}
	for _, id := range f.ids {
		if err := f.of(id).Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	st := f.of("n0").Status()
	if st.Checked != 5 || st.Healed != 2 || st.Damaged != 1 || st.Scrubbed.IsZero() {
		t.Errorf("%+v", st)
	}
	for i, key := range keys {
		err := blob.Verify(t.Context(), f.of("n0"), key)
		if i == 2 && !errors.Is(err, blob.ErrDamaged) {
			t.Errorf("lost everywhere: %v; want damaged", err)
		}
		if i != 2 && err != nil {
			t.Error(err)
		}
	}
	aside, err := filepath.Glob(filepath.Join(f.of("n0").root, ".damaged", "*", "*"))
	if err != nil || len(aside) != 1 {
		t.Errorf("put aside: %v, %v", aside, err)
	}
	f.restart("n0")
	if st := f.of("n0").Status(); st.Damaged != 1 {
		t.Errorf("damage is forgotten by a restart: %+v", st)
	}
	body := blobtest.Bytes(2, 20_000)
	ingest(t, f.of("n1"), 2, 20_000) // delivered again
	f.repair()
	wantRead(t, f.of("n0"), keys[2], body)
	// The third copy may be in its place a moment before the damaged one is forgotten.
	until(t, "healed by another delivery", func() bool { return f.of("n0").Status().Damaged == 0 })
}

func TestCopiesScrubByThemselves(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, func(c *blob.CopiesConfig) { c.ScrubRate, c.ScrubEvery = 1<<30, time.Millisecond })
	key, _ := ingest(t, f.of("n0"), 1, 20_000)
	f.repair()
	f.of("n0").damage(t, key)
	until(t, "the damaged copy is healed", func() bool { return f.of("n0").Status().Healed == 1 })
	if err := blob.Verify(t.Context(), f.of("n0").files, key); err != nil {
		t.Error(err)
	}
}

func TestCopiesFullDisk(t *testing.T) {
	t.Parallel()
	n := 0
	f := newFleet(t, 3, func(c *blob.CopiesConfig) {
		if n++; n > 1 {
			c.MinFree = 1 << 60
		}
	})
	for _, size := range []int{1, 20 << 20} {
		_, _, _, err := f.of("n0").Ingest(t.Context(), bytes.NewReader(blobtest.Bytes(1, size)), 0)
		if doc.CodeOf(err) != doc.Full {
			t.Errorf("Ingest of %d bytes with two full disks: %v; want full", size, err)
		}
		wantInText(t, err, "box-n")
	}
	g := newFleet(t, 5, func(c *blob.CopiesConfig) {
		if c.Self == "n1" {
			c.MinFree = 1 << 60
		}
	})
	for i := range 10 {
		key, _ := ingest(t, g.of("n0"), uint64(i), 100)
		g.repair()
		if h := g.holders(key); len(h) < 3 || slices.Contains(h, "n1") {
			t.Errorf("%s on %v; want 3 in spite of a full disk", key, h)
		}
	}
}

// A member that hangs delays neither writers nor readers.
func TestCopiesHedge(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 5, nil)
	objects := map[string][]byte{}
	for i := range 10 {
		key, body := ingest(t, f.of("n1"), uint64(i), 5000)
		objects[key] = body
	}
	f.repair()
	hung := func(req *http.Request, pass passOn) (*http.Response, error) { // in the middle of a body
		return garble(req, pass, func(r io.Reader, size int64) io.Reader {
			return io.MultiReader(io.LimitReader(r, size/2), ctxReader{req.Context()})
		})
	}
	for name, x := range map[string]fault{"at once": hang, "half way": hung} {
		f.fault("n0", "n2", x)
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // less than a member is waited for
		for key, body := range objects {
			got, err := blob.ReadAll(ctx, f.of("n0"), key, 1<<20)
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for i := range 10 {
			if _, _, _, err := f.of("n0").Ingest(ctx, bytes.NewReader(blobtest.Bytes(uint64(100+i), 5000)), 0); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		cancel()
	}
}

type ctxReader struct{ ctx context.Context }

func (r ctxReader) Read([]byte) (int, error) {
	<-r.ctx.Done()
	return 0, r.ctx.Err()
}

func TestCopiesConflictIsSeenOnAnyMember(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, nil)
	for i := range 20 {
		key := fmt.Sprintf("records/%d", i)
		results := make(chan error)
		for j, id := range f.ids {
			body := strings.Repeat("x", j+1)
			go func() { results <- f.of(id).Put(t.Context(), key, strings.NewReader(body), int64(len(body))) }()
		}
		won := 0
		for range f.ids {
			if err := <-results; err == nil {
				won++
			} else if doc.CodeOf(err) != doc.Conflict {
				t.Errorf("Put: %v; want conflict", err)
			}
		}
		if won != 1 {
			t.Errorf("%d winners", won)
		}
	}
	f.repair()
	for i := range 20 {
		key := fmt.Sprintf("records/%d", i)
		var first []byte
		for _, id := range f.ids {
			b, err := os.ReadFile(f.of(id).path(key))
			if err != nil || first != nil && !bytes.Equal(first, b) {
				t.Errorf("%s on %s: %q, %v; want %q", key, id, b, err, first)
			}
			first = b
		}
	}
}

func TestCopiesListIsTheUnion(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 5, nil)
	var want []string
	for i := range 1200 {
		key := fmt.Sprintf("many/%05d", i)
		if err := f.of(f.ids[i%5]).files.Put(t.Context(), key, strings.NewReader("x"), 1); err != nil {
			t.Fatal(err)
		}
		want = append(want, key)
	}
	for _, id := range f.ids {
		var got []string
		if err := f.of(id).List(t.Context(), "many/", "many/00099", func(i blob.Info) error { got = append(got, i.Key); return nil }); err != nil || !slices.Equal(got, want[100:]) {
			t.Errorf("List on %s: %d keys, %v", id, len(got), err)
		}
		var own []string
		if err := f.of(id).ListLocal(t.Context(), "", "", func(i blob.Info) error { own = append(own, i.Key); return nil }); err != nil || len(own) < 200 {
			t.Errorf("ListLocal on %s: %d keys, %v", id, len(own), err)
		}
	}
	f.fault("n0", "n1", func(req *http.Request, pass passOn) (*http.Response, error) {
		resp, err := pass(req)
		if err == nil && strings.HasPrefix(req.URL.Path, "/blobs/list") {
			resp.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(resp.Body, 3000), errReader{}), resp.Body}
		}
		return resp, err
	})
	var got []string
	if err := f.of("n0").List(t.Context(), "many/", "", func(i blob.Info) error { got = append(got, i.Key); return nil }); err != nil || !slices.Equal(got, want) {
		t.Errorf("List over a line that breaks: %d keys, %v", len(got), err)
	}
}

func TestCopiesHandlerRefuses(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, nil)
	m := f.of("n0")
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("x")))
	original := blob.OriginalKey(sha256.Sum256([]byte("x")))
	for name, c := range map[string]struct {
		method, path, sum, born, body string
		want                          int
	}{
		"taken":           {"PUT", "/blobs/objects/" + original, sum, "1", "x", 201},
		"other bytes":     {"PUT", "/blobs/objects/records/a", sum, "1", "y", 503},
		"other name":      {"PUT", "/blobs/objects/originals/00/" + strings.Repeat("0", 64), sum, "1", "x", 400},
		"no digest":       {"PUT", "/blobs/objects/records/a", "", "1", "x", 400},
		"no time":         {"PUT", "/blobs/objects/records/a", sum, "", "x", 400},
		"climbing":        {"PUT", "/blobs/objects/a/%2e%2e/%2e%2e/b", sum, "1", "x", 400},
		"dot":             {"PUT", "/blobs/objects/.erased/b", sum, "1", "x", 400},
		"nothing there":   {"GET", "/blobs/objects/records/a", "", "", "", 404},
		"dot read":        {"GET", "/blobs/objects/.placed", "", "", "", 400},
		"torn question":   {"POST", "/blobs/have", "", "", "{", 400},
		"large question":  {"POST", "/blobs/have", "", "", strings.Repeat(" ", 2<<20), 400},
		"many keys":       {"POST", "/blobs/have", "", "", `{"keys":["a"` + strings.Repeat(`,"a"`, 500) + `]}`, 400},
		"bad key asked":   {"POST", "/blobs/have", "", "", `{"keys":["../a"]}`, 400},
		"bad key erased":  {"POST", "/blobs/erase", "", "", `[{"key":"../a","at":1}]`, 400},
		"bad key dropped": {"POST", "/blobs/drop", "", "", `{"key":"../a","sum":"` + sum + `"}`, 400},
		"other members":   {"POST", "/blobs/have", "", "", `{"set":"other","keys":["a"]}`, 409},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, m.srv.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Recto-Sha256", c.sum)
		req.Header.Set("Recto-Born", c.born)
		resp, err := plain.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d; want %d", name, resp.StatusCode, c.want)
		}
	}
	var keys []string
	if err := m.ListLocal(t.Context(), "", "", func(i blob.Info) error { keys = append(keys, i.Key); return nil }); err != nil || !slices.Equal(keys, []string{original}) {
		t.Errorf("kept %v, %v", keys, err)
	}
	wantEmptyDir(t, filepath.Join(m.root, ".pending"))
}
