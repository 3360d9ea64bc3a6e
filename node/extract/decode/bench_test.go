package decode_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/recto-edge/recto/node/extract/decode"
)

// The peers are poppler's programs, a process a page, as a site's script would
// call them. Both sides report CPU milliseconds a page, which a busy machine
// does not distort, beside the usual time.

type sample struct {
	path  string
	body  []byte
	pages int
}

// digital gives the e-invoices: born-digital pages.
func digital(b *testing.B) (files []sample, pages int) {
	b.Helper()
	paths, err := filepath.Glob(filepath.Join(dataDir(b, "einvoice"), "docs", "*.pdf"))
	if err != nil || len(paths) == 0 {
		b.Fatalf("no e-invoices: %v", err)
	}
	for _, p := range paths {
		body, err := os.ReadFile(p)
		if err != nil {
			b.Fatal(err)
		}
		n := open(b, body).NumPages
		files = append(files, sample{p, body, n})
		pages += n
	}
	return files, pages
}

func cpu(who int) float64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(who, &r)
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e6
}

// each runs fn over all files b.N times and reports per page.
func each(b *testing.B, files []sample, pages, who int, fn func(sample)) {
	b.Helper()
	b.ResetTimer()
	before := cpu(who)
	for range b.N {
		for _, f := range files {
			fn(f)
		}
	}
	n := float64(b.N * pages)
	b.ReportMetric((cpu(who)-before)/n, "cpu-ms/page")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/n, "ms/page")
}

func BenchmarkPages(b *testing.B) {
	files, pages := digital(b)
	ctx := context.Background()
	read := func(picture bool) func(sample) {
		return func(s sample) {
			f, err := decode.Open(ctx, decode.Input{R: bytes.NewReader(s.body), Size: int64(len(s.body))}, decode.Limits{}, port{engine})
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			for n := 1; n <= s.pages; n++ {
				p, err := f.Page(ctx, n)
				if err == nil && picture {
					_, err = p.Image(ctx)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	run := func(name string, args ...string) func(sample) {
		return func(s sample) {
			for n := 1; n <= s.pages; n++ {
				page := fmt.Sprint(n)
				cmd := exec.Command(name, append(append([]string{"-f", page, "-l", page}, args...), s.path, "-")...)
				if name == "pdftoppm" {
					cmd.Args = cmd.Args[:len(cmd.Args)-1] // writes to its output by itself
				}
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("text", func(b *testing.B) { each(b, files, pages, syscall.RUSAGE_SELF, read(false)) })
	b.Run("text+picture", func(b *testing.B) { each(b, files, pages, syscall.RUSAGE_SELF, read(true)) })
	for _, peer := range []struct {
		name string
		args []string
	}{{"pdftotext", []string{"-bbox"}}, {"pdftoppm", []string{"-r", "200"}}} {
		if _, err := exec.LookPath(peer.name); err != nil {
			continue
		}
		b.Run(peer.name, func(b *testing.B) { each(b, files, pages, syscall.RUSAGE_CHILDREN, run(peer.name, peer.args...)) })
	}
}
