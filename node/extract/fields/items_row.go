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

// Confidences of cells until they are calibrated.
const (
	cellSure    = 0.6
	cellProven  = 0.8 // arithmetic agrees
	cellDerived = 0.4 // not printed: it follows from what is
)

var (
	position     = regexp.MustCompile(`^#?\d{1,4}([.)]|([.\-]\d{1,3}){1,3})?$`)
	quantityUnit = regexp.MustCompile(`^([-–−]?\s?[\d.,' ]*\d)\s*(?:x\b)?\s*([\p{L}²³.]{1,14}|[cdk]?m[23])?$`)
	bracketCode  = regexp.MustCompile(`^\[([\p{L}\d][\p{L}\d_./\-]{1,24})\]\s*(.+)$`)
	codeThenText = regexp.MustCompile(`^([A-Z0-9][A-Z0-9_./\-]*\d[A-Z0-9_./\-]*)\s+[-–]\s+(.+)$`)
	keyThenValue = regexp.MustCompile(`^([\p{L}#][\p{L}\d ._/\-]{0,30}?)\s?[:：;]\s*(.*)$`)
	sellersKey   = regexp.MustCompile(`(?i)lief|supplier|seller|vendor|fourn|unser|\bour\b|hersteller|fornitore|proveedor|c_fo`)
	tradeNumber  = regexp.MustCompile(`(?i)\(?\b(gtin|gln|ean|isbn|upc)\b`)
)

func isPosition(s string) bool { return position.MatchString(strings.TrimSpace(s)) }

// columnValue reads the text of a cell as a value of the column's type.
func (r *reader) columnValue(col doc.FieldSpec, s string) (string, bool) {
	if i := strings.LastIndex(s, "="); i >= 0 {
		s = s[i+1:]
	}
	if col.Type != doc.Number {
		return Canonical(col.Type, s, r.hints)
	}
	h := r.hints
	if m := quantityUnit.FindStringSubmatch(strings.TrimSpace(s)); m != nil {
		s = m[1]
	} else if a, ok := parseMoney(s, h); ok {
		rest, _ := cutCurrency(tidy(s), h)
		if v, ok := canonicalNumber(rest, h); ok {
			return v, true
		}
		return trimZeros(a.value), true
	}
	return canonicalNumber(s, h)
}

// rowMaker collects the cells of one row.
type rowMaker struct {
	r    *reader
	spec doc.FieldSpec
	it   item
	out  []doc.Field

	units string   // printed behind the quantity
	basis *big.Rat // the quantity that the price is for, when it is not one
}

func (m *rowMaker) put(name, value string, p piece, confidence float64, method string) {
	col, ok := (doc.Type{Fields: m.spec.Columns}).Field(name)
	if !ok || value == "" || has(m.out, name) {
		return
	}
	c := Candidate{Raw: p.text, Value: value, Page: m.it.page(), Box: m.it.box()}
	if p.row != nil {
		c.Page, c.Box = p.row.page, p.row.boxOf(p.at)
	}
	m.out = append(m.out, m.r.cell(col, c, confidence, method))
}

// itemRow turns an item into the cells of a row, in the order of the type's columns.
func (r *reader) itemRow(spec doc.FieldSpec, h head, it item) []doc.Field {
	m := &rowMaker{r: r, spec: spec, it: it}
	of := map[string][]piece{}
	heads := map[string]string{}
	for c, col := range h.columns {
		if col.spec < 0 {
			continue
		}
		name := spec.Columns[col.spec].Name
		of[name], heads[name] = it.pieces(c, isFigures(spec.Columns[col.spec].Type)), col.words
	}
	if len(of["tax_rate"]) == 0 {
		of["quantity"], of["tax_rate"] = splitRate(of["quantity"])
	}
	m.figures(of)
	for _, p := range of["quantity"] {
		if q := quantityUnit.FindStringSubmatch(strings.TrimSpace(p.text)); q != nil && m.units == "" {
			m.units = q[2]
		}
	}
	if len(m.out) == 0 {
		return nil
	}
	m.rate(of["tax_rate"])
	for _, p := range of["pos"] {
		if isPosition(p.text) {
			m.put("pos", strings.TrimRight(strings.TrimPrefix(p.text, "#"), ".)"), p, cellSure, "table")
		}
	}
	m.leading(h)
	m.splitArticle(of)
	m.article(of["article_no"])
	m.description(of["description"])
	m.unit(of["quantity"], of["unit"], of["description"], heads["quantity"])
	for _, col := range spec.Columns { // columns that another type may have
		if ps := of[col.Name]; len(ps) > 0 && !has(m.out, col.Name) && !knownColumns[col.Name] {
			if v, ok := r.columnValue(col, ps[0].text); ok {
				m.put(col.Name, v, ps[0], cellSure, "table")
			}
		}
	}
	slices.SortStableFunc(m.out, func(a, b doc.Field) int { return cmp.Compare(columnIndex(spec, a.Name), columnIndex(spec, b.Name)) })
	return m.out
}

