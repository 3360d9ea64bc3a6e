// Package blobtest is the conformance suite of blob.Store: what every backend
// must do, run against each of them by the tests of node/blob.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/doc"
)

// Run runs the suite. open gives an empty store of its own for each test.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	for name, test := range map[string]func(*testing.T, blob.Store){
		"IngestKeepsBytesUnderTheirHash":  ingest,
		"IngestOfLargeObjects":            ingestLarge,
		"IngestOfTheSameBytes":            ingestAgain,
		"IngestOfTheSameBytesAtOnce":      ingestAtOnce,
		"IngestUpToTheLimit":              ingestLimit,
		"IngestOfAFailingSenderKeepsNone": ingestFailing,
		"IngestEndsWithItsContext":        ingestCancelled,
		"PutIsOnceAndForAll":              put,
		"PutAtOnceHasOneWinner":           putAtOnce,
		"PutOfOtherSizeThanAnnounced":     putSize,
		"MissingObjects":                  missing,
		"BadKeys":                         badKeys,
		"ListInKeyOrder":                  list,
		"ListManyPages":                   listMany,
		"Check":                           check,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func ingest(t *testing.T, s blob.Store) {
	for _, n := range []int{0, 1, 4096, 100_000} {
		body := Bytes(uint64(n), n)
		sum, size, existed, err := s.Ingest(t.Context(), bytes.NewReader(body), 0)
		if err != nil || existed || size != int64(n) || sum != sha256.Sum256(body) {
			t.Fatalf("Ingest of %d bytes = %x, %d, %v, %v", n, sum, size, existed, err)
		}
		key := blob.OriginalKey(sum)
		wantObject(t, s, key, body)
		if err := blob.Verify(t.Context(), s, key); err != nil {
			t.Errorf("Verify: %v", err)
		}
		if info, err := s.Stat(t.Context(), key); err != nil || info.Size != size || info.Key != key || info.Modified.IsZero() {
			t.Errorf("Stat = %+v, %v", info, err)
		}
	}
}

func ingestLarge(t *testing.T, s blob.Store) {
	body := Bytes(7, 20<<20+1)
	sum, size, _, err := s.Ingest(t.Context(), bytes.NewReader(body), int64(len(body)))
	if err != nil || size != int64(len(body)) {
		t.Fatalf("Ingest = %d, %v", size, err)
	}
	f, err := s.Open(t.Context(), blob.OriginalKey(sum))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	part := make([]byte, 1000)
	if _, err := f.ReadAt(part, 17<<20); err != nil || !bytes.Equal(part, body[17<<20:17<<20+1000]) {
		t.Errorf("ReadAt gives other bytes, or %v", err)
	}
	if n, err := f.ReadAt(part, size-10); n != 10 || !errors.Is(err, io.EOF) {
		t.Errorf("ReadAt over the end = %d, %v; want 10, EOF", n, err)
	}
}

func ingestAgain(t *testing.T, s blob.Store) {
	body := Bytes(1, 5000)
	for i, want := range []bool{false, true, true} {
		sum, _, existed, err := s.Ingest(t.Context(), bytes.NewReader(body), 0)
		if err != nil || existed != want {
			t.Fatalf("Ingest %d: existed %v, %v", i, existed, err)
		}
		wantObject(t, s, blob.OriginalKey(sum), body)
	}
	wantKeys(t, s, "", "", blob.OriginalKey(sha256.Sum256(body)))
}

func ingestAtOnce(t *testing.T, s blob.Store) {
	body := Bytes(2, 50_000)
	var wg sync.WaitGroup
	for range 24 {
		wg.Go(func() {
			if _, _, _, err := s.Ingest(t.Context(), bytes.NewReader(body), 0); err != nil {
				t.Errorf("Ingest: %v", err)
			}
		})
	}
	wg.Wait()
	wantObject(t, s, blob.OriginalKey(sha256.Sum256(body)), body)
	wantKeys(t, s, "", "", blob.OriginalKey(sha256.Sum256(body)))
}

