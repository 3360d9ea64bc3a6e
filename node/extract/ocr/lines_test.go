package ocr

import (
	"bufio"
	"context"
	"encoding/json"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"strings"
	"testing"

	"github.com/recto-edge/recto/embedded/onnx"
)

// BenchmarkExportLines writes what models/train.py and models/blanks.py learn from: every line that
// the detector finds on the pages listed in RECTO_PAGES, cut as the product
// cuts it, with its place and how it is read now. RECTO_LINES names the output:
// a file of strips (48×w×3 bytes each: red, green, blue) and beside it, ending
// in .jsonl, a record a line.
func BenchmarkExportLines(b *testing.B) {
	list, out := os.Getenv("RECTO_PAGES"), os.Getenv("RECTO_LINES")
	if list == "" || out == "" {
		b.Skip("no training data: set RECTO_PAGES and RECTO_LINES")
	}
	pages, err := os.ReadFile(list)
	if err != nil {
		b.Fatal(err)
	}
	e := exporter(b)
	strips, records := create(b, out), create(b, out+".jsonl")
	enc := json.NewEncoder(records)
	for b.Loop() {
		offset := 0
		for _, file := range strings.Fields(string(pages)) {
			offset = exportLines(b, e, file, offset, strips, enc)
		}
	}
	for _, w := range []*bufio.Writer{strips, records} {
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
	}
}

// exported is a record of BenchmarkExportLines.
type exported struct {
	Page       string                  // the image's file name
	Offset     int                     // of the strip, in bytes
	Width      int                     // of the strip, in pixels
	Turn       int                     // degrees clockwise by which the page was turned
	Size       [2]int                  // of the upright page, in pixels
	Corners    [4][2]float64           // of the line on the upright page: from the upper left, clockwise as read
	Text       string                  // as read, with blanks
	Blanks     [][featureCount]float64 // for each character but the first: features of the place before it
	Confidence float64
}

func exportLines(b *testing.B, e *Engine, file string, offset int, strips *bufio.Writer, enc *json.Encoder) int {
	ctx := context.Background()
	img := decodeFile(b, file)
	if img == nil {
		return offset
	}
	p := &page{e: e, r: raster{img: img}}
	if err := p.find(ctx); err != nil {
		b.Fatal(err)
	}
	if err := p.upright(ctx); err != nil {
		b.Fatal(err)
	}
	w, h := p.r.size()
	for _, q := range p.quads {
		if q.tall() {
			continue
		}
		q = q.along(false)
		s, chars, err := e.look(ctx, p.r, q)
		if err != nil {
			b.Fatal(err)
		}
		words, conf := spell(s, chars)
		rec := exported{Page: file, Offset: offset, Width: s.w, Turn: p.r.turn, Size: [2]int{w, h}, Confidence: conf}
		for i, c := range [4][2]float64{{0, 0}, {q.w, 0}, {q.w, q.h}, {0, q.h}} {
			at := q.at(c[0], c[1])
			rec.Corners[i] = [2]float64{at.x, at.y}
		}
		for _, x := range words {
			rec.Text = strings.TrimSpace(rec.Text + " " + x.text)
		}
		layout := layoutOf(chars, columns(s.ink(), s.w))
		for i := 1; i < len(chars); i++ {
			rec.Blanks = append(rec.Blanks, layout.features(chars[i-1], chars[i]))
		}
		n, err := strips.Write(s.bytes())
		if err != nil {
			b.Fatal(err)
		}
		offset += n
		if err := enc.Encode(rec); err != nil {
			b.Fatal(err)
		}
	}
	return offset
}

// bytes gives the strip as pixels of red, green and blue.
func (s strip) bytes() []byte {
	plane := s.w * stripHeight
	out := make([]byte, 0, 3*plane)
	for i := range plane {
		for c := 2; c >= 0; c-- {
			out = append(out, byte((s.data[c*plane+i]+1)*127.5+0.5))
		}
	}
	return out
}

func exporter(b *testing.B) *Engine {
	b.Helper()
	rt, err := onnx.Open(onnx.Config{CacheDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := rt.Close(); err != nil {
			b.Error(err)
		}
	})
	det, err := rt.Net(onnx.Detector)
	if err != nil {
		b.Fatal(err)
	}
	rec, err := rt.Net(onnx.Recogniser)
	if err != nil {
		b.Fatal(err)
	}
	return New(Config{Detector: det, Recogniser: rec, Charset: onnx.Charset()})
}

func create(b *testing.B, file string) *bufio.Writer {
	b.Helper()
	f, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := f.Close(); err != nil {
			b.Error(err)
		}
	})
	return bufio.NewWriter(f)
}

func decodeFile(b *testing.B, file string) image.Image {
	b.Helper()
	f, err := os.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		b.Logf("%s: %v", file, err)
		return nil
	}
	return img
}