var knownColumns = map[string]bool{"pos": true, "article_no": true, "description": true, "quantity": true, "unit": true, "unit_price": true, "tax_rate": true, "line_total": true}

func isFigures(t doc.FieldType) bool {
	return t == doc.Money || t == doc.Number || t == doc.Percent
}

// reading is one way to read a cell: its value and where it stands.
type reading struct {
	v     *big.Rat
	p     piece
	fixed bool // a mark that was not read was put back
}

// figures chooses quantity, price and amount among all ways to read them: those
// whose product holds, else what stands first.
func (m *rowMaker) figures(of map[string][]piece) {
	qs, ps, ts := m.readings(of["quantity"]), m.readings(netFirst(of["unit_price"])), m.readings(of["line_total"])
	if len(qs) > 0 && len(ts) > 0 { // a deduction below the price is no price
		sign := qs[0].v.Sign() * ts[0].v.Sign()
		ps = slices.DeleteFunc(ps, func(p reading) bool { return p.v.Sign()*sign < 0 })
	}
	if len(ps) == 0 {
		ps = m.priceNamed()
	}
	q, p, t, held := chooseProduct(qs, ps, ts)
	if !held && q != nil && p != nil && t != nil {
		held = m.heldWithPercent(q.v, p.v, t.v)
	}
	sure := cellSure
	if held {
		sure = cellProven
	}
	if q != nil {
		m.put("quantity", decimalOf(q.v), q.p, sure, "table")
	}
	if p != nil {
		m.put("unit_price", decimalOf(p.v), p.p, sure, "table")
	}
	if t != nil {
		m.put("line_total", t.v.FloatString(2), t.p, sure, "table")
		if c := cellNamed(m.out, "line_total"); held && c != nil && !isProduct(q.v, p.v, t.v) {
			c.Checks = append(c.Checks, "product")
		}
	}
}

// heldWithPercent says whether a percentage printed on the amount's line, taken off
// as a discount or put on as a tax, makes the product the amount.
func (m *rowMaker) heldWithPercent(q, p, t *big.Rat) bool {
	product := new(big.Rat).Mul(q, p)
	for _, tok := range m.it.lines[m.it.anchor].row.tokens {
		v, ok := canonicalPercent(strings.Trim(tok.text, "()[]-–−"), m.r.hints)
		if !ok || !isFigure(tok.text) {
			continue
		}
		percent, ok := new(big.Rat).SetString(v)
		if !ok || percent.Sign() <= 0 || percent.Cmp(big.NewRat(100, 1)) >= 0 || percent.Cmp(q) == 0 && !strings.Contains(tok.text, "%") {
			continue
		}
		part := percent.Quo(percent, big.NewRat(100, 1))
		one := big.NewRat(1, 1)
		less, more := new(big.Rat).Sub(one, part), new(big.Rat).Add(one, part)
		if less.Mul(less, product).FloatString(2) == t.FloatString(2) || more.Mul(more, product).FloatString(2) == t.FloatString(2) {
			return true
		}
	}
	return false
}

// readings gives the ways to read the figures of a cell. What follows an equals
// sign is what remains after a discount, and comes first.
func (m *rowMaker) readings(ps []piece) []reading {
	var out []reading
	for _, p := range ps {
		v, ok := m.r.figure(p.text)
		if !ok || len(out) >= 4 {
			continue
		}
		if strings.Contains(p.text, "=") {
			out = append([]reading{{v: v, p: p}}, out...)
			continue
		}
		out = append(out, reading{v: v, p: p})
	}
	return out
}

var priceKey = regexp.MustCompile(`(?i)preis|price|prix|prezzo|precio|prijs`)

// priceNamed finds a price that the item's own lines name ("Einzelpreis: 10,00").
func (m *rowMaker) priceNamed() []reading {
	for _, l := range m.it.lines {
		for _, c := range l.row.cells {
			k := keyThenValue.FindStringSubmatch(l.row.textOf(c))
			if k == nil || !priceKey.MatchString(k[1]) {
				continue
			}
			if v, ok := m.r.figure(k[2]); ok {
				return []reading{{v: v, p: piece{l.row, c, l.row.textOf(c)}}}
			}
		}
	}
	return nil
}

var (
	keyedPrice = regexp.MustCompile(`^\(?\s?(\p{L}[\p{L}. ]*?)\s?\)?\s?[:：]\s?(.*?)\)?$`)
	netKey     = regexp.MustCompile(`(?i)^(net|unit|einzel)`)
	offKey     = regexp.MustCompile(`(?i)rab|remise|nachlass|abschlag|discount|allowance|sconto|descuento|korting`)
)

