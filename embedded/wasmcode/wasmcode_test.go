package wasmcode

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tetratelabs/wazero"
)

// answer is a module whose function run gives 42.
var answer = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x05\x01\x60\x00\x01\x7f" + // a function type: nothing to an i32
	"\x03\x02\x01\x00" +
	"\x07\x07\x01\x03run\x00\x00" +
	"\x0a\x06\x01\x04\x00\x41\x2a\x0b") // i32.const 42

// engine gives a start that runs answer, and counts how often it was called.
func engine(calls *int) func(wazero.RuntimeConfig) error {
	ctx := context.Background()
	return func(rc wazero.RuntimeConfig) error {
		*calls++
		r := wazero.NewRuntimeWithConfig(ctx, rc)
		m, err := r.Instantiate(ctx, answer)
		if err != nil {
			return errors.Join(err, r.Close(ctx))
		}
		out, err := m.ExportedFunction("run").Call(ctx)
		if err == nil && out[0] != 42 {
			err = errors.New("another answer")
		}
		return errors.Join(err, r.Close(ctx))
	}
}

// content is what the build would embed for this very test program.
func content(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	err := Write(&b, func(dir string) error {
		var calls int
		release, err := Load(dir, nil, engine(&calls))
		if err != nil {
			return err
		}
		return release()
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func find(b []byte) *Pack {
	return Find(fstest.MapFS{"compiled/answer-" + runtime.GOOS + "-" + runtime.GOARCH + "-x.pack": {Data: b}}, "answer")
}

func here(t *testing.T) *Pack {
	t.Helper()
	p := find(content(t))
	if p == nil {
		t.Fatal("what Write writes is not found")
	}
	return p
}

// runs starts once, and gives how often that was tried.
func runs(t *testing.T, dir string, p *Pack) (calls int) {
	t.Helper()
	release, err := Load(dir, p, engine(&calls))
	if err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	return calls
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
	runs(t, dir, p)
	first := files(t, dir)
	if len(first) != 1 || first[p.Name] == nil {
		t.Fatalf("something was compiled: %v", first)
	}
	runs(t, dir, p)
	second := files(t, dir)
	if len(second) != 1 || !os.SameFile(first[p.Name], second[p.Name]) || !first[p.Name].ModTime().Equal(second[p.Name].ModTime()) {
		t.Errorf("the second start wrote: %v", second)
	}
}

func TestDamagedPackIsCompiledInstead(t *testing.T) {
	b := content(t)
	b[bytes.IndexByte(b, '\n')+16] ^= 1
	bad, dir := find(b), t.TempDir()
	runs(t, dir, bad)
	first := files(t, dir)
	if len(first) != 2 || first[noteName] == nil || first[bad.Name] == nil {
		t.Fatalf("left %v", first)
	}
	if sum, err := sumOf(filepath.Join(dir, bad.Name)); err != nil || sum != bad.sum {
		t.Errorf("compiling gave another result than Write: %s, %v", sum, err)
	}
	for _, p := range []*Pack{bad, nil} {
		runs(t, dir, p)
		if now := files(t, dir); len(now) != 2 || !os.SameFile(first[bad.Name], now[bad.Name]) {
			t.Errorf("what was compiled before was not used: %v", now)
		}
	}
}

func TestPackWithAnotherSumIsRefused(t *testing.T) {
	b := content(t)
	copy(b, strings.Repeat("0", 64))
	dir := t.TempDir()
	if err := find(b).unpack(dir); err == nil || len(files(t, dir)) != 0 {
		t.Errorf("%v, left %v", err, files(t, dir))
	}
}

// wazero gives up on such entries, see folder.
func TestDamagedEntryIsReplaced(t *testing.T) {
	p := here(t)
	for name, pack := range map[string]*Pack{"packed": p, "compiled here": nil} {
		dir := t.TempDir()
		runs(t, dir, pack)
		path := filepath.Join(dir, p.Name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := range whole {
			bad := bytes.Clone(whole)
			bad[at] ^= 0xff
			for _, bad := range [][]byte{bad, whole[:at]} {
				if err := os.WriteFile(path, bad, 0o600); err != nil {
					t.Fatal(err)
				}
				if calls := runs(t, dir, pack); calls != 1 {
					t.Fatalf("%s: wazero got to see it, damaged at %d", name, at)
				}
				if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, whole) {
					t.Fatalf("%s: damaged at %d, it is left so: %v", name, at, err)
				}
			}
		}
	}
}

func TestStartThatFailsIsTriedInMemory(t *testing.T) {
	p, dir, calls := here(t), t.TempDir(), 0
	run := engine(&calls)
	release, err := Load(dir, p, func(rc wazero.RuntimeConfig) error {
		if err := run(rc); err != nil || calls == 2 {
			return err
		}
		return errors.New("the folder is to blame")
	})
	if err != nil || calls != 2 || len(entries(dir)) != 0 {
		t.Fatalf("%v after %d starts, left %v", err, calls, entries(dir))
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	broken := errors.New("broken")
	if release, err := Load(dir, p, func(wazero.RuntimeConfig) error { return broken }); !errors.Is(err, broken) || release != nil {
		t.Errorf("%v", err)
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
	write(p.Name, "not machine code", 0)
	write("wazero-v1.0.0-amd64-linux/"+key, "of an older version", 0)
	write(filepath.Join(filepath.Dir(p.Name), key), "of an older module", 0)
	write(filepath.Join(filepath.Dir(p.Name), key+".1.tmp"), "abandoned", 2*tempLife)
	write(filepath.Join(filepath.Dir(p.Name), key+".2.tmp"), "being written", 0)
	write("mine.txt", "not ours", 2*tempLife)
	c := openFolder(dir, p)
	if c.dir != dir || len(c.known) != 1 || c.known[p.Name] != p.sum {
		t.Fatalf("%+v", c)
	}
	var left []string
	for name := range files(t, dir) {
		left = append(left, name)
	}
	slices.Sort(left)
	if want := []string{"mine.txt", p.Name, filepath.Join(filepath.Dir(p.Name), key+".2.tmp")}; !slices.Equal(left, want) {
		t.Errorf("left %v, want %v", left, want)
	}

	// Code for another processor, compiled here, stays until the program is another.
	write(filepath.Join(filepath.Dir(p.Name), key), "compiled here", 0)
	c.note()
	if c = openFolder(dir, p); len(c.known) != 2 {
		t.Errorf("what was compiled here is not known: %v", c.known)
	}
	newer := *p
	newer.Name = filepath.Join(filepath.Dir(p.Name), strings.Repeat("cd", 32))
	if c = openFolder(dir, &newer); len(c.known) != 1 || len(entries(dir)) != 1 {
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
		runs(t, dir, p)
		if left := files(t, temp); len(left) != 1 {
			t.Errorf("folder %q: left %v", dir, left)
		}
	}
	if c := openFolder(file, nil); c.dir != "" {
		t.Errorf("compiles into %s, where nothing can be kept", c.dir)
	}
	// A folder that fails under wazero's hands: its place is taken by a file.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, filepath.Dir(p.Name)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	runs(t, dir, nil)
}

func TestFindRefusesOtherFiles(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("0", 64)
	for _, bad := range []string{"", "x", sum, sum + "\n", sum + "  x", sum + "  ../x\nz", sum + "  /x\nz", "00  x\nz"} {
		if p := find([]byte(bad)); p != nil {
			t.Errorf("%q: %+v", bad, p)
		}
	}
	if p := find([]byte(sum + "  x\nz")); p == nil || p.Name != "x" {
		t.Errorf("%+v", p)
	}
	for _, name := range []string{"compiled/answer-plan9-arm-x.pack", "compiled/other-" + runtime.GOOS + "-" + runtime.GOARCH + "-x.pack", "compiled/.gitignore"} {
		if p := Find(fstest.MapFS{name: {Data: []byte(sum + "  x\nz")}}, "answer"); p != nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
