package blob_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/blob/blobtest"
	"github.com/recto-edge/recto/node/doc"
)

func TestCopies(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3, 5} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			blobtest.Run(t, func(t *testing.T) blob.Store { return newFleet(t, n, nil).of("n0") })
		})
	}
}

func ingest(t *testing.T, s blob.Store, seed uint64, n int) (key string, body []byte) {
	t.Helper()
	body = blobtest.Bytes(seed, n)
	sum, _, _, err := s.Ingest(t.Context(), bytes.NewReader(body), 0)
	if err != nil {
		t.Fatal(err)
	}
	return blob.OriginalKey(sum), body
}

func wantRead(t *testing.T, s blob.Store, key string, body []byte) {
	t.Helper()
	got, err := blob.ReadAll(t.Context(), s, key, 1<<30)
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("%s: %d bytes, %v; want %d", key, len(got), err, len(body))
	}
}

func TestCopiesAnyMemberReads(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 5, nil)
	for i := range 20 {
		key, body := ingest(t, f.of(f.ids[i%5]), uint64(i), 10_000)
		for _, id := range f.ids {
			wantRead(t, f.of(id), key, body)
			if info, err := f.of(id).Stat(t.Context(), key); err != nil || info.Size != 10_000 {
				t.Errorf("Stat on %s: %+v, %v", id, info, err)
			}
		}
	}
}

func TestCopiesOfTwoNeedBoth(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, nil)
	key, body := ingest(t, f.of("n0"), 1, 1000)
	if h := f.holders(key); len(h) != 2 {
		t.Errorf("on %v", h)
	}
	f.setDown("n1", true)
	_, _, _, err := f.of("n0").Ingest(t.Context(), bytes.NewReader(blobtest.Bytes(2, 1000)), 0)
	if doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("Ingest: %v; want unavailable", err)
	}
	wantInText(t, err, "box-n1", "bring back")
	if err := blob.Check(t.Context(), f.of("n0")); doc.CodeOf(err) != doc.Unavailable {
		t.Errorf("Check: %v; want unavailable", err)
	}
	wantRead(t, f.of("n0"), key, body)
	f.setDown("n1", false)
	ingest(t, f.of("n0"), 2, 1000)
	if err := blob.Check(t.Context(), f.of("n0")); err != nil {
		t.Error(err)
	}
}

func TestCopiesOfThreeStandTheLossOfOne(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]fault{"refuses": refuse, "hangs": hang, "answers 500": fail500, "cuts": cut, "flips": flip, "is slow": slow} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 3, nil)
			f.fault("n0", "n1", x)
			for i := range 5 {
				key, body := ingest(t, f.of("n0"), uint64(i), 100_000)
				wantRead(t, f.of("n0"), key, body)
				wantRead(t, f.of("n2"), key, body)
				wantRead(t, f.of("n1"), key, body)
			}
		})
	}
}
