package fields

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
)

// token is a word, or a part of one where a label is glued to its value.
type token struct {
	text   string
	squash string // as compared with labels
	box    doc.Box
	conf   float64
	cell   int // index of its cell in the row
}

// span is tokens [from, to) of a row.
type span struct{ from, to int }

// row is what stands side by side on a page, cut into cells where the gap is
// wider than a blank.
type row struct {
	page   int // index of the page
	index  int // in layout.rows
	tokens []token
	cells  []span
	text   string // tokens joined by a blank, cells by a tab
	starts []int  // byte offset of each token in text
	box    doc.Box
}

// layout is a reading as rows of cells, page after page, top to bottom.
type layout struct {
	pages  []doc.Page
	rows   []*row
	height []int // median height of the words of each page, pixels
}

func newLayout(r doc.Reading) *layout {
	l := &layout{pages: r.Pages}
	for i, p := range r.Pages {
		h := medianHeight(p.Words)
		l.height = append(l.height, h)
		for _, w := range rowsOf(p.Words, h, sourceOf(p) == doc.FromText) {
			if len(w) == 0 {
				continue
			}
			rw := newRow(i, w, h)
			rw.index = len(l.rows)
			l.rows = append(l.rows, rw)
		}
	}
	return l
}

func medianHeight(words []doc.Word) int {
	hs := make([]int, 0, len(words))
	for _, w := range words {
		if h := w.Box.H(); h > 0 && len(w.Text) > 1 {
			hs = append(hs, h)
		}
	}
	if len(hs) == 0 {
		return 20
	}
	slices.Sort(hs)
	return max(hs[len(hs)/2], 1)
}

// segment is a run of words of one text line without a wide gap.
type segment struct {
	words []doc.Word
	box   doc.Box
}

// sameLine says whether both are of one line of the source.
func (s segment) sameLine(o segment) bool { return s.words[0].Line == o.words[0].Line }

// rowsOf joins segments that stand side by side, following the slope of a
// crooked page: each segment is compared with the nearest one of a row, not
// with the row as a whole. lined says that the source knows which words are one line, as a text
// layer does: these stay together. Lines of OCR are pieces of print, and say less.
func rowsOf(words []doc.Word, h int, lined bool) [][]doc.Word {
	segs := segmentsOf(words, h)
	slices.SortStableFunc(segs, func(a, b segment) int { return a.box[0] - b.box[0] })
	page := slopesOf(words, h)
	type open struct {
		segs []segment
		y    int
	}
	var rows []*open
	for _, s := range segs {
		var best *open
		_, y := middle(s.box)
		fall := page.at(y)
		most, off := 0.5, int64(0)
		for _, r := range rows {
			last := r.segs[len(r.segs)-1]
			if s.box[0] < last.box[2]-h {
				continue
			}
			beside := lowered(last.box, fall, s.box[0]-last.box[2])
			o := overlap(beside, s.box)
			if lined && o > 0.5 && slices.ContainsFunc(r.segs, s.sameLine) {
				best = r
				break
			}
			d := abs(int64(beside[1] + beside[3] - s.box[1] - s.box[3]))
			if o > most || o == most && d < off { // what is written by hand reaches over several rows
				best, most, off = r, o, d
			}
		}
		if best == nil {
			rows = append(rows, &open{[]segment{s}, s.box[1] + s.box[3]})
			continue
		}
		best.segs = append(best.segs, s)
	}
	slices.SortStableFunc(rows, func(a, b *open) int { return a.y - b.y })
	out := make([][]doc.Word, len(rows))
	for i, r := range rows {
		for _, s := range r.segs {
			out[i] = append(out[i], s.words...)
		}
	}
	return out
}

// overlap is the share of the lower box's height that both have in common.
func overlap(a, b doc.Box) float64 {
	common := min(a[3], b[3]) - max(a[1], b[1])
	least := min(a.H(), b.H())
	if common <= 0 || least <= 0 {
		return 0
	}
	return float64(common) / float64(least)
}

func segmentsOf(words []doc.Word, h int) []segment {
	byLine := map[int][]doc.Word{}
	var order []int
	for _, w := range words {
		if strings.TrimSpace(w.Text) == "" {
			continue
		}
		if _, ok := byLine[w.Line]; !ok {
			order = append(order, w.Line)
		}
		byLine[w.Line] = append(byLine[w.Line], w)
	}
	var out []segment
	for _, n := range order {
		line := byLine[n]
		slices.SortStableFunc(line, func(a, b doc.Word) int { return a.Box[0] - b.Box[0] })
		var cur segment
		for _, w := range line {
			if len(cur.words) > 0 && (w.Box[0]-cur.box[2] > 2*h || overlap(cur.words[len(cur.words)-1].Box, w.Box) < 0.3) {
				out = append(out, cur)
				cur = segment{}
			}
			cur.words = append(cur.words, w)
			cur.box = cur.box.Union(w.Box)
		}
		if len(cur.words) > 0 {
			out = append(out, cur)
		}
	}
	return out
}

