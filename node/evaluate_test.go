package node_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image/jpeg"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
)

// labelledSamples makes a labelled folder of two invoices that say what is on them.
func labelledSamples(t *testing.T, labels ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"e-invoice.pdf", "e-invoice-zugferd.pdf"} {
		b, err := os.ReadFile(filepath.Join("..", "packaging", "samples", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, eval.LabelFile), []byte(strings.Join(labels, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

const (
	firstSample  = `{"id":"one","file":"e-invoice.pdf","vendor":"Bei Spiel","fields":{"invoice_number":"RE-20171118/506","seller_name":"Another GmbH"}}`
	secondSample = `{"id":"two","file":"e-invoice-zugferd.pdf","vendor":"Praxis","fields":{"invoice_number":"R18-31","seller_name":"Physiotherapeutin"}}`
)

// TestEvaluate measures two invoices, one of which has a wrong label, keeps the
// report, shows it as a page with a picture of the miss, and compares with itself.
func TestEvaluate(t *testing.T) {
	t.Parallel()
	dir, out := labelledSamples(t, firstSample, secondSample), t.TempDir()
	o := node.EvalOptions{Type: "invoice", Readings: filepath.Join(out, "readings"), HTML: filepath.Join(out, "report.html")}
	var order []string
	o.Progress = func(id string, _, _ int) { order = append(order, id) }
	r, err := node.Evaluate(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Documents != 2 || r.Unread != 0 || r.Micro.Right != 3 || r.SilentErrors != 1 || len(r.Doubts) != 1 || r.Doubts[0].Line != 1 {
		t.Errorf("report: %d documents, %d right, %d silent errors, doubts %v", r.Documents, r.Micro.Right, r.SilentErrors, r.Doubts)
	}
	if strings.Join(order, " ") != "one two" {
		t.Errorf("progress told of %v", order)
	}
	page, err := os.ReadFile(o.HTML)
	if err != nil {
		t.Fatal(err)
	}
	picture := regexp.MustCompile(`viewBox="0 0 (\d+) (\d+)"[^>]*><image [^>]*href="data:image/jpeg;base64,([^"]+)"`).FindSubmatch(page)
	if picture == nil {
		t.Fatal("the page has no picture of the miss")
	}
	b, err := base64.StdEncoding.DecodeString(string(picture[3]))
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil || img.Bounds().Dx() < 50 || img.Bounds().Dx() > 720 {
		t.Errorf("picture: %v, %v", img.Bounds(), err)
	}

	before, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	o.Compare, o.HTML = filepath.Join(out, "before.json"), ""
	if err := os.WriteFile(o.Compare, before, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := node.Evaluate(t.Context(), dir, o)
	if err != nil || again.Comparison == nil || again.Comparison.Common != 2 || len(again.Comparison.Fixed)+len(again.Comparison.Broken) != 0 {
		t.Errorf("compared with itself: %+v, %v", again.Comparison, err)
	}
}

// TestEvaluateFindsTheTrueWords: of a document read by its picture, the text layer
// that agrees with the picture says what it should have read.
func TestEvaluateFindsTheTrueWords(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("reads a page by its picture")
	}
	r, err := node.Evaluate(t.Context(), labelledSamples(t, firstSample), node.EvalOptions{Type: "invoice", Rasterise: true, Readings: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if w := r.Words; w == nil || w.Documents != 1 || w.True < 100 || w.Recall < 0.8 || w.CER > 0.1 {
		t.Errorf("words: %+v", w)
	}
}

// TestEvaluateRefusesFolds: what cannot be learned or parted is said, not guessed.
func TestEvaluateRefusesFolds(t *testing.T) {
	t.Parallel()
	dir := labelledSamples(t, firstSample, secondSample)
	one := labelledSamples(t, firstSample, strings.ReplaceAll(secondSample, "Praxis", "BEI SPIEL!"))
	for name, c := range map[string]struct {
		dir string
		o   node.EvalOptions
	}{
		"one vendor":        {one, node.EvalOptions{Type: "invoice", Folds: 2}},
		"no type":           {dir, node.EvalOptions{Folds: 2}},
		"too few":           {dir, node.EvalOptions{Type: "invoice", Folds: 2}},
		"no such group":     {dir, node.EvalOptions{Type: "invoice", Folds: 2, Group: "branch"}},
		"confirm, no folds": {dir, node.EvalOptions{Type: "invoice", Confirm: 1}},
		"no such folder":    {dir, node.EvalOptions{HTML: filepath.Join(dir, "away", "report.html")}},
		"no earlier report": {dir, node.EvalOptions{Compare: filepath.Join(dir, "e-invoice.pdf")}},
	} {
		if _, err := node.Evaluate(t.Context(), c.dir, c.o); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("%s: error %v, want code invalid", name, err)
		}
	}
	_, err := node.Evaluate(t.Context(), dir, node.EvalOptions{Type: "invoice", Folds: 2, Confirm: 1})
	if doc.CodeOf(err) != doc.Invalid || !strings.Contains(err.Error(), "no vendor has 2 documents or more") {
		t.Errorf("nobody to confirm: %v", err)
	}
}
