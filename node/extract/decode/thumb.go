package decode

import (
	"fmt"
	"image"
	"image/jpeg"
	"io"

	"golang.org/x/image/draw"
)

// EncodeJPEG writes img as a JPEG of at most maxWidth pixels across, smaller
// ones as they are. It is meant for showing pages, not for keeping them.
func EncodeJPEG(w io.Writer, img image.Image, maxWidth int) error {
	if err := jpeg.Encode(w, Thumb(img, maxWidth), &jpeg.Options{Quality: 80}); err != nil {
		return fmt.Errorf("encode page picture: %w", err)
	}
	return nil
}

// Thumb reduces img to at most maxWidth pixels across; a smaller one is given
// back as it is.
func Thumb(img image.Image, maxWidth int) image.Image {
	b := img.Bounds()
	if maxWidth <= 0 || b.Dx() <= maxWidth {
		return img
	}
	r := image.Rect(0, 0, maxWidth, max(1, b.Dy()*maxWidth/b.Dx()))
	var out draw.Image = image.NewRGBA(r)
	if _, ok := img.(*image.Gray); ok {
		out = image.NewGray(r)
	}
	draw.BiLinear.Scale(out, r, img, b, draw.Src, nil) // averages, so that thin strokes stay
	return out
}
