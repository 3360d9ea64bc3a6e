package ocr_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/json"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/recto-edge/recto/embedded/onnx"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/ocr"
)

// Measures reading against tesseract on the same pages, in turn:
//
//	go test -run '^$' -bench . -benchtime 1x ./node/extract/ocr
//
// Words are compared as whitespace tokens in upper case, as multisets a page.

// sheet is a page and the words that stand on it.
type sheet struct {
	file  string
	words []string
}

func BenchmarkReceipts(b *testing.B) {
	compare(b, receipts(b, 40), "eng", "6")
}

func BenchmarkInvoices(b *testing.B) {
	compare(b, invoices(b, 12), "deu+eng", "4")
}

// compare reads every sheet with both engines, alternating, and reports CPU
// milliseconds a page and 1 − word F for each.
func compare(b *testing.B, sheets []sheet, langs, psm string) {
	e := engine(b)
	warm(b, e)
	for b.Loop() {
		var ours, theirs tally
		for i, s := range sheets {
			first, second := &ours, &theirs
			read := []func(){func() { ours.count(s, readOurs(b, e, s.file, first)) }, func() { theirs.count(s, readTesseract(b, s.file, langs, psm, second)) }}
			read[i%2]()
			read[1-i%2]()
		}
		ours.report(b, "recto")
		theirs.report(b, "tesseract")
		b.ReportMetric(float64(ours.cpu)/float64(theirs.cpu), "time-ratio")
		b.ReportMetric((1-ours.f())/(1-theirs.f()), "error-ratio")
	}
}

// tally adds up pages read by one engine.
type tally struct {
	cpu               time.Duration
	pages             int
	hit, truth, found int
}

func (t *tally) count(s sheet, text string) {
	left := map[string]int{}
	for _, w := range s.words {
		left[w]++
	}
	words := strings.Fields(strings.ToUpper(text))
	for _, w := range words {
		if left[w] > 0 {
			left[w]--
			t.hit++
		}
	}
	t.truth += len(s.words)
	t.found += len(words)
	t.pages++
}

func (t *tally) f() float64 { return 2 * float64(t.hit) / float64(t.truth+t.found) }

func (t *tally) report(b *testing.B, name string) {
	b.Logf("%s: %d pages, %.0f CPU ms/page, word R %.4f P %.4f F %.4f", name, t.pages,
		float64(t.cpu.Milliseconds())/float64(t.pages), float64(t.hit)/float64(t.truth), float64(t.hit)/float64(t.found), t.f())
	b.ReportMetric(float64(t.cpu.Milliseconds())/float64(t.pages), name+"-cpu-ms/page")
	b.ReportMetric(1-t.f(), name+"-word-errors")
}

func readOurs(tb testing.TB, e *ocr.Engine, file string, t *tally) string {
	start := cpu(syscall.RUSAGE_SELF)
	raw, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		tb.Logf("%s: %v", file, err)
		return ""
	}
	words, _, err := e.Read(context.Background(), img)
	if err != nil {
		tb.Fatal(err)
	}
	t.cpu += cpu(syscall.RUSAGE_SELF) - start
	return text(words)
}

func readTesseract(tb testing.TB, file, langs, psm string, t *tally) string {
	start := cpu(syscall.RUSAGE_CHILDREN)
	cmd := exec.Command("tesseract", file, "-", "-l", langs, "--psm", psm)
	cmd.Env = append(os.Environ(), "OMP_THREAD_LIMIT=1")
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("tesseract %s: %v", file, err)
	}
	t.cpu += cpu(syscall.RUSAGE_CHILDREN) - start
	return string(out)
}

