package decode_test

import (
	"context"
	"io"
	"testing"

	"github.com/recto-edge/recto/node/extract/decode"
)

// Small limits, so that what the fuzzer finds is a fault and not a large file.
var tight = decode.Limits{MaxPages: 20, MaxPixels: 1 << 20, MaxParts: 50, MaxUnpacked: 4 << 20}

// walk opens bytes and looks at everything in them; a panic that escapes, or a
// part larger than it says, is a fault.
func walk(t *testing.T, b []byte) {
	f, err := tryOpen(b, tight)
	if err != nil {
		return
	}
	defer f.Close()
	if f.Kind == decode.KindPDF {
		return
	}
	for n := 1; n <= f.NumPages; n++ {
		p, err := f.Page(context.Background(), n)
		if err == nil && (p.Width <= 0 || p.Height <= 0 || p.Width*p.Height > 4*tight.MaxPixels) {
			t.Fatalf("page of %d x %d", p.Width, p.Height)
		}
	}
	for _, p := range f.Parts {
		rc, err := p.Open()
		if err != nil {
			continue
		}
		if n, _ := io.Copy(io.Discard, rc); n > p.Size {
			t.Fatalf("part of %d bytes gives %d", p.Size, n)
		}
		_ = rc.Close()
	}
}

func FuzzTIFF(f *testing.F) {
	for _, name := range []string{"fax.tif", "jpeg.tif", "tiled.tif", "packbits.tif"} {
		f.Add(fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4 && (b[0] == 'I' || b[0] == 'M') {
			walk(t, b)
		}
	})
}

func FuzzZIP(f *testing.F) {
	f.Add(zipOf(map[string][]byte{"a.xml": []byte("<?xml?><a/>"), "b.zip": zipOf(map[string][]byte{"c.xml": []byte("<?xml?><c/>")})}))
	f.Fuzz(func(t *testing.T, b []byte) { walk(t, append([]byte("PK\x03\x04"), b[min(len(b), 4):]...)) })
}

func FuzzMail(f *testing.F) {
	f.Add(mailWith("a.xml", []byte("<?xml version='1.0'?><a/>")))
	f.Add(mailWith("a.zip", zipOf(map[string][]byte{"a.xml": []byte("<?xml?><a/>")})))
	f.Fuzz(func(t *testing.T, b []byte) {
		walk(t, append([]byte("From: a\r\nTo: b\r\nSubject: c\r\n"), b...))
	})
}
