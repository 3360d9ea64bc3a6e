package pdfium

import (
	"context"
	"encoding/binary"
	"math"
	"unicode"
	"unicode/utf16"
)

// Hidden says why a reader of the printed page would not see a word.
type Hidden uint8

// Reasons that can be known without looking at the picture; words in the colour
// of their background are found by looking (Word.Luma).
const (
	Invisible Hidden = 1 << iota // painted with no ink: render mode 3 or 7, or fully transparent
	Covered                      // an opaque picture is painted over it later
	Tiny                         // less than two points high
	OffPage                      // outside the visible page
)

// Word is a run of characters without blanks in a page's text layer.
type Word struct {
	Text     string
	Box      Rect    // around the ink of its characters
	Baseline float64 // y of the baseline (for sideways text: of its origin), points from the top
	Size     float64 // font size as painted, points
	Angle    int     // direction of the text on the upright page: 0, 90, 180, 270 degrees clockwise
	Luma     uint8   // brightness of the paint, 0 black to 255 white
	Hidden   Hidden  // 0: nothing speaks against it being seen
	Broken   int     // characters whose meaning the font does not tell
}

// maxChars is how many characters of a page are read.
const maxChars = 200_000

// words reads the text layer of the current page.
func (d *Document) words(ctx context.Context, in *instance, g geometry, s *survey) ([]Word, error) {
	tp, err := in.long(ctx, "FPDFText_LoadPage", uint64(d.page))
	if err != nil || uint32(tp) == 0 {
		return nil, err
	}
	r := &textReader{in: in, g: g, s: s, page: tp}
	r.width, r.height = g.size()
	err = r.read(ctx)
	if !in.dead {
		_, closeErr := in.long(ctx, "FPDFText_ClosePage", tp)
		if err == nil {
			err = closeErr
		}
	}
	return r.words, err
}

// textReader cuts the characters of a page into words. Every call into the
// module costs about a microsecond, so it asks by word, not by character, where
// it can, and once per text object for what all its words share.
type textReader struct {
	in            *instance
	g             geometry
	s             *survey
	page          uint64
	width, height float64

	words  []Word
	object uint32 // the text object that style was read from
	style  Word
}

func (r *textReader) read(ctx context.Context) error {
	n, err := r.in.quick("FPDFText_CountChars", r.page)
	if err != nil || int32(n) <= 0 {
		return err
	}
	chars, err := r.chars(ctx, min(int(int32(n)), maxChars))
	if err != nil {
		return err
	}
	first := -1
	for i := range len(chars) + 1 {
		blank := i == len(chars) || chars[i] == 0x200b || unicode.IsSpace(chars[i])
		switch {
		case !blank && first < 0:
			first = i
		case blank && first >= 0:
			if len(r.words)%512 == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := r.word(chars, first, i); err != nil {
				return err
			}
			first = -1
		}
	}
	return nil
}

// chars reads the page's first n characters.
func (r *textReader) chars(ctx context.Context, n int) ([]rune, error) {
	in := r.in
	size := 2 * (n + 1)
	buf, err := in.alloc(ctx, uint64(size))
	if err != nil {
		return nil, err
	}
	defer in.free(buf)
	wrote, err := in.long(ctx, "FPDFText_GetText", r.page, 0, uint64(n), uint64(buf))
	if err != nil {
		return nil, err
	}
	b, err := in.take(buf, size)
	if err != nil {
		return nil, err
	}
	chars := make([]rune, n)
	same := int(int32(wrote)) == n+1 // one unit a character, and the final zero
	for i := range chars {
		u := rune(binary.LittleEndian.Uint16(b[2*i:]))
		if utf16.IsSurrogate(u) {
			same = false
		}
		chars[i] = u
	}
	if same {
		return chars, nil
	}
	for i := range chars { // indices differ: ask one by one
		u, err := in.quick("FPDFText_GetUnicode", r.page, uint64(i))
		if err != nil {
			return nil, err
		}
		chars[i] = rune(uint32(u))
	}
	return chars, nil
}

// word adds the characters from first up to end, as one word or, when they lie
// apart, as several.
func (r *textReader) word(chars []rune, first, end int) error {
	in := r.in
	n, err := in.quick("FPDFText_CountRects", r.page, uint64(first), uint64(end-first))
	if err != nil {
		return err
	}
	var box Rect
	for k := range min(int(int32(n)), 16) {
		_, err := in.quick("FPDFText_GetRect", r.page, uint64(k), in.out(0, 8), in.out(1, 8), in.out(2, 8), in.out(3, 8))
		if err != nil {
			return err
		}
		part := r.g.rect(in.float64At(0), in.float64At(3), in.float64At(2), in.float64At(1))
		if k > 0 && apart(box, part) && end-first > 1 {
			return r.split(chars, first, end)
		}
		box = box.Union(part)
	}
	return r.add(chars, first, end, box)
}

