//go:build bench

package node_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// The speed figures of docs/benchmarks.md: each a ratio against a named peer on
// the same files in the same run, order alternated, median of several turns.
// Run with: make bench

const turns = 5

func median(ds []time.Duration) time.Duration {
	s := slices.Clone(ds)
	slices.Sort(s)
	return s[len(s)/2]
}

func spread(ds []time.Duration) string {
	return fmt.Sprintf("%v (%v to %v)", median(ds).Round(10*time.Microsecond), slices.Min(ds).Round(10*time.Microsecond), slices.Max(ds).Round(10*time.Microsecond))
}

func benchFiles(t *testing.T, set, pattern string, most int) []string {
	t.Helper()
	root := os.Getenv("RECTO_DATA")
	if root == "" {
		root = "../../shared/data"
	}
	files, err := filepath.Glob(filepath.Join(root, set, "docs", pattern))
	if err != nil || len(files) == 0 {
		t.Skipf("no files %s below %s: set RECTO_DATA", pattern, root)
	}
	return files[:min(most, len(files))]
}

func pagesOf(t *testing.T, file string) int {
	t.Helper()
	out, err := exec.Command("pdfinfo", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(out), "\n") {
		if v, ok := strings.CutPrefix(line, "Pages:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(v))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("pdfinfo says no pages of %s", file)
	return 0
}

// TestP1 compares born-digital pages to checked JSON, durably stored, with
// pdftotext as a process a page, two at a time as Recto has two workers.
func TestP1(t *testing.T) {
	files := benchFiles(t, "einvoice", "*.pdf", 40)
	pages := 0
	perFile := make([]int, len(files))
	for i, f := range files {
		perFile[i] = pagesOf(t, f)
		pages += perFile[i]
	}
	var recto, peer []time.Duration
	for turn := range turns {
		run := []func(){
			func() { recto = append(recto, rectoReads(t, files)) },
			func() {
				start := time.Now()
				work := make(chan [2]int)
				done := make(chan error)
				for range 2 {
					go func() {
						var err error
						for w := range work {
							page := strconv.Itoa(w[1])
							if e := exec.Command("pdftotext", "-f", page, "-l", page, files[w[0]], os.DevNull).Run(); e != nil {
								err = e
							}
						}
						done <- err
					}()
				}
				for i, n := range perFile {
					for p := range n {
						work <- [2]int{i, p + 1}
					}
				}
				close(work)
				for range 2 {
					if err := <-done; err != nil {
						t.Fatal(err)
					}
				}
				peer = append(peer, time.Since(start))
			},
		}
		if turn%2 == 1 {
			slices.Reverse(run)
		}
		for _, fn := range run {
			fn()
		}
	}
	r, p := float64(pages)/median(recto).Seconds(), float64(pages)/median(peer).Seconds()
	t.Logf("P1 | %d files, %d pages | recto %s, %.1f pages/s | pdftotext a process a page %s, %.1f pages/s | ratio %.2f", len(files), pages, spread(recto), r, spread(peer), p, r/p)
}

// rectoReads gives the time from the first upload until the last document is
// settled, on a fresh node that has read one document before.
func rectoReads(t *testing.T, files []string) time.Duration {
	t.Helper()
	p := newProcess(t)
	p.start()
	p.ready()
	warm, ok := p.upload("warm.pdf", mustRead(t, "../packaging/samples/e-invoice.pdf"))
	if !ok {
		t.Fatal("warm-up was not acknowledged")
	}
	p.until("the warm-up is read", func() bool { return p.record(warm.ID).State.Settled() })
	start := time.Now()
	ids := map[doc.ID]bool{}
	for _, f := range files {
		r, ok := p.upload(filepath.Base(f), mustRead(t, f))
		if !ok {
			t.Fatalf("upload %s was not acknowledged", f)
		}
		ids[r.ID] = true
	}
	p.until("all are read", func() bool {
		n := 0
		for _, s := range p.all() {
			if ids[s.ID] && s.State.Settled() {
				n++
			}
		}
		return n == len(ids)
	})
	took := time.Since(start)
	for id := range ids {
		if s := p.record(id).State; s == doc.StateFailed {
			t.Errorf("document %s failed", id)
		}
	}
	p.kill()
	return took
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestP3 compares the answer to bytes that were read before with reading them.
func TestP3(t *testing.T) {
	file := benchFiles(t, "my_receipts", "2018_cn_hotel*.pdf", 1)[0]
	body := mustRead(t, file)
	var read, again []time.Duration
	for range turns {
		p := newProcess(t)
		p.http.Timeout = patience
		p.start()
		p.ready()
		if _, ok := p.upload("warm.jpg", mustRead(t, "../packaging/samples/passport-specimen.jpg")); !ok {
			t.Fatal("warm-up was not acknowledged")
		}
		p.until("the warm-up is read", func() bool { l := p.all(); return len(l) == 1 && l[0].State.Settled() })
		timed := func() time.Duration {
			start := time.Now()
			code, answer, err := p.call(http.MethodPut, "/api/v1/documents/scan.pdf?wait=30s", strings.NewReader(string(body)))
			if err != nil || code/100 != 2 {
				t.Fatalf("%d %s %v", code, answer, err)
			}
			return time.Since(start)
		}
		read = append(read, timed())
		for range 20 {
			again = append(again, timed())
		}
		p.kill()
	}
	t.Logf("P3 | %s, %d bytes | read %s | again %s | ratio %.0f", filepath.Base(file), len(body), spread(read), spread(again), float64(median(read))/float64(median(again)))
}

// TestP6 measures start to first accepted document, restart, idle memory and the
// size of the binary.
func TestP6(t *testing.T) {
	var first, again, ready []time.Duration
	var rss []int
	for range turns {
		p := newProcess(t)
		toFirst := func(name string) time.Duration {
			start := time.Now()
			p.start()
			p.until("a document is accepted", func() bool { _, ok := p.upload(name, invoiceXML(name)); return ok })
			return time.Since(start)
		}
		start := time.Now()
		first = append(first, toFirst("first.xml"))
		p.ready()
		ready = append(ready, time.Since(start))
		p.kill()
		again = append(again, toFirst("again.xml"))
		p.ready()
		rss = append(rss, p.memory(t))
		p.kill()
	}
	bin, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(rss)
	t.Logf("P6 | first start to first accepted document %s | to ready %s | restart to accepted %s | idle memory %d MB (%d to %d) | binary %d MB",
		spread(first), spread(ready), spread(again), rss[len(rss)/2], rss[0], rss[len(rss)-1], info.Size()>>20)
}
