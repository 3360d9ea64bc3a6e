package symbol

import (
	"context"
	"errors"
	"image"
	"image/color"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/recto-edge/recto/node/doc"
)

// fake gives the codes of each look in turn and keeps what it was shown.
type fake struct {
	looks [][]Code
	err   error
	shown []*image.Gray
}

func (f *fake) Decode(_ context.Context, img *image.Gray, _ bool) ([]Code, error) {
	f.shown = append(f.shown, img)
	if f.err != nil || len(f.shown) > len(f.looks) {
		return nil, f.err
	}
	return f.looks[len(f.shown)-1], nil
}

func corners(x0, y0, x1, y1 int) [4]image.Point {
	return [4]image.Point{image.Pt(x0, y0), image.Pt(x1, y0), image.Pt(x1, y1), image.Pt(x0, y1)}
}

func TestFind(t *testing.T) {
	f := &fake{looks: [][]Code{
		{{Format: "QR Code", Text: "hello", Corners: corners(10, 20, 30, 40)}, {Format: "Codabar", Text: "A1B"}, {Format: "Code 128", GS1: true, Text: "0012", Corners: corners(1, 1, 5, 5)}},
		// The page is 200 high: x in the turned image is 199-y in the page.
		{{Format: "QR Code", Text: "hello", Corners: corners(160, 11, 178, 29)}, {Format: "EAN-13", Text: "4006381333931", Corners: corners(10, 50, 60, 70)}},
	}}
	got, err := Find(context.Background(), f, image.NewGray(image.Rect(0, 0, 100, 200)))
	if err != nil {
		t.Fatal(err)
	}
	want := []doc.Symbol{
		{Format: "qr_code", Text: "hello", Box: doc.Box{10, 20, 31, 41}},
		{Format: "gs1_code_128", Text: "0012", Box: doc.Box{1, 1, 6, 6}},
		{Format: "ean_13", Text: "4006381333931", Box: doc.Box{50, 139, 71, 190}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLargePagesAreScaledDown(t *testing.T) {
	page := image.NewNRGBA(image.Rect(5, 5, 5005, 7005)) // transparent: white paper
	page.Set(4000, 6000, color.Black)
	f := &fake{looks: [][]Code{{{Format: "QR Code", Text: "x", Corners: corners(100, 100, 200, 200)}}}}
	got, err := Find(context.Background(), f, page)
	if err != nil || len(got) != 1 || got[0].Box != (doc.Box{400, 400, 804, 804}) {
		t.Errorf("%v %v", got, err)
	}
	if r := f.shown[0].Rect; r.Dx()*r.Dy() > most || f.shown[0].GrayAt(3, 3).Y != 255 {
		t.Errorf("%v pixels, paper of shade %d", r, f.shown[0].GrayAt(3, 3).Y)
	}
}

func TestTurned(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 3, 2))
	copy(img.Pix, []uint8{1, 2, 3, 4, 5, 6})
	out := turned(img)
	if diff := cmp.Diff([]uint8{4, 1, 5, 2, 6, 3}, out.Pix); diff != "" || out.Rect.Dx() != 2 {
		t.Errorf("%v %s", out.Rect, diff)
	}
}

func TestFindErrors(t *testing.T) {
	broken := errors.New("broken")
	if _, err := Find(context.Background(), &fake{err: broken}, image.NewGray(image.Rect(0, 0, 9, 9))); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Find(ctx, &fake{err: context.Canceled}, image.NewGray(image.Rect(0, 0, 9, 9))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
