package pdfium

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// cacheDir is shared by all engines of the tests: compiling takes seconds.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "recto", "pdfium")
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t testing.TB, cfg Config) *Engine {
	t.Helper()
	cfg.CacheDir = cacheDir()
	e := New(cfg)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// pdf makes a PDF of n pages with a content stream each; %d in it becomes the
// page's number.
func pdf(n int, content string) Source {
	var b bytes.Buffer
	var at []int
	object := func(body string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), body)
	}
	b.WriteString("%PDF-1.7\n")
	object("<</Type /Catalog /Pages 2 0 R>>")
	var kids strings.Builder
	for i := range n {
		fmt.Fprintf(&kids, "%d 0 R ", 4+2*i)
	}
	object(fmt.Sprintf("<</Type /Pages /Count %d /Kids [%s]>>", n, kids.String()))
	object("<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>")
	for i := range n {
		text := strings.ReplaceAll(content, "%d", fmt.Sprint(i+1))
		object(fmt.Sprintf("<</Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents %d 0 R /Resources <</Font <</F 3 0 R>>>>>>", 5+2*i))
		object(fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(text), text))
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, off := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", off)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	return Source{R: bytes.NewReader(b.Bytes()), Size: int64(b.Len())}
}

const hello = "BT /F 12 Tf 20 50 Td (Page %d) Tj ET"

func TestReadAndRender(t *testing.T) {
	ctx := context.Background()
	d, err := start(t, Config{}).Open(ctx, pdf(2, hello))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.NumPages() != 2 {
		t.Fatalf("%d pages", d.NumPages())
	}
	p, err := d.Page(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Words) != 2 || p.Words[0].Text != "Page" || p.Words[1].Text != "2" || p.Width != 200 || p.Height != 100 {
		t.Fatalf("%+v", p)
	}
	if w := p.Words[0]; w.Baseline != 50 || w.Size != 12 || w.Box.X0 < 20 || w.Box.X0 > 22 || w.Hidden != 0 || w.Angle != 0 {
		t.Errorf("%+v", w)
	}
	for _, gray := range []bool{true, false} {
		img, err := d.Render(ctx, 1, 400, 200, gray)
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds() != image.Rect(0, 0, 400, 200) || dark(img, image.Rect(40, 80, 120, 110)) == 0 || dark(img, image.Rect(0, 0, 400, 70)) > 0 {
			t.Errorf("grey %v: the picture is wrong", gray)
		}
	}
	if _, err := d.Page(ctx, 2); !errors.Is(err, ErrPage) {
		t.Errorf("page after the last: %v", err)
	}
	if w, h, err := d.Size(ctx, 0); err != nil || w != 200 || h != 100 {
		t.Errorf("%v x %v, %v", w, h, err)
	}
}

// dark counts dark pixels.
func dark(img image.Image, r image.Rectangle) (n int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if v, _, _, a := img.At(x, y).RGBA(); v < 0x8000 && a == 0xffff {
				n++
			}
		}
	}
	return n
}

func TestDocumentsShareInstances(t *testing.T) {
	ctx := context.Background()
	e := start(t, Config{Instances: 1})
	var docs []*Document
	for range 3 {
		d, err := e.Open(ctx, pdf(2, hello))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		docs = append(docs, d)
	}
	var g sync.WaitGroup
	for i := range 12 {
		g.Go(func() {
			p, err := docs[i%3].Page(ctx, i%2)
			if err != nil || p.Words[1].Text != fmt.Sprint(i%2+1) {
				t.Errorf("document %d: %v", i%3, err)
			}
		})
	}
	g.Wait()
	if e.live != 1 {
		t.Errorf("%d instances live", e.live)
	}
}

func TestMemoryLimitCostsTheInstanceOnly(t *testing.T) {
	ctx := context.Background()
	d, err := start(t, Config{MemoryPages: 512}).Open(ctx, pdf(1, hello)) // 32 MiB
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Render(ctx, 0, 8000, 4000, false); err == nil {
		t.Fatal("128 MB were had within 32 MiB")
	}
	if _, err := d.Render(ctx, 0, 400, 200, false); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestTimeLimitCostsTheInstanceOnly(t *testing.T) {
	// A million strokes take longer than the deadline.
	slow := pdf(1, "0.1 w "+strings.Repeat("0 0 m 200 100 l S 200 0 m 0 100 l S ", 500_000))
	ctx := context.Background()
	e := start(t, Config{CallTimeout: 50 * time.Millisecond})
	d, err := e.Open(ctx, slow)
	if err == nil {
		_, err = d.Render(ctx, 0, 2000, 1000, false)
		defer d.Close()
	}
	if !errors.Is(err, ErrTimeout) {
		t.Fatalf("no timeout: %v", err)
	}
	ok, err := e.Open(ctx, pdf(1, hello))
	if err != nil {
		t.Fatalf("afterwards: %v", err)
	}
	_ = ok.Close()
}

func TestCallerMayGiveUp(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	e := start(t, Config{})
	d, err := e.Open(ctx, pdf(1, hello))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	cancel()
	if _, err := d.Page(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := d.Page(context.Background(), 0); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestBadFiles(t *testing.T) {
	e := start(t, Config{})
	good := pdf(3, hello)
	b := make([]byte, good.Size)
	if _, err := good.R.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{{}, []byte("%PDF-1.7"), b[:40], bytes.Repeat([]byte{0}, 10_000)} {
		_, err := e.Open(context.Background(), Source{R: bytes.NewReader(bad), Size: int64(len(bad))})
		var f interface{ Reason() string }
		if !errors.As(err, &f) || f.Reason() != "damaged" {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}

func TestLargeFilesAreReadInBlocks(t *testing.T) {
	small := pdf(1, hello)
	b := make([]byte, small.Size+inMemory)
	if _, err := small.R.ReadAt(b[:small.Size], 0); err != nil {
		t.Fatal(err)
	}
	// A comment between two revisions of the end of the file.
	for i := small.Size; i < int64(len(b)); i++ {
		b[i] = '%'
	}
	tail := b[:small.Size][bytes.LastIndex(b[:small.Size], []byte("startxref")):]
	b = append(append(b, '\n'), tail...)
	ctx := context.Background()
	d, err := start(t, Config{}).Open(ctx, Source{R: bytes.NewReader(b), Size: int64(len(b))})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if p, err := d.Page(ctx, 0); err != nil || len(p.Words) != 2 {
		t.Errorf("%+v %v", p, err)
	}
	if size := d.in.mem.Size(); size > inMemory+8<<20 {
		t.Errorf("the instance holds %d bytes: the file was copied", size)
	}
}

func TestCloseTwice(t *testing.T) {
	e := New(Config{CacheDir: cacheDir()})
	d, err := e.Open(context.Background(), pdf(1, hello))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := d.Page(context.Background(), 0); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := e.Open(context.Background(), pdf(1, hello)); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
