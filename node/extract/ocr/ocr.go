// Package ocr reads the words on a page image: it finds lines of text, turns
// the page upright, reads each line and says where every word stands. It owns
// the geometry and the decoding; the two neural nets are given to it as ports.
//
// It guarantees that boxes are in pixels of the upright image, that the order
// of words is the reading order, and that memory beyond the image itself stays
// small whatever the image's size. It never keeps or changes an image.
package ocr

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"unicode"
	"unicode/utf8"

	"github.com/recto-edge/recto/node/doc"
)

// Net is a neural net with one input and one output. Run may be called from
// several goroutines at once.
type Net interface {
	Run(ctx context.Context, in []float32, shape []int64) (out []float32, outShape []int64, err error)
	// Digest names the exact model: name@sha256:<16 hex digits>.
	Digest() string
}

// Config says what to read with.
type Config struct {
	Detector   Net    // image 1×3×H×W → map 1×1×H×W of text probabilities
	Recogniser Net    // strip 1×3×48×W → posteriors 1×T×C, class 0 blank
	Charset    string // the characters of classes 1, 2, …; the last must be the space

	// Languages are the codes of the languages whose marked letters (ä, ç, ž) are
	// to be expected; see CheckLanguages. None: the letters of each page decide.
	// A marked letter that is clear beyond doubt is always read.
	Languages []string

	// DetectorSide is the longest side, in pixels, of the image that the
	// detector sees. 0: DefaultDetectorSide. More finds smaller print and takes
	// time with its square.
	DetectorSide int
}

// DefaultDetectorSide suits receipts and letter-size pages alike.
const DefaultDetectorSide = 960

// Engine reads pages. It is safe for concurrent use.
type Engine struct {
	cfg     Config
	charset []rune
}

// New makes an Engine. It panics when a net is missing, the charset does not
// end in a space or a language is not known: all are mistakes of the program,
// not of its input.
func New(cfg Config) *Engine {
	if cfg.Detector == nil || cfg.Recogniser == nil {
		panic("ocr: detector and recogniser are needed")
	}
	if r, _ := utf8.DecodeLastRuneInString(cfg.Charset); r != ' ' {
		panic("ocr: charset must end in a space")
	}
	if err := CheckLanguages(cfg.Languages); err != nil {
		panic("ocr: " + err.Error())
	}
	if cfg.DetectorSide <= 0 {
		cfg.DetectorSide = DefaultDetectorSide
	}
	return &Engine{cfg: cfg, charset: []rune(cfg.Charset)}
}

// Digests names the models that read, for the result and the cache key.
func (e *Engine) Digests() []string {
	return []string{e.cfg.Detector.Digest(), e.cfg.Recogniser.Digest()}
}

// Read gives the words on img in reading order and the degrees clockwise (0,
// 90, 180, 270) by which the page must be turned to be upright. Boxes are in
// pixels of the upright image, whose upper left corner is 0,0 (see Upright).
// A page without text gives no words and no error.
func (e *Engine) Read(ctx context.Context, img image.Image) (words []doc.Word, rotation int, err error) {
	if img == nil || img.Bounds().Empty() {
		return nil, 0, errors.New("ocr: image is empty")
	}
	p := &page{e: e, r: raster{img: img}}
	if err := p.find(ctx); err != nil {
		return nil, 0, err
	}
	if err := p.upright(ctx); err != nil {
		return nil, 0, err
	}
	lines, err := p.read(ctx)
	if err != nil {
		return nil, 0, err
	}
	settle(lines, e.cfg.Languages)
	w, h := p.r.size()
	for i, row := range rows(lines) {
		for _, l := range row {
			for _, x := range l.words {
				words = append(words, doc.Word{Text: x.text, Box: l.box(x, w, h), Confidence: x.conf, Line: i})
			}
		}
	}
	return words, p.r.turn, nil
}

// box is where word x of l stands on the page of w×h pixels.
func (l line) box(x word, w, h int) doc.Box {
	down := l.quad.h / stripHeight
	x0, y0, x1, y1 := l.quad.bounds(x.x0*l.unit, x.y0*down, x.x1*l.unit, x.y1*down)
	return doc.Box{
		max(0, int(math.Floor(x0))), max(0, int(math.Floor(y0))),
		min(w, int(math.Ceil(x1))), min(h, int(math.Ceil(y1))),
	}
}

// readLine reads one line, q being as read.
func (e *Engine) readLine(ctx context.Context, r raster, q quad) (line, error) {
	s, chars, err := e.look(ctx, r, q)
	if err != nil {
		return line{}, err
	}
	l := line{quad: q, n: len(chars)}
	l.unit = q.w / float64(s.w)
	l.words, l.conf = spell(s, chars)
	return l, nil
}

// look gives the strip on which the line is read best, and its characters.
func (e *Engine) look(ctx context.Context, r raster, q quad) (strip, []char, error) {
	s := cut(r, q, 1)
	chars, steps, err := e.recognise(ctx, s)
	if err != nil || !crowded(chars, steps) {
		return s, chars, err
	}
	s = cut(r, q, airy)
	chars, _, err = e.recognise(ctx, s)
	return s, chars, err
}

// recognise gives the characters on s and the number of steps of the net's answer.
func (e *Engine) recognise(ctx context.Context, s strip) (chars []char, steps int, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	post, shape, err := e.cfg.Recogniser.Run(ctx, s.data, []int64{1, 3, stripHeight, int64(s.w)})
	if err != nil {
		return nil, 0, fmt.Errorf("recognise line: %w", err)
	}
	if len(shape) != 3 || int(shape[2]) != len(e.charset)+1 || int(shape[1]*shape[2]) != len(post) || shape[1] == 0 {
		return nil, 0, fmt.Errorf("recognise line: net answers with shape %v, charset has %d characters", shape, len(e.charset))
	}
	return decode(post, int(shape[2]), e.charset, float64(s.w)/float64(shape[1])), int(shape[1]), nil
}

const (
	dense = 0.42 // characters a step of the net
	airy  = 1.5  // by how much a crowded line is drawn out
)

// crowded says that digits may have been lost: between equal characters the net
// needs a step of its own, for which there is no room in "00000000" of small
// print. Such lines, one or two in a hundred, are worth a second look.
func crowded(chars []char, steps int) bool {
	if float64(len(chars)) <= dense*float64(steps) {
		return false
	}
	for i := 2; i < len(chars); i++ {
		if unicode.IsDigit(chars[i].r) && chars[i].r == chars[i-1].r && chars[i].r == chars[i-2].r {
			return true
		}
	}
	return false
}
