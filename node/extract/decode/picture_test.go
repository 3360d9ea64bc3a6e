package decode_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/decode"
)

// All fixtures show the same 400 x 300 card: TOP LEFT in the upper left corner
// and a black block in the lower left one.
func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		file     string
		kind     decode.Kind
		w, h     int
		dpi      float64
		rotation int
	}{
		{"turned.jpg", decode.KindJPEG, 400, 300, 150, 90},
		{"cmyk.jpg", decode.KindJPEG, 400, 300, 0, 0},
		{"small.png", decode.KindPNG, 400, 300, 150, 0},
		{"small.webp", decode.KindWebP, 400, 300, 0, 0},
		{"small.jp2", decode.KindJP2, 400, 300, 0, 0},
		{"jpeg.tif", decode.KindTIFF, 400, 300, 200, 0},
		{"tiled.tif", decode.KindTIFF, 400, 300, 200, 0},
		{"packbits.tif", decode.KindTIFF, 400, 300, 0, 0},
	} {
		f := open(t, fixture(t, tt.file))
		if f.Kind != tt.kind || f.NumPages != 1 {
			t.Errorf("%s: %s with %d pages", tt.file, f.Kind, f.NumPages)
		}
		p, err := f.Page(context.Background(), 1)
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if p.Width != tt.w || p.Height != tt.h || p.DPI != tt.dpi || p.Rotation != tt.rotation || p.TextOK {
			t.Errorf("%s: %d x %d at %v, turned %d", tt.file, p.Width, p.Height, p.DPI, p.Rotation)
		}
		upright(t, tt.file, p)
		if tt.file == "jpeg.tif" { // RGB without YCbCr, which no JPEG says by itself
			img, err := p.Image(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if r, g, b, _ := img.At(340, 250).RGBA(); r>>8 < 200 || g>>8 > 60 || b>>8 > 60 {
				t.Errorf("the red block is %d %d %d", r>>8, g>>8, b>>8)
			}
		}
	}
}