func cpu(who int) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(who, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func text(words []doc.Word) string {
	var sb strings.Builder
	for _, w := range words {
		sb.WriteString(w.Text + " ")
	}
	return sb.String()
}

// nets gives the shipped detector and recogniser.
func nets(tb testing.TB) (det, rec ocr.Net) {
	tb.Helper()
	rt, err := onnx.Open(onnx.Config{CacheDir: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := rt.Close(); err != nil {
			tb.Error(err)
		}
	})
	net := func(name string) ocr.Net {
		n, err := rt.Net(name)
		if err != nil {
			tb.Fatal(err)
		}
		return n
	}
	return net(onnx.Detector), net(onnx.Recogniser)
}

func engine(tb testing.TB) *ocr.Engine {
	tb.Helper()
	det, rec := nets(tb)
	return ocr.New(ocr.Config{Detector: det, Recogniser: rec, Charset: onnx.Charset()})
}

// warm loads the models, which is paid once a process and not a page.
func warm(tb testing.TB, e *ocr.Engine) {
	if _, _, err := e.Read(context.Background(), drawn(tb, []string{"warm up"}, 24)); err != nil {
		tb.Fatal(err)
	}
}

// data gives the folder of development data, or skips.
func data(tb testing.TB, set string) string {
	tb.Helper()
	root := os.Getenv("RECTO_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	dir := filepath.Join(root, set)
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("no development data (set RECTO_DATA): %v", err)
	}
	return dir
}

// receipts gives n scanned receipts with their transcripts, all of vendors that
// had no part in making the models (models/truth.py: fold, HELD).
func receipts(tb testing.TB, n int) []sheet {
	dir := data(tb, "sroie")
	raw, err := os.ReadFile(filepath.Join(dir, "labels.jsonl"))
	if err != nil {
		tb.Fatal(err)
	}
	var all []sheet
	for _, l := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		var r struct{ ID, File, Vendor string }
		if err := json.Unmarshal([]byte(l), &r); err != nil {
			tb.Fatal(err)
		}
		boxes, err := os.ReadFile(filepath.Join(dir, "boxes", r.ID+".txt"))
		if r.File == "" || err != nil || !heldBack(r.Vendor) {
			continue
		}
		s := sheet{file: filepath.Join(dir, r.File)}
		for _, b := range strings.Split(string(boxes), "\n") {
			if p := strings.SplitN(strings.TrimRight(b, "\r"), ",", 9); len(p) == 9 {
				s.words = append(s.words, strings.Fields(strings.ToUpper(p[8]))...)
			}
		}
		all = append(all, s)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].file < all[j].file })
	rand.New(rand.NewPCG(7, 7)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

// heldBack says whether a vendor's receipts are kept for measuring: two folds of
// five by the remainder of its SHA-1.
func heldBack(vendor string) bool {
	sum := sha1.Sum([]byte(vendor))
	fold := new(big.Int).Mod(new(big.Int).SetBytes(sum[:]), big.NewInt(5)).Int64()
	return fold == 0 || fold == 3
}

// invoices renders the first page of n e-invoices at 200 dpi; their words are
// those of the text layer.
func invoices(tb testing.TB, n int) []sheet {
	dir := data(tb, "einvoice")
	files, err := filepath.Glob(filepath.Join(dir, "docs", "*.pdf"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no invoices in %s", dir)
	}
	rand.New(rand.NewPCG(7, 7)).Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	var out []sheet
	for _, f := range files {
		layer, err := exec.Command("pdftotext", "-f", "1", "-l", "1", f, "-").Output()
		if err != nil {
			tb.Skipf("pdftotext (poppler-utils) is needed: %v", err)
		}
		words := strings.Fields(strings.ToUpper(string(layer)))
		if len(words) < 40 {
			continue
		}
		png := filepath.Join(tb.TempDir(), "page")
		if err := exec.Command("pdftoppm", "-r", "200", "-f", "1", "-l", "1", "-png", "-singlefile", f, png).Run(); err != nil {
			tb.Fatal(err)
		}
		if out = append(out, sheet{png + ".png", words}); len(out) == n {
			break
		}
	}
	return out
}
