package intake

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/tiff"
)

func picture() image.Image {
	m := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range m.Pix {
		m.Pix[i] = uint8(rand.IntN(256))
	}
	m.SetGray(0, 0, color.Gray{1})
	return m
}

// wholeFiles gives a file of every format whose end is known.
func wholeFiles(t *testing.T) map[string][]byte {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var pngs, jpegs, tiffs, inner, zips bytes.Buffer
	must(png.Encode(&pngs, picture()))
	must(jpeg.Encode(&jpegs, picture(), nil))
	must(tiff.Encode(&tiffs, picture(), &tiff.Options{Compression: tiff.Deflate}))
	z := zip.NewWriter(&inner)
	w, err := z.Create("a.txt")
	must(err)
	_, err = w.Write([]byte("inner"))
	must(err)
	must(z.Close())
	z = zip.NewWriter(&zips)
	w, err = z.CreateHeader(&zip.FileHeader{Name: "inner.zip", Method: zip.Store})
	must(err)
	_, err = w.Write(inner.Bytes())
	must(err)
	must(z.SetComment("a comment"))
	must(z.Close())
	// A camera's JPEG: a whole thumbnail, with an end mark of its own, inside APP1.
	app1 := append([]byte("Exif\x00\x00"), jpegs.Bytes()...)
	thumb := append([]byte{0xff, 0xd8, 0xff, 0xe1, byte((len(app1) + 2) >> 8), byte(len(app1) + 2)}, app1...)
	thumb = append(thumb, jpegs.Bytes()[2:]...)
	webp := append([]byte("RIFF\x20\x00\x00\x00WEBPVP8L"), make([]byte, 24)...)
	return map[string][]byte{
		"png": pngs.Bytes(), "jpeg": jpegs.Bytes(), "jpeg with thumbnail": thumb, "tiff": tiffs.Bytes(), "zip in zip": zips.Bytes(), "webp": webp,
		"pdf":            []byte("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\nxref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R>>\nstartxref\n42\n%%EOF"),
		"linearised pdf": linearised(),
		"xml":            []byte("<?xml version=\"1.0\"?>\n<!-- x --><rsm:Invoice a=\"b\"><a/><b>1</b></rsm:Invoice>"),
	}
}

// linearised is a PDF with an end mark early on.
func linearised() []byte {
	first := "startxref\n0\n%%EOF\n"
	rest := strings.Repeat("2 0 obj<<>>endobj\n", 20) + "startxref\n42\n%%EOF"
	head := "%PDF-1.4\n1 0 obj<</Linearized 1\n/L 0000000000/H[1 2]>>endobj\n"
	head = strings.Replace(head, "0000000000", fmt.Sprintf("%010d", len(head)+len(first)+len(rest)), 1)
	return []byte(head + first + rest)
}

func TestNoTruncationCountsAsWhole(t *testing.T) {
	t.Parallel()
	for name, body := range wholeFiles(t) {
		if why := unfinished(bytes.NewReader(body), int64(len(body))); why != "" {
			t.Errorf("%s: whole, but %s", name, why)
		}
		for n := 16; n < len(body); n++ {
			cut := body[:n]
			if name == "png" && n >= len(body)-4 {
				continue // only the checksum of the empty last chunk is cut
			}
			if unfinished(bytes.NewReader(cut), int64(n)) == "" {
				t.Errorf("%s: %d of %d bytes count as whole", name, n, len(body))
			}
		}
	}
}

func TestOtherFormatsHaveNoEnd(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"x", "plain text", "From: a@b\r\n\r\nmail", "PK", "\xff\xd8", "%PD", "II*"} {
		if why := unfinished(strings.NewReader(body), int64(len(body))); why != "" {
			t.Errorf("%q: %s", body, why)
		}
	}
}

// TestRealFilesAreWhole looks at files of many makers.
func TestRealFilesAreWhole(t *testing.T) {
	t.Parallel()
	data := os.Getenv("RECTO_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(data); err != nil {
		t.Skipf("no development data at %s (RECTO_DATA)", data)
	}
	seen := map[string]int{}
	for _, set := range []string{"sroie", "my_receipts", "einvoice", "mrz", "barcodes", "invoice2data", "parsee_invoices", "tables_icdar2013"} {
		err := filepath.WalkDir(filepath.Join(data, set), func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() || seen[set] >= 60 {
				return err
			}
			ext := strings.ToLower(filepath.Ext(path))
			if !strings.Contains(".pdf.jpg.jpeg.png.tif.tiff.xml.webp.zip", ext) || ext == "" {
				return nil
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				return err
			}
			seen[set]++
			if why := unfinished(f, info.Size()); why != "" {
				t.Errorf("%s: %s", path, why)
			}
			return nil
		})
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
	}
	t.Logf("files by set: %v", seen)
}

func FuzzUnfinished(f *testing.F) {
	for _, s := range []string{"%PDF-1.4 %%EOF", "\xff\xd8\xff\xe1\x00\x04ab\xff\xda", "II*\x00\x08\x00\x00\x00", "PK\x03\x04PK\x05\x06", "RIFF\x00\x00\x00\x00WEBP", "<?xml <a></a>", "\x89PNG\r\n\x1a\n\x00\x00\x00\x00IEND"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(_ *testing.T, b []byte) { unfinished(bytes.NewReader(b), int64(len(b))) })
}
