package decode

import (
	"context"
	"image"
	"io"
)

// PDF opens PDFs: the port to the PDF engine. Its errors may have a method
// Reason() string that gives password, damaged, memory, timeout or closed.
type PDF interface {
	Open(ctx context.Context, r io.ReaderAt, size int64, password string) (PDFDocument, error)
}

// PDFDocument is an open PDF. Pages are counted from 0 here, and lengths are in
// points (1/72 inch) on the upright page, origin top left.
type PDFDocument interface {
	NumPages() int
	Page(ctx context.Context, i int) (*PDFPage, error)
	// Render paints the upright page at width x height pixels.
	Render(ctx context.Context, i, width, height int, gray bool) (image.Image, error)
	Fields(ctx context.Context, i int) ([]PDFField, error)
	// Attachments gives at most count files of at most limit bytes in all, and
	// how many were left out.
	Attachments(ctx context.Context, count int, limit int64) (files []Attachment, omitted int, err error)
	Close() error
}

// PDFRect is a rectangle in points.
type PDFRect struct{ X0, Y0, X1, Y1 float64 }

// PDFPage is what a PDF says of a page without painting it.
type PDFPage struct {
	Width, Height float64 // points, upright
	Pictures      []PDFPicture
	Words         []PDFWord
	Objects       int // painted objects; 0 means an empty page
}

// PDFPicture is an image painted on a page.
type PDFPicture struct {
	Box           PDFRect
	Width, Height int // native pixels, turned as the page shows them
	Bits          int // per pixel: 1 for fax; 0 when unknown
}

// PDFWord is a run of characters without blanks in a text layer.
type PDFWord struct {
	Text      string
	Box       PDFRect
	Baseline  float64 // y, points from the top; for upright text
	Size      float64 // font size as painted, points
	Angle     int     // direction of the text: 0, 90, 180, 270 degrees clockwise
	Luma      uint8   // brightness of the paint, 0 black to 255 white
	Invisible bool    // painted without ink, or hidden below a picture
	Misplaced bool    // too small to read, or outside the page
	Broken    int     // characters whose meaning the font does not tell
}

// PDFField is a filled-in form field.
type PDFField struct {
	Name, Value string
	Box         PDFRect
}
