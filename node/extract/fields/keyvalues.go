package fields

import (
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// maxKey is the longest text, in letters and digits, that is taken for a key.
const maxKey = 40

// KeyValues finds pairs of a key and a value that stand beside each other
// ("Brand: PHOENIX") or under each other, whatever they mean. Fields are named
// after their keys; a key that comes again is numbered.
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
	for _, rw := range r.layout.rows {
		for i := range rw.tokens {
			if !endsKey(rw, i) {
				continue
			}
			key := keySpan(rw, i)
			name := slugOf(rw.textOf(key))
			if name == "" {
				continue
			}
			value, at, ok := r.valueOf(rw, key)
			if !ok {
				continue
			}
			if taken[name]++; taken[name] > 1 {
				name += "_" + string(rune('0'+min(taken[name], 9)))
			}
			if has(out, name) {
				continue
			}
			out = append(out, r.pair(name, value, at))
		}
	}
	return out
}

// endsKey says whether token i ends a key: it has a colon behind it.
func endsKey(rw *row, i int) bool {
	t := rw.tokens[i].text
	if t == ":" || t == "：" {
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

// slugOf makes a field name of a key, or "" when it can be none.
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
		if to > key.to && gap < 20*r.layout.height[rw.page] {
			s := span{key.to, to}
			v := tidy(strings.Trim(rw.textOf(s), ":;_ "))
			return v, piece{rw, s, rw.textOf(s)}, hasAlnum(v)
		}
	}
	b := rw.boxOf(key)
	for _, under := range r.layout.below(rw, 1) {
		if under.box[1]-b[3] > 2*r.layout.height[rw.page] {
			break
		}
		for _, c := range under.cells {
			cb := under.boxOf(c)
			if abs(int64(cb[0]-b[0])) < int64(2*r.layout.height[rw.page]) && !slices.ContainsFunc(indices(c), func(i int) bool { return endsKey(under, i) }) {
				v := tidy(under.textOf(c))
				return v, piece{under, c, v}, hasAlnum(v)
			}
		}
	}
	return "", piece{}, false
}

func indices(s span) []int {
	out := make([]int, 0, s.to-s.from)
	for i := s.from; i < s.to; i++ {
		out = append(out, i)
	}
	return out
}

// pair makes a field of a key's value, typed by what the value is.
func (r *reader) pair(name, value string, at piece) doc.Field {
	box := at.row.boxOf(at.at)
	f := doc.Field{Name: name, Value: value, Raw: at.text, Type: doc.Text, Confidence: 0.5, Page: r.pageNumber(at.row.page), Box: &box,
		Source: sourceOf(r.layout.pages[at.row.page]), Method: "key", Checks: []string{"found-on-page"}}
	for _, c := range r.byRow[at.row.index] {
		if c.at.from < at.at.from || c.at.to > at.at.to || len(compact(c.Raw)) < len(compact(value)) {
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
