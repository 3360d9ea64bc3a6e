package eval

import (
	"strings"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
)

// How far the printed text may be from a label before the label is doubted, as a
// share of the label's letters and digits: what a recogniser misreads is no doubt,
// and what a transcript says is nearly certain.
const (
	slackRead  = 0.25
	slackTruth = 0.1
	maxWindow  = 5 // words that make one date, amount or number
)

// place looks for a label on the pages: a few words of one line whose canonical
// form is that of the label, or else the words most like it, letters and digits
// alone compared, when no more than slack of them differ. It gives the page, 0
// when there is no such place, and the box.
func place(r doc.Reading, ft doc.FieldType, label string, form Form, slack float64) (page int, box doc.Box) {
	want := form(ft, label)
	for _, p := range r.Pages {
		if b, ok := window(p.Words, ft, want, form); ok {
			return p.Number, b
		}
	}
	pattern := []rune(alnum(label))
	best := int(slack*float64(len(pattern))) + 1
	if len(pattern) == 0 {
		best = 0
	}
	for _, p := range r.Pages {
		if d, b := likest(p.Words, pattern); d < best {
			best, page, box = d, p.Number, b
		}
	}
	return page, box
}

// window gives the box of the first words of one line, five at most, whose
// canonical form is want.
func window(words []doc.Word, ft doc.FieldType, want string, form Form) (doc.Box, bool) {
	if ft == doc.Text || ft == doc.Name || ft == doc.Address || want == "" {
		return doc.Box{}, false // longer than a few words, and looked for as text
	}
	digits := strings.ContainsFunc(want, unicode.IsDigit)
	for i := range words {
		text, box := "", doc.Box{}
		for j := i; j < len(words) && j < i+maxWindow && words[j].Line == words[i].Line; j++ {
			text = strings.TrimSpace(text + " " + words[j].Text)
			box = box.Union(words[j].Box)
			if digits && !strings.ContainsFunc(text, unicode.IsDigit) {
				continue // cannot be it, and canonical forms cost time
			}
			if form(ft, text) == want {
				return box, true
			}
		}
	}
	return doc.Box{}, false
}

// likest gives the distance and the box of the whole words most like pattern.
func likest(words []doc.Word, pattern []rune) (int, doc.Box) {
	var text []rune
	starts, ends := map[int]int{}, map[int]int{} // position in text: index of the word
	for i, w := range words {
		letters := []rune(alnum(w.Text))
		if len(letters) == 0 {
			continue
		}
		starts[len(text)] = i
		text = append(text, letters...)
		ends[len(text)] = i
	}
	distance, from, to := nearest(pattern, text,
		func(i int) bool { _, ok := starts[i]; return ok },
		func(i int) bool { _, ok := ends[i]; return ok })
	if from == to {
		return len(pattern) + 1, doc.Box{}
	}
	box := doc.Box{}
	for i := starts[from]; i <= ends[to]; i++ {
		box = box.Union(words[i].Box)
	}
	return distance, box
}

// alnum gives the letters and digits of s in upper case.
func alnum(s string) string { return groupKey(s) }
