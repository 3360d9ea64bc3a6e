package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
)

// fakeDoor takes what it is given, or answers with an error.
type fakeDoor struct {
	mu     sync.Mutex
	got    []string // name, type and bytes
	err    error
	during func() // called once, while the first byte has been read
	taken  chan string
}

func (d *fakeDoor) Submit(_ context.Context, r io.Reader, dl doc.Delivery) (doc.Receipt, error) {
	var one [1]byte
	n, _ := r.Read(one[:])
	d.mu.Lock()
	during := d.during
	d.during = nil
	d.mu.Unlock()
	if during != nil {
		during()
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		return doc.Receipt{}, fmt.Errorf("submit: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return doc.Receipt{}, d.err
	}
	d.got = append(d.got, dl.Name+"|"+dl.Type+"|"+string(one[:n])+string(rest))
	if d.taken != nil {
		d.taken <- dl.Name
	}
	return doc.Receipt{ID: "x", State: doc.StateQueued}, nil
}

// box is a watched folder with a clock that the test moves.
type box struct {
	*Folder
	t       *testing.T
	dir     string
	clock   *clock
	door    *fakeDoor
	written bool
}

func newBox(t *testing.T, change func(*FolderConfig)) *box {
	t.Helper()
	b := &box{t: t, dir: t.TempDir(), clock: newClock(), door: &fakeDoor{}}
	cfg := FolderConfig{Dir: b.dir, Now: b.clock.Now, isWritten: func(*os.File) bool { return b.written }}
	if change != nil {
		change(&cfg)
	}
	f, err := NewFolder(cfg, b.door)
	if err != nil {
		t.Fatal(err)
	}
	b.Folder = f
	return b
}

func (b *box) write(name, body string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, b.clock.Now()); err != nil {
		b.t.Fatal(err)
	}
}

// after moves the clock, looks, and says what the folder asks to wait.
func (b *box) after(d time.Duration) time.Duration {
	b.clock.add(d)
	return b.Scan(b.t.Context())
}

