package decode

import (
	"context"
	"fmt"
	"image"
	"math"
	"unicode"
)

// The text layer against the picture. The page is painted small, in grey, and
// each word must be seen there; and there must not be much to be seen that no
// word explains, or else the text is not all there is to read.
const (
	lookDPI      = 72
	lookPixels   = 2_000_000 // of the small picture
	contrast     = 24        // levels of brightness by which print differs from paper
	maxBroken    = 0.05      // share of characters without meaning
	maxUncovered = 0.35      // share of the ink that no word explains
	minChars     = 3
)

// layer is what came out of comparing.
type layer struct {
	words   []PDFWord // seen
	dropped int
	angle   int // of most words
	blank   bool
	ok      bool
	warning string
}

// agree compares a page's text layer with its picture.
func (p *pdfPages) agree(ctx context.Context, n int, src *PDFPage) (layer, error) {
	var l layer
	hidden := 0 // beyond what the text layer of a scan explains
	_, isScan := scan(src)
	for _, w := range src.Words {
		switch {
		case w.Misplaced || w.Invisible && !isScan:
			hidden++
			fallthrough
		case w.Invisible:
			l.dropped++
		default:
			l.words = append(l.words, w)
		}
	}
	if len(l.words) > 0 {
		small, err := p.look(ctx, n, src)
		if err != nil {
			return l, err
		}
		before := len(l.words)
		l.words = small.seen(l.words)
		l.dropped += before - len(l.words)
		hidden += before - len(l.words)
		l.ok = readable(l.words) && small.uncovered(l.words, src.Pictures) <= maxUncovered
	}
	if len(l.words) == 0 && len(src.Pictures) == 0 {
		blank, err := p.nothing(ctx, n, src)
		if err != nil {
			return l, err
		}
		l.blank = blank
	}
	if hidden > 0 {
		l.warning = fmt.Sprintf("%d words of hidden text were ignored", hidden)
	}
	l.angle = direction(l.words)
	return l, nil
}

// nothing says whether a page without words and pictures shows nothing.
func (p *pdfPages) nothing(ctx context.Context, n int, src *PDFPage) (bool, error) {
	small, err := p.look(ctx, n, src)
	if err != nil {
		return false, err
	}
	for _, g := range small.img.Pix[:small.img.Rect.Dy()*small.img.Stride] {
		if g < 255-contrast {
			return false, nil
		}
	}
	return true, nil
}

// readable says whether words have enough characters, and those a meaning.
func readable(words []PDFWord) bool {
	chars, broken := 0, 0
	for _, w := range words {
		broken += w.Broken
		for _, c := range w.Text {
			if unicode.IsLetter(c) || unicode.IsDigit(c) {
				chars++
			}
		}
	}
	return chars >= minChars && float64(broken) <= maxBroken*float64(chars+broken)
}

// direction gives the angle that most characters have.
func direction(words []PDFWord) int {
	var count [4]int
	for _, w := range words {
		count[w.Angle/90%4] += len(w.Text)
	}
	best := 0
	for i, n := range count {
		if n > count[best] {
			best = i
		}
	}
	return best * 90
}

// view is a small grey picture of a page.
type view struct {
	img   *image.Gray
	scale float64 // pixels a point
}

func (p *pdfPages) look(ctx context.Context, n int, src *PDFPage) (*view, error) {
	dpi := float64(lookDPI)
	if most := math.Sqrt(lookPixels / (src.Width * src.Height / 72 / 72)); dpi > most {
		dpi = most
	}
	img, err := p.d.Render(ctx, n-1, pixels(src.Width, dpi), pixels(src.Height, dpi), true)
	if err != nil {
		return nil, err
	}
	gray, ok := img.(*image.Gray)
	if !ok {
		gray = plainGray(img)
	}
	return &view{gray, dpi / 72}, nil
}

// box gives the pixels of r with a margin, cut at the edges.
func (v *view) box(r PDFRect, margin int) image.Rectangle {
	return image.Rect(
		int(r.X0*v.scale)-margin, int(r.Y0*v.scale)-margin,
		int(math.Ceil(r.X1*v.scale))+margin, int(math.Ceil(r.Y1*v.scale))+margin,
	).Intersect(v.img.Rect)
}

// seen keeps the words that stand out from what they stand on, in the direction
// that their colour says: dark on light or light on dark.
func (v *view) seen(words []PDFWord) []PDFWord {
	kept := words[:0]
	for _, w := range words {
		if v.shows(w) {
			kept = append(kept, w)
		}
	}
	return kept
}

func (v *view) shows(w PDFWord) bool {
	b := v.box(w.Box, 1)
	if b.Empty() {
		return false
	}
	var count [16]int // brightness in steps of 16
	darkest, lightest := 255, 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			g := int(v.img.Pix[y*v.img.Stride+x])
			count[g/16]++
			darkest, lightest = min(darkest, g), max(lightest, g)
		}
	}
	paper := 0
	for i, n := range count {
		if n >= count[paper] {
			paper = i
		}
	}
	ground := paper*16 + 8
	if paper == 15 {
		ground = 255
	}
	ink := int(w.Luma)
	switch {
	case ink < ground-contrast/2:
		return darkest < ground-contrast/2
	case ink > ground+contrast/2:
		return lightest > ground+contrast/2
	}
	// Nearly the colour of its ground: either hidden, or so bold that its own ink
	// is most of what is seen here. Then it has edges.
	return lightest-darkest > 4*contrast
}