func newRow(page int, words []doc.Word, h int) *row {
	slices.SortStableFunc(words, func(a, b doc.Word) int { return a.Box[0] - b.Box[0] })
	r := &row{page: page}
	var b strings.Builder
	end := 0
	for i, w := range words {
		gap := w.Box[0] - end
		wide := i > 0 && gap > max(h, w.Box.H())*6/5
		for j, t := range splitWord(w) {
			if len(r.tokens) == 0 || wide && j == 0 {
				r.cells = append(r.cells, span{len(r.tokens), len(r.tokens)})
				if len(r.tokens) > 0 {
					b.WriteByte('\t')
				}
			} else {
				b.WriteByte(' ')
			}
			t.cell = len(r.cells) - 1
			r.starts = append(r.starts, b.Len())
			b.WriteString(t.text)
			r.tokens = append(r.tokens, t)
			r.cells[t.cell].to = len(r.tokens)
			r.box = r.box.Union(t.box)
		}
		end = w.Box[2]
	}
	r.text = b.String()
	return r
}

// gluedAmount is a word with an amount behind it that has its sign.
var gluedAmount = regexp.MustCompile(`^(\p{L}{3,}?)(?:` + moneySigns + `|\p{Sc})\d[\d,.]*[.,]\d\d$`)

// splitWord cuts a word behind a colon, an equals sign or a hash, so that
// "DATE:11/01/2019" is a label and a value, and before an amount with a sign, as in
// "TotalRM21.85". Times and ratios stay whole.
func splitWord(w doc.Word) []token {
	rs := []rune(w.Text)
	var out []token
	from := 0
	put := func(to int) {
		if to <= from {
			return
		}
		width := w.Box.W()
		box := doc.Box{w.Box[0] + width*from/len(rs), w.Box[1], w.Box[0] + width*to/len(rs), w.Box[3]}
		text := string(rs[from:to])
		out = append(out, token{text: text, squash: squash(text), box: box, conf: w.Confidence})
		from = to
	}
	for i, r := range rs {
		if i == 0 || i == len(rs)-1 {
			continue
		}
		letterBefore := unicode.IsLetter(rs[i-1]) || rs[i-1] == '.' || rs[i-1] == ')' || rs[i-1] == '%'
		switch {
		case (r == ':' || r == '=' || r == '：') && (letterBefore || !isDigit(rs[i+1])):
			if i+2 < len(rs) && rs[i+1] == '/' && rs[i+2] == '/' {
				continue // http://
			}
			put(i + 1)
		case r == '#' && letterBefore:
			put(i + 1)
		}
	}
	if m := gluedAmount.FindStringSubmatch(string(rs[from:])); m != nil {
		put(from + len([]rune(m[1])))
	}
	put(len(rs))
	return out
}

// textOf gives the tokens of s, joined by blanks.
func (r *row) textOf(s span) string {
	if s.from >= s.to {
		return ""
	}
	parts := make([]string, 0, s.to-s.from)
	for _, t := range r.tokens[s.from:s.to] {
		parts = append(parts, t.text)
	}
	return strings.Join(parts, " ")
}

func (r *row) boxOf(s span) doc.Box {
	var b doc.Box
	for _, t := range r.tokens[s.from:s.to] {
		b = b.Union(t.box)
	}
	return b
}

func (r *row) confOf(s span) float64 {
	least := 1.0
	for _, t := range r.tokens[s.from:s.to] {
		least = min(least, t.conf)
	}
	return least
}

// clearly is the confidence from which on a word counts as read beyond doubt. Of eleven
// words in the heads of receipts that are almost one that is known, the six that were
// misread had less, and four of the five that were not had more.
const clearly = 0.99

// clear gives the words of a span that were read beyond doubt, in the form of squash.
func (r *row) clear(s span) map[string]bool {
	out := map[string]bool{}
	for _, t := range r.tokens[s.from:s.to] {
		if t.conf >= clearly {
			out[squash(t.text)] = true
		}
	}
	return out
}

// spanAt gives the tokens that bytes [start, end) of the row's text touch.
func (r *row) spanAt(start, end int) span {
	s := span{-1, 0}
	for i, at := range r.starts {
		if at < end && at+len(r.tokens[i].text) > start {
			if s.from < 0 {
				s.from = i
			}
			s.to = i + 1
		}
	}
	if s.from < 0 {
		return span{}
	}
	return s
}

// below gives the rows of the same page under r, nearest first, at most n.
func (l *layout) below(r *row, n int) []*row {
	var out []*row
	for i := r.index + 1; i < len(l.rows) && l.rows[i].page == r.page && len(out) < n; i++ {
		out = append(out, l.rows[i])
	}
	return out
}
