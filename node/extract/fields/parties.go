package fields

import (
	"regexp"
	"slices"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// piece is a cell or part of one with its text.
type piece struct {
	row  *row
	at   span
	text string
}

// party is a postal address found on the page and whose it is.
type party struct {
	role                  string // seller, buyer, other, or empty when nothing says
	name, street, city    piece
	lines                 []piece // above the place, nearest first
	place                 place
	country               piece
	code                  string
	row                   int     // of the place
	box                   doc.Box // of name to place
	page                  int
	oneLine, footer, note bool // on one line; at the foot; with telephone or the like beside it
}

// footerFrom is where the foot of a page begins, in hundredths of its height.
const footerFrom = 78

type parties struct {
	list          []party
	seller, buyer *party
}

var roleLabels = map[string][]string{
	"seller": {"verkäufer", "seller", "vendor", "supplier", "fournisseur", "vendeur", "lieferant", "rechnungssteller", "invoice from", "from", "absender", "remit to", "émetteur", "aussteller", "sold by", "fornitore", "proveedor", "payee", "zahlungsempfänger", "verkäufer leistungserbringer", "leistungserbringer"},
	"buyer":  {"käufer", "buyer", "kunde", "bill to", "billed to", "bill to address", "billing address", "invoice to", "invoice address", "rechnung an", "rechnungsadresse", "rechnungsanschrift", "rechnungsempfänger", "client", "customer", "customer details", "customer address", "sold to", "facturé à", "destinataire", "acheteur", "empfänger", "adresse de facturation", "käufer leistungsempfänger", "leistungsempfänger", "cliente", "to", "auftraggeber", "besteller"},
	"other":  {"ship to", "deliver to", "delivery address", "shipping address", "lieferadresse", "lieferanschrift", "adresse de livraison", "livraison", "abweichender warenempfänger", "abweichender rechnungsempfänger", "warenempfänger", "steuervertreter", "représentant fiscal", "versandadresse", "abweichender zahlungsempfänger", "bank", "bankverbindung", "endempfänger", "abweichender käufer"},
}

var roles = []string{"seller", "buyer", "other"}

// findParties finds the postal addresses of the document and says who is who.
func (r *reader) findParties() *parties {
	if r.parties != nil {
		return r.parties
	}
	p := &parties{}
	for _, rw := range r.layout.rows {
		for _, c := range rw.cells {
			p.list = append(p.list, r.partiesAt(rw, c)...)
		}
	}
	r.assignRoles(p)
	r.parties = p
	return p
}

// partiesAt reads the address that ends in a cell, or stands in it whole.
func (r *reader) partiesAt(rw *row, c span) []party {
	text := rw.textOf(c)
	_, height := r.extent(r.layout.pages[rw.page])
	footer := rw.box[1] > footerFrom*height/100
	if name, street, pl, ok := parseOneLine(text); ok && len(name) > 2 && len(text) < 140 {
		whole := piece{rw, c, text}
		p := party{place: pl, row: rw.index, page: rw.page, box: rw.boxOf(c), oneLine: true, footer: footer, code: pl.postcode}
		p.name, p.street, p.city = whole, whole, whole
		p.name.text, p.street.text = name, street
		return []party{p}
	}
	text, c = afterLabel(rw, c)
	pl, ok := parsePlace(text)
	if !ok {
		return nil
	}
	p := party{place: pl, row: rw.index, page: rw.page, box: rw.boxOf(c), footer: footer, code: pl.postcode, city: piece{rw, c, text}}
	above := r.column(rw, c, -1, 6)
	if len(above) == 0 {
		return nil
	}
	p.lines = above
	p.street = withHouseNumber(streetOf(above), r.layout.height[rw.page])
	p.name = withSalutation(pickName(above), above)
	for _, a := range above {
		p.box = p.box.Union(a.row.boxOf(a.at))
		if a.row == p.name.row {
			break
		}
	}
	for _, b := range r.column(rw, c, 1, 5) {
		if code, ok := canonicalCountry(countryPart(b.text)); ok && p.country.row == nil && b.row.index <= rw.index+2 {
			p.country = b
			if p.place.country == "" {
				p.place.country = code
			}
		}
		if contact.MatchString(b.text) {
			p.note = true
		}
	}
	return []party{p}
}

var (
	houseNumber = regexp.MustCompile(`^\d{1,4}\s?[a-zA-Z]?([/-]\d{1,3}\s?[a-zA-Z]?)?$`)
	salutation  = regexp.MustCompile(`(?i)^(herrn?|frau|familie|mr|mrs|ms|messrs|m|mme|monsieur|madame|sig|signora?|sr|sra|dhr|mevr)\.?$`)
)

// withHouseNumber adds the number that stands in a cell of its own behind a street.
func withHouseNumber(street piece, h int) piece {
	if street.row == nil || hasDigit(street.text) || street.at.to >= len(street.row.tokens) {
		return street
	}
	next := street.row.cells[street.row.tokens[street.at.to].cell]
	text := street.row.textOf(next)
	if houseNumber.MatchString(text) && street.row.boxOf(next)[0]-street.row.boxOf(street.at)[2] < 12*h {
		street.text, street.at = street.text+" "+text, street.at.with(next)
	}
	return street
}

// withSalutation joins "Herrn" and the name under it.
func withSalutation(name piece, above []piece) piece {
	for i, a := range above {
		if i > 1 && a.row == name.row && salutation.MatchString(strings.TrimSpace(name.text)) {
			name.text += " " + above[i-1].text
			break
		}
	}
	return name
}

// streetOf takes the line above the place, and the one above that when a label
// stands at its left, or when the lower one only adds a floor or a house.
func streetOf(above []piece) piece {
	street := above[0]
	if len(above) < 2 || labelLeft(above[0]) != "" {
		return street
	}
	upper := above[1]
	labelled := labelLeft(upper) != "" && !strings.Contains(labelLeft(upper), "name")
	adds := street1.MatchString(upper.text) && hasDigit(upper.text) && !street1.MatchString(street.text) && !legalForm.MatchString(upper.text)
	if labelled || adds || extraLine.MatchString(street.text) && (hasDigit(upper.text) || street1.MatchString(upper.text)) {
		street.text = upper.text + ", " + street.text
		street.row, street.at = upper.row, upper.at
	}
	return street
}

var (
	extraLine = regexp.MustCompile(`(?i)^(hof|suite|ste|floor|etage|stock|building|bldg|haus|unit|apt|apartment|room|zimmer|bât|gebäude|aufgang|line|adresszusatz|c/o)\b`)
	street1   = regexp.MustCompile(`(?i)(str(aße|asse|\.|eet)?|weg|platz|allee|gasse|avenue|road|drive|rue|via)\b`)
)

// labelLeft gives the squashed cell before a piece on its row, or the label in
// front of it in its own cell, when there is one.
func labelLeft(p piece) string {
	cell := p.row.tokens[p.at.from].cell
	if first := p.row.cells[cell].from; first < p.at.from {
		return squash(p.row.textOf(span{first, p.at.from}))
	}
	if cell == 0 {
		return ""
	}
	left := strings.TrimSpace(p.row.textOf(p.row.cells[cell-1]))
	if !strings.HasSuffix(left, ":") && (hasDigit(left) || strings.ContainsAny(left, ":@")) {
		return "" // not a label, but what stands in the next column
	}
	return squash(left)
}

func hasDigit(s string) bool { d, _ := counts(s); return d > 0 }

// countryPart cuts a region off a line that names a country.
func countryPart(s string) string {
	before, _, _ := strings.Cut(s, " - ")
	return strings.Trim(before, " .,")
}

// afterLabel drops a label with a colon from the front of a cell.
func afterLabel(rw *row, c span) (string, span) {
	for i := c.from; i < c.to-1; i++ {
		if strings.HasSuffix(rw.tokens[i].text, ":") || rw.tokens[i].text == ":" {
			c.from = i + 1
			break
		}
	}
	return rw.textOf(c), c
}

// column gives the cells above (step -1) or below (step 1) a cell that begin at
// the same left edge, nearest first, without a wide gap.
func (r *reader) column(rw *row, c span, step, most int) []piece {
	h := r.layout.height[rw.page]
	last := rw.boxOf(c)
	left := last[0]
	var out []piece
	for i := rw.index + step; i >= 0 && i < len(r.layout.rows) && len(out) < most; i += step {
		x := r.layout.rows[i]
		if x.page != rw.page {
			break
		}
		gap := last[1] - x.box[3]
		if step > 0 {
			gap = x.box[1] - last[3]
		}
		if gap > max(3*h, last.H()*7/2) { // what is set in large type stands farther apart
			break
		}
		for _, cell := range x.cells {
			text, at := afterLabel(x, cell)
			if b := x.boxOf(cell); abs(int64(b[0]-left)) > int64(h) {
				if b = x.boxOf(at); abs(int64(b[0]-left)) > int64(h) {
					continue
				}
			}
			out = append(out, piece{x, at, text})
			last = x.boxOf(at)
			break
		}
	}
	return out
}

var notName = regexp.MustCompile(`(?i)\((gln|gtin|duns|0088|iln)\)|^\W*(gln|nummer|number|globale nummer|id|abteilung|kennung)\b|:\s*$|^z\.?\s?hd|^c/o|^((post|postal|mailing|business|office)\s?)?(address|adresse|anschrift|indirizzo|dirección)$`)

// besideName are labels of lines between a name and its street, in the form of squash.
var besideName = regexp.MustCompile(`ansprech|kontakt|contact|sachbearbeiter|attention|attn|regist`)

// pickName takes the name from the lines above a place: the topmost line of the
// block that is a name, or the one with a legal form.
func pickName(above []piece) piece {
	best := piece{}
	for i, a := range above {
		if i == 0 {
			continue
		}
		if besideName.MatchString(labelLeft(a)) {
			continue
		}
		d, l := counts(a.text)
		if _, _, _, ok := parseOneLine(a.text); ok {
			break
		}
		if l < 2 || d > l || notName.MatchString(a.text) || contact.MatchString(a.text) && !legalForm.MatchString(a.text) || isRoleLabel(a.text) {
			break
		}
		if strings.Contains(labelLeft(a), "name") && best.row != nil && labelLeft(best) == "" {
			a.text += " " + best.text // the name takes two lines
			return a
		}
		if strings.Contains(labelLeft(a), "name") && i+1 < len(above) && labelLeft(above[i+1]) == "" && gapAbove(a, above[i+1]) < a.row.box.H()/2 {
			a.text = above[i+1].text + " " + a.text // the label stands at the middle of two lines
			return a
		}
		if l > 2 && best.row != nil && len(squash(a.text)) < len(squash(best.text)) && strings.Contains(squash(best.text), squash(a.text)) {
			break // a logo over the name
		}
		best = a
		if legalForm.MatchString(a.text) {
			return a
		}
		if i+1 < len(above) && gapAbove(a, above[i+1]) > a.row.box.H()*3/2 {
			break
		}
	}
	if best.row == nil && len(above) > 0 {
		best = above[0]
	}
	return best
}

func gapAbove(a, above piece) int { return a.row.boxOf(a.at)[1] - above.row.boxOf(above.at)[3] }

func isRoleLabel(s string) bool {
	form := squash(s)
	for _, role := range roles {
		if slices.ContainsFunc(roleLabels[role], func(l string) bool { return squash(l) == form }) {
			return true
		}
	}
	return false
}

var site = regexp.MustCompile(`(?i)(?:@|\bwww\.|\bhttps?://)([\p{L}\d.\-]{4,60})`)

// ownSite says whether the name of p stands in a web or mail address on its page: what a
// letter's foot or head gives is the sender's.
func (r *reader) ownSite(p *party) bool {
	name := squash(legalForm.ReplaceAllString(p.name.text, ""))
	if len(name) < 5 {
		return false
	}
	for _, rw := range r.layout.rows {
		if rw.page != p.page {
			continue
		}
		for _, m := range site.FindAllStringSubmatch(rw.text, -1) {
			if strings.Contains(squash(m[1]), name) {
				return true
			}
		}
	}
	return false
}
