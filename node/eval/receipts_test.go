package eval_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
	"github.com/recto-edge/recto/node/extract/fields"
	"github.com/recto-edge/recto/node/extract/types"
)

// TestReceiptFloor keeps the rules for receipts above a floor on real receipts
// with perfect words: what is lost here no OCR can bring back.
func TestReceiptFloor(t *testing.T) {
	dir := os.Getenv("RECTO_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir = filepath.Join(dir, "sroie")
	cases, err := eval.Load(dir)
	if err != nil {
		t.Skipf("labelled receipts are absent (set RECTO_DATA to the folder of development data): %v", err)
	}
	ts := types.Shipped()
	var receipt doc.Type
	for _, x := range ts {
		if x.Name == "receipt" {
			receipt = x
		}
	}
	var out []eval.Outcome
	for i, c := range cases {
		if i%4 != 0 { // a quarter says enough and is quick
			continue
		}
		r := boxedReading(t, filepath.Join(dir, "boxes", c.ID+".txt"))
		out = append(out, eval.Outcome{ID: c.ID, Result: doc.Result{Type: receipt.Name, Fields: fields.Pick(r, receipt)}})
	}
	report := eval.Score(cases, out, eval.Options{Types: ts, Form: fields.CompareForm})
	const floor = 0.90
	if report.Micro.F1 < floor {
		var b strings.Builder
		_ = report.WriteText(&b, 40)
		t.Errorf("F1 %.3f is under the floor %.2f:\n%s", report.Micro.F1, floor, b.String())
	}
}

// boxedReading reads lines of eight coordinates and a text as a page of words.
func boxedReading(t *testing.T, path string) doc.Reading {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := doc.Page{Number: 1, Source: doc.FromOCR}
	lines := bufio.NewScanner(f)
	for n := 0; lines.Scan(); n++ {
		parts := strings.SplitN(lines.Text(), ",", 9)
		if len(parts) < 9 {
			continue
		}
		var at [8]int
		for i := range at {
			at[i], _ = strconv.Atoi(parts[i])
		}
		box := doc.Box{min(at[0], at[6]), min(at[1], at[3]), max(at[2], at[4]), max(at[5], at[7])}
		p.Words = append(p.Words, words(parts[8], box, n)...)
	}
	return doc.Reading{Pages: []doc.Page{p}}
}

// words cuts a line into words with boxes by their share of its characters.
func words(line string, box doc.Box, n int) []doc.Word {
	var out []doc.Word
	from := 0
	for _, w := range strings.Fields(line) {
		at := from + strings.Index(line[from:], w)
		from = at + len(w)
		out = append(out, doc.Word{Text: w, Confidence: 1, Line: n,
			Box: doc.Box{box[0] + box.W()*at/len(line), box[1], box[0] + box.W()*from/len(line), box[3]}})
	}
	return out
}