func ingestLimit(t *testing.T, s blob.Store) {
	body := Bytes(3, 1001)
	if _, _, _, err := s.Ingest(t.Context(), bytes.NewReader(body), 1000); doc.CodeOf(err) != doc.TooLarge {
		t.Errorf("Ingest of limit+1 bytes: %v; want too_large", err)
	}
	wantKeys(t, s, "", "")
	if _, _, _, err := s.Ingest(t.Context(), bytes.NewReader(body[:1000]), 1000); err != nil {
		t.Errorf("Ingest of limit bytes: %v", err)
	}
}

func ingestFailing(t *testing.T, s blob.Store) {
	broken := errors.New("line cut")
	for _, n := range []int{0, 10, 70_000} {
		r := io.MultiReader(bytes.NewReader(Bytes(4, n)), iotest.ErrReader(broken))
		if _, _, _, err := s.Ingest(t.Context(), r, 0); !errors.Is(err, broken) {
			t.Errorf("Ingest of a sender that fails after %d bytes: %v", n, err)
		}
	}
	wantKeys(t, s, "", "")
}

func ingestCancelled(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	r := iotest.OneByteReader(bytes.NewReader(Bytes(5, 100)))
	n := 0
	_, _, _, err := s.Ingest(ctx, readerFunc(func(b []byte) (int, error) {
		if n++; n == 50 {
			cancel()
		}
		return r.Read(b)
	}), 0)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Ingest: %v; want context.Canceled", err)
	}
	wantKeys(t, s, "", "")
}

func put(t *testing.T, s blob.Store) {
	const key = "records/00000000000000000000000000/0000000001.json"
	for range 2 {
		if err := s.Put(t.Context(), key, strings.NewReader("one"), 3); err != nil {
			t.Fatal(err)
		}
		wantObject(t, s, key, []byte("one"))
	}
	if err := s.Put(t.Context(), key, strings.NewReader("two"), 3); doc.CodeOf(err) != doc.Conflict {
		t.Errorf("Put of other bytes: %v; want conflict", err)
	}
	wantObject(t, s, key, []byte("one"))
}

func putAtOnce(t *testing.T, s blob.Store) {
	const key = "records/race"
	var mu sync.Mutex
	var wg sync.WaitGroup
	var won []byte
	for i := range 16 {
		wg.Go(func() {
			body := fmt.Appendf(nil, "writer %02d", i)
			err := s.Put(t.Context(), key, bytes.NewReader(body), int64(len(body)))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && won == nil:
				won = body
			case doc.CodeOf(err) != doc.Conflict:
				t.Errorf("Put %d: %v; want conflict", i, err)
			}
		})
	}
	wg.Wait()
	wantObject(t, s, key, won)
}

func putSize(t *testing.T, s blob.Store) {
	for _, size := range []int64{0, 2, 4} {
		if err := s.Put(t.Context(), "records/x", strings.NewReader("abc"), size); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("Put of 3 bytes announced as %d: %v; want invalid", size, err)
		}
	}
	wantKeys(t, s, "", "")
}

func missing(t *testing.T, s blob.Store) {
	for _, key := range []string{"nothing", "intake/2026-11-23/nothing.json", blob.OriginalKey([32]byte{1})} {
		if _, err := s.Open(t.Context(), key); doc.CodeOf(err) != doc.NotFound {
			t.Errorf("Open(%s): %v; want not_found", key, err)
		}
		if _, err := s.Stat(t.Context(), key); doc.CodeOf(err) != doc.NotFound {
			t.Errorf("Stat(%s): %v; want not_found", key, err)
		}
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete(%s): %v", key, err)
		}
	}
	if err := s.Put(t.Context(), "a/b", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), "a"); doc.CodeOf(err) != doc.NotFound {
		t.Errorf("Open of a folder: %v; want not_found", err)
	}
	for range 2 {
		if err := s.Delete(t.Context(), "a/b"); err != nil {
			t.Errorf("Delete: %v", err)
		}
	}
	wantKeys(t, s, "", "")
}

