package intake

import (
	"bytes"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/blob"
)

// BenchmarkSubmit is what a delivery of 200 KB costs until its receipt, on the
// file system of the test, without the real log.
func BenchmarkSubmit(b *testing.B) {
	files, err := blob.OpenFiles(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	in := New(Config{Store: blob.Plain{Store: files}, Log: newLog(), AppendWait: time.Second})
	body := bytes.Repeat([]byte("recto "), 200_000/6)
	n := 0
	submit := func(b *testing.B, dup bool) {
		if !dup {
			n++
			copy(body, time.Unix(int64(n), 0).String())
		}
		r, err := in.Submit(b.Context(), bytes.NewReader(body), from("x"))
		if err != nil || r.Duplicate != dup {
			b.Fatal(r, err)
		}
	}
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			submit(b, false)
		}
	})
	b.Run("duplicate", func(b *testing.B) {
		for b.Loop() {
			submit(b, true)
		}
	})
}
