package node

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"os"
	"path/filepath"
	"time"

	"github.com/recto-edge/recto/embedded/durable"
	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/eval"
	"github.com/recto-edge/recto/node/extract"
	"github.com/recto-edge/recto/node/extract/decode"
)

// writePage writes the report as a page with pictures of the misses.
func (o EvalOptions) writePage(ctx context.Context, report eval.Report, dir string, crops *pageCrops) error {
	how := "as sent"
	if o.Rasterise {
		how = "read by their pictures"
	}
	if o.Type != "" {
		how = "as " + o.Type + ", " + how
	}
	if o.Folds > 0 {
		how += fmt.Sprintf(", %d folds", o.Folds)
	}
	title, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	var page bytes.Buffer
	err = report.WriteHTML(ctx, &page, eval.PageOptions{
		Title: filepath.Base(title), How: how, Made: time.Now().Format("2 January 2006, 15:04"), Picture: crops.picture,
	})
	if err != nil {
		return err
	}
	return durable.WriteFile(o.HTML, &page)
}

// pageCrops cuts pictures out of the pages of labelled documents. It remembers the
// last page, since the misses of a document come together. It is for one goroutine.
type pageCrops struct {
	reader   *reading
	in       extract.Input
	paths    map[string]string
	readings map[string]doc.Reading

	id   string
	page int
	img  image.Image
}

func newPageCrops(r *reading, in extract.Input, cases []eval.Case, outcomes []eval.Outcome) *pageCrops {
	c := &pageCrops{reader: r, in: in, paths: map[string]string{}, readings: map[string]doc.Reading{}}
	for _, x := range cases {
		c.paths[x.ID] = x.Path
	}
	for _, x := range outcomes {
		c.readings[x.ID] = x.Reading
	}
	return c
}

// cropWidth is the most pixels across that a picture of a part of a page has, and
// cropQuality its quality as JPEG: enough to read small print in.
const (
	cropWidth   = 720
	cropQuality = 72
)

// picture is an eval.Picture.
func (c *pageCrops) picture(ctx context.Context, id string, page int, region doc.Box) ([]byte, doc.Box, error) {
	read := c.readings[id]
	if page < 1 || page > len(read.Pages) {
		return nil, doc.Box{}, doc.Errorf(doc.NotFound, "document %s has no page %d", id, page)
	}
	size := read.Pages[page-1] // boxes are in its pixels
	if c.id != id || c.page != page {
		img, err := c.paint(ctx, c.paths[id], page, size.Turned)
		if err != nil {
			return nil, doc.Box{}, err
		}
		c.id, c.page, c.img = id, page, img
	}
	b := c.img.Bounds()
	if size.Width <= 0 || size.Height <= 0 {
		size.Width, size.Height = b.Dx(), b.Dy()
	}
	shown := image.Rect(region[0], region[1], region[2], region[3]).Intersect(image.Rect(0, 0, size.Width, size.Height))
	if shown.Empty() {
		return nil, doc.Box{}, doc.Errorf(doc.NotFound, "the place is not on page %d of document %s", page, id)
	}
	from := image.Rect(shown.Min.X*b.Dx()/size.Width, shown.Min.Y*b.Dy()/size.Height, shown.Max.X*b.Dx()/size.Width, shown.Max.Y*b.Dy()/size.Height)
	part := image.NewRGBA(image.Rect(0, 0, from.Dx(), from.Dy()))
	draw.Draw(part, part.Bounds(), c.img, from.Min.Add(b.Min), draw.Src)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, decode.Thumb(part, cropWidth), &jpeg.Options{Quality: cropQuality}); err != nil {
		return nil, doc.Box{}, fmt.Errorf("cut a picture: %w", err)
	}
	return out.Bytes(), doc.Box{shown.Min.X, shown.Min.Y, shown.Max.X, shown.Max.Y}, nil
}

// paint gives a whole page, upright.
func (c *pageCrops) paint(ctx context.Context, path string, page, turned int) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("paint page: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("paint page: %w", err)
	}
	in := c.in
	in.Name, in.R, in.Size = path, f, info.Size()
	b, err := c.reader.Picture(ctx, in, page, turned, 0)
	if err != nil {
		return nil, err
	}
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("paint page: %w", err)
	}
	return img, nil
}
