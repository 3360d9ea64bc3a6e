package pdfium

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// packedHere is what the build would embed for this very test program.
var packedHere = sync.OnceValues(func() (*packed, error) {
	var b bytes.Buffer
	if err := Pack(&b); err != nil {
		return nil, err
	}
	p := parse(b.Bytes())
	if p == nil {
		return nil, errors.New("what Pack writes cannot be parsed")
	}
	return p, nil
})

func here(t *testing.T) *packed {
	t.Helper()
	p, err := packedHere()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// reads runs an engine once, and checks that it reads.
func reads(t *testing.T, dir string, p *packed) {
	t.Helper()
	e := New(Config{CacheDir: dir})
	e.packed = p
	defer e.Close()
	d, err := e.Open(context.Background(), pdf(1, hello))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if page, err := d.Page(context.Background(), 0); err != nil || len(page.Words) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
}

// files gives what is in dir and below, by name.
func files(t *testing.T, dir string) map[string]fs.FileInfo {
	t.Helper()
	all := map[string]fs.FileInfo{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		all[strings.TrimPrefix(path, dir+"/")] = info
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFirstStartRunsPackedCode(t *testing.T) {
	p, dir := here(t), t.TempDir()
	reads(t, dir, p)
	first := files(t, dir)
	if len(first) != 1 || first[p.name] == nil {
		t.Fatalf("something was compiled: %v", first)
	}
	reads(t, dir, p)
	second := files(t, dir)
	if len(second) != 1 || !os.SameFile(first[p.name], second[p.name]) || !first[p.name].ModTime().Equal(second[p.name].ModTime()) {
		t.Errorf("the second start wrote: %v", second)
	}
}

func TestDamagedPackIsCompiledInstead(t *testing.T) {
	bad := *here(t)
	bad.zstd = bytes.Clone(bad.zstd)
	bad.zstd[len(bad.zstd)/2] ^= 1
	dir := t.TempDir()
	reads(t, dir, &bad)
	first := files(t, dir)
	if len(first) != 2 || first[noteName] == nil || first[bad.name] == nil {
		t.Fatalf("left %v", first)
	}
	if sum, err := sumOf(filepath.Join(dir, bad.name)); err != nil || sum != bad.sum {
		t.Errorf("compiling gave another result than Pack: %s, %v", sum, err)
	}
	for _, p := range []*packed{&bad, nil} {
		reads(t, dir, p)
		if now := files(t, dir); len(now) != 2 || !os.SameFile(first[bad.name], now[bad.name]) {
			t.Errorf("what was compiled before was not used: %v", now)
		}
	}
}

func TestPackWithAnotherSumIsRefused(t *testing.T) {
	bad := *here(t)
	bad.sum = strings.Repeat("0", len(bad.sum))
	dir := t.TempDir()
	if err := bad.unpack(dir); err == nil || len(files(t, dir)) != 0 {
		t.Errorf("%v, left %v", err, files(t, dir))
	}
}

func TestOnlyKnownCodeStaysInTheFolder(t *testing.T) {
	p, dir := here(t), t.TempDir()
	write := func(name, content string, age time.Duration) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	key := strings.Repeat("ab", 32)
	write(p.name, "not machine code", 0)
	write("wazero-v1.0.0-amd64-linux/"+key, "of an older version", 0)
	write(filepath.Join(filepath.Dir(p.name), key), "of an older module", 0)
	write(filepath.Join(filepath.Dir(p.name), key+".1.tmp"), "abandoned", 2*tempLife)
	write(filepath.Join(filepath.Dir(p.name), key+".2.tmp"), "being written", 0)
	write("mine.txt", "not ours", 2*tempLife)
	c := openCode(dir, p)
	if c.dir != dir || len(c.known) != 1 || c.known[p.name] != p.sum {
		t.Fatalf("%+v", c)
	}
	var left []string
	for name := range files(t, dir) {
		left = append(left, name)
	}
	slices.Sort(left)
	if want := []string{"mine.txt", p.name, filepath.Join(filepath.Dir(p.name), key+".2.tmp")}; !slices.Equal(left, want) {
		t.Errorf("left %v, want %v", left, want)
	}

	// Code for another processor, compiled here, stays until the program is another.
	write(filepath.Join(filepath.Dir(p.name), key), "compiled here", 0)
	c.note()
	if c = openCode(dir, p); len(c.known) != 2 {
		t.Errorf("what was compiled here is not known: %v", c.known)
	}
	newer := *p
	newer.name = filepath.Join(filepath.Dir(p.name), strings.Repeat("cd", 32))
	if c = openCode(dir, &newer); len(c.known) != 1 || len(entries(dir)) != 1 {
		t.Errorf("after an upgrade: %v, %v", c.known, entries(dir))
	}
}

func TestUnusableFolderCostsNoDocument(t *testing.T) {
	p, temp := here(t), t.TempDir()
	t.Setenv("TMPDIR", temp)
	file := filepath.Join(temp, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), ""} {
		reads(t, dir, p)
		if left := files(t, temp); len(left) != 1 {
			t.Errorf("folder %q: left %v", dir, left)
		}
	}
	if c := openCode(file, nil); c.dir != "" {
		t.Errorf("compiles into %s, where nothing can be kept", c.dir)
	}
	// A folder that fails under wazero's hands: its place is taken by a file.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, filepath.Dir(p.name)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	reads(t, dir, nil)
}

func TestParseRefusesOtherFiles(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("0", 64)
	for _, bad := range []string{"", "x", sum, sum + "\n", sum + "  ../x\nz", sum + "  /x\nz", "00  x\nz"} {
		if p := parse([]byte(bad)); p != nil {
			t.Errorf("%q: %+v", bad, p)
		}
	}
}

// What the build left in the source tree belongs to this module and processor.
func TestCompiledAheadIsNotStale(t *testing.T) {
	p := embedded()
	if p == nil {
		if packs, _ := filepath.Glob("compiled/*.pack"); len(packs) > 0 {
			t.Errorf("%v cannot be parsed, or is of another platform", packs)
		}
		return // built without make
	}
	if got, want := filepath.Base(p.name), filepath.Base(here(t).name); got != want {
		t.Errorf("the code compiled ahead is for another module or processor, run make build: %s, want %s", got, want)
	}
	if err := p.unpack(t.TempDir()); err != nil {
		t.Error(err)
	}
}
