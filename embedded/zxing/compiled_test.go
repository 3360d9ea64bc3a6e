package zxing

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/recto-edge/recto/embedded/wasmcode"
)

// packedHere is what the build would embed for this very test program.
func packedHere(t *testing.T) *wasmcode.Pack {
	t.Helper()
	var b bytes.Buffer
	if err := Pack(&b); err != nil {
		t.Fatal(err)
	}
	name := "compiled/zxing-" + runtime.GOOS + "-" + runtime.GOARCH + "-here.pack"
	p := wasmcode.Find(fstest.MapFS{name: {Data: b.Bytes()}}, "zxing")
	if p == nil {
		t.Fatal("what Pack writes is not found")
	}
	return p
}

// reads runs a reader once, and checks that it reads.
func reads(t *testing.T, dir string, p *wasmcode.Pack) {
	t.Helper()
	e, err := openPacked(context.Background(), dir, p)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	codes, err := e.Read(context.Background(), load(t, "testdata/aztec-1-Historico.png"), false)
	if err != nil || len(codes) != 1 || codes[0].Text != "Histórico" {
		t.Fatalf("%v, %v", codes, err)
	}
}

// files gives the names of what is in dir and below.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestMachineCode(t *testing.T) {
	p, dir := packedHere(t), t.TempDir()
	for range 2 {
		reads(t, dir, p)
		if left := files(t, dir); len(left) != 1 || left[0] != filepath.ToSlash(p.Name) {
			t.Fatalf("something was compiled: %v", left)
		}
	}
	// What is damaged in the folder keeps no document from being read.
	path := filepath.Join(dir, p.Name)
	code, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(code)
	bad[len(bad)-20] ^= 1
	if err := os.WriteFile(path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	reads(t, dir, p)
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, code) {
		t.Errorf("damaged code stays in the folder: %v", err)
	}
	// Nor does a folder that cannot be used.
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	file := filepath.Join(temp, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, ""} {
		reads(t, dir, p)
		if left := files(t, temp); len(left) != 1 {
			t.Errorf("folder %q: left %v", dir, left)
		}
	}
	// What the build left in the source tree belongs to this module and processor.
	ahead := wasmcode.Find(compiled, "zxing")
	if ahead == nil {
		if packs, _ := filepath.Glob("compiled/*.pack"); len(packs) > 0 {
			t.Errorf("%v cannot be read, or is of another platform", packs)
		}
		return // built without make
	}
	if got, want := filepath.Base(ahead.Name), filepath.Base(p.Name); got != want {
		t.Errorf("the code compiled ahead is for another module or processor, run make build: %s, want %s", got, want)
	}
}
