package decode

import (
	"context"
	"image"

	"github.com/recto-edge/recto/node/doc"
)

// Page is a decoded page. Its words and boxes are in pixels of the upright
// picture at DPI.
type Page struct {
	Number        int     // 1 for the first
	Width, Height int     // pixels of the upright picture
	DPI           float64 // 0 when the file does not say
	Rotation      int     // degrees clockwise by which it was turned because its text or EXIF says so

	// Words is the text layer, when TextOK: then it is all that can be read here,
	// but for what Pictures may hold. Otherwise the picture must be read.
	Words  []doc.Word
	TextOK bool
	// Dropped counts words of the text layer that a reader of the printed page
	// would not see: invisible, covered, white on white, tiny or off the page.
	Dropped int
	Blank   bool // nothing is painted here

	// Pictures are where images stand on a page whose text is good: a logo may
	// hold words, a code holds a value.
	Pictures []doc.Box
	Fields   []FormField
	Warnings []string

	image  image.Image
	render func(context.Context) (image.Image, error)
}

// Image gives the upright picture, Width x Height pixels, as *image.Gray,
// *image.RGBA (opaque) or *image.YCbCr. For a PDF page whose text is good it is
// painted at the first call, while the File is open; then it is kept.
func (p *Page) Image(ctx context.Context) (image.Image, error) {
	if p.image == nil {
		img, err := p.render(ctx)
		if err != nil {
			return nil, explain(ctx, err)
		}
		p.image = img
	}
	return p.image, nil
}
