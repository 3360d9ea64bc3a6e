package split

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
)

// featureNames name what two neighbouring pages say about a document ending
// between them, in the order of features.
var featureNames = []string{
	"always", "restarts", "goes_on", "follows", "was_last", "of_changes", "of_same",
	"size", "turned", "other_source", "head_same", "foot_same", "words_same", "ids_in_place", "ids_elsewhere", "ids_other",
	"print_size", "margin", "narrow_changes", "ends_early", "begins_low", "date_at_top", "title_at_top", "digits_change",
}

// side is a page as the boundary beside it sees it.
type side struct {
	page            doc.Page
	head, foot, all map[string]bool
	ids             map[string][2]float64 // words with digits, and where they stand in shares of the page
	number, of      int                   // as printed: "page 2 of 3"; 0 when it is not
	height          float64
	left            float64
	bottom, top     float64
	width           float64
	digits          float64
	dated, titled   bool
}

var (
	pageOf    = regexp.MustCompile(`(?i)\b(?:page|seite|pagina|página|pág|blatt|sheet|p\.|s\.|sivu|side|sida|strona)\s*:?\s*(?:no\.?\s*|nr\.?\s*)?(\d{1,3})(?:\s*(?:/|of|von|de|di|sur|van|af|av|z)\s*(\d{1,3}))?\b`)
	bareOf    = regexp.MustCompile(`^\W*(\d{1,3})\s*(?:/|of|von|de|di|sur|van)\s*(\d{1,3})\W*$`)
	dateForms = regexp.MustCompile(`\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}\.?\s+\p{L}{3,9}\.?,?\s+\d{4}\b|\b\p{L}{3,9}\s+\d{1,2},?\s+\d{4}\b`)
)

// valueForm is a number that names nothing: an amount, a date or a time.
var valueForm = regexp.MustCompile(`^\D?\d[\d.,' ]*[.,]\d{1,2}\D{0,3}$|^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}$|^\d{4}-\d{2}-\d{2}$|^\d{1,2}:\d{2}`)

// Shares of a page's height that are its head and its foot.
const (
	headShare = 0.2
	footShare = 0.88
)

func newSide(p doc.Page) *side {
	s := &side{page: p, head: map[string]bool{}, foot: map[string]bool{}, all: map[string]bool{}, ids: map[string][2]float64{}, top: 1, left: 1}
	w, h := math.Max(float64(p.Width), 1), math.Max(float64(p.Height), 1)
	lines := map[int][]string{}
	var order []int
	heights, letters, digits, right := 0.0, 0.0, 0.0, 0.0
	for _, word := range p.Words {
		if _, ok := lines[word.Line]; !ok {
			order = append(order, word.Line)
		}
		lines[word.Line] = append(lines[word.Line], word.Text)
		key := strings.ToLower(strings.TrimFunc(word.Text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }))
		y := float64(word.Box[1]+word.Box[3]) / 2 / h
		s.top, s.bottom = math.Min(s.top, y), math.Max(s.bottom, y)
		s.left, right = math.Min(s.left, float64(word.Box[0])/w), math.Max(right, float64(word.Box[2])/w)
		heights += float64(word.Box.H()) / w
		d := strings.Count(strings.Map(onlyDigits, key), "0")
		letters, digits = letters+float64(len(key)), digits+float64(d)
		if len(key) < 3 {
			continue
		}
		s.all[key] = true
		if y < headShare {
			s.head[key] = true
		}
		if y > footShare {
			s.foot[key] = true
		}
		if d >= 3 && len(key) >= 5 && !valueForm.MatchString(key) {
			s.ids[key] = [2]float64{float64(word.Box[0]) / w, y}
		}
	}
	s.width, s.height, s.digits = math.Max(right-s.left, 0), heights/math.Max(float64(len(p.Words)), 1), digits/math.Max(letters, 1)
	for i, n := range order {
		text := strings.Join(lines[n], " ")
		s.numbered(text)
		if i < 12 {
			s.dated = s.dated || dateForms.MatchString(text)
			s.titled = s.titled || titleWords[strings.ToLower(strings.Trim(strings.Join(strings.Fields(text), " "), " .:#"))]
		}
	}
	return s
}

