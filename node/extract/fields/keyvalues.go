package fields

import (
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

const (
	maxKey      = 40   // letters and digits of the longest text that is taken for a key
	maxKeyWords = 7    // words of it
	valueReach  = 30   // line heights between a key and its value on a row, at most
	colonPair   = 0.5  // confidence where a colon says what the key is
	barePair    = 0.35 // and where only the layout does
)

// KeyValues finds pairs of a key and a value that stand beside each other
// ("Brand: PHOENIX", or in cells of their own as forms and tables have them) or under
// each other, whatever they mean. Fields are named after their keys; a key that comes
// again is numbered.
func KeyValues(reading doc.Reading) []doc.Field {
	r := newReader(reading, doc.Type{})
	return r.keyValues(doc.Type{})
}

// keyValues leaves out pairs whose value a field of t stands for already.
func (r *reader) keyValues(t doc.Type) []doc.Field {
	taken := map[string]int{}
	for _, f := range t.Fields {
		taken[f.Name] = 1
	}
	var out []doc.Field
	add := func(rw *row, key span, value string, at piece, confidence float64) {
		name := slugOf(rw.textOf(key))
		if name == "" {
			return
		}
		if taken[name]++; taken[name] > 1 {
			name += "_" + string(rune('0'+min(taken[name], 9)))
		}
		if !has(out, name) {
			out = append(out, r.pair(name, value, at, confidence))
		}
	}
	for _, rw := range r.layout.rows {
		for k := 0; k < len(rw.cells); k++ {
			cell := rw.cells[k]
			colons := false
			for i := cell.from; i < cell.to; i++ {
				if !endsKey(rw, i) {
					continue
				}
				colons = true
				key := keySpan(rw, i)
				if value, at, ok := r.valueOf(rw, key); ok {
					add(rw, key, value, at, colonPair)
					if at.row == rw {
						k = max(k, rw.tokens[at.at.to-1].cell)
					}
				}
			}
			if colons {
				continue
			}
			if key, value, ok := inCell(rw, cell); ok {
				add(rw, key, tidy(rw.textOf(value)), piece{rw, value, rw.textOf(value)}, barePair)
				continue
			}
			if to := r.bareValue(rw, k); to > k {
				s := span{rw.cells[k+1].from, rw.cells[to].to}
				add(rw, cell, tidy(rw.textOf(s)), piece{rw, s, rw.textOf(s)}, barePair)
				k = to
			}
		}
	}
	return out
}

// inCell parts a cell that is a key and the figures behind it: "Completion 11".
func inCell(rw *row, c span) (key, value span, ok bool) {
	at := c.from
	for at < c.to && !hasDigit(rw.tokens[at].text) {
		at++
	}
	key, value = span{c.from, at}, span{at, c.to}
	return key, value, at > c.from && at < c.to && keyLike(rw, key) && figures(rw.textOf(value))
}

// bareValue says up to which cell of a row the value of cell k goes, if that is a key without
// a colon; k where it is none. Cells of figures that follow each other are one value: the row
// of a table.
func (r *reader) bareValue(rw *row, k int) int {
	if k+1 >= len(rw.cells) || !keyLike(rw, rw.cells[k]) {
		return k
	}
	key, value := rw.boxOf(rw.cells[k]), rw.boxOf(rw.cells[k+1])
	if value[0]-key[2] > valueReach*r.layout.height[rw.page] || !hasAlnum(rw.textOf(rw.cells[k+1])) || holdsKey(rw, rw.cells[k+1]) {
		return k
	}
	to := k + 1
	for to+1 < len(rw.cells) && figures(rw.textOf(rw.cells[to])) && figures(rw.textOf(rw.cells[to+1])) {
		to++
	}
	return to
}

// figures says whether a text is one, with a unit perhaps.
func figures(s string) bool {
	d, l := counts(s)
	return d > 0 && d >= l
}

// keyLike says whether a cell reads as the name of something: few words, more letters than
// figures, and no end of a sentence.
func keyLike(rw *row, c span) bool {
	text := rw.textOf(c)
	d, l := counts(text)
	return l >= 2 && 3*d <= l && l+d <= maxKey && c.to-c.from <= maxKeyWords && !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, ",")
}

// holdsKey says whether a key ends in a cell, see endsKey.
func holdsKey(rw *row, c span) bool {
	return slices.ContainsFunc(indices(c), func(i int) bool { return endsKey(rw, i) })
}

