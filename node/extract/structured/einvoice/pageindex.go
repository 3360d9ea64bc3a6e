package einvoice

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
	"golang.org/x/text/unicode/norm"
)

// wholePage is a band without bounds.
var wholePage = doc.Box{math.MinInt32, math.MinInt32, math.MaxInt32, math.MaxInt32}

// pageIndex is a page prepared for looking values up.
type pageIndex struct {
	number     int
	words      []doc.Word
	squashed   []string         // of each word
	starts     map[string][]int // words by the first two letters of squashed
	amounts    map[string][]span
	all        string // squashed words, one after the other
	lineHeight int    // median height of a word
}

// span is a run of words: [first, last].
type span struct{ first, last int }

func indexPages(pages []doc.Page) []*pageIndex {
	var index []*pageIndex
	for _, p := range pages {
		if len(p.Words) > 0 {
			index = append(index, indexPage(p))
		}
	}
	return index
}

func indexPage(p doc.Page) *pageIndex {
	x := &pageIndex{number: p.Number, words: p.Words, starts: map[string][]int{}, amounts: map[string][]span{}}
	heights := make([]int, len(p.Words))
	var all strings.Builder
	for i, w := range p.Words {
		s := squash(w.Text)
		x.squashed = append(x.squashed, s)
		all.WriteString(s)
		heights[i] = w.Box.H()
		x.starts[firstTwo(s)] = append(x.starts[firstTwo(s)], i)
		for n := 0; n < 3 && i-n >= 0; n++ { // "1 021,91" is often two words
			if a := amountOf(x.joined(i-n, i)); a != "" && x.sameRow(i-n, i) {
				x.amounts[a] = append(x.amounts[a], span{i - n, i})
			}
		}
	}
	slices.Sort(heights)
	x.lineHeight = max(heights[len(heights)/2], 1)
	x.all = all.String()
	return x
}

func (x *pageIndex) joined(first, last int) string {
	var s strings.Builder
	for _, w := range x.words[first : last+1] {
		s.WriteString(w.Text)
		s.WriteByte(' ')
	}
	return strings.TrimSpace(s.String())
}

func (x *pageIndex) sameRow(a, b int) bool {
	p, q := x.words[a].Box, x.words[b].Box
	return overlapY(p, q) && q[0]-p[2] < 3*max(p.H(), 1)
}

func overlapY(a, b doc.Box) bool {
	middle := (b[1] + b[3]) / 2
	return middle >= a[1] && middle <= a[3]
}

func (x *pageIndex) box(s span) doc.Box {
	var b doc.Box
	for _, w := range x.words[s.first : s.last+1] {
		b = b.Union(w.Box)
	}
	return b
}

// findText gives the box of the first run of words that squash to text and
// stand within band; texts under three letters are not looked for, they stand
// everywhere.
func (x *pageIndex) findText(text string, band doc.Box) (doc.Box, bool) {
	if len([]rune(text)) < 3 {
		return doc.Box{}, false
	}
	keys := []string{firstTwo(text), firstTwo(text[:len(string([]rune(text)[:1]))])}
	for _, key := range keys {
		for _, i := range x.starts[key] {
			if b := x.words[i].Box; b[1] < band[1] || b[3] > band[3] {
				continue
			}
			if last, ok := x.runOf(text, i); ok {
				return x.box(span{i, last}), true
			}
		}
	}
	return doc.Box{}, false
}

// runOf says whether the words from i on spell text, and which is the last.
func (x *pageIndex) runOf(text string, i int) (int, bool) {
	for ; i < len(x.words) && text != ""; i++ {
		if !strings.HasPrefix(text, x.squashed[i]) {
			return 0, false
		}
		text = text[len(x.squashed[i]):]
	}
	return i - 1, text == ""
}

// findAmount gives the box of the last number within band that equals value
// whatever its sign; zero is not looked for.
func (x *pageIndex) findAmount(value string, band doc.Box) (doc.Box, bool) {
	key := amountKey(value)
	if key == "" {
		return doc.Box{}, false
	}
	for _, s := range slices.Backward(x.amounts[key]) {
		if b := x.box(s); b[1] >= band[1] && b[3] <= band[3] {
			return b, true
		}
	}
	return doc.Box{}, false
}

func (x *pageIndex) contains(text string) bool { return strings.Contains(x.all, text) }

// Labels that leave no doubt. A plain "total" may be a subtotal.
var (
	grossLabel = regexp.MustCompile(`^(GESAMTBETRAG|BRUTTOBETRAG|RECHNUNGSBETRAG|BRUTTOSUMME|ENDBETRAG|ZAHLBETRAG|TOTALTTC|MONTANTTTC|NETÀPAYER|NETAPAYER|GRANDTOTAL|AMOUNTDUE|TOTALDUE|INVOICETOTAL|GROSSTOTAL|GROSSAMOUNT)$`)
	// besideAmount may stand between such a label and its amount.
	besideAmount = regexp.MustCompile(`^(|\d+|EUR|EURO|USD|GBP|CHF|SEK|BRUTTO|TTC|GROSS)$`)
	numberLabel  = regexp.MustCompile(`^(RECHNUNGSNUMMER|RECHNUNGSNR|RECHNUNGNR|INVOICENUMBER|INVOICENO|NUMÉRODEFACTURE|FACTUREN|FACTURENO)$`)
	numberForm   = regexp.MustCompile(`^[A-Z0-9][A-Z0-9./_-]*[0-9][A-Z0-9./_-]*$`)
)

