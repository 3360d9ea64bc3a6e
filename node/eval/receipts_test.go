package eval_test

import (
	"os"
	"path/filepath"
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
		r, err := eval.Transcript(c)
		if err != nil || r == nil {
			t.Fatalf("%s: no transcript: %v", c.ID, err)
		}
		out = append(out, eval.Outcome{ID: c.ID, Answer: eval.Answer{Reading: *r,
			Result: doc.Result{Type: receipt.Name, Fields: fields.Pick(*r, receipt)}}})
	}
	report := eval.Score(cases, out, eval.Options{Types: ts, Form: fields.CompareForm})
	const floor = 0.90
	if report.Micro.F1 < floor {
		var b strings.Builder
		_ = report.WriteText(&b, 40)
		t.Errorf("F1 %.3f is under the floor %.2f:\n%s", report.Micro.F1, floor, b.String())
	}
}
