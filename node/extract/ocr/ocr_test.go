package ocr_test

import (
	"context"
	"errors"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"github.com/recto-edge/recto/embedded/onnx"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/ocr"
)

func receipt(tb testing.TB) image.Image {
	tb.Helper()
	return picture(tb, "testdata/receipt_dm.jpg")
}

func picture(tb testing.TB, file string) image.Image {
	tb.Helper()
	f, err := os.Open(file)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		tb.Fatal(err)
	}
	return img
}

// must holds words that stand on the receipt, umlauts included.
var must = []string{
	"Rathausmarkt", "20095", "Hamburg", "28.02.2018", "19:20", "Summe", "Rückgeld", "-8,00", "6,68",
	"MwSt-Satz", "Brutto", "Netto", "Für", "diesen", "Einkauf", "hätten", "PAYBACK", "Punkte", "Geänderte", "Öffnungszeiten:", "Steuer-Nr.:", "35039/20203",
}

func TestReadInEveryOrientation(t *testing.T) {
	t.Parallel()
	e, img := engine(t), receipt(t)
	for _, turned := range []int{0, 90, 180, 270} {
		page := ocr.Upright(img, turned)
		words, rotation, err := e.Read(context.Background(), page)
		if err != nil {
			t.Fatal(err)
		}
		if want := (360 - turned) % 360; rotation != want {
			t.Errorf("turned by %d: rotation %d, want %d", turned, rotation, want)
			continue
		}
		text := texts(words)
		missing := 0
		for _, m := range must {
			if !slices.Contains(text, m) {
				missing++
				t.Logf("turned by %d: %q was not read", turned, m)
			}
		}
		if missing > 1 {
			t.Errorf("turned by %d: %d of %d words are missing in %q", turned, missing, len(must), text)
		}
		boxesFit(t, words, ocr.Upright(page, rotation))
	}
}

// boxesFit checks that every box holds ink and that its edges are near it.
func boxesFit(t *testing.T, words []doc.Word, upright image.Image) {
	t.Helper()
	bounds := upright.Bounds()
	for _, w := range words {
		box := image.Rect(w.Box[0], w.Box[1], w.Box[2], w.Box[3]).Add(bounds.Min)
		if box.Empty() || !box.In(bounds) {
			t.Errorf("%q: box %v does not lie on the page %v", w.Text, w.Box, bounds)
			continue
		}
		dark := 0
		for y := box.Min.Y; y < box.Max.Y; y++ {
			for x := box.Min.X; x < box.Max.X; x++ {
				if color.GrayModel.Convert(upright.At(x, y)).(color.Gray).Y < 128 {
					dark++
				}
			}
		}
		if share := float64(dark) / float64(box.Dx()*box.Dy()); share < 0.02 {
			t.Errorf("%q: only %.3f of its box %v is ink", w.Text, share, w.Box)
		}
		if w.Confidence <= 0 || w.Confidence > 1 {
			t.Errorf("%q: confidence %v", w.Text, w.Confidence)
		}
	}
}

func TestRowsFollowThePage(t *testing.T) {
	t.Parallel()
	words, _, err := engine(t).Read(context.Background(), receipt(t))
	if err != nil {
		t.Fatal(err)
	}
	line := func(text string) int {
		for _, w := range words {
			if w.Text == text {
				return w.Line
			}
		}
		t.Fatalf("%q was not read", text)
		return 0
	}
	if line("BAR") != line("-8,00") {
		t.Errorf("label and amount stand on lines %d and %d", line("BAR"), line("-8,00"))
	}
	if line("Summe") >= line("BAR") || line("Brutto") >= line("Öffnungszeiten:") {
		t.Error("lines are not numbered from top to bottom")
	}
	for i := 1; i < len(words); i++ {
		a, b := words[i-1], words[i]
		if b.Line < a.Line || (b.Line == a.Line && b.Box[0] < a.Box[0]) {
			t.Errorf("%q (line %d) comes after %q (line %d)", b.Text, b.Line, a.Text, a.Line)
		}
	}
}

func TestGermanAndOtherSigns(t *testing.T) {
	t.Parallel()
	lines := []string{
		"Müller & Söhne GmbH, Straße 12, 50667 Köln",
		"Übergröße: Ärmel für Jürgen, Öl, Käse, süß, heiß",
		"Zwischensumme netto 1.234,56 €",
		"zzgl. 19 % USt. 234,57 €",
		"Zahlbar bis 30.11.2026 auf DE89 3704 0044 0532 0130 00",
		"Café Élysée, Señor Muñoz, Ångström, Łódź, Dvořák",
	}
	e := engine(t)
	for _, size := range []float64{16, 32} { // about 6 pt at 200 dpi, and 12 pt
		words, rotation, err := e.Read(context.Background(), drawn(t, lines, size))
		if err != nil {
			t.Fatal(err)
		}
		if rotation != 0 {
			t.Errorf("size %v: rotation %d", size, rotation)
		}
		text := texts(words)
		want := strings.Fields(strings.Join(lines, " "))
		var missed []string
		for _, w := range want {
			if !slices.Contains(text, w) {
				missed = append(missed, w)
			}
		}
		if len(missed) > 2 {
			t.Errorf("size %v: missed %q of %d words, read %q", size, missed, len(want), text)
		}
		for _, sign := range []string{"€", "ß", "ü", "ö", "ä"} {
			if !strings.Contains(strings.Join(text, " "), sign) {
				t.Errorf("size %v: no %q was read", size, sign)
			}
		}
	}
}