func (b *box) tree() []string {
	b.t.Helper()
	var out []string
	err := filepath.WalkDir(b.dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			out = append(out, strings.TrimPrefix(path, b.dir+"/"))
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func (b *box) want(what string, taken []string, tree ...string) {
	b.t.Helper()
	if d := cmp.Diff(taken, b.door.got); d != "" {
		b.t.Errorf("%s: taken (-want +got):\n%s", what, d)
	}
	if d := cmp.Diff(tree, b.tree()); d != "" {
		b.t.Errorf("%s: folder (-want +got):\n%s", what, d)
	}
}

func (b *box) why(name string) string {
	for _, w := range b.Arriving() {
		if w.Name == name {
			return w.Why
		}
	}
	return ""
}

func TestFolderTakesAQuietFile(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	b.write("a.txt", "one")
	if wait := b.after(0); wait != 2*time.Second || b.why("a.txt") == "" {
		t.Errorf("wait %s, why %q", wait, b.why("a.txt"))
	}
	b.want("at once", nil, "a.txt")
	b.after(2 * time.Second)
	b.want("quiet", []string{"a.txt||one"}, "done/a.txt")
	if wait := b.after(0); wait != 5*time.Second || len(b.Arriving()) > 0 {
		t.Errorf("afterwards wait %s, arriving %v", wait, b.Arriving())
	}
}

func TestFolderWaitsForWhatIsStillWritten(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	for i := 1; i <= 50; i++ { // a scanner that appends page by page
		b.write("scan.txt", strings.Repeat("page ", i))
		b.after(1900 * time.Millisecond)
	}
	b.want("while it grows", nil, "scan.txt")
	b.written = true
	for range 20 {
		b.after(time.Minute - 3*time.Second)
	}
	b.want("while it is open", nil, "scan.txt")
	if why := b.why("scan.txt"); !strings.Contains(why, "open for writing") {
		t.Errorf("why = %q", why)
	}
	b.written = false
	b.after(2 * time.Second)
	b.want("when it is closed", []string{"scan.txt||" + strings.Repeat("page ", 50)}, "done/scan.txt")
}

func TestFolderKeepsNothingOfAFileThatChangesWhileRead(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	b.write("a.txt", "first")
	b.after(0)
	b.door.during = func() { b.write("a.txt", "first and more") }
	b.after(2 * time.Second)
	b.want("changed", nil, "a.txt")
	b.after(2 * time.Second)
	b.after(2 * time.Second)
	b.want("whole", []string{"a.txt||first and more"}, "done/a.txt")
}

func TestFolderDoesNotMoveAReplacement(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	b.write("a.txt", "old")
	b.after(0)
	b.door.during = func() {
		b.write(".new", "new")
		if err := os.Rename(filepath.Join(b.dir, ".new"), filepath.Join(b.dir, "a.txt")); err != nil {
			t.Error(err)
		}
	}
	b.after(2 * time.Second)
	b.want("replaced", []string{"a.txt||old"}, "a.txt")
	b.after(0)
	b.after(2 * time.Second)
	b.want("both", []string{"a.txt||old", "a.txt||new"}, "done/a.txt")
}

func TestFolderUnfinishedFilesFailInTheEnd(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	b.write("half.pdf", "%PDF-1.7 half")
	b.write("empty.pdf", "")
	b.after(0)
	for range 29 {
		b.after(2 * time.Minute)
	}
	b.want("before an hour", nil, "empty.pdf", "half.pdf")
	if why := b.why("half.pdf"); !strings.Contains(why, "end of the PDF") {
		t.Errorf("why = %q", why)
	}
	b.after(2 * time.Minute)
	b.want("after an hour", nil, "failed/empty.pdf", "failed/empty.pdf.reason.txt", "failed/half.pdf", "failed/half.pdf.reason.txt")
	text, err := os.ReadFile(filepath.Join(b.dir, "failed/half.pdf.reason.txt"))
	if err != nil || !strings.Contains(string(text), "the end of the PDF is missing") {
		t.Errorf("reason: %q, %v", text, err)
	}
}

func TestFolderFailsWhatIsRefusedAndRepeatsWhatMayPass(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	b.write("big.txt", "big")
	b.door.err = doc.Errorf(doc.TooLarge, "the file has more than 2 bytes")
	b.after(0)
	b.after(2 * time.Second)
	b.want("refused", nil, "failed/big.txt", "failed/big.txt.reason.txt")

	for _, code := range []doc.Code{doc.Full, doc.Unavailable, doc.Internal} {
		b.door.err = doc.Errorf(code, "not now")
		b.write("later.txt", "later "+string(code))
		b.after(0)
		b.after(2 * time.Second)
		if why := b.why("later.txt"); why != "not now" {
			t.Errorf("%s: why = %q", code, why)
		}
		for range 100 { // however long it takes
			b.after(time.Minute)
		}
		if tree := b.tree(); !slices.Contains(tree, "later.txt") {
			t.Fatalf("%s: %v", code, tree)
		}
		b.door.err = nil
		b.after(time.Minute)
		if n := len(b.door.got); n == 0 || b.door.got[n-1] != "later.txt||later "+string(code) {
			t.Errorf("%s: taken %v", code, b.door.got)
		}
	}
}

func TestFolderIgnores(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	names := []string{".hidden", "a.TMP", "b.part", "c.crdownload", "~$word.docx", "sub/inner.txt", "done/old.txt", "failed/old.txt", "Thumbs.db"}
	for _, n := range names {
		b.write(n, "x")
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(b.dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	b.after(0)
	b.after(time.Hour)
	if len(b.door.got) > 0 || len(b.Arriving()) > 0 {
		t.Errorf("taken %v, arriving %v", b.door.got, b.Arriving())
	}
	if err := os.Rename(filepath.Join(b.dir, "b.part"), filepath.Join(b.dir, "b.txt")); err != nil {
		t.Fatal(err)
	}
	b.after(0)
	b.after(2 * time.Second)
	if d := cmp.Diff([]string{"b.txt||x"}, b.door.got); d != "" {
		t.Errorf("after the final name (-want +got):\n%s", d)
	}
}

func TestFolderSubfolderGivesTheType(t *testing.T) {
	t.Parallel()
	b := newBox(t, func(c *FolderConfig) {
		c.Type = "generic"
		c.SubType = func(s string) bool { return s == "invoice" || s == doneDir }
	})
	for _, n := range []string{"a.txt", "invoice/b.txt", "other/c.txt", "done/d.txt"} {
		b.write(n, "x")
	}
	b.after(0)
	b.after(2 * time.Second)
	b.want("types", []string{"a.txt|generic|x", "b.txt|invoice|x"}, "done/a.txt", "done/b.txt", "done/d.txt", "other/c.txt")
}

func TestFolderNamesCollideAndFilesVanish(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	for i := range 3 { // a scanner that starts its numbers again
		b.write("scan_0001.txt", fmt.Sprint(i))
		b.after(0)
		b.after(2 * time.Second)
	}
	b.want("same name", []string{"scan_0001.txt||0", "scan_0001.txt||1", "scan_0001.txt||2"},
		"done/scan_0001 (2).txt", "done/scan_0001 (3).txt", "done/scan_0001.txt")
	b.write("gone.txt", "x")
	b.after(0)
	if err := os.Remove(filepath.Join(b.dir, "gone.txt")); err != nil {
		t.Fatal(err)
	}
	b.after(2 * time.Second)
	if len(b.Arriving()) > 0 || len(b.door.got) != 3 {
		t.Errorf("arriving %v, taken %v", b.Arriving(), b.door.got)
	}
}

func TestFolderDeletes(t *testing.T) {
	t.Parallel()
	b := newBox(t, func(c *FolderConfig) { c.Delete = true })
	b.write("a.txt", "x")
	b.after(0)
	b.after(2 * time.Second)
	b.want("deleted", []string{"a.txt||x"})
}

func TestFolderCannotMove(t *testing.T) {
	t.Parallel()
	b := newBox(t, nil)
	b.write("done", "a file where the folder should be")
	b.write("a.txt", "x")
	b.after(0)
	b.after(2 * time.Second) // takes both: "done" is a file like any other
	b.after(time.Minute)
	if why := b.why("a.txt"); !strings.Contains(why, "accepted as") || len(b.door.got) < 2 {
		t.Errorf("why %q, taken %v", why, b.door.got)
	}
	if err := os.Remove(filepath.Join(b.dir, "done")); err != nil {
		t.Fatal(err)
	}
	b.after(time.Minute)
	if tree := b.tree(); !slices.Equal(tree, []string{"done/a.txt"}) {
		t.Errorf("folder: %v", tree)
	}
}

func TestFolderAfterARestartOnARealDoor(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	dir := t.TempDir()
	start := func() *Folder {
		f, err := NewFolder(FolderConfig{Dir: dir, Now: d.clock.Now}, d)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("paper"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.submit(t, "paper", "a.txt") // accepted, and then the process is killed before the move
	f := start()
	f.Scan(t.Context())
	d.clock.add(2 * time.Second)
	f.Scan(t.Context())
	if _, err := os.Stat(filepath.Join(dir, "done", "a.txt")); err != nil || len(d.log.order) != 1 {
		t.Errorf("%v; %d documents in the log", err, len(d.log.order))
	}
}

func TestFolderRunHearsOfFiles(t *testing.T) {
	t.Parallel()
	for _, polling := range []bool{false, true} {
		dir := t.TempDir()
		door := &fakeDoor{taken: make(chan string, 10)}
		poll := time.Hour
		if polling {
			poll = 5 * time.Millisecond
		}
		f, err := NewFolder(FolderConfig{Dir: dir, Quiet: 10 * time.Millisecond, Poll: poll, NoEvents: polling}, door)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { f.Run(ctx) })
		for i := range 3 {
			name := fmt.Sprintf("%d.txt", i)
			if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			select {
			case got := <-door.taken:
				if got != name {
					t.Errorf("taken %s; want %s", got, name)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("polling %v: %s was not taken", polling, name)
			}
		}
		cancel()
		wg.Wait()
	}
}

func TestIsWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a")
	w, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !isWritten(r) {
		t.Error("a file that is open for writing is not noticed")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if isWritten(r) {
			t.Error("a closed file counts as written")
		}
	}
}

func TestNewFolderRefuses(t *testing.T) {
	t.Parallel()
	_, err := NewFolder(FolderConfig{Dir: filepath.Join(t.TempDir(), "nowhere")}, &fakeDoor{})
	if doc.CodeOf(err) != doc.Invalid || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("NewFolder: %v; want invalid", err)
	}
}
