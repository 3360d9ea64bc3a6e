package decode_test

import (
	"bytes"
	"image"
	"io"
	"os"
	"testing"

	"github.com/recto-edge/recto/node/extract/decode"
)

// TestPagesOfPictures: pages of a TIFF become a PDF that another reader shows the
// same, and always the same bytes.
func TestPagesOfPictures(t *testing.T) {
	b, err := os.ReadFile("testdata/fax.tif")
	if err != nil {
		t.Fatal(err)
	}
	in := decode.Input{Name: "fax.tif", R: bytes.NewReader(b), Size: int64(len(b))}
	take := func() []byte {
		t.Helper()
		part := decode.PagesOf(in, decode.KindTIFF, decode.Limits{}, nil, "fax, page 1.pdf", []int{1, 1})
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		out, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := take()
	if !bytes.Equal(first, take()) {
		t.Error("the same pages gave other bytes the second time")
	}
	want := picture(t, in, 1)
	f, err := decode.Open(t.Context(), decode.Input{R: bytes.NewReader(first), Size: int64(len(first))}, decode.Limits{}, port{engine})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Kind != decode.KindPDF || f.NumPages != 2 {
		t.Fatalf("%s of %d pages, want a PDF of 2", f.Kind, f.NumPages)
	}
	p, err := f.Page(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Image(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if g, w := ink(got), ink(want); g < w*0.9 || g > w*1.1 {
		t.Errorf("%.3f of the page is ink, on the fax %.3f", g, w)
	}
}

func picture(t *testing.T, in decode.Input, n int) image.Image {
	t.Helper()
	f, err := decode.Open(t.Context(), in, decode.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := f.Page(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	img, err := p.Image(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// ink is the share of a picture that is dark.
func ink(img image.Image) float64 {
	b, n := img.Bounds(), 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if r, _, _, _ := img.At(x, y).RGBA(); r < 0x8000 {
				n++
			}
		}
	}
	return float64(n) / float64(b.Dx()*b.Dy())
}

func TestPagesThatAreNotThere(t *testing.T) {
	b := []byte("%PDF-1.4 and nothing else")
	part := decode.PagesOf(decode.Input{R: bytes.NewReader(b), Size: int64(len(b))}, decode.KindPDF, decode.Limits{}, port{engine}, "x.pdf", []int{1})
	if _, err := part.Open(); err == nil {
		t.Error("pages of a damaged file were given")
	}
}
