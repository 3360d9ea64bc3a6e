package main

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func TestPackKeepsOnlyWhatWasPinned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wheel, out := filepath.Join(dir, "a.whl"), filepath.Join(dir, "lib.zst")
	f, err := os.Create(wheel)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create("capi/lib.so")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("a library")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(wheel)
	if err != nil {
		t.Fatal(err)
	}
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	for name, bad := range map[string][2]string{
		"wheel":   {sum([]byte("x")), sum([]byte("a library"))},
		"library": {sum(raw), sum([]byte("x"))},
	} {
		if err := pack(wheel, bad[0], "capi/lib.so", bad[1], out); err == nil {
			t.Errorf("a wrong digest of the %s was taken", name)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("a wrong %s left a file", name)
		}
	}
	if err := pack(wheel, sum(raw), "capi/lib.so", sum([]byte("a library")), out); err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got, err := d.DecodeAll(packed, nil); err != nil || string(got) != "a library" {
		t.Errorf("got %q, %v", got, err)
	}
}
