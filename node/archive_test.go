package node

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/doc"
)

func TestArchive_LatestOfEveryDocument(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, err := blob.OpenFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	a := archive{store}
	ctx := context.Background()
	if none, err := a.empty(ctx); err != nil || !none {
		t.Fatalf("empty = %v, %v", none, err)
	}
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	ids := []doc.ID{doc.IDFromDigest([32]byte{1}), doc.IDFromDigest([32]byte{2}), doc.IDFromDigest([32]byte{3})}
	put := func(id doc.ID, rev uint64, by string, after time.Duration) {
		t.Helper()
		r := doc.Record{Arrival: doc.Arrival{ID: id}, Revision: rev, State: doc.StateQueued, By: by, UpdatedAt: at.Add(after)}
		for range 2 { // delivered twice: harmless
			if err := a.put(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(ids[0], 1, "a", 0)
	put(ids[0], 2, "b", time.Second)
	put(ids[1], 1, "c", 0)
	put(ids[1], 2, "cut off", time.Second)
	put(ids[1], 2, "went on", time.Minute) // a second history with the same number
	for rev := range uint64(12) {
		put(ids[2], rev+1, "d", time.Duration(rev)*time.Second)
	}
	got := map[doc.ID]string{}
	if err := a.latest(ctx, func(r doc.Record) error {
		if _, twice := got[r.ID]; twice {
			t.Errorf("document %s given twice", r.ID)
		}
		got[r.ID] = r.By
		if r.ID == ids[2] && r.Revision != 12 {
			t.Errorf("revision %d of the third, want 12", r.Revision)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[doc.ID]string{ids[0]: "b", ids[1]: "went on", ids[2]: "d"}, got); d != "" {
		t.Error(d)
	}
	revs, err := a.revisions(ctx, ids[1])
	if err != nil || len(revs) != 3 || revs[2].By != "went on" {
		t.Errorf("revisions: %v, %v", revs, err)
	}
	// The last revision of the first is damaged: the one before is what there is.
	damaged, err := filepath.Glob(filepath.Join(dir, recordsPrefix, string(ids[0]), "0000000002-*"))
	if err != nil || len(damaged) != 1 {
		t.Fatal(damaged, err)
	}
	if err := os.WriteFile(damaged[0], []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.latest(ctx, func(r doc.Record) error {
		got[r.ID] = r.By
		return nil
	}); err != nil || got[ids[0]] != "a" {
		t.Errorf("after damage: %v, %v; want the revision before", got, err)
	}
}
