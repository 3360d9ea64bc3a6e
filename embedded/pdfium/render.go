package pdfium

import (
	"context"
	"fmt"
	"image"
	"math"

	"github.com/tetratelabs/wazero/api"
)

// Bitmap formats and render flags, as PDFium numbers them.
const (
	bitmapGray   = 1
	bitmapBGRx   = 3
	drawAnnots   = 0x01
	drawGray     = 0x08
	reverseBytes = 0x10
	white        = 0xffffffff
)

// Render paints page i (0 for the first) upright, at width x height pixels, as
// *image.Gray or *image.RGBA. The caller has decided that so many pixels may be
// had: 1 byte (grey) or 4 bytes each, once in the instance and once here.
func (d *Document) Render(ctx context.Context, i, width, height int, gray bool) (image.Image, error) {
	if width < 1 || height < 1 || width > math.MaxInt32/4/height {
		return nil, fmt.Errorf("render page %d: %d x %d pixels cannot be had", i+1, width, height)
	}
	var img image.Image
	err := d.do(ctx, func(in *instance) error {
		if err := d.open(ctx, in, i); err != nil {
			return err
		}
		var err error
		img, err = d.paint(ctx, in, width, height, gray)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("render page %d: %w", i+1, err)
	}
	return img, nil
}

func (d *Document) paint(ctx context.Context, in *instance, width, height int, gray bool) (image.Image, error) {
	format, flags := uint64(bitmapBGRx), uint64(drawAnnots|reverseBytes)
	if gray {
		format, flags = bitmapGray, drawAnnots|drawGray
	}
	w, h := api.EncodeI32(int32(width)), api.EncodeI32(int32(height))
	bitmap, err := in.long(ctx, "FPDFBitmap_CreateEx", w, h, format, 0, 0)
	if err != nil {
		return nil, err
	}
	if uint32(bitmap) == 0 {
		return nil, ErrMemory
	}
	if _, err = in.long(ctx, "FPDFBitmap_FillRect", bitmap, 0, 0, w, h, white); err != nil {
		return nil, err
	}
	if _, err = in.long(ctx, "FPDF_RenderPageBitmap", bitmap, uint64(d.page), 0, 0, w, h, 0, flags); err != nil {
		return nil, err
	}
	if d.form {
		if err := d.forms(ctx, in); err != nil {
			return nil, err
		}
		if _, err = in.long(ctx, "FPDF_FFLDraw", uint64(d.formEnv), bitmap, uint64(d.page), 0, 0, w, h, 0, flags); err != nil {
			return nil, err
		}
	}
	img, err := copyOut(in, bitmap, width, height, gray)
	if err != nil {
		return nil, err
	}
	_, err = in.long(ctx, "FPDFBitmap_Destroy", bitmap)
	return img, err
}

// copyOut makes a Go image of a bitmap: the instance's memory must not be seen
// from outside.
func copyOut(in *instance, bitmap uint64, width, height int, gray bool) (image.Image, error) {
	stride, err := in.quick("FPDFBitmap_GetStride", bitmap)
	if err != nil {
		return nil, err
	}
	buf, err := in.quick("FPDFBitmap_GetBuffer", bitmap)
	if err != nil {
		return nil, err
	}
	view, ok := in.mem.Read(uint32(buf), uint32(stride)*uint32(height))
	if !ok {
		return nil, ErrTrapped
	}
	if gray {
		img := image.NewGray(image.Rect(0, 0, width, height))
		for y := range height {
			copy(img.Pix[y*img.Stride:(y+1)*img.Stride], view[y*int(stride):])
		}
		return img, nil
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		row := img.Pix[y*img.Stride : (y+1)*img.Stride]
		copy(row, view[y*int(stride):])
		for x := 3; x < len(row); x += 4 {
			row[x] = 0xff
		}
	}
	return img, nil
}