// split finds, character by character, where a run jumps to another line or
// column without a blank, and adds the parts.
func (r *textReader) split(chars []rune, first, end int) error {
	in := r.in
	var box Rect
	for i := first; i < end; i++ {
		ok, err := in.quick("FPDFText_GetCharBox", r.page, uint64(i), in.out(0, 8), in.out(1, 8), in.out(2, 8), in.out(3, 8))
		if err != nil {
			return err
		}
		if ok == 0 {
			continue
		}
		part := r.g.rect(in.float64At(0), in.float64At(2), in.float64At(1), in.float64At(3))
		if i > first && apart(box, part) {
			if err := r.add(chars, first, i, box); err != nil {
				return err
			}
			first, box = i, Rect{}
		}
		box = box.Union(part)
	}
	return r.add(chars, first, end, box)
}

// apart says whether two parts of a run are too far from each other to be one word.
func apart(a, b Rect) bool {
	if a == (Rect{}) || b == (Rect{}) {
		return false
	}
	reach := math.Max(2*math.Min(math.Max(a.H(), b.H()), math.Max(a.W(), b.W())), 4)
	return b.X0 > a.X1+reach || b.X1 < a.X0-reach || b.Y0 > a.Y1+reach/2 || b.Y1 < a.Y0-reach/2
}

// add appends one word with how it is painted.
func (r *textReader) add(chars []rune, first, end int, box Rect) error {
	obj, err := r.in.quick("FPDFText_GetTextObject", r.page, uint64(first))
	if err != nil {
		return err
	}
	if uint32(obj) == 0 || uint32(obj) != r.object {
		if err := r.paint(uint64(first), obj); err != nil {
			return err
		}
		r.object = uint32(obj)
	}
	w := r.style
	w.Box = box
	text := make([]rune, 0, end-first)
	missing := w.Broken > 0 // the font says so of the word's first character
	w.Broken = 0
	for _, c := range chars[first:end] {
		bad := c == 0 || c == 0xfffd || unicode.IsControl(c) || unicode.Is(unicode.Co, c)
		if bad || missing {
			w.Broken++
		}
		if c == 0 || unicode.IsControl(c) {
			c = 0xfffd
		}
		text = append(text, c)
	}
	w.Text = string(text)
	r.place(&w, r.s.order[uint32(obj)])
	r.words = append(r.words, w)
	return nil
}

// paint reads what all words of character i's text object share into style.
func (r *textReader) paint(i, obj uint64) error {
	in := r.in
	r.style = Word{}
	w := &r.style
	if _, err := in.quick("FPDFText_GetCharOrigin", r.page, i, in.out(0, 8), in.out(1, 8)); err != nil {
		return err
	}
	_, w.Baseline = r.g.point(in.float64At(0), in.float64At(1))
	bad, err := in.quick("FPDFText_HasUnicodeMapError", r.page, i)
	if err != nil {
		return err
	}
	if bad == 1 {
		w.Broken = 1
	}
	if err := r.direction(w, i); err != nil {
		return err
	}
	ok, err := in.quick("FPDFText_GetFillColor", r.page, i, in.out(0, 4), in.out(1, 4), in.out(2, 4), in.out(3, 4))
	if err != nil {
		return err
	}
	if ok != 0 {
		w.Luma = uint8((299*in.uint32At(0) + 587*in.uint32At(1) + 114*in.uint32At(2)) / 1000)
		if in.uint32At(3) < 16 {
			w.Hidden |= Invisible
		}
	}
	if uint32(obj) == 0 {
		return nil
	}
	mode, err := in.quick("FPDFTextObj_GetTextRenderMode", obj)
	if mode == 3 || mode == 7 {
		w.Hidden |= Invisible
	}
	return err
}

// direction reads size and angle from the character's matrix.
func (r *textReader) direction(w *Word, i uint64) error {
	in := r.in
	size, err := in.quick("FPDFText_GetFontSize", r.page, i)
	if err != nil {
		return err
	}
	w.Size = finite(math.Float64frombits(size))
	ok, err := in.quick("FPDFText_GetMatrix", r.page, i, in.out(0, 4))
	if err != nil || ok == 0 {
		return err
	}
	a, b, c, d := in.float32At(0), in.float32At(1), in.float32At(2), in.float32At(3)
	w.Size *= math.Hypot(c, d)
	quarter := int(math.Round(-math.Atan2(b, a)/(math.Pi/2))) + r.g.turn
	w.Angle = ((quarter%4 + 4) % 4) * 90
	return nil
}

// place notes what the word's place says about its being seen.
func (r *textReader) place(w *Word, order int) {
	if w.Size < 2 && w.Box.H() < 2 && w.Box.W() < 2*float64(len(w.Text)) {
		w.Hidden |= Tiny
	}
	x, y := (w.Box.X0+w.Box.X1)/2, (w.Box.Y0+w.Box.Y1)/2
	if x < 0 || y < 0 || x > r.width || y > r.height {
		w.Hidden |= OffPage
	}
	if order == 0 {
		return // not among the objects walked
	}
	for _, p := range r.s.pictures {
		if p.order > order && !p.clear && p.Box.Has(x, y) {
			w.Hidden |= Covered
			return
		}
	}
}
