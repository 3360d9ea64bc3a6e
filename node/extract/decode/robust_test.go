package decode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/decode"
)

// The promise: no file stops the process, takes over a minute, or leaves more
// than 64 MiB behind. RECTO_ROBUST=full reads every hostile file there is and
// cuts good files at more places; otherwise a sample is read.

const (
	longest  = 60 * time.Second
	retained = 64 << 20
)

func dataDir(t testing.TB, sub string) string {
	t.Helper()
	root := os.Getenv("RECTO_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	dir := filepath.Join(root, sub)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no development data at %s; set RECTO_DATA", dir)
	}
	return dir
}

func full() bool { return os.Getenv("RECTO_ROBUST") == "full" }

// memory reads a line of /proc/self/status, in bytes; 0 where there is none.
func memory(line string) int64 {
	b, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(l, line+":"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

type outcome struct {
	name  string
	took  time.Duration
	pages int
	bad   int
	err   error
}

// readAll does with a file what a worker does: every page and every part.
func readAll(t *testing.T, name string, b []byte) outcome {
	o := outcome{name: name}
	start := time.Now()
	defer func() { o.took = time.Since(start) }()
	ctx := context.Background()
	f, err := decode.Open(ctx, decode.Input{Name: name, R: bytes.NewReader(b), Size: int64(len(b))}, decode.Limits{}, port{engine})
	if err != nil {
		o.err = err
		mustBeClear(t, name, err)
		o.took = time.Since(start)
		return o
	}
	defer f.Close()
	for n := 1; n <= f.NumPages; n++ {
		p, err := f.Page(ctx, n)
		if err == nil {
			_, err = p.Image(ctx)
		}
		if err != nil {
			o.bad++
			o.err = err
			mustBeClear(t, name, err)
			continue
		}
		o.pages++
	}
	for _, part := range f.Parts {
		rc, err := part.Open()
		if err != nil {
			mustBeClear(t, name, err)
			continue
		}
		n, _ := io.Copy(io.Discard, rc)
		if n > part.Size {
			t.Errorf("%s: part %s says %d bytes and gives %d", name, part.Name, part.Size, n)
		}
		_ = rc.Close()
	}
	if f.NumPages == 0 && len(f.Parts) == 0 && f.Kind != decode.KindXML {
		t.Errorf("%s: neither pages nor parts nor an error", name)
	}
	o.took = time.Since(start)
	return o
}

// mustBeClear wants an error that a person can act on.
func mustBeClear(t *testing.T, name string, err error) {
	t.Helper()
	var d *doc.Error
	if !errors.As(err, &d) || d.Message == "" || d.Detail == "" && d.Code != doc.TooLarge {
		t.Errorf("%s: unclear error: %v", name, err)
	}
}

func TestHostileFiles(t *testing.T) {
	dir := dataDir(t, "robust")
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, ".tsv") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(files)
	warmUp(t)
	debug.FreeOSMemory()
	before := memory("VmRSS")
	start := time.Now()
	var slow []outcome
	count := map[string]int{}
	for i, path := range files {
		bomb := strings.Contains(path, string(filepath.Separator)+"bombs"+string(filepath.Separator))
		if !full() && (time.Since(start) > 25*time.Second || i%6 != 0 || bomb) {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		o := readAll(t, strings.TrimPrefix(path, dir), b)
		if o.took > longest {
			t.Errorf("%s took %v", o.name, o.took)
		}
		if o.took > 3*time.Second {
			slow = append(slow, o)
		}
		count[kindOfOutcome(o)]++
	}
	debug.FreeOSMemory()
	after := memory("VmRSS")
	t.Logf("%d files in %v: %v", len(files), time.Since(start).Round(time.Second), count)
	for _, o := range slow {
		t.Logf("slow: %s %v pages=%d bad=%d err=%v", o.name, o.took.Round(100*time.Millisecond), o.pages, o.bad, o.err)
	}
	t.Logf("RSS %d MiB before, %d MiB after, peak %d MiB", before>>20, after>>20, memory("VmHWM")>>20)
	if after-before > retained {
		t.Errorf("%d MiB were kept, over %d", (after-before)>>20, retained>>20)
	}
}

func kindOfOutcome(o outcome) string {
	switch {
	case o.err == nil:
		return "read"
	case o.pages > 0:
		return "partly"
	}
	if d := doc.DetailOf(o.err); d != "" {
		return d
	}
	return string(doc.CodeOf(o.err))
}

// warmUp brings the process to its usual size before memory is compared.
func warmUp(t *testing.T) {
	t.Helper()
	for range 2 {
		if o := readAll(t, "warm-up", pdf(page{text: "BT /F 12 Tf 50 700 Td (Warm up) Tj ET"})); o.err != nil {
			t.Fatal(o.err)
		}
	}
}

func TestTruncatedFiles(t *testing.T) {
	good := map[string][]byte{
		"text.pdf":  pdf(page{text: "BT /F 12 Tf 50 700 Td (Invoice 4711 of the year) Tj ET"}, page{text: "BT /F 12 Tf 50 700 Td (Second page) Tj ET"}),
		"fax.tif":   fixture(t, "fax.tif"),
		"photo.jpg": fixture(t, "turned.jpg"),
		"mail.eml":  mailWith("invoice.pdf", pdf(page{text: "BT /F 12 Tf 50 700 Td (Mailed) Tj ET"})),
		"pack.zip":  zipOf(map[string][]byte{"a.pdf": pdf(page{text: "BT /F 12 Tf 50 700 Td (Zipped) Tj ET"})}),
	}
	cuts := 20
	if full() {
		cuts = 100
	}
	for name, b := range good {
		if o := readAll(t, name, b); o.err != nil {
			t.Errorf("%s: the whole file: %v", name, o.err)
		}
		for i := range cuts {
			n := len(b) * i / cuts
			if o := readAll(t, fmt.Sprintf("%s cut at %d", name, n), b[:n]); o.took > longest {
				t.Errorf("%s took %v", o.name, o.took)
			}
		}
	}
}