func upright(t *testing.T, name string, p *decode.Page) {
	t.Helper()
	img, err := p.Image(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	w, h := p.Width, p.Height
	block := color.GrayModel.Convert(img.At(w*75/400, h*250/300)).(color.Gray).Y
	corner := color.GrayModel.Convert(img.At(w*390/400, h*10/300)).(color.Gray).Y
	if block > 60 || corner < 200 {
		t.Errorf("%s: the block is %d and the corner %d", name, block, corner)
	}
	if !inked(img, doc.Box{w * 30 / 400, h * 45 / 300, w * 250 / 400, h * 85 / 300}) {
		t.Errorf("%s: the words are not where they belong", name)
	}
	switch img.(type) {
	case *image.Gray, *image.RGBA, *image.YCbCr:
	default:
		t.Errorf("%s is a %T", name, img)
	}
}

func TestFaxHasTwoPagesWithSquarePixels(t *testing.T) {
	f := open(t, fixture(t, "fax.tif"))
	if f.NumPages != 2 {
		t.Fatalf("%d pages", f.NumPages)
	}
	p, err := f.Page(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if p.DPI != 204 || p.Width != 864 || p.Height != 600*204/98 {
		t.Errorf("%d x %d at %v dpi", p.Width, p.Height, p.DPI)
	}
	upright(t, "first page", p)
	if p, err = f.Page(context.Background(), 2); err != nil {
		t.Fatal(err)
	}
	img, err := p.Image(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// The second page is the first one upside down (mirrored): its block is at the top.
	if !inked(img, doc.Box{100, 100, 200, 200}) || inked(img, doc.Box{100, p.Height - 200, 200, p.Height - 100}) {
		t.Error("the second page is not the second page")
	}
}

func TestDamagedJPEGIsReadBySecondDecoder(t *testing.T) {
	b := fixture(t, "turned.jpg")
	p := firstPage(t, b[:len(b)*3/4])
	if p.Width != 400 || p.Height != 300 || len(p.Warnings) != 1 {
		t.Errorf("%d x %d, %q", p.Width, p.Height, p.Warnings)
	}
}

func TestContentDecidesNotTheName(t *testing.T) {
	b := pdf(page{text: visible})
	f, err := decode.Open(context.Background(), decode.Input{Name: "photo.jpg", R: bytes.NewReader(b), Size: int64(len(b))}, decode.Limits{}, port{engine})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Kind != decode.KindPDF {
		t.Error(f.Kind)
	}
}

func TestPassword(t *testing.T) {
	b := fixture(t, "encrypted.pdf")
	for password, want := range map[string]string{"": doc.DetailPassword, "wrong": doc.DetailPassword, "geheim": ""} {
		f, err := decode.Open(context.Background(), decode.Input{R: bytes.NewReader(b), Size: int64(len(b)), Password: password}, decode.Limits{}, port{engine})
		if doc.DetailOf(err) != want {
			t.Errorf("%q: %v", password, err)
		}
		if err == nil {
			if p, err := f.Page(context.Background(), 1); err != nil || texts(p) != "Secret invoice 4711" {
				t.Errorf("%v", err)
			}
			_ = f.Close()
		}
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	small := decode.Limits{MaxPages: 3, MaxPixels: 10_000}
	many := pdf(page{}, page{}, page{}, page{})
	for _, tt := range []struct {
		name   string
		body   []byte
		detail string
	}{
		{"empty", nil, doc.DetailEmpty},
		{"noise", []byte("\x00\x01\x02 nothing that is known"), doc.DetailUnsupported},
		{"web page", []byte("<!doctype html><html><body>PDF</body></html>"), doc.DetailUnsupported},
		{"gif", []byte("GIF89a.........."), doc.DetailUnsupported},
		{"head of a pdf", []byte("%PDF-1.7\n"), doc.DetailDamaged},
		{"too many pages", many, doc.DetailTooManyPgs},
		{"no pages", pdf(), doc.DetailNoPages},
		{"too many pixels", fixture(t, "small.png"), doc.DetailTooManyPx},
		{"too many pixels in a tiff", fixture(t, "fax.tif"), doc.DetailTooManyPx},
		{"a bigger picture than said", fixture(t, "turned.jpg"), doc.DetailTooManyPx},
	} {
		f, err := decode.Open(context.Background(), decode.Input{R: bytes.NewReader(tt.body), Size: int64(len(tt.body))}, small, port{engine})
		if err == nil {
			_, err = f.Page(context.Background(), 1)
			_ = f.Close()
		}
		if doc.DetailOf(err) != tt.detail {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestDamagedPageCostsThatPage(t *testing.T) {
	b := pdf(page{text: visible}, page{text: visible, dict: "/MediaBox [0 0 0 0] /CropBox [9 9 9 9]"}, page{text: visible})
	b = bytes.Replace(b, []byte("14 0 obj\n<</Type /Page"), []byte("14 0 obj\n(/Type /Pages)"), 1)
	f := open(t, b)
	good := 0
	for n := 1; n <= f.NumPages; n++ {
		p, err := f.Page(context.Background(), n)
		if err != nil {
			if doc.DetailOf(err) != doc.DetailDamaged {
				t.Error(err)
			}
			continue
		}
		if texts(p) == "Invoice number 4711 Total 119,00" {
			good++
		}
	}
	if good != 2 {
		t.Errorf("%d good pages of %d", good, f.NumPages)
	}
}

func TestCancelledReadingIsNoDamage(t *testing.T) {
	f := open(t, pdf(page{text: visible}))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.Page(ctx, 1); doc.DetailOf(err) != "" || !errorsIs(err, context.Canceled) {
		t.Error(err)
	}
}

func TestEncodeJPEG(t *testing.T) {
	img, err := firstPage(t, fixture(t, "small.png")).Image(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := decode.EncodeJPEG(&b, img, 100); err != nil {
		t.Fatal(err)
	}
	c, format, err := image.DecodeConfig(&b)
	if err != nil || format != "jpeg" || c.Width != 100 || c.Height != 75 {
		t.Errorf("%s %+v %v", format, c, err)
	}
}
