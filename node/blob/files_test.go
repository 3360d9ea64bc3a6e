package blob

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node/doc"
)

func body(n int) []byte { return bytes.Repeat([]byte("recto "), n/6+1)[:n] }

// residue lists the files below root, finished or not.
func residue(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, strings.TrimPrefix(path, root))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFilesKeepNothingWhenTheDiskFails(t *testing.T) {
	t.Parallel()
	for _, op := range []durable.Op{durable.OpCreate, durable.OpWrite, durable.OpSync, durable.OpMkdir, durable.OpRename} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			root, faults := t.TempDir(), &durable.Faults{}
			s, err := openFiles(root, faults)
			if err != nil {
				t.Fatal(err)
			}
			faults.Fail(op, 1)
			if _, _, _, err := s.Ingest(t.Context(), bytes.NewReader(body(200_000)), 0); !errors.Is(err, durable.ErrFault) {
				t.Errorf("Ingest: %v; want the fault", err)
			}
			faults.Fail(op, 1)
			if err := s.Put(t.Context(), "records/x", strings.NewReader("x"), 1); !errors.Is(err, durable.ErrFault) {
				t.Errorf("Put: %v; want the fault", err)
			}
			if left := residue(t, root); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			sum, _, existed, err := s.Ingest(t.Context(), bytes.NewReader(body(200_000)), 0)
			if err != nil || existed {
				t.Errorf("Ingest again: existed %v, %v", existed, err)
			}
			if err := Verify(t.Context(), s, OriginalKey(sum)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFilesNeverAnswerBeforeTheFolderIsSynced(t *testing.T) {
	t.Parallel()
	faults := &durable.Faults{}
	s, err := openFiles(t.TempDir(), faults)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 3; n++ { // originals, its shard, and the file in it
		faults.Fail(durable.OpSyncDir, n)
		if _, _, _, err := s.Ingest(t.Context(), bytes.NewReader(body(n*100)), 0); !errors.Is(err, durable.ErrFault) {
			t.Errorf("sync %d failed, Ingest answered %v", n, err)
		}
		s.ready = map[string]bool{}
	}
	// The file of the last round is there, but was not synced: finding it is not enough.
	faults.Fail(durable.OpSyncDir, 1)
	if _, _, _, err := s.Ingest(t.Context(), bytes.NewReader(body(300)), 0); !errors.Is(err, durable.ErrFault) {
		t.Errorf("Ingest of bytes that are there, with a failing sync: %v", err)
	}
	if _, _, existed, err := s.Ingest(t.Context(), bytes.NewReader(body(300)), 0); err != nil || !existed {
		t.Errorf("Ingest: existed %v, %v", existed, err)
	}
}

func TestFilesFullDisk(t *testing.T) {
	t.Parallel()
	root, faults := t.TempDir(), &durable.Faults{}
	s, err := openFiles(root, faults)
	if err != nil {
		t.Fatal(err)
	}
	faults.SetFull(true)
	if _, _, _, err := s.Ingest(t.Context(), bytes.NewReader(body(1<<20)), 0); doc.CodeOf(err) != doc.Full {
		t.Errorf("Ingest: %v; want full", err)
	}
	if err := Check(t.Context(), s); doc.CodeOf(err) != doc.Full {
		t.Errorf("Check: %v; want full", err)
	}
	if left := residue(t, root); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	faults.SetFull(false)
	if _, _, _, err := s.Ingest(t.Context(), bytes.NewReader(body(1<<20)), 0); err != nil {
		t.Errorf("Ingest with room again: %v", err)
	}
	if err := Check(t.Context(), s); err != nil {
		t.Error(err)
	}
}

func TestFilesFindAndHealDamage(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"bit":       func(b []byte) []byte { b[500] ^= 4; return b },
		"truncated": func(b []byte) []byte { return b[:999] },
		"empty":     func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			s, err := OpenFiles(root)
			if err != nil {
				t.Fatal(err)
			}
			sum, _, _, err := s.Ingest(t.Context(), bytes.NewReader(body(1000)), 0)
			if err != nil {
				t.Fatal(err)
			}
			key := OriginalKey(sum)
			if err := os.WriteFile(s.path(key), damage(body(1000)), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Open(t.Context(), key); !errors.Is(err, ErrDamaged) || doc.DetailOf(err) != doc.DetailDamaged {
				t.Errorf("Open of a damaged original: %v", err)
			}
			if err := Verify(t.Context(), s, key); !errors.Is(err, ErrDamaged) {
				t.Errorf("Verify: %v; want ErrDamaged", err)
			}
			if _, _, existed, err := s.Ingest(t.Context(), bytes.NewReader(body(1000)), 0); err != nil || existed {
				t.Errorf("Ingest over damage: existed %v, %v", existed, err)
			}
			if err := Verify(t.Context(), s, key); err != nil {
				t.Errorf("Verify after the same bytes came again: %v", err)
			}
		})
	}
}

func TestFilesSweepWhatAKillLeft(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s, err := OpenFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.write.Begin(s.temp())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(body(100)); err != nil { // and then the process is killed
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "kept", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFiles(root); err != nil {
		t.Fatal(err)
	}
	if left := residue(t, root); len(left) != 1 || left[0] != "/kept" {
		t.Errorf("after the next start: %v", left)
	}
}

func TestFilesRefuseABadFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFiles(file); err == nil {
		t.Error("OpenFiles of a plain file gives no error")
	}
}

func TestFilesFree(t *testing.T) {
	t.Parallel()
	s, err := OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Free(); err != nil || n <= 0 {
		t.Errorf("Free = %d, %v", n, err)
	}
}

func TestOriginalKeys(t *testing.T) {
	t.Parallel()
	key := OriginalKey([32]byte{0xab, 0xcd})
	if hex, ok := digestOf(key); !ok || !strings.HasPrefix(key, "originals/ab/abcd") || len(hex) != 64 {
		t.Errorf("digestOf(%s) = %q, %v", key, hex, ok)
	}
	if got, err := OriginalKeyHex(strings.TrimPrefix(key, "originals/ab/")); err != nil || got != key {
		t.Errorf("OriginalKeyHex = %q, %v", got, err)
	}
	for _, bad := range []string{"", "ab", strings.Repeat("z", 64)} {
		if _, err := OriginalKeyHex(bad); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("OriginalKeyHex(%q): %v", bad, err)
		}
	}
}