func TestRunsOfEqualDigits(t *testing.T) {
	t.Parallel()
	// Narrow figures in a high line leave little room for each.
	flat := drawn(t, []string{"DE02120300000000202051"}, 30)
	b := flat.Bounds()
	page := image.NewGray(image.Rect(0, 0, b.Dx()*2/5, b.Dy()))
	draw.CatmullRom.Scale(page, page.Rect, flat, b, draw.Src, nil)
	words, _, err := engine(t).Read(context.Background(), page)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(texts(words), " "); got != "DE02120300000000202051" {
		t.Errorf("read %q", got)
	}
}

func TestSkewedPage(t *testing.T) {
	t.Parallel()
	lines := []string{"Invoice number 2026-0815", "Delivery to Brandenburg", "Total amount due 1,499.00 EUR"}
	flat := drawn(t, lines, 30)
	side := max(flat.Rect.Dx(), flat.Rect.Dy()) + 100
	page := image.NewGray(image.Rect(0, 0, side, side))
	for i := range page.Pix {
		page.Pix[i] = 0xff
	}
	s, c := math.Sincos(6 * math.Pi / 180)
	draw.BiLinear.Transform(page, f64.Aff3{c, -s, 60, s, c, 20}, flat, flat.Rect, draw.Src, nil)
	words, _, err := engine(t).Read(context.Background(), page)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(texts(words), " "), strings.Join(lines, " "); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestHugeScanStaysSmall(t *testing.T) {
	e := engine(t)
	warm(t, e)
	big := image.NewGray(image.Rect(0, 0, 5000, 7000)) // 35 megapixels
	for i := range big.Pix {
		big.Pix[i] = 0xff
	}
	small := drawn(t, []string{"Gesamtbetrag 77,10 EUR"}, 90)
	draw.Copy(big, image.Pt(400, 3000), small, small.Rect, draw.Src, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	words, _, err := e.Read(context.Background(), big)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := strings.Join(texts(words), " "); got != "Gesamtbetrag 77,10 EUR" {
		t.Errorf("read %q", got)
	}
	// Everything allocated on the way, freed or not, against the scan's own size.
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 35_000_000 {
		t.Errorf("reading allocated %d MB", grown>>20)
	}
}

func TestEmptyPages(t *testing.T) {
	t.Parallel()
	e := engine(t)
	white := image.NewGray(image.Rect(0, 0, 400, 300))
	for i := range white.Pix {
		white.Pix[i] = 0xff
	}
	words, rotation, err := e.Read(context.Background(), white)
	if err != nil || len(words) != 0 || rotation != 0 {
		t.Errorf("white page: %v, %d, %v", words, rotation, err)
	}
	if _, _, err := e.Read(context.Background(), image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Errorf("one pixel: %v", err)
	}
	if _, _, err := e.Read(context.Background(), image.NewGray(image.Rectangle{})); err == nil {
		t.Error("an image without pixels gave no error")
	}
}

func TestCancelledBetweenLines(t *testing.T) {
	t.Parallel()
	det, rec := nets(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	e := ocr.New(ocr.Config{Detector: det, Recogniser: &counted{Net: rec, after: 3, do: cancel}, Charset: onnx.Charset()})
	_, _, err := e.Read(ctx, receipt(t))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// counted calls do on the after-th run.
type counted struct {
	ocr.Net
	runs, after int
	do          func()
}

func (c *counted) Run(ctx context.Context, in []float32, shape []int64) ([]float32, []int64, error) {
	if c.runs++; c.runs == c.after {
		c.do()
	}
	return c.Net.Run(context.WithoutCancel(ctx), in, shape)
}

func TestSeveralAtOnce(t *testing.T) {
	t.Parallel()
	e, img := engine(t), receipt(t)
	want, _, err := e.Read(context.Background(), img)
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan []doc.Word)
	for range 3 {
		go func() {
			words, _, err := e.Read(context.Background(), img)
			if err != nil {
				t.Error(err)
			}
			results <- words
		}()
	}
	for range 3 {
		if got := <-results; !slices.Equal(got, want) {
			t.Error("reading at once gave something else than reading alone")
		}
	}
}

func TestDigestsNameBothModels(t *testing.T) {
	t.Parallel()
	for i, d := range engine(t).Digests() {
		name := []string{"det", "rec"}[i]
		if len(d) != len(name)+len("@sha256:")+16 || !strings.HasPrefix(d, name+"@sha256:") {
			t.Errorf("digest %q", d)
		}
	}
}

func texts(words []doc.Word) []string {
	var out []string
	for _, w := range words {
		out = append(out, w.Text)
	}
	return out
}
