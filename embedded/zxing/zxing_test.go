package zxing

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/draw"
	_ "image/jpeg"
	_ "image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	_ "golang.org/x/image/webp"
)

func open(t testing.TB) *Engine {
	t.Helper()
	e, err := Open(context.Background(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func load(t testing.TB, file string) *image.Gray {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	gray := image.NewGray(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(gray, gray.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(gray, gray.Rect, img, img.Bounds().Min, draw.Over)
	return gray
}

func TestRead(t *testing.T) {
	e := open(t)
	var wg sync.WaitGroup
	for file, want := range map[string]Code{
		"aztec-1-Historico.png":      {Format: "Aztec", Text: "Histórico"},
		"datamatrix-1-abcd-18x8.png": {Format: "Data Matrix", Text: "abcde"},
		"code128-1-1.png":            {Format: "Code 128", Text: "168901", GS1: true},
		"rssexpanded-3-104.png":      {Format: "DataBar Expanded", Text: "10123456A1234", GS1: true},
		"microqrcode-1-M3-Mixed.png": {Format: "Micro QR Code", Text: "1234 ABCD"},
		"code39-2-wide.png":          {Format: "Code 39 Extended", Text: "Aa-1234"},
	} {
		wg.Add(1)
		go func() {
			defer wg.Done()
			codes, err := e.Read(context.Background(), load(t, filepath.Join("testdata", file)), true)
			if err != nil || len(codes) != 1 {
				t.Errorf("%s: %v %v", file, codes, err)
				return
			}
			got := codes[0]
			if got.Format != want.Format || got.Text != want.Text || got.GS1 != want.GS1 {
				t.Errorf("%s: %+v", file, got)
			}
			if got.Corners[0].X >= got.Corners[2].X || got.Corners[0].Y >= got.Corners[2].Y {
				t.Errorf("%s: corners %v", file, got.Corners)
			}
		}()
	}
	wg.Wait()
}

func TestBadImages(t *testing.T) {
	e := open(t)
	ctx := context.Background()
	for _, r := range []image.Rectangle{image.Rect(0, 0, 0, 5), image.Rect(0, 0, 5000, 5000)} {
		if _, err := e.Read(ctx, &image.Gray{Rect: r}, true); err == nil {
			t.Errorf("%v is read", r)
		}
	}
	noise := rand.New(rand.NewPCG(1, 1))
	for _, r := range []image.Rectangle{image.Rect(0, 0, 1, 1), image.Rect(0, 0, 3, 2000), image.Rect(0, 0, 2000, 3), image.Rect(0, 0, 300, 300)} {
		img := image.NewGray(r)
		for i := range img.Pix {
			img.Pix[i] = uint8(noise.Uint32())
		}
		if codes, err := e.Read(ctx, img, true); err != nil || len(codes) > 0 {
			t.Errorf("%v: %v %v", r, codes, err)
		}
	}
}

func TestReadOfAnEndedContext(t *testing.T) {
	e := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	img := image.NewGray(image.Rect(0, 0, 9, 9))
	if codes, err := e.Read(ctx, img, true); err == nil {
		t.Errorf("read %v", codes)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 1, 0, 0, 0, 'Q', 0, 0, 0, 0, 1, 0, 0, 0, 'x', 0, 0, 0, 0})
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if codes, err := decode(raw); err != nil && codes != nil {
			t.Error("codes and an error")
		}
	})
}

// TestSamples counts what is found of the labelled codes.
func TestSamples(t *testing.T) {
	dir := os.Getenv("RECTO_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	dir = filepath.Join(dir, "barcodes")
	raw, err := os.ReadFile(filepath.Join(dir, "labels.jsonl"))
	if err != nil {
		t.Skipf("no labelled codes: set RECTO_DATA (%v)", err)
	}
	e := open(t)
	found, all := map[string]int{}, map[string]int{}
	sum, total, took := 0, 0, time.Duration(0)
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l struct {
			ID, File, Symbology string
			Negative            bool
			Fields              map[string]string
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		img := load(t, filepath.Join(dir, l.File))
		start := time.Now()
		codes, err := e.Read(context.Background(), img, true)
		took += time.Since(start)
		if err != nil {
			t.Errorf("%s: %v", l.ID, err)
		}
		if l.Negative {
			if len(codes) > 0 {
				t.Errorf("%s: found %v", l.ID, codes)
			}
			continue
		}
		if l.Fields["text"] == "" {
			continue // several codes or bytes: no text to compare
		}
		all[l.Symbology]++
		total++
		for _, c := range codes {
			if letters(c.Text) == letters(l.Fields["text"]) {
				found[l.Symbology]++
				sum++
				break
			}
		}
	}
	var names []string
	for s := range all {
		names = append(names, s)
	}
	sort.Strings(names)
	for _, s := range names {
		t.Logf("%-20s %d of %d", s, found[s], all[s])
	}
	t.Logf("%d of %d in %v", sum, total, took)
	if sum*100 < total*85 {
		t.Error("too few are found")
	}
}

// letters is a text without blanks, which some symbols have around add-ons.
func letters(s string) string { return strings.Join(strings.Fields(s), "") }
