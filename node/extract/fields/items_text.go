package fields

import (
	"cmp"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/recto-edge/recto/node/doc"
)

// splitArticle parts a number from the description where both were read as one
// piece: "1080-2 Shoulder bag, grey".
func (m *rowMaker) splitArticle(of map[string][]piece) {
	for i, p := range of["article_no"] {
		t := p.row.tokens[p.at.from]
		if p.at.to-p.at.from < 3 || !hasDigit(t.text) || keyThenValue.MatchString(p.text) || tradeNumber.MatchString(p.text) {
			continue
		}
		first, rest := span{p.at.from, p.at.from + 1}, span{p.at.from + 1, p.at.to}
		if _, letters := counts(p.row.textOf(rest)); letters < 6 {
			continue
		}
		of["article_no"][i] = piece{p.row, first, p.row.textOf(first)}
		of["description"] = append([]piece{{p.row, rest, p.row.textOf(rest)}}, of["description"]...)
	}
}

// article chooses the article number among what stands in its column: with the
// seller's key before it, else without a key. Numbers of the trade (GTIN) and
// the customer's own are none, as long as there is another.
func (m *rowMaker) article(ps []piece) {
	var best piece
	value, most := "", 0
	for i := 0; i < len(ps); i++ {
		p, text, rank := ps[i], strings.TrimSpace(ps[i].text), 3
		if k := keyThenValue.FindStringSubmatch(text); k != nil {
			rank = 1
			if sellersKey.MatchString(k[1]) {
				rank = 4
			}
			text = strings.TrimSpace(k[2])
			if text == "" && i+1 < len(ps) && keyThenValue.FindString(ps[i+1].text) == "" {
				i++
				p, text = ps[i], ps[i].text
			}
		}
		if tradeNumber.MatchString(ps[i].text) || i+1 < len(ps) && tradeNumber.MatchString(ps[i+1].text) && strings.HasPrefix(ps[i+1].text, "(") {
			rank = 0
		}
		if d, _ := counts(text); d == 0 || strings.IndexFunc(text, isAlnum) != 0 || isPosition(text) && len(text) < 2 {
			continue
		}
		if rank > most {
			best, value, most = p, text, rank
		}
	}
	if v, ok := canonicalIdentifier(value); ok && most > 0 {
		m.put("article_no", v, best, cellSure, "table")
	}
}

// description joins the lines of the description: those that follow each other
// without a gap. A note with a key of its own, set off a little, is no part of it.
func (m *rowMaker) description(ps []piece) {
	ps = slices.Clone(ps)
	slices.SortStableFunc(ps, func(a, b piece) int {
		ba, bb := a.row.boxOf(a.at), b.row.boxOf(b.at)
		if a.row == b.row || a.row.page != b.row.page {
			return cmp.Or(cmp.Compare(a.row.page, b.row.page), cmp.Compare(ba[0], bb[0]))
		}
		return cmp.Compare(ba[1]+ba[3], bb[1]+bb[3])
	})
	var kept []piece
	for _, p := range ps {
		if !strings.ContainsFunc(p.text, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }) {
			continue
		}
		if len(kept) > 0 && !m.r.continues(kept, p, m.it.lines[m.it.anchor].row) {
			break
		}
		kept = append(kept, p)
	}
	if len(kept) == 0 {
		return
	}
	whole := piece{text: joinCell(kept)}
	c := codeThenText.FindStringSubmatch(whole.text)
	if c == nil {
		c = bracketCode.FindStringSubmatch(whole.text)
	}
	if c != nil && !has(m.out, "article_no") {
		if _, ok := (doc.Type{Fields: m.spec.Columns}).Field("article_no"); ok {
			m.put("article_no", c[1], kept[0], cellSure, "table")
			whole.text = c[2]
		}
	}
	whole.text = m.withoutBasis(whole.text)
	n := len(m.out)
	m.put("description", tidy(whole.text), whole, cellSure, "table")
	if len(m.out) > n {
		box := doc.Box{}
		for _, p := range kept {
			if p.row.page == kept[0].row.page {
				box = box.Union(p.row.boxOf(p.at))
			}
		}
		m.out[n].Box, m.out[n].Page = &box, m.r.pageNumber(kept[0].row.page)
	}
}

