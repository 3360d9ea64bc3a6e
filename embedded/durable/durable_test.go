package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/embedded/durable"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestWriteFileReplacesWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, want := range []string{"first", "second and longer", ""} {
		if err := durable.WriteFile(path, strings.NewReader(want)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	if got := names(t, filepath.Dir(path)); len(got) != 1 {
		t.Fatalf("left behind: %v", got)
	}
}

// A fault at any step before the rename leaves the old content and no other file.
func TestFaultKeepsOldContent(t *testing.T) {
	for _, op := range []durable.Op{durable.OpCreate, durable.OpWrite, durable.OpSync, durable.OpRename} {
		t.Run(string(op), func(t *testing.T) {
			faults := &durable.Faults{}
			store := durable.Store{FS: faults}
			path := filepath.Join(t.TempDir(), "f")
			if err := store.WriteFile(path, strings.NewReader("old")); err != nil {
				t.Fatal(err)
			}
			faults.Fail(op, 1)
			err := store.WriteFile(path, strings.NewReader("new"))
			if !errors.Is(err, durable.ErrFault) {
				t.Fatalf("got error %v, want the injected one", err)
			}
			if got := read(t, path); got != "old" {
				t.Fatalf("got %q after the fault, want old", got)
			}
			if got := names(t, filepath.Dir(path)); len(got) != 1 {
				t.Fatalf("left behind: %v", got)
			}
			if err := store.WriteFile(path, strings.NewReader("new")); err != nil {
				t.Fatalf("second try: %v", err)
			}
		})
	}
}

// Without the directory's sync the rename may be undone by a power cut, so the
// caller must hear of it.
func TestDirectorySyncIsReported(t *testing.T) {
	faults := &durable.Faults{}
	faults.Fail(durable.OpSyncDir, 1)
	err := durable.Store{FS: faults}.WriteFile(filepath.Join(t.TempDir(), "f"), strings.NewReader("x"))
	if !errors.Is(err, durable.ErrFault) {
		t.Fatalf("got %v, want the injected fault", err)
	}
}

func TestFullDisk(t *testing.T) {
	faults := &durable.Faults{}
	store := durable.Store{FS: faults}
	dir := t.TempDir()
	p, err := store.Begin(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte("one")); err != nil {
		t.Fatal(err)
	}
	faults.SetFull(true)
	if _, err := p.Write([]byte("two")); !durable.IsFull(err) {
		t.Fatalf("got %v, want a full disk", err)
	}
	// A caller that overlooked the failed write must not get a cut file.
	faults.SetFull(false)
	if err := p.Commit(filepath.Join(dir, "f")); !durable.IsFull(err) {
		t.Fatalf("got %v, want a full disk", err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Fatalf("left behind: %v", got)
	}
	if durable.IsFull(durable.ErrFault) {
		t.Fatal("any error counts as a full disk")
	}
}

func TestPendingIsATempUntilCommit(t *testing.T) {
	dir := t.TempDir()
	p, err := durable.Begin(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 1 || !durable.IsTemp(got[0]) {
		t.Fatalf("got %v, want one temporary file", got)
	}
	if err := p.Commit(filepath.Join(dir, "f")); err != nil {
		t.Fatal(err)
	}
	p.Discard()
	if err := p.Commit(filepath.Join(dir, "g")); err == nil {
		t.Fatal("second commit worked")
	}
	if got := names(t, dir); len(got) != 1 || got[0] != "f" {
		t.Fatalf("got %v, want f", got)
	}
}

func TestMkdirAllAndRemove(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "a", "b", "c")
	for range 2 {
		if err := durable.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "f")
	if err := durable.WriteFile(path, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := durable.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, dir); len(got) != 0 {
		t.Fatalf("left behind: %v", got)
	}
	if err := durable.MkdirAll(filepath.Join(path, "x")); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(filepath.Join(base, "file"), strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	if err := durable.MkdirAll(filepath.Join(base, "file", "x")); err == nil {
		t.Fatal("made a directory below a file")
	}
	if err := durable.MkdirAll(filepath.Join(base, "file")); err == nil {
		t.Fatal("took a file for a directory")
	}
}

// Every directory that got a new entry is synced: a failing sync of the outermost
// parent is reported too.
func TestMkdirAllSyncsParents(t *testing.T) {
	faults := &durable.Faults{}
	faults.Fail(durable.OpSyncDir, 1)
	store := durable.Store{FS: faults}
	if err := store.MkdirAll(filepath.Join(t.TempDir(), "a", "b")); !errors.Is(err, durable.ErrFault) {
		t.Fatalf("got %v, want the injected fault", err)
	}
}

func TestPendingIsDatedAndReadBeforeCommit(t *testing.T) {
	dir := t.TempDir()
	p, err := durable.Begin(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	if err := p.Date(at); err != nil {
		t.Fatal(err)
	}
	f, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := p.Commit(filepath.Join(dir, "f")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, 0); err != nil || b[0] != 'x' {
		t.Errorf("read %q, %v", b, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "f")); err != nil || !info.ModTime().Equal(at) {
		t.Errorf("dated %v, %v", info.ModTime(), err)
	}
	if _, err := p.Open(); err == nil {
		t.Error("Open after Commit gives no error")
	}
	if err := p.Date(at); err == nil {
		t.Error("Date after Commit gives no error")
	}
}
