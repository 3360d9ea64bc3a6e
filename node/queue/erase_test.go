package queue_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

func TestErase_LeavesTheTombstoneAndNoBytes(t *testing.T) {
	dir := t.TempDir()
	q, _ := open(t, dir, nil)
	ctx := timeout(t)
	other := record(2)
	appendOK(t, q, other)
	rec := record(1)
	rec.Name = "a secret name.pdf"
	appendOK(t, q, rec)
	reading := next(t, rec, doc.StateReading, "worker")
	appendOK(t, q, reading)
	gone := next(t, reading, doc.StateErased, "anna")
	gone.Name = ""
	seq := appendOK(t, q, gone)
	for range 2 {
		if err := q.Erase(ctx, rec.ID, seq); err != nil {
			t.Fatal(err)
		}
	}
	if last, at, err := q.Latest(ctx, rec.ID); err != nil || at != seq || last.State != doc.StateErased {
		t.Errorf("latest %+v at %d, %v", last, at, err)
	}
	if last, _, err := q.Latest(ctx, other.ID); err != nil || last.Revision != 1 {
		t.Errorf("another document: %+v, %v", last, err)
	}
	if gaps, err := q.Gaps(ctx); err != nil || gaps != 2 {
		t.Errorf("%d gaps, %v, want 2", gaps, err)
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte(rec.Name)) {
			t.Errorf("%s holds what was erased", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