// labelledAmount gives the last amount that follows a label for the gross total
// in its row, as printed, and the label.
func (x *pageIndex) labelledAmount() (label, amount string) {
	for i := range x.words {
		last := x.labelAt(grossLabel, i)
		if last < 0 {
			continue
		}
		for _, w := range x.rightOf(last) {
			text := x.words[w].Text
			if amountOf(text) != "" && centsForm.MatchString(text) {
				label, amount = x.joined(i, last), text
			} else if !besideAmount.MatchString(x.squashed[w]) {
				break // another text: the label goes on, or the row has other columns
			}
		}
	}
	return label, amount
}

// rightOf gives the words that stand in one row with word i and right of it,
// from left to right.
func (x *pageIndex) rightOf(i int) []int {
	at := x.words[i].Box
	var row []int
	for n, w := range x.words {
		if w.Box[0] >= at[2] && overlapY(at, w.Box) {
			row = append(row, n)
		}
	}
	slices.SortFunc(row, func(a, b int) int { return x.words[a].Box[0] - x.words[b].Box[0] })
	return row
}

// labelledNumber gives the word right after a label for the invoice number.
func (x *pageIndex) labelledNumber() (label, number string) {
	for i := range x.words {
		last := x.labelAt(numberLabel, i)
		if last < 0 || last+1 >= len(x.words) || !x.sameRow(last, last+1) {
			continue
		}
		if w := strings.ToUpper(x.words[last+1].Text); len(w) >= 3 && numberForm.MatchString(w) {
			return x.joined(i, last), x.words[last+1].Text
		}
	}
	return "", ""
}

// labelAt says where a label that starts at word i ends, at most three words
// on; -1 when none does.
func (x *pageIndex) labelAt(label *regexp.Regexp, i int) int {
	text := ""
	for n := i; n < len(x.words) && n < i+3; n++ {
		text += x.squashed[n]
		if label.MatchString(text) {
			return n
		}
	}
	return -1
}

// squash is the form in which texts are compared: letters and digits, NFKC,
// upper case.
func squash(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, norm.NFKC.String(s))
}

func firstTwo(s string) string {
	runes := []rune(s)
	return string(runes[:min(2, len(runes))])
}

var (
	numeral   = regexp.MustCompile(`^[-+]?(\d{1,3}(?:[.,'’ ]\d{3})+|\d+)(?:[.,](\d{1,4}))?-?$`)
	centsForm = regexp.MustCompile(`[.,]\d{2}(\D|$)`)
	unitSigns = regexp.MustCompile(`(?i)(EUR|USD|GBP|CHF|SEK|DKK|NOK|PLN|CZK|[€$£%])`)
)

// amountOf reads a printed number in any of the usual ways of writing it and
// gives its key, "" when text is no number. A group of three after a single
// mark counts as thousands.
func amountOf(text string) string {
	text = strings.TrimSpace(unitSigns.ReplaceAllString(norm.NFKC.String(text), ""))
	m := numeral.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	whole := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, m[1])
	return amountKey(whole + "." + m[2])
}

// amountKey is a decimal without sign and trailing zeros; "" for zero.
func amountKey(value string) string {
	r, ok := decimal(value)
	if !ok || r.Sign() == 0 {
		return ""
	}
	return strings.TrimRight(r.Abs(r).FloatString(4), "0")
}

// forms are the ways, squashed, in which the value of f may be printed.
func forms(f doc.Field) []string {
	switch f.Type {
	case doc.Date:
		return dateForms(f.Value)
	case doc.Country, doc.Currency:
		return nil // "DE" and "EUR" stand everywhere and say nothing
	}
	return []string{squash(f.Value)}
}

var months = [][12]string{
	{"JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"},
	{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"},
	{"JANUAR", "FEBRUAR", "MÄRZ", "APRIL", "MAI", "JUNI", "JULI", "AUGUST", "SEPTEMBER", "OKTOBER", "NOVEMBER", "DEZEMBER"},
	{"JANVIER", "FÉVRIER", "MARS", "AVRIL", "MAI", "JUIN", "JUILLET", "AOÛT", "SEPTEMBRE", "OCTOBRE", "NOVEMBRE", "DÉCEMBRE"},
}

func dateForms(iso string) []string {
	t, err := time.Parse(time.DateOnly, iso)
	if err != nil {
		return nil
	}
	out := []string{t.Format("02012006"), t.Format("20060102"), t.Format("212006"), t.Format("01022006"), t.Format("122006"), t.Format("020106")}
	for _, names := range months {
		name := names[t.Month()-1]
		for _, day := range []string{t.Format("2"), t.Format("02")} {
			out = append(out, fmt.Sprintf("%s%s%d", day, name, t.Year()), fmt.Sprintf("%s%s%d", name, day, t.Year()))
		}
	}
	return out
}
