package decode_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/decode"
)

var errorsIs = errors.Is

func names(f *decode.File) []string {
	var all []string
	for _, p := range f.Parts {
		all = append(all, p.Name)
	}
	return all
}

func TestNestedContainers(t *testing.T) {
	one := pdf(page{text: visible})
	inner := zipOf(map[string][]byte{"deep/two.pdf": one, "note.txt": []byte("hello")})
	b := zipOf(map[string][]byte{
		"../../one.pdf":      one,
		"__MACOSX/._one.pdf": []byte("resource fork"),
		"inner.zip":          inner,
		"mail.eml":           mailWith("three.pdf", one),
		"empty.pdf":          nil,
		"faktur/invoice.xml": []byte("<?xml version=\"1.0\"?><Invoice/>"),
		"broken inside.zip":  append([]byte("PK\x03\x04"), "no archive"...),
	})
	f := open(t, b)
	want := []string{"one.pdf", "faktur/invoice.xml", "inner.zip/deep/two.pdf", "mail.eml/three.pdf"}
	if d := cmp.Diff(want, names(f)); d != "" {
		t.Error(d)
	}
	if len(f.Warnings) != 2 { // the note, and the broken archive
		t.Errorf("warnings: %q", f.Warnings)
	}
	for _, p := range f.Parts {
		rc, err := p.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(rc)
		if err != nil || int64(len(got)) != p.Size {
			t.Errorf("%s: %d bytes of %d, %v", p.Name, len(got), p.Size, err)
		}
		_ = rc.Close()
	}
}

func TestMail(t *testing.T) {
	one := pdf(page{text: visible})
	f := open(t, mailWith("=?utf-8?q?Rechnung_M=C3=BCller.pdf?=", one))
	if f.Kind != decode.KindMail {
		t.Fatal(f.Kind)
	}
	if d := cmp.Diff([]string{"Rechnung Müller.pdf"}, names(f)); d != "" {
		t.Error(d)
	}
	rc, err := f.Parts[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(rc)
	if err != nil || !bytes.Equal(got, one) {
		t.Errorf("%d bytes of %d, %v", len(got), len(one), err)
	}
	none := []byte("From: a@example.com\r\nSubject: Hello\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nNothing attached.\r\n")
	if _, err := tryOpen(none, decode.Limits{}); doc.DetailOf(err) != doc.DetailNoPages {
		t.Error(err)
	}
}

func tryOpen(b []byte, l decode.Limits) (*decode.File, error) {
	return decode.Open(context.Background(), decode.Input{R: bytes.NewReader(b), Size: int64(len(b))}, l, port{engine})
}

func TestArchiveLimits(t *testing.T) {
	one := pdf(page{text: visible})
	nested := one
	for i := range 5 {
		nested = zipOf(map[string][]byte{fmt.Sprintf("level%d.zip", i): nested})
	}
	many := map[string][]byte{}
	for i := range 20 {
		many[fmt.Sprint(i)] = []byte("x")
	}
	for name, tt := range map[string]struct {
		body   []byte
		limits decode.Limits
		detail string
		code   doc.Code
	}{
		"too deep":       {nested, decode.Limits{}, doc.DetailDepth, doc.Invalid},
		"too many files": {zipOf(many), decode.Limits{MaxParts: 10}, "", doc.TooLarge},
		"too large":      {bomb(t, 100<<20, 0), decode.Limits{MaxUnpacked: 10 << 20}, "", doc.TooLarge},
		"large mail":     {mailWith("a.pdf", one), decode.Limits{MaxUnpacked: 100}, "", doc.TooLarge},
		"office":         {zipOf(map[string][]byte{"[Content_Types].xml": []byte("<x/>")}), decode.Limits{}, doc.DetailUnsupported, doc.Invalid},
	} {
		_, err := tryOpen(tt.body, tt.limits)
		if doc.DetailOf(err) != tt.detail || doc.CodeOf(err) != tt.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// bomb is a ZIP of one PDF-looking file of n zeros that says it has said bytes;
// 0 says the truth.
func bomb(t *testing.T, n int, said uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("bomb.pdf")
	if err == nil {
		_, err = io.Copy(w, io.MultiReader(bytes.NewReader([]byte("%PDF-1.7\n")), io.LimitReader(zeros{}, int64(n))))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if said > 0 {
		// The size stands in the directory, 24 bytes after its mark.
		at := bytes.LastIndex(b.Bytes(), []byte("PK\x01\x02")) + 24
		for i := range 4 {
			b.Bytes()[at+i] = byte(said >> (8 * i))
		}
	}
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestLyingArchiveEndsWhereItSaid(t *testing.T) {
	f, err := tryOpen(bomb(t, 50<<20, 5000), decode.Limits{MaxUnpacked: 10_000})
	if err != nil {
		return // refused at once: as good
	}
	defer f.Close()
	for _, p := range f.Parts {
		rc, err := p.Open()
		if err != nil {
			continue
		}
		if n, _ := io.Copy(io.Discard, rc); n > 5000 {
			t.Errorf("%d bytes came out of a file of 5000", n)
		}
		_ = rc.Close()
	}
}