// netFirst takes the keys off prices that are printed as several ("Gross: 65.00, Discount:
// 5.00, Net: 60.00"): the net one comes first, what is taken off is none, and the quantity
// that the price is for ("3 pcs") comes last.
func netFirst(ps []piece) []piece {
	var net, rest, last []piece
	for _, p := range ps {
		k := keyedPrice.FindStringSubmatch(strings.TrimSpace(p.text))
		switch {
		case k == nil && counted(p.text):
			last = append(last, p)
		case k == nil:
			rest = append(rest, p)
		case offKey.MatchString(k[1]):
		case netKey.MatchString(k[1]):
			p.text = k[2]
			net = append(net, p)
		default:
			p.text = k[2]
			rest = append(rest, p)
		}
	}
	return slices.Concat(net, rest, last)
}

// counted says whether a text is a number of a known unit.
func counted(s string) bool {
	q := quantityUnit.FindStringSubmatch(strings.TrimSpace(s))
	return q != nil && units[squash(q[2])] != ""
}

func chooseProduct(qs, ps, ts []reading) (q, p, t *reading, held bool) {
	for i := range qs {
		for j := range ps {
			for k := range ts {
				if isProduct(qs[i].v, ps[j].v, ts[k].v) {
					return &qs[i], &ps[j], &ts[k], true
				}
			}
		}
	}
	q, p, t = first(qs), first(ps), first(ts)
	if q != nil && p != nil && t != nil {
		for _, x := range []*reading{p, q, t} { // a mark that was not read: 1250 for 12,50
			was := x.v
			d, _ := counts(x.p.text)
			for n := int64(10); n <= 10000 && d > 2 && !strings.ContainsAny(x.p.text, ".,"); n *= 10 {
				x.v = new(big.Rat).Quo(was, big.NewRat(n, 1))
				if x.v.Sign() != 0 && isProduct(q.v, p.v, t.v) {
					x.fixed = true
					return q, p, t, true
				}
			}
			x.v = was
		}
	}
	return q, p, t, false
}

func first(rs []reading) *reading {
	if len(rs) == 0 {
		return nil
	}
	return &rs[0]
}

// leading takes the number that begins the line for the position, where the head names
// positions and no column was found for them: one item is too few to see one.
func (m *rowMaker) leading(h head) {
	k := columnIndex(m.spec, "pos")
	named := slices.ContainsFunc(h.columns, func(c column) bool { return c.named[k] > 0 })
	rw := m.it.lines[m.it.anchor].row
	if !named || len(rw.cells) < 2 || !isPosition(rw.textOf(rw.cells[0])) {
		return
	}
	box := rw.boxOf(rw.cells[0])
	if slices.ContainsFunc(m.out, func(f doc.Field) bool { return f.Box != nil && f.Box.Union(box) == *f.Box }) {
		return // it is another column's
	}
	p := piece{rw, rw.cells[0], rw.textOf(rw.cells[0])}
	m.put("pos", strings.TrimRight(strings.TrimPrefix(p.text, "#"), ".)"), p, cellDerived, "table")
}

// decimalOf writes a number without zeros that add nothing.
func decimalOf(v *big.Rat) string { return trimZeros(v.FloatString(6)) }

// putUnit puts the code of a printed unit. Pieces have two codes in use, and the
// page does not say which: the other one is the alternative.
func (m *rowMaker) putUnit(printed string, p piece) {
	n := len(m.out)
	code := unitCode(printed)
	m.put("unit", code, p, cellSure, "table")
	if code == pieces && len(m.out) > n {
		m.out[n].Alternatives = []doc.Alternative{{Value: "H87", Confidence: cellDerived}}
	}
}

// unit finds the unit of the quantity: printed behind it, in a column of its own,
// in the head over it or in the description. A quantity without one counts pieces.
func (m *rowMaker) unit(quantities, units, description []piece, over string) {
	if !has(m.out, "quantity") {
		return
	}
	for _, p := range quantities {
		if q := quantityUnit.FindStringSubmatch(strings.TrimSpace(p.text)); q != nil && q[2] != "" {
			m.putUnit(q[2], p)
			return
		}
	}
	for _, p := range slices.Concat(units, quantities) {
		if t := strings.TrimSpace(p.text); unitish.MatchString(t) && strings.ContainsFunc(t, unicode.IsLetter) {
			m.putUnit(t, p)
			return
		}
	}
	if c, ok := unitIn(over); ok {
		m.put("unit", c, piece{text: over}, cellDerived, "derived")
		return
	}
	for _, p := range description {
		if c, ok := unitNamed(p.text); ok {
			m.put("unit", c, p, cellDerived, "derived")
			return
		}
	}
	m.put("unit", pieces, piece{}, cellDerived, "derived")
}
