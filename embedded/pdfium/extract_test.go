package pdfium

import (
	"bytes"
	"errors"
	"testing"
)

func TestExtractPages(t *testing.T) {
	e := start(t, Config{})
	src := pdf(3, "BT /F 12 Tf 50 700 Td (page%d of it) Tj ET")
	extract := func(pages ...int) []byte {
		t.Helper()
		d, err := e.Open(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		b, err := d.Extract(t.Context(), pages, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := extract(2, 0)
	d, err := e.Open(t.Context(), Source{R: bytes.NewReader(b), Size: int64(len(b))})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.NumPages() != 2 {
		t.Fatalf("%d pages, want 2", d.NumPages())
	}
	for i, want := range []string{"page3", "page1"} {
		p, err := d.Page(t.Context(), i)
		if err != nil || len(p.Words) == 0 || p.Words[0].Text != want {
			t.Errorf("page %d: %v %v, want %s", i, p, err, want)
		}
	}
	extract(1) // something else in between, so that memory is not as it was
	if !bytes.Equal(b, extract(2, 0)) {
		t.Error("the same pages gave other bytes the second time")
	}
	if bytes.Equal(b, extract(0, 2)) {
		t.Error("another order gave the same bytes")
	}
}

func TestExtractIsBounded(t *testing.T) {
	e := start(t, Config{})
	src := pdf(2, "BT /F 12 Tf 50 700 Td (page%d of it) Tj ET")
	d, err := e.Open(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Extract(t.Context(), []int{0}, 100); !errors.Is(err, ErrMemory) {
		t.Errorf("over the limit: %v, want ErrMemory", err)
	}
	if _, err := d.Extract(t.Context(), []int{7}, 1<<20); !errors.Is(err, ErrFormat) {
		t.Errorf("a page that is not there: %v, want ErrFormat", err)
	}
	if p, err := d.Page(t.Context(), 1); err != nil || len(p.Words) == 0 {
		t.Errorf("afterwards the document cannot be read: %v", err)
	}
}
