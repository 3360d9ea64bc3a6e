package decode

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"strings"
)

// bookDPI is the resolution of a picture that does not say its own.
const bookDPI = 200

// bookQuality is that of the JPEG in which coloured pictures are kept.
const bookQuality = 92

// pictureBook is a PDF in the making, with a picture a page.
type pictureBook struct {
	objects [][]byte // from object 3 on: page, content and picture of each page
}

// add puts page n of f into the book.
func (b *pictureBook) add(ctx context.Context, f *File, n int) error {
	p, err := f.Page(ctx, n)
	if err != nil {
		return err
	}
	img, err := p.Image(ctx)
	if err != nil {
		return err
	}
	dict, data, err := encodePicture(img)
	if err != nil {
		return err
	}
	dpi := p.DPI
	if dpi <= 0 {
		dpi = bookDPI
	}
	w, h := float64(p.Width)*72/dpi, float64(p.Height)*72/dpi
	id := 3 + len(b.objects)
	content := fmt.Sprintf("%.2f 0 0 %.2f 0 0 cm /I Do", w, h)
	b.objects = append(b.objects,
		fmt.Appendf(nil, "<</Type /Page /Parent 2 0 R /MediaBox [0 0 %.2f %.2f] /Contents %d 0 R /Resources <</XObject <</I %d 0 R>>>>>>", w, h, id+1, id+2),
		fmt.Appendf(nil, "<</Length %d>>\nstream\n%s\nendstream", len(content), content),
		append(append(fmt.Appendf(nil, "<</Type /XObject /Subtype /Image /Width %d /Height %d %s /Length %d>>\nstream\n",
			p.Width, p.Height, dict, len(data)), data...), "\nendstream"...))
	return nil
}

// encodePicture gives a picture as a PDF stores it: fax pages as bits and grey
// ones as bytes, both without loss, colour as JPEG.
func encodePicture(img image.Image) (dict string, data []byte, err error) {
	var out bytes.Buffer
	gray, ok := img.(*image.Gray)
	if !ok {
		err = jpeg.Encode(&out, img, &jpeg.Options{Quality: bookQuality})
		return "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode", out.Bytes(), err
	}
	w, h := gray.Rect.Dx(), gray.Rect.Dy()
	bits := 8
	if twoValued(gray) {
		bits = 1
	}
	z := zlib.NewWriter(&out)
	line := make([]byte, (w*bits+7)/8)
	for y := range h {
		row := gray.Pix[y*gray.Stride : y*gray.Stride+w]
		if bits == 8 {
			copy(line, row)
		} else {
			clear(line)
			for x, v := range row {
				line[x/8] |= v & (0x80 >> (x % 8)) // 255 or 0
			}
		}
		if _, err := z.Write(line); err != nil {
			return "", nil, err
		}
	}
	err = z.Close()
	return fmt.Sprintf("/ColorSpace /DeviceGray /BitsPerComponent %d /Filter /FlateDecode", bits), out.Bytes(), err
}

func twoValued(img *image.Gray) bool {
	for y := range img.Rect.Dy() {
		for _, v := range img.Pix[y*img.Stride : y*img.Stride+img.Rect.Dx()] {
			if v != 0 && v != 255 {
				return false
			}
		}
	}
	return true
}

// bytes gives the finished PDF.
func (b *pictureBook) bytes() []byte {
	var kids strings.Builder
	for id := 3; id < 3+len(b.objects); id += 3 {
		fmt.Fprintf(&kids, "%d 0 R ", id)
	}
	objects := append([][]byte{
		[]byte("<</Type /Catalog /Pages 2 0 R>>"),
		fmt.Appendf(nil, "<</Type /Pages /Kids [%s] /Count %d>>", strings.TrimSpace(kids.String()), len(b.objects)/3),
	}, b.objects...)
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n")
	at := make([]int, len(objects))
	for i, body := range objects {
		at[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n", i+1)
		out.Write(body)
		out.WriteString("\nendobj\n")
	}
	xref := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, off := range at {
		fmt.Fprintf(&out, "%010d 00000 n \n", off)
	}
	fmt.Fprintf(&out, "trailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return out.Bytes()
}
