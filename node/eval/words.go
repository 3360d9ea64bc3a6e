package eval

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/recto-edge/recto/node/doc"
)

// Words says how well words were read on the pages whose words are known.
//
// A word is what stands between blanks, in upper case. The words of a document
// are compared as a multiset: a word read counts once for each time it stands
// there. This is how the ICDAR 2019 SROIE competition (Huang et al., task 2)
// scores reading; where a word stands does not matter.
//
// The character error rate does not depend on the order of reading either. Each true
// line, cut at wide gaps, is held against the part of the page's text that is most
// like it (approximate string matching, Sellers 1980): lines that stand there word
// for word first, then those that are nearly there, long before short, and no
// character read is used twice. The rate is the sum of the edit distances over the
// sum of the lengths of the lines, in upper case with single blanks, blanks counting.
// Text that was read and stands nowhere does not count in it: that is what precision
// is for. The same without blanks tells wrong characters from words glued or torn; in
// a set whose transcripts have no blanks it is the only figure that means something.
type Words struct {
	Documents int     `json:"documents"`
	True      int     `json:"true"` // words that stand there
	Read      int     `json:"read"`
	Right     int     `json:"right"`
	Recall    float64 `json:"recall"`
	Precision float64 `json:"precision"`
	F1        float64 `json:"f1"`
	Chars     int     `json:"chars"`  // of the true lines
	Errors    int     `json:"errors"` // characters to insert, drop or exchange
	CER       float64 `json:"cer"`    // Errors over Chars
	Ink       int     `json:"ink"`    // characters of the true lines without blanks
	InkErrors int     `json:"ink_errors"`
	InkCER    float64 `json:"ink_cer"` // InkErrors over Ink
}

// CompareWords holds the pages of a reading against those of truth; pages that
// truth does not have are left out.
func CompareWords(truth, read doc.Reading) Words {
	w := Words{Documents: 1}
	for _, t := range truth.Pages {
		var page doc.Page
		if i := slices.IndexFunc(read.Pages, func(p doc.Page) bool { return p.Number == t.Number }); i >= 0 {
			page = read.Pages[i]
		}
		there := tokens(t.Words)
		left := map[string]int{}
		for _, x := range there {
			left[x]++
		}
		got := tokens(page.Words)
		for _, x := range got {
			if left[x] > 0 {
				left[x]--
				w.Right++
			}
		}
		w.True += len(there)
		w.Read += len(got)
		w.lineErrors(lines(t.Words), strings.Join(got, " "))
	}
	w.finish()
	return w
}

func (w *Words) add(o Words) {
	w.Documents += o.Documents
	w.True += o.True
	w.Read += o.Read
	w.Right += o.Right
	w.Chars += o.Chars
	w.Errors += o.Errors
	w.Ink += o.Ink
	w.InkErrors += o.InkErrors
}

func (w *Words) finish() {
	w.Recall = ratio(w.Right, w.True)
	w.Precision = ratio(w.Right, w.Read)
	w.F1 = ratio(2*w.Right, w.True+w.Read)
	w.CER = ratio(w.Errors, w.Chars)
	w.InkCER = ratio(w.InkErrors, w.Ink)
}

// tokens gives words in upper case, without blanks in them. A rule or a row of dots
// that leads the eye is no word, whatever characters draw it.
func tokens(words []doc.Word) []string {
	var out []string
	for _, w := range words {
		for _, t := range strings.Fields(strings.ToUpper(w.Text)) {
			if !drawn(t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// drawn says whether a token is one character, no letter or digit, over and over.
func drawn(token string) bool {
	first, _ := utf8.DecodeRuneInString(token)
	return !unicode.IsLetter(first) && !unicode.IsDigit(first) &&
		utf8.RuneCountInString(token) >= 4 && strings.Trim(token, string(first)) == ""
}

// lines gives the lines of a page in upper case with single blanks. A gap as wide
// as the words are high ends one: what stands beside it may be read much later.
func lines(words []doc.Word) []string {
	var out []string
	for from := 0; from < len(words); {
		to := from + 1
		for to < len(words) && words[to].Line == words[from].Line && beside(words[to-1].Box, words[to].Box) {
			to++
		}
		if line := strings.Join(tokens(words[from:to]), " "); line != "" {
			out = append(out, line)
		}
		from = to
	}
	return out
}

// beside says whether b follows a with no more than a blank between.
func beside(a, b doc.Box) bool {
	return b[0]-a[2] <= max(a.H(), b.H()) && a[0]-b[2] <= max(a.H(), b.H())
}

// passes are the shares of a line that may differ for it to be found, one after
// the other: a line that was hardly read must not take what is left of another.
var passes = [...]float64{0.1, 0.3, 0.6, 1}

// lineErrors adds the lengths of the true lines and their distances from the parts
// of read that are most like them.
func (w *Words) lineErrors(truth []string, read string) {
	text := []rune(read)
	var rest [][]rune
	for _, l := range longestFirst(truth) {
		w.Chars += len(l)
		w.Ink += len(ink(l))
		if at := exact(l, text); at >= 0 {
			use(text[at : at+len(l)])
			continue
		}
		rest = append(rest, l)
	}
	for _, most := range passes {
		rest = slices.DeleteFunc(rest, func(l []rune) bool {
			errors, from, to := nearest(l, text, nil, nil)
			if float64(errors) > most*float64(len(l)) {
				return false
			}
			w.Errors += errors
			w.InkErrors += distance(ink(l), ink(text[from:to]))
			use(text[from:to])
			return true
		})
	}
}

// ink gives text without blanks.
func ink(text []rune) []rune {
	return slices.DeleteFunc(slices.Clone(text), func(r rune) bool { return r == ' ' })
}

func longestFirst(texts []string) [][]rune {
	var out [][]rune
	for _, t := range texts {
		out = append(out, []rune(t))
	}
	slices.SortStableFunc(out, func(a, b []rune) int { return cmp.Compare(len(b), len(a)) })
	return out
}

// use marks characters as taken.
func use(text []rune) {
	for i := range text {
		text[i] = barrier
	}
}
