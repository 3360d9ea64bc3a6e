package cache

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"github.com/recto-edge/recto/node/doc"
)

type bboltTx = bbolt.Tx

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fill makes a file with a hundred documents and a hundred values; closed in order
// or, as after a kill, not.
func fill(t *testing.T, path string, inOrder bool) {
	t.Helper()
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		if err := d.Index().Apply(uint64(n+1), record(n)); err != nil {
			t.Fatal(err)
		}
		if err := d.Values().Put(Readings, fmt.Sprint(n), bytes.Repeat([]byte(fmt.Sprint(n)), 500)); err != nil {
			t.Fatal(err)
		}
	}
	if inOrder {
		err = d.Close()
	} else {
		err = d.bolt.Close() // what the end of a process does: no sync, no farewell
		d.dec.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	fill(t, path, false)
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.Index().Applied() != 100 || d.Values().Stats().Entries != 100 {
		t.Errorf("applied %d, %+v; want 100 and 100", d.Index().Applied(), d.Values().Stats())
	}
}

func TestFilesNotToBeTrustedAreThrownAway(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]string{
		"power cut": "open another-boot 1\n", "torn": "", "damaged": "damaged\n", "other checksum": "closed 00000000 4096\n",
		"died too often": fmt.Sprintf("open %s %d\n", bootID(), maxUnclean),
	} {
		path := filepath.Join(t.TempDir(), "cache.db")
		fill(t, path, false)
		if err := os.WriteFile(path+".state", []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open(path, Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d.Index().Applied() != 0 || d.Values().Stats().Entries != 0 {
			t.Errorf("%s: the file was kept: applied %d", name, d.Index().Applied())
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestDamageAtRestIsFound damages a closed file in many ways: none is opened.
func TestDamageAtRestIsFound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	fill(t, path, true)
	image, left := readFile(t, path), readFile(t, path+".state")
	check := func(name string, body []byte) {
		writeFile(t, path, body)
		writeFile(t, path+".state", left)
		d, err := Open(path, Options{})
		if err != nil {
			t.Fatalf("%s: Open: %v", name, err)
		}
		defer d.Close()
		if d.Index().Applied() != 0 {
			t.Errorf("%s: not found", name)
		}
		if err := d.Index().Apply(1, record(1)); err != nil {
			t.Errorf("%s: the new file does not work: %v", name, err)
		}
	}
	for _, n := range []int{0, 1, 100, 4096, 16384, len(image) / 2, len(image) - 1} {
		check(fmt.Sprintf("cut to %d", n), image[:n])
	}
	check("text", bytes.Repeat([]byte("not a database "), 10000))
	check("zeros", make([]byte, len(image)))
	for at := 0; at < len(image); at += 1511 {
		bad := bytes.Clone(image)
		bad[at] ^= 0x10
		check(fmt.Sprintf("byte %d flipped", at), bad)
	}
	writeFile(t, path, image)
	writeFile(t, path+".state", left)
	d, err := Open(path, Options{})
	if err != nil || d.Index().Applied() != 100 {
		t.Fatalf("the good file: applied %d, %v", d.Index().Applied(), err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestDamageWhileOpen damages files that have to be trusted: whatever is found,
// and when, nothing crashes, and Reset gives a working index.
func TestDamageWhileOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	fill(t, path, false)
	image, left := readFile(t, path), readFile(t, path+".state")
	found := 0
	check := func(name string, body []byte) {
		writeFile(t, path, body)
		writeFile(t, path+".state", left)
		d, err := Open(path, Options{})
		if err != nil {
			t.Fatalf("%s: Open: %v", name, err)
		}
		defer d.Close()
		x := d.Index()
		for n := range 100 {
			x.Get(docID(n))
			d.Values().Get(Readings, fmt.Sprint(n))
		}
		_, listErr := x.List(doc.Query{Text: "scan", Limit: 100})
		applyErr := x.Apply(1000, record(1000))
		for _, err := range []error{listErr, applyErr} {
			if errors.Is(err, ErrDamaged) {
				found++
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if errors.Is(applyErr, ErrDamaged) {
			select {
			case <-d.Damage():
			default:
				t.Errorf("%s: nobody is told of the damage", name)
			}
		}
		for range 2 { // damage may be found only by the first Reset, or by the Apply after it
			if err = x.Reset(); err == nil {
				err = x.Apply(1, record(1))
			}
			if err == nil {
				break
			}
		}
		if _, ok := x.Get(docID(1)); !ok || err != nil {
			t.Errorf("%s: the new index does not work: %v", name, err)
		}
	}
	for _, n := range []int{4096, 16384, len(image) / 2, len(image) - 4096} {
		check(fmt.Sprintf("cut to %d", n), image[:n])
	}
	for page := 0; page < len(image); page += 4096 {
		bad := bytes.Clone(image)
		clear(bad[page : page+4096])
		check(fmt.Sprintf("page %d zeroed", page/4096), bad)
	}
	if found == 0 {
		t.Error("no damage was found while the file was open: the test does not try what it says")
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTwoProcessesDoNotShareAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := Open(path, Options{}); doc.CodeOf(err) != doc.Conflict {
		t.Errorf("second Open: %v; want conflict", err)
	}
	if err := d.Index().Apply(1, record(1)); err != nil {
		t.Errorf("the second Open hurt the first: %v", err)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	v := openTest(t).Values()
	if _, ok := v.Get(Results, "a"); ok {
		t.Error("Get of nothing")
	}
	for _, value := range [][]byte{[]byte("one"), bytes.Repeat([]byte("two "), 100_000), {}} {
		if err := v.Put(Results, "a", value); err != nil {
			t.Fatal(err)
		}
		got, ok := v.Get(Results, "a")
		if !ok || !bytes.Equal(got, value) {
			t.Errorf("Get = %d bytes, %v; want %d", len(got), ok, len(value))
		}
	}
	if _, ok := v.Get(Readings, "a"); ok {
		t.Error("kinds share keys")
	}
	if s := v.Stats(); s.Entries != 1 || s.Hits != 3 || s.Misses != 2 || s.Bytes > 100 {
		t.Errorf("Stats = %+v", s)
	}
	want := doc.Reading{Pages: []doc.Page{{Number: 1, Words: []doc.Word{{Text: "Größe", Box: doc.Box{1, 2, 3, 4}}}}}}
	if err := v.PutReading("r", want); err != nil {
		t.Fatal(err)
	}
	if got, ok := v.Reading("r"); !ok || got.Pages[0].Words[0].Text != "Größe" {
		t.Errorf("Reading = %+v, %v", got, ok)
	}
	if err := v.PutResult("r", doc.Result{Type: "receipt"}); err != nil {
		t.Fatal(err)
	}
	if got, ok := v.Result("r"); !ok || got.Type != "receipt" {
		t.Errorf("Result = %+v, %v", got, ok)
	}
}

func TestValuesMakeRoom(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cache.db")
	d, err := Open(path, Options{MaxBytes: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { d.Close() }()
	v := d.Values()
	noise := func(n int) []byte { // does not compress
		b := make([]byte, 1000)
		for i := range b {
			n = n*1103515245 + 12345
			b[i] = byte(n >> 16)
		}
		return b
	}
	for n := range 50 {
		if err := v.Put(Renders, fmt.Sprint(n), noise(n)); err != nil {
			t.Fatal(err)
		}
		if s := v.Stats(); s.Bytes > 10_000 {
			t.Fatalf("after %d: %+v", n, s)
		}
	}
	if err := v.Put(Renders, "too large", bytes.Join([][]byte{noise(1), noise(2), noise(3), noise(4), noise(5), noise(6), noise(7), noise(8), noise(9), noise(10)}, nil)); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]bool{0: false, 30: false, 45: true, 49: true} {
		if got, ok := v.Get(Renders, fmt.Sprint(n)); ok != want || ok && !bytes.Equal(got, noise(n)) {
			t.Errorf("value %d is there: %v; want %v", n, ok, want)
		}
	}
	before := v.Stats()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if d, err = Open(path, Options{MaxBytes: 10_000}); err != nil {
		t.Fatal(err)
	}
	if after := d.Values().Stats(); after.Bytes != before.Bytes || after.Entries != before.Entries {
		t.Errorf("reopened: %+v; before %+v", after, before)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	base := Key("aa", "rev", "m1", "m2")
	if base != Key("aa", "rev", "m2", "m1") || len(base) != 64 {
		t.Error("the order of models changes the key")
	}
	for _, other := range []string{Key("ab", "rev", "m1", "m2"), Key("aa", "rev2", "m1", "m2"), Key("aa", "rev", "m1"), Key("aar", "ev", "m1", "m2"), Key("aa", "rev", "m1m2")} {
		if other == base {
			t.Error("two different things have one key")
		}
	}
}

// TestRow_FlippedBitIsFound flips every bit of a row: none passes for what was
// written.
func TestRow_FlippedBitIsFound(t *testing.T) {
	t.Parallel()
	b, err := encodeRow(record(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeRow(b); err != nil {
		t.Fatalf("the good row: %v", err)
	}
	for bit := range 8 * len(b) {
		bad := bytes.Clone(b)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := decodeRow(bad); !errors.Is(err, ErrDamaged) {
			t.Fatalf("bit %d: %v, want damaged", bit, err)
		}
	}
}
