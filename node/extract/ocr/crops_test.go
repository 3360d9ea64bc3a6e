package ocr

import (
	"context"
	"image"
	_ "image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recto-edge/recto/embedded/onnx"
)

// TestFaintAndBrokenLines reads twenty lines that are hard to read, of vendors
// that had no part in training. It fails when a change of the model or of the
// decoding loses what was won on such print.
func TestFaintAndBrokenLines(t *testing.T) {
	t.Parallel()
	rt, err := onnx.Open(onnx.Config{CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	rec, err := rt.Net(onnx.Recogniser)
	if err != nil {
		t.Fatal(err)
	}
	e := New(Config{Detector: rec, Recogniser: rec, Charset: onnx.Charset()}) // nothing has to be detected
	const (
		wrongAtMost  = 6  // characters, of 288
		exactAtLeast = 16 // lines, of 20
	)
	wrong, exact := 0, 0
	for _, c := range crops(t) {
		w, h := float64(c.img.Bounds().Dx()), float64(c.img.Bounds().Dy())
		l, err := e.readLine(context.Background(), raster{img: c.img}, quad{cx: w / 2, cy: h / 2, w: w, h: h})
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, x := range l.words {
			words = append(words, x.text)
		}
		got := strings.Join(words, " ")
		if got == c.text {
			exact++
			continue
		}
		wrong += edits([]rune(got), []rune(c.text))
		t.Logf("%s: read %q, printed %q", c.file, got, c.text)
	}
	if wrong > wrongAtMost || exact < exactAtLeast {
		t.Errorf("%d characters wrong, %d lines exact; want at most %d and at least %d", wrong, exact, wrongAtMost, exactAtLeast)
	}
}

type crop struct {
	file, text string
	img        image.Image
}

func crops(t *testing.T) []crop {
	t.Helper()
	dir := filepath.Join("testdata", "lines")
	raw, err := os.ReadFile(filepath.Join(dir, "lines.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var out []crop
	for _, row := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		file, text, _ := strings.Cut(row, "\t")
		f, err := os.Open(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		img, _, err := image.Decode(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		out = append(out, crop{file, text, img})
	}
	return out
}

// edits is the Levenshtein distance of a and b.
func edits(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			next := min(row[j]+1, row[j+1]+1)
			if x == y {
				next = min(next, diagonal)
			} else {
				next = min(next, diagonal+1)
			}
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
