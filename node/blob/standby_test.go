package blob_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/blob/blobtest"
	"github.com/recto-edge/recto/node/doc"
)

// standbys gives every member of f the bucket of cfg with the members' disks as
// its stand-by.
func standbys(t *testing.T, f *fleet, cfg blob.S3Config) map[string]*blob.Standby {
	t.Helper()
	out := map[string]*blob.Standby{}
	for _, id := range f.ids {
		s := blob.OpenStandby(blob.StandbyConfig{Primary: openS3(t, cfg), Backup: f.of(id).Copies, Probe: 50 * time.Millisecond})
		t.Cleanup(func() { _ = s.Close() })
		out[id] = s
	}
	return out
}

// until waits until ok, looking often.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick, end := time.NewTicker(20*time.Millisecond), time.NewTimer(patience)
	defer tick.Stop()
	defer end.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func TestStandby(t *testing.T) {
	t.Parallel()
	m := startMinio(t)
	t.Run("conformance", func(t *testing.T) {
		blobtest.Run(t, func(t *testing.T) blob.Store {
			cfg := m.config(t)
			prepareS3(t, cfg)
			return standbys(t, newFleet(t, 3, nil), cfg)["n0"]
		})
	})
	t.Run("outage", func(t *testing.T) { testOutage(t, m) })
}

func testOutage(t *testing.T, m *minio) {
	cfg := m.config(t)
	bucket := prepareS3(t, cfg)
	f := newFleet(t, 3, nil)
	s := standbys(t, f, cfg)
	before, first := ingest(t, s["n0"], 1, 10_000)
	if h := f.holders(before); len(h) > 0 {
		t.Errorf("with the bucket there, on the disks of %v", h)
	}
	m.kill()
	objects := map[string][]byte{}
	for i := range 12 {
		store := s[f.ids[i%3]]
		key, body := ingest(t, store, uint64(100+i), 20_000)
		objects[key] = body
		record := fmt.Sprintf("intake/2026-11-23/doc-%d.json", i)
		if err := store.Put(t.Context(), record, strings.NewReader("{}"), 2); err != nil {
			t.Fatal(err)
		}
		objects[record] = []byte("{}")
	}
	var erased string
	for key, body := range objects {
		for _, id := range f.ids {
			wantRead(t, s[id], key, body)
		}
		erased = key
	}
	for _, id := range f.ids {
		if st := s[id].Status(); !st.Away || st.Why == "" {
			t.Errorf("%s: %+v", id, st)
		}
		if err := blob.Check(t.Context(), s[id]); err != nil {
			t.Errorf("Check on %s: %v", id, err)
		}
		if _, err := s[id].Open(t.Context(), before); doc.CodeOf(err) != doc.Unavailable {
			t.Errorf("Open of what is in the bucket: %v; want unavailable", err)
		}
		if err := s[id].List(t.Context(), "", "", func(blob.Info) error { return nil }); doc.CodeOf(err) != doc.Unavailable {
			t.Errorf("List: %v; want unavailable", err)
		}
	}
	if err := s["n1"].Delete(t.Context(), erased); doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("Delete: %v; want unavailable", err)
	}
	delete(objects, erased)
	m.start(t)
	for _, id := range f.ids {
		until(t, "uploads of "+id, func() bool { st := s[id].Status(); return !st.Away && st.Waiting == 0 })
	}
	until(t, "empty disks", func() bool {
		return !slices.ContainsFunc(f.ids, func(id string) bool {
			n := 0
			err := f.of(id).ListLocal(t.Context(), "", "", func(blob.Info) error { n++; return nil })
			return err != nil || n > 0
		})
	})
	if err := s["n1"].Delete(t.Context(), erased); err != nil {
		t.Errorf("Delete again: %v", err)
	}
	objects[before] = first
	var listed []string
	if err := s["n2"].List(t.Context(), "", "", func(i blob.Info) error { listed = append(listed, i.Key); return nil }); err != nil || len(listed) != len(objects) {
		t.Errorf("List: %d, %v; want %d", len(listed), err, len(objects))
	}
	for key, body := range objects {
		wantRead(t, bucket, key, body)
		wantRead(t, s["n2"], key, body)
	}
	if _, err := bucket.Stat(t.Context(), erased); doc.CodeOf(err) != doc.NotFound {
		t.Errorf("erased: %v; want not_found", err)
	}
}

// A server that takes connections and says nothing is as good as away.
func TestStandbyOfABucketThatHangs(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _, _ = io.Copy(io.Discard, c); c.Close() })
		}
	})
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { l.Close() })
	f := newFleet(t, 3, nil)
	s := standbys(t, f, blob.S3Config{Endpoint: l.Addr().String(), Bucket: "bucket", Region: "eu", PathStyle: true,
		AccessKey: minioUser, SecretKey: minioSecret, PlainHTTP: true, Spool: t.TempDir()})
	for i := range 3 {
		body := blobtest.Bytes(uint64(i), 5000)
		sum, _, _, err := s["n0"].Ingest(t.Context(), bytes.NewReader(body), 0)
		if err != nil {
			t.Fatal(err)
		}
		wantRead(t, s["n1"], blob.OriginalKey(sum), body)
	}
	if st := s["n0"].Status(); !st.Away || st.Waiting != 3 {
		t.Errorf("%+v", st)
	}
}
