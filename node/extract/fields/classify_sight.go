package fields

import (
	"math"
	"regexp"
	"strings"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
)

var (
	mrzLine   = regexp.MustCompile(`^[A-Z0-9<«]{28,46}$`)
	centsForm = regexp.MustCompile(`\d[.,]\s?\d\d\b`)
	startWord = regexp.MustCompile(`[\p{L}\d]+`)
)

// sightPages is how many pages, from the first with words on it, decide about
// the type: what follows are conditions and tables.
const sightPages = 2

// sight is a document as seen by who only wants to know what it is.
type sight struct {
	l      *layout
	rows   []*row          // of the pages looked at
	words  map[string]bool // words and pairs of words, as compared with labels
	text   string          // all words in order, with blanks around each
	glued  string          // the same without blanks inside a row: readers lose blanks
	starts string          // the first words of every cell, cells apart by "|"
	titles map[string]bool // what stands alone in the upper part of the first page
}

func newSight(l *layout) *sight {
	s := &sight{l: l, words: map[string]bool{}, titles: map[string]bool{}}
	first := -1
	var text, glued, starts strings.Builder
	text.WriteByte(' ')
	for _, r := range l.rows {
		if first < 0 {
			first = r.page
		}
		if r.page >= first+sightPages {
			break
		}
		s.rows = append(s.rows, r)
		before := ""
		for _, w := range startWord.FindAllString(r.text, -1) {
			w = squash(w)
			text.WriteString(w + " ")
			glued.WriteString(w)
			if !speaks(w) {
				before = ""
				continue
			}
			s.words[w] = true
			if before != "" {
				s.words[before+" "+w] = true
			}
			before = w
		}
		glued.WriteByte(' ')
		top := r.page == first && r.box[3] < l.pages[first].Height/2
		for _, c := range r.cells {
			start := phrase(r.textOf(span{c.from, min(c.to, c.from+labelWords)}))
			starts.WriteString("|" + start)
			if top && c.to-c.from <= labelWords {
				s.titles[start] = true
			}
		}
	}
	starts.WriteByte('|')
	s.text, s.glued, s.starts = text.String(), glued.String(), starts.String()
	return s
}

// labelWords is the most words a label or a title has.
const labelWords = 5

// speaks says whether a word may say what a document is: words with digits and
// single letters say only which one it is.
func speaks(w string) bool {
	return len(w) >= 2 && strings.IndexFunc(w, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}

// phrase gives the words of s as they stand in sight.text.
func phrase(s string) string {
	var b strings.Builder
	for _, w := range startWord.FindAllString(s, -1) {
		if w = squash(w); w != "" {
			b.WriteByte(' ')
			b.WriteString(w)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return b.String() + " "
}

// has says whether a phrase stands on the document. One that is long enough to
// mean nothing else is found without its blanks too.
func (s *sight) has(phrase string) bool {
	if phrase == "" {
		return false
	}
	if strings.Contains(s.text, phrase) {
		return true
	}
	together := strings.ReplaceAll(phrase, " ", "")
	return len(together) >= 9 && strings.Count(phrase, " ") > 2 && strings.Contains(s.glued, together)
}

// labels says whether a cell begins with the phrase, as a label does.
func (s *sight) labels(phrase string) bool {
	return phrase != "" && strings.Contains(s.starts, "|"+phrase)
}

// shapeNames name what shape gives, in its order.
var shapeNames = []string{
	"narrow", "row_chars", "words", "words_a_row", "prose_rows", "amount_rows", "amounts", "amount_words",
	"digit_words", "tall", "sheet", "pages", "cells_a_row", "label_rows", "percent", "bank", "till", "zone",
}

// shape gives what can be said of a document without understanding a word, each
// about 0..1.
func (s *sight) shape() []float64 {
	var p doc.Page
	if len(s.l.pages) > 0 {
		p = s.l.pages[0]
	}
	tall := 1.4
	if p.Width > 0 {
		tall = float64(p.Height) / float64(p.Width)
	}
	n, widest, words, prose, amountRows, amounts, digits, cells, labels, percent := 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
	for _, r := range s.rows {
		n++
		widest = max(widest, float64(r.box.W())/float64(s.l.height[r.page]))
		words += float64(len(r.tokens))
		cells += float64(len(r.cells))
		found := float64(len(centsForm.FindAllString(r.text, -1)))
		amounts += found
		amountRows += truth(found > 0)
		inRow := 0.0
		for _, t := range r.tokens {
			inRow += truth(strings.ContainsAny(t.text, "0123456789"))
		}
		digits += inRow
		prose += truth(len(r.tokens) >= 8 && inRow == 0 && len(r.cells) <= 2)
		labels += truth(strings.Contains(r.text, ":"))
		percent += truth(strings.Contains(r.text, "%"))
	}
	n, words = max(n, 1), max(words, 1)
	return []float64{
		truth(narrow(s.l)), min(widest/100, 1.5), math.Log1p(words) / 6, min(words/n/10, 1.5), prose / n, amountRows / n,
		math.Log1p(amounts) / 4, amounts / words, digits / words, min(tall/3, 1.2), truth(tall > 1.25 && tall < 1.6),
		math.Log1p(float64(len(s.l.pages))) / 2, min(cells/n/4, 1.5), labels / n, math.Log1p(percent) / 2,
		truth(s.has(" iban ") || s.has(" bic ")), truth(narrow(s.l)) * min(amounts/4, 1), float64(min(mrzLines(s.l), 2)) / 2,
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func mrzLines(l *layout) int {
	n := 0
	for _, r := range l.rows {
		s := strings.ReplaceAll(strings.ReplaceAll(r.text, " ", ""), "\t", "")
		if mrzLine.MatchString(s) && strings.Count(s, "<") >= 3 {
			n++
		}
	}
	return n
}

// narrow says whether the text of the first page is one narrow column, as on a
// receipt, however large the page is it lies on.
func narrow(l *layout) bool {
	var b doc.Box
	widest := 0
	for _, r := range l.rows {
		if r.page == 0 {
			b = b.Union(r.box)
			widest = max(widest, r.box.W())
		}
	}
	if b.Empty() {
		return false
	}
	return float64(widest) < 45*float64(l.height[0]) && float64(b.H()) > 0.8*float64(b.W())
}