// endsKey says whether token i ends a key: a colon or a number sign is or follows it.
func endsKey(rw *row, i int) bool {
	t := rw.tokens[i].text
	if t == ":" || t == "：" || t == "#" || t == "No." && i+1 < len(rw.tokens) {
		return i > 0 && rw.tokens[i-1].cell == rw.tokens[i].cell
	}
	return (strings.HasSuffix(t, ":") || strings.HasSuffix(t, "：")) && strings.ContainsFunc(t, isAlnum)
}

// keySpan gives the tokens of the key that token i ends: back to the cell's start
// or the pair before.
func keySpan(rw *row, i int) span {
	from := i
	for from > 0 && rw.tokens[from-1].cell == rw.tokens[i].cell && !endsKey(rw, from-1) && i-from < 6 {
		from--
	}
	return span{from, i + 1}
}

// slugOf makes a field name of a key, or "" where the key can be none: its words in lower case, with
// "_" between them, without the numbers before and behind.
func slugOf(key string) string {
	form := squash(key)
	d, l := counts(form)
	if l < 2 || len(form) > maxKey || d > l {
		return ""
	}
	parts := strings.FieldsFunc(strings.ToLower(key), func(r rune) bool { return !isAlnum(r) })
	for i, p := range parts {
		parts[i] = squash(p)
	}
	s := strings.Trim(strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "_"), "_0123456789")
	if len(s) > 60 {
		s = s[:60]
	}
	return s
}

// valueOf gives what stands right of the key up to the next key, else the cell below.
func (r *reader) valueOf(rw *row, key span) (value string, at piece, ok bool) {
	to := len(rw.tokens)
	if key.to < to {
		first := rw.tokens[key.to]
		to = rw.cells[first.cell].to
		for i := key.to; i < to; i++ {
			if endsKey(rw, i) {
				to = keySpan(rw, i).from
				break
			}
		}
		gap := first.box[0] - rw.tokens[key.to-1].box[2]
		if to > key.to && gap < valueReach*r.layout.height[rw.page] {
			s := span{key.to, to}
			v := tidy(strings.Trim(rw.textOf(s), ":;_ "))
			return v, piece{rw, s, rw.textOf(s)}, hasAlnum(v)
		}
	}
	b := rw.boxOf(key)
	if at, ok := r.besideOf(rw, b); ok {
		return tidy(at.text), at, true
	}
	for _, under := range r.layout.below(rw, 1) {
		if under.box[1]-b[3] > 2*r.layout.height[rw.page] {
			break
		}
		for _, c := range under.cells {
			cb := under.boxOf(c)
			if abs(int64(cb[0]-b[0])) < int64(2*r.layout.height[rw.page]) && !holdsKey(under, c) {
				v := tidy(under.textOf(c))
				return v, piece{under, c, v}, hasAlnum(v)
			}
		}
	}
	return "", piece{}, false
}

// besideOf gives the cell to the right of a key that is on no row with it, but partly as high:
// what a typewriter put into a printed form.
func (r *reader) besideOf(rw *row, key doc.Box) (piece, bool) {
	for _, i := range []int{rw.index - 1, rw.index + 1} {
		if i < 0 || i >= len(r.layout.rows) || r.layout.rows[i].page != rw.page {
			continue
		}
		next := r.layout.rows[i]
		for _, c := range next.cells {
			b := next.boxOf(c)
			gap, shared := b[0]-key[2], min(b[3], key[3])-max(b[1], key[1])
			if gap > 0 && gap < valueReach*r.layout.height[rw.page] && 4*shared >= key.H() && !holdsKey(next, c) && hasAlnum(next.textOf(c)) {
				return piece{next, c, next.textOf(c)}, true
			}
		}
	}
	return piece{}, false
}

func indices(s span) []int {
	out := make([]int, 0, s.to-s.from)
	for i := s.from; i < s.to; i++ {
		out = append(out, i)
	}
	return out
}

// pair makes a field of a key's value, typed by what the value is.
func (r *reader) pair(name, value string, at piece, confidence float64) doc.Field {
	box := at.row.boxOf(at.at)
	f := doc.Field{
		Name: name, Value: value, Raw: at.text, Type: doc.Text, Confidence: confidence, Page: r.pageNumber(at.row.page), Box: &box,
		Source: sourceOf(r.layout.pages[at.row.page]), Method: "key", Checks: []string{"found-on-page"},
	}
	several := at.row.tokens[at.at.from].cell != at.row.tokens[at.at.to-1].cell // figures of a table, no one value
	for _, c := range r.byRow[at.row.index] {
		if several || c.at.from < at.at.from || c.at.to > at.at.to || len(compact(c.Raw)) < len(compact(value)) {
			continue
		}
		if c.Type == doc.Money && c.Decimals != 2 {
			continue
		}
		f.Type, f.Value, f.Currency = c.Type, c.Value, c.Currency
		break
	}
	return f
}