// titleWords are what documents call themselves, alone on a line.
var titleWords = map[string]bool{
	"invoice": true, "tax invoice": true, "receipt": true, "rechnung": true, "facture": true, "fattura": true, "factura": true, "factuur": true,
	"contract": true, "order": true, "order confirmation": true, "auftragsbestätigung": true, "lieferschein": true, "delivery note": true,
	"purchase order": true, "bestellung": true, "credit note": true, "gutschrift": true, "angebot": true, "quotation": true, "agreement": true,
	"statement": true, "kontoauszug": true, "mahnung": true, "reminder": true, "quittung": true, "bon de commande": true, "contract agreement": true,
}

func onlyDigits(r rune) rune {
	if r >= '0' && r <= '9' {
		return '0'
	}
	return 'x'
}

// numbered takes the page's number from a line that has one.
func (s *side) numbered(text string) {
	m := pageOf.FindStringSubmatch(text)
	if m == nil {
		m = bareOf.FindStringSubmatch(strings.TrimSpace(text))
	}
	if m == nil {
		return
	}
	number, _ := strconv.Atoi(m[1])
	of, _ := strconv.Atoi(m[2])
	if number == 0 || of != 0 && number > of || s.of > 0 && of == 0 {
		return
	}
	s.number, s.of = number, of
}

// features gives what pages a and b, one after the other, say.
func features(a, b *side) []float64 {
	heightOf := func(s *side) float64 { return float64(s.page.Height) / math.Max(float64(s.page.Width), 1) }
	inPlace, elsewhere, other := sharedIDs(a, b)
	both := a.number > 0 && b.number > 0
	return []float64{
		1,
		truth(b.number == 1 && (b.of != 1 || a.of <= 1)),
		truth(b.number > 1),
		truth(both && b.number == a.number+1),
		truth(a.of > 0 && a.number == a.of),
		truth(a.of > 0 && b.of > 0 && a.of != b.of),
		truth(a.of > 1 && a.of == b.of && b.number == a.number+1),
		math.Min(4*math.Abs(math.Log(heightOf(a)/math.Max(heightOf(b), 0.01))), 2),
		truth(a.page.Rotation != b.page.Rotation),
		truth(a.page.Source != b.page.Source),
		alike(a.head, b.head), alike(a.foot, b.foot), alike(a.all, b.all),
		math.Log1p(inPlace) / 2, math.Log1p(elsewhere), truth(inPlace+elsewhere == 0 && other > 2),
		math.Min(math.Abs(math.Log((a.height+1e-4)/(b.height+1e-4))), 1.5),
		math.Min(10*math.Abs(a.left-b.left), 2),
		truth((a.width < 0.5) != (b.width < 0.5)),
		1 - a.bottom, b.top, truth(b.dated), truth(b.titled),
		math.Min(4*math.Abs(a.digits-b.digits), 2),
	}
}

// samePlace is by which share of the page the same word may stand elsewhere on the
// next page and still be taken for a part of the letterhead.
const samePlace = 0.03

// sharedIDs counts the numbers of b that a has: in the same place, where the phone
// and tax numbers of a letterhead stand, or elsewhere, as when a page refers to
// the one before; and those that a has not.
func sharedIDs(a, b *side) (inPlace, elsewhere, other float64) {
	for id, at := range b.ids {
		was, ok := a.ids[id]
		switch {
		case !ok:
			other++
		case math.Abs(was[0]-at[0]) < samePlace && math.Abs(was[1]-at[1]) < samePlace:
			inPlace++
		default:
			elsewhere++
		}
	}
	return inPlace, elsewhere, other
}

// together says whether something on the pages forbids to part them without a
// person: a page number that goes on, or a number of the first page that the
// second refers to.
func together(a, b *side) bool {
	_, elsewhere, _ := sharedIDs(a, b)
	return b.number > 1 || a.number < a.of || elsewhere > 0
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// alike is the share of the words of the smaller set that the other has too; two
// empty sets are neither alike nor different.
func alike(a, b map[string]bool) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0.3
	}
	if len(b) < len(a) {
		a, b = b, a
	}
	n := 0.0
	for w := range a {
		n += truth(b[w])
	}
	return n / float64(len(a))
}