func badKeys(t *testing.T, s blob.Store) {
	for _, key := range []string{"", "/", "/etc/passwd", "a//b", "a/", "../a", "a/../../b", "a/.hidden", ".pending/x", "a b", "a\x00", "ä", `a\b`, strings.Repeat("a", 600)} {
		if err := s.Put(t.Context(), key, strings.NewReader("x"), 1); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("Put(%q): %v; want invalid", key, err)
		}
		if _, err := s.Open(t.Context(), key); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("Open(%q): %v; want invalid", key, err)
		}
		if _, err := s.Stat(t.Context(), key); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("Stat(%q): %v; want invalid", key, err)
		}
		if err := s.Delete(t.Context(), key); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("Delete(%q): %v; want invalid", key, err)
		}
	}
	if err := s.List(t.Context(), "../", "", nil); doc.CodeOf(err) != doc.Invalid {
		t.Errorf("List(../): %v; want invalid", err)
	}
}

func list(t *testing.T, s blob.Store) {
	keys := []string{"a-b/1", "a/1", "a/2/x", "a/2/y", "a0", "b/1", "intake/2026-11-23/p-1.json", "intake/2026-11-24/a-1.json"}
	for _, i := range rand.Perm(len(keys)) {
		if err := s.Put(t.Context(), keys[i], strings.NewReader("x"), 1); err != nil {
			t.Fatal(err)
		}
	}
	wantKeys(t, s, "", "", keys...)
	wantKeys(t, s, "a/", "", "a/1", "a/2/x", "a/2/y")
	wantKeys(t, s, "a", "", "a-b/1", "a/1", "a/2/x", "a/2/y", "a0")
	wantKeys(t, s, "", "a/2/x", keys[3:]...)
	wantKeys(t, s, "a/", "a/2", "a/2/x", "a/2/y")
	wantKeys(t, s, "intake/", "intake/2026-11-23/p-1.json", keys[7])
	wantKeys(t, s, "none/", "")

	var seen []string
	err := s.List(t.Context(), "", "", func(i blob.Info) error {
		if seen = append(seen, i.Key); len(seen) == 2 {
			return blob.Stop
		}
		return nil
	})
	if err != nil || len(seen) != 2 {
		t.Errorf("List stopped after two: %v, %v", seen, err)
	}
	bad := errors.New("enough")
	if err := s.List(t.Context(), "", "", func(blob.Info) error { return bad }); !errors.Is(err, bad) {
		t.Errorf("List with a failing function: %v", err)
	}
}

func listMany(t *testing.T, s blob.Store) {
	const n = 1050 // S3 answers a thousand at a time
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("many/%05d", i))
	}
	work := make(chan string)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for key := range work {
				if err := s.Put(t.Context(), key, strings.NewReader("x"), 1); err != nil {
					t.Errorf("Put: %v", err)
				}
			}
		})
	}
	for _, key := range want {
		work <- key
	}
	close(work)
	wg.Wait()
	wantKeys(t, s, "many/", "", want...)
	wantKeys(t, s, "many/", want[999], want[1000:]...)
}

func check(t *testing.T, s blob.Store) {
	if err := blob.Check(t.Context(), s); err != nil {
		t.Error(err)
	}
	wantKeys(t, s, "", "")
}

func wantObject(t *testing.T, s blob.Store, key string, want []byte) {
	t.Helper()
	got, err := blob.ReadAll(t.Context(), s, key, int64(len(want)))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("object %s has %d bytes, %v; want %d", key, len(got), err, len(want))
	}
}

func wantKeys(t *testing.T, s blob.Store, prefix, after string, want ...string) {
	t.Helper()
	var got []string
	if err := s.List(t.Context(), prefix, after, func(i blob.Info) error {
		got = append(got, i.Key)
		return nil
	}); err != nil {
		t.Errorf("List(%q, %q): %v", prefix, after, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("List(%q, %q) (-want +got):\n%s", prefix, after, d)
	}
}

// Bytes gives n bytes that look random and are the same for the same seed.
func Bytes(seed uint64, n int) []byte {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	return b
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
