package ocr

import (
	"bufio"
	"context"
	"encoding/json"
	"image"
	_ "image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recto-edge/recto/embedded/onnx"
)

// BenchmarkExportBlanks writes what models/blanks.py learns from: every
// character of every line of the receipts with an odd id, with the features of
// the place before it. Run it by models/blanks.py, which names the files.
func BenchmarkExportBlanks(b *testing.B) {
	dir, out := os.Getenv("RECTO_SROIE"), os.Getenv("RECTO_BLANKS")
	if dir == "" || out == "" {
		b.Skip("no training data: set RECTO_SROIE and RECTO_BLANKS")
	}
	rt, err := onnx.Open(onnx.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer rt.Close()
	det, err := rt.Net(onnx.Detector)
	if err != nil {
		b.Fatal(err)
	}
	rec, err := rt.Net(onnx.Recogniser)
	if err != nil {
		b.Fatal(err)
	}
	e := New(Config{Detector: det, Recogniser: rec, Charset: onnx.Charset()})
	f, err := os.Create(out)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	files, err := filepath.Glob(filepath.Join(dir, "docs", "*[13579].jpg"))
	if err != nil || len(files) == 0 {
		b.Fatalf("no receipts in %s: %v", dir, err)
	}
	for b.Loop() {
		for _, file := range files {
			export(b, e, file, json.NewEncoder(w))
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

func export(b *testing.B, e *Engine, file string, enc *json.Encoder) {
	f, err := os.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		b.Logf("%s: %v", file, err)
		return
	}
	r := raster{img: img}
	found, err := e.find(context.Background(), r)
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range found {
		q = q.along(false)
		s := cut(r, q)
		post, shape, err := e.cfg.Recogniser.Run(context.Background(), s.data, []int64{1, 3, stripHeight, int64(s.w)})
		if err != nil {
			b.Fatal(err)
		}
		chars := decode(post, int(shape[2]), e.charset, float64(s.w)/float64(shape[1]))
		cols := columns(s.ink(), s.w)
		row := struct {
			ID       string
			Text     string
			Features [][featureCount]float64
		}{ID: strings.TrimSuffix(filepath.Base(file), ".jpg")}
		for i, c := range chars {
			row.Text += string(c.r)
			if i > 0 {
				row.Features = append(row.Features, features(chars[i-1], c, cols, pitch(chars)))
			}
		}
		if err := enc.Encode(row); err != nil {
			b.Fatal(err)
		}
	}
}

func TestPartedFollowsThePeak(t *testing.T) {
	t.Parallel()
	cols := make([]int, 100)
	for x := range cols {
		if x < 22 || x > 26 {
			cols[x] = 20
		}
	}
	a := char{r: 'a', p: 1, x: 12}
	if parted(a, char{r: 'b', p: 1, x: 30, space: 1e-6}, cols, 18) {
		t.Error("a blank was seen where the net is sure that there is none")
	}
	if !parted(a, char{r: 'b', p: 1, x: 40, space: 0.9}, cols, 18) {
		t.Error("no blank was seen where the net is sure of one")
	}
}
