package ocr_test

import (
	"image"
	"image/color"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// drawn is a white page with one line of black text below the other.
func drawn(tb testing.TB, lines []string, size float64) *image.Gray {
	tb.Helper()
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		tb.Fatal(err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		tb.Fatal(err)
	}
	defer face.Close()
	widest := 0
	for _, l := range lines {
		widest = max(widest, font.MeasureString(face, l).Ceil())
	}
	step := int(size * 1.8)
	img := image.NewGray(image.Rect(0, 0, widest+4*step, (len(lines)+3)*step))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	for i, l := range lines {
		d := font.Drawer{Dst: img, Src: image.NewUniform(color.Black), Face: face, Dot: fixed.P(2*step, (i+2)*step)}
		d.DrawString(l)
	}
	return img
}