// wordEnd may be the end of a word that was too long for its line.
var wordEnd = regexp.MustCompile(`^\p{Ll}{2,4}$`)

// shortWords stand alone at the end of a text; what is as short and none of these
// was cut from the word before it.
var shortWords = wordSet(`und oder mit von für zur zum der die das des dem den ein eine in im an am auf aus bei bis je pro per inkl exkl zzgl ca neu alt rot blau grün grau weiß the and or of for to on at by with incl new old red blue grey de du la le les et en par pour sur au aux un une noir bleu vert di da il lo con nero y el los las del por cm mm kg ml stk std lang breit hoch rund plus lfm qm paar set klar matt fein grob`)

// atEdge says whether the line i of a text ends as far right as any of its lines,
// in a long word: there it had no room left.
func atEdge(ps []piece, i int) bool {
	b := ps[i].row.boxOf(ps[i].at)
	for _, p := range ps {
		if p.row.boxOf(p.at)[2] > b[2] {
			return false
		}
	}
	last := ps[i].row.tokens[ps[i].at.to-1]
	return len([]rune(last.text)) >= 12
}

var basisEnd = regexp.MustCompile(`^(.+\S)\s*\(\s?([\d.,]+)\s?([\p{L}²³]{1,12})\.?\s?\)$`)

// withoutBasis cuts off the quantity that the price is for, where it stands in
// brackets behind the description in the unit of the quantity: "Nails (3 kg)".
func (m *rowMaker) withoutBasis(s string) string {
	b := basisEnd.FindStringSubmatch(s)
	q, p, t := cellNamed(m.out, "quantity"), cellNamed(m.out, "unit_price"), cellNamed(m.out, "line_total")
	if b == nil || q == nil || len(m.units) == 0 || unitCode(b[3]) != unitCode(m.units) {
		return s
	}
	n, ok := m.r.figure(b[2])
	if !ok || n.Sign() <= 0 {
		return s
	}
	if qv, ok := new(big.Rat).SetString(q.Value); ok && n.Cmp(big.NewRat(1, 1)) != 0 {
		if p == nil || t == nil {
			return s
		}
		pv, _ := new(big.Rat).SetString(p.Value)
		if pv.Mul(pv, qv).Quo(pv, n).FloatString(2) != t.Value {
			return s
		}
		m.basis = n
		t.Checks = append(t.Checks, "product")
	}
	return b[1]
}

// continues says whether a piece of text is the next line of what stands above it
// in its column, and no note with a key of its own. The line of the amount may
// stand between.
func (r *reader) continues(above []piece, p piece, amount *row) bool {
	last := above[len(above)-1]
	if last.row.page != p.row.page {
		return true
	}
	height := r.layout.height[p.row.page]
	bottom := last.row.boxOf(last.at)[3]
	if bottom <= amount.box[1]+height/3 && amount.page == p.row.page && amount.index < p.row.index {
		bottom = max(bottom, amount.box[3])
	}
	gap := p.row.boxOf(p.at)[1] - bottom
	if cell := p.row.withColon(p.row.tokens[p.at.from].cell); keyThenValue.MatchString(cell) && !keyThenValue.MatchString(above[0].text) {
		return false
	}
	return gap < height*6/5
}

// withColon gives the text of a cell, with the next one when that begins with the colon
// behind a key: "Gross price" and ": 12.00" stand apart where keys are set in a column.
func (rw *row) withColon(cell int) string {
	c := rw.cells[cell]
	if cell+1 < len(rw.cells) && strings.HasPrefix(rw.textOf(rw.cells[cell+1]), ":") {
		c.to = rw.cells[cell+1].to
	}
	return rw.textOf(c)
}

// joinCell joins lines of text; a word that was parted at the end of a line is
// put together again.
func joinCell(ps []piece) string {
	s := ""
	for i, p := range ps {
		t := strings.TrimSpace(p.text)
		switch rest, cut := strings.CutSuffix(s, "-"); {
		case i == 0:
			s = t
		case cut && t != "" && unicode.IsLower([]rune(t)[0]) && p.row != ps[i-1].row:
			s = rest + t
		case i == len(ps)-1 && wordEnd.MatchString(t) && !shortWords[t] && p.row != ps[i-1].row && atEdge(ps, i-1):
			s += t
		default:
			s += " " + t
		}
	}
	return tidy(s)
}
