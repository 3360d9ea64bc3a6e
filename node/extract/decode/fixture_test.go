package decode_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/extract/decode"
)

// page is a page of a PDF made for a test.
type page struct {
	text  string // content stream; /F is Helvetica, /I the image
	image string // an image dictionary's end and stream, see gray
	dict  string // more of the page's dictionary
}

// pdf makes a PDF of A4 pages.
func pdf(pages ...page) []byte { return pdfWith("", nil, pages...) }

// pdfWith makes a PDF with more in its catalogue and more objects, which are
// numbered from 10 + 4 for each page.
func pdfWith(catalog string, more []string, pages ...page) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	at := map[int]int{}
	object := func(n int, body string) {
		at[n] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", n, body)
	}
	var kids strings.Builder
	for i, p := range pages {
		n := 10 + 4*i
		fmt.Fprintf(&kids, "%d 0 R ", n)
		image := ""
		if p.image != "" {
			image = fmt.Sprintf("/XObject <</I %d 0 R>>", n+2)
			object(n+2, p.image)
		}
		object(n, fmt.Sprintf("<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources <</Font <</F 3 0 R>> %s>> %s>>", n+1, image, p.dict))
		object(n+1, fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(p.text), p.text))
	}
	object(1, "<</Type /Catalog /Pages 2 0 R "+catalog+">>")
	object(2, fmt.Sprintf("<</Type /Pages /Count %d /Kids [%s]>>", len(pages), kids.String()))
	object(3, "<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>")
	for i, body := range more {
		object(10+4*len(pages)+i, body)
	}
	xref := b.Len()
	var numbers []int
	for n := range at {
		numbers = append(numbers, n)
	}
	sort.Ints(numbers)
	b.WriteString("xref\n0 1\n0000000000 65535 f \n")
	for _, n := range numbers {
		fmt.Fprintf(&b, "%d 1\n%010d 00000 n \n", n, at[n])
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", numbers[len(numbers)-1]+1, xref)
	return b.Bytes()
}

// gray is an image object of w x h pixels, white with black bars as high as
// print, so that it looks like a scan of text.
func gray(w, h int) string {
	pix := make([]byte, w*h)
	for y := range h {
		for x := range w {
			pix[y*w+x] = 255
			if y%40 > 28 && x%50 > 10 && x > w/10 && x < w*9/10 && (x/3+y)%2 == 0 {
				pix[y*w+x] = 0
			}
		}
	}
	return fmt.Sprintf("<</Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /ColorSpace /DeviceGray /Length %d>>\nstream\n%s\nendstream", w, h, len(pix), pix)
}

func zipOf(files map[string][]byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	var names []string
	for n := range files {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		w, err := z.Create(n)
		if err == nil {
			_, err = w.Write(files[n])
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func mailWith(name string, body []byte) []byte {
	code := base64.StdEncoding.EncodeToString(body)
	var lines strings.Builder
	for ; len(code) > 76; code = code[76:] {
		lines.WriteString(code[:76] + "\r\n")
	}
	lines.WriteString(code + "\r\n")
	return []byte("From: seller@example.com\r\nTo: buyer@example.com\r\nSubject: Invoice\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=frontier\r\n\r\n" +
		"--frontier\r\nContent-Type: text/plain\r\n\r\nPlease find the invoice attached.\r\n" +
		"--frontier\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n" +
		"Content-Disposition: attachment; filename=\"" + name + "\"\r\n\r\n" + lines.String() +
		"--frontier--\r\n")
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// open opens bytes with default limits and closes them with the test.
func open(t testing.TB, b []byte) *decode.File {
	t.Helper()
	f, err := decode.Open(context.Background(), decode.Input{Name: t.Name(), R: bytes.NewReader(b), Size: int64(len(b))}, decode.Limits{}, port{engine})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func firstPage(t testing.TB, b []byte) *decode.Page {
	t.Helper()
	p, err := open(t, b).Page(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func texts(p *decode.Page) string {
	var all []string
	for _, w := range p.Words {
		all = append(all, w.Text)
	}
	return strings.Join(all, " ")
}
