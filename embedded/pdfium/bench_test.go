package pdfium

import (
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// BenchmarkStart measures from New to the first page's words, with an empty
// compilation cache and with a filled one.
func BenchmarkStart(b *testing.B) {
	run := func(b *testing.B, dir func() string) {
		for range b.N {
			e := New(Config{CacheDir: dir()})
			d, err := e.Open(context.Background(), pdf(1, hello))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := d.Page(context.Background(), 0); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(resident(b))/(1<<20), "MiB-RSS")
			_ = d.Close()
			_ = e.Close()
		}
	}
	b.Run("warm", func(b *testing.B) {
		dir := cacheDir()
		e := New(Config{CacheDir: dir})
		if err := e.Start(); err != nil {
			b.Fatal(err)
		}
		_ = e.Close()
		b.ResetTimer()
		run(b, func() string { return dir })
	})
	b.Run("cold", func(b *testing.B) { run(b, b.TempDir) })
}

// BenchmarkOpen measures what one more document costs: a new instance.
func BenchmarkOpen(b *testing.B) {
	e := start(b, Config{})
	if err := e.Start(); err != nil {
		b.Fatal(err)
	}
	src := pdf(1, hello)
	before := used()
	for b.Loop() {
		d, err := e.Open(context.Background(), src)
		if err != nil {
			b.Fatal(err)
		}
		_ = d.Close()
	}
	b.ReportMetric((used()-before)/float64(b.N), "cpu-ms/op")
}

// used is the CPU time of this process in milliseconds.
func used() float64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e6
}

// resident is the memory of this process in bytes; 0 where it cannot be told.
func resident(b *testing.B) int64 {
	b.Helper()
	s, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.Fields(string(s))[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n * int64(os.Getpagesize())
}
