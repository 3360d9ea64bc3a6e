package fields

import (
	"regexp"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// Words that tell what a line at the top of a page is. They are kinds of words
// in many languages, never names.
var (
	legalForm  = regexp.MustCompile(`(?i)(\bs[de]n\.?\s*\.?\s*b[hn][da0o]\b|\bsdn\.?bhd|\bs/b\b|\bbhd\b|\bp\.?l\.?t\b|\bgmbh\b|\bmbh\b|\b[au]g\b|\bkg\b|\bkgaa\b|\bohg\b|\bgbr\b|\be\.?\s?k\.|\bltd\b|\blimited\b|\binc\b|\bllc\b|\bllp\b|\bplc\b|\bcorp\b|\bs\.?à?\.?r\.?l\b|\bsas\b|\bsasu\b|\beurl\b|\bs\.a\.?\b|\bs\.?p\.?a\b|\bs\.?l\.?u?\.(\W|$)|\bb\.?v\b|\bn\.v\b|\bsa\b|\bse\b|\bd\.?o\.?o\b|\buab\b|\bs\.?r\.?o\b|\ba/?s\b|\bab\b|\boy\b|\bpte\b|\bpvt\b|\bco\.)`)
	trade      = regexp.MustCompile(`(?i)\b(enterprises?|ent|trading|restoran|restaurant|ristorante|kedai|syarikat|perniagaan|hardware|stationery|stationers?|bakery|bakeries|confectionery|caf[eé]|coffee|hotel|pharmacy|apotheke|pharmacie|market|supermarket|hypermarket|mart|shop|store|stores|motors?|machinery|services?|foods?|seafood|kitchen|book|books|electrical|furniture|industries|industry|group|holdings?|company|bar|pizza|grill|station|centre|center|gift|deco|fashion|optical|clinic|workshop|auto|marketing|supplies|supply|house|boutique|salon|parking|cash\s*&\s*carry)\b`)
	contact    = regexp.MustCompile(`(?i)(^|\W)(tel(e(ph(on|one)|fon|fax))?|t[e3]l|fon|ph(one)?|fax|faks|h/?p|hotline|mobile|mob|e-?mail|www|https?|gst|sst|vat|ust|ust-?id\w*|mwst|tva|siret|siren|st-?nr|steuer\w*|tax\s*(id|no|reg)|co(mpany)?\.?\s*(reg|no|id)\w*|reg(istration)?\.?\s*(no|nr|id)?|roc|business\s*(reg|id|no)|abn|hrb|hst|gstin|cvr|org\.?\s*nr|kvk|nif|cif|p\.?\s?iva|iban|bic)\b\s*[.:#(]?|@|\.com\b|www\.`)
	heading    = regexp.MustCompile(`(?i)(^|\W)(tax\s*in\w{1,3}ice|inv[o0]ices?|receipts?|rechnung|quittung|kassenbon|facture|re[cç]u|ticket|bill|cash\s*(sales?|bill|memo|inv\w*)|simplified|official|original|copy|customer|kunde|welcome|willkommen|bienvenue|thank|danke|merci|table|tisch|cashier|kassierer|bediener|server|guest|pax|order|terminal|trans(action)?|slip|document|doc\s*no|page|seite|statement|delivery|self\s*bill|gst\s*summary|duplicate|reprint|date|datum|time|uhrzeit|description|item|qty|menge|member|staff|sales\s*person|salesman|pos|till|approval|merchant|visa|mastercard|credit)(\W|$)`)
	street     = regexp.MustCompile(`(?i)(\b(jalan|jln|ja[1l]an|j[1l]|lorong|lrg|persiaran|lebuh\w*|lot|taman|tmn|tnn|kampung|kg|bandar|seksyen|seksen|section|level|lvl|tingkat|floor|flr|ground|blok|block|blk|unit|ptd|pt|batu|medan|plaza|kompleks|complex|wisma|menara|bangunan|building|tower|mall|kawasan|pusat|off|street|str|st|road|rd|avenue|ave|lane|drive|dr|blvd|boulevard|square|sq|suite|ste|highway|hwy|way|rue|place|allee|platz|weg|gasse|damm|ring|ufer|chauss[eé]e|via|viale|piazza|calle|avda|plaza|straat|gatan|gata|ulica|po\s*box)\b|[\w-](stra(ss|ß|b)e|str\.|weg|platz|gasse|allee|ring|damm)(\W|$)|\wmarkt\s+\d|^\d{1,5}\s+[nsew]\.?\s+\w|\bno\s*[.:,]?\s*\d)`)
	startsNo   = regexp.MustCompile(`(?i)^\W*(no\.?\s*[:.]?\s*[a-z]{0,2}-?\d|lot\b|unit\b|level\b|g[- ]?\d|\d{1,5}[a-z]?\s*[,&\-/]|\d{1,5}[a-z]?\s+[a-z]|[a-z]{1,2}-?\d{1,4}\b|ptd\b|suite\b|block\b|blk\b|batu\b)`)
	postcode   = regexp.MustCompile(`(?i)(\b\d{5}(-\d{4})?\b|\b[a-z]{1,2}\d{1,2}[a-z]?\s?\d[a-z]{2}\b|\b[a-z]\d[a-z]\s?\d[a-z]\d\b|(^|[\s-])[1-9]\d{3}\s+[a-zäöüéèA-Z]{3,}|\b\d{4}\s?[a-z]{2}\s|\b\d{3}\s\d{2}\s+[a-z])`)
	regNumber  = regexp.MustCompile(`(?i)\s*[\[({]?\s*(\(?(co\.?|comp(any)?\.?)?\s*(reg|roc)?\.?\s*(no\.?)?\s*[:.]?\s*)?[\[({]?\s*[a-z]{0,3}\d[\d\s.]{3,}\s?[\-–]?\s?[a-z]{0,2}\s*[\])}]?\s*$`)
	bracketNo  = regexp.MustCompile(`\s*[\[({][^\[({]*\d{3,}[^\[({]*$`)
	docNumber  = regexp.MustCompile(`(?i)\b(bill|ref|inv(oice)?|doc(ument)?|receipt|rcpt|order|table|cash|slip|trans|trn|chk|check|ticket|reg|member|cust(omer)?|counter|terminal|pos|company|co)\.?\s*(no|nr|#|id|n°)\b`)
	webAddress = regexp.MustCompile(`(?i)www\s?\.|https?:|\w@\w`)
	bareCode   = regexp.MustCompile(`\d{5}\s*[.,]?\s*$`)
	bracketed  = regexp.MustCompile(`(?i)^[(\[]\s*((co|comp(any)?|reg|gst|no|id|roc)\W*)*[a-z]{0,4}\s?\d[\d\s]{3,}\s?[-–]?\s?[a-z]{0,2}\s*[)\]]?\.?$`)
	stateTail  = regexp.MustCompile(`(?i)^\W*(selangor|johor|kuala\s*lumpur|penang|pulau\s*pinang|perak|kedah|pahang|melaka|malacca|negeri\s*sembilan|n\.?\s?sembilan|terengganu|kelantan|sabah|sarawak|perlis|putrajaya|labuan|w\.?\s?p\.?|wilayah\s*persekutuan|malaysia|singapore|s'?gor|deutschland|germany|österreich|schweiz|france|italia|usa|uk|united\s*kingdom|canada|jb|kl|d\.?\s?e\.?|darul\s*\w+)\b`)
)

// line is a row of the page's head, or the part of it that stands apart.
type line struct {
	row  *row
	at   span
	text string
	kind lineKind
	lineFacts
}

type lineKind int

const (
	plainLine lineKind = iota
	companyLine
	addressLine
	contactLine
	headingLine
	noiseLine
	stopLine // a date or an amount: the head is over
)

// head reads the lines at the top of the first page, down to the first date or
// amount, and says what each is.
func (r *reader) head() []line {
	var out []line
	limit := 18
	for _, rw := range r.layout.rows {
		if rw.page > 0 || len(out) >= limit {
			break
		}
		ln := line{row: rw, at: span{0, len(rw.tokens)}, text: rw.textOf(span{0, len(rw.tokens)})}
		ln = r.narrow(ln)
		if ln.kind == stopLine {
			if len(out) >= 3 && hasKind(out, addressLine) {
				break
			}
			ln.kind = headingLine
		}
		out = append(out, ln)
	}
	for i := range out[:max(0, len(out)-1)] {
		if out[i].kind == plainLine && overPostcode(out[i].text, out[i+1].text) {
			out[i].kind = addressLine
		}
	}
	return out
}

var (
	endsInNumber = regexp.MustCompile(`\p{L}{2,}\.?\s\d{1,4}\s?[a-zA-Z]?$`)
	beginsInCode = regexp.MustCompile(`^\W*(?:[A-Z]{1,2}-)?(?:\d{4,5}|\d{3}\s\d{2})\s+\p{L}{3,}`)
)

// overPostcode says whether a line is a street by where it stands: its house number last, over
// a line that begins with a postal code.
func overPostcode(text, next string) bool {
	return endsInNumber.MatchString(strings.TrimSpace(text)) && beginsInCode.MatchString(next) && !trade.MatchString(text)
}

// narrow says what a line is, and takes its first cell alone where that names
// somebody and the others only tell how to reach them, or what the paper is.
func (r *reader) narrow(ln line) line {
	ln.kind = r.kindOf(ln)
	cells := ln.row.cells
	if len(cells) < 2 || ln.kind == addressLine || ln.kind == stopLine {
		return ln
	}
	first := line{row: ln.row, at: cells[0], text: ln.row.textOf(cells[0])}
	first.kind = r.kindOf(first)
	if _, l := counts(first.text); l < 4 || first.kind != plainLine && first.kind != companyLine {
		return ln
	}
	for _, c := range cells[1:] {
		next := line{row: ln.row, at: c, text: ln.row.textOf(c)}
		if k := r.kindOf(next); k == contactLine || k == headingLine {
			return first
		}
	}
	return ln
}

func hasKind(ls []line, k lineKind) bool {
	for _, l := range ls {
		if l.kind == k {
			return true
		}
	}
	return false
}

func (r *reader) kindOf(ln line) lineKind {
	d, letters := counts(ln.text)
	for _, c := range r.onRow(ln.row.index, doc.Date) {
		if len(c.Raw) >= 6 {
			return stopLine
		}
	}
	for _, c := range r.onRow(ln.row.index, doc.Money) {
		if c.Decimals == 2 && !street.MatchString(ln.text) {
			return stopLine
		}
	}
	switch {
	case letters < 3 && !(postcode.MatchString(ln.text) && d <= 6):
		return noiseLine
	case webAddress.MatchString(ln.text) && !street.MatchString(ln.text):
		return contactLine
	case contact.MatchString(ln.text) && !legalForm.MatchString(ln.text) && !(startsNo.MatchString(ln.text) && street.MatchString(ln.text)):
		if loc := contact.FindStringIndex(ln.text); loc != nil && loc[0] > 12 && (street.MatchString(ln.text[:loc[0]]) || postcode.MatchString(ln.text[:loc[0]])) {
			return addressLine
		}
		return contactLine
	case bracketed.MatchString(strings.TrimSpace(ln.text)):
		return contactLine // a registration number on a line of its own
	case docNumber.MatchString(ln.text) && !legalForm.MatchString(ln.text) && !postcode.MatchString(ln.text):
		return headingLine
	case legalForm.MatchString(ln.text) && !postcode.MatchString(ln.text) && !startsWithStreet(ln.text):
		return companyLine
	case addressScore(ln.text) >= 2:
		return addressLine
	case heading.MatchString(ln.text) && !trade.MatchString(ln.text):
		return headingLine
	}
	return plainLine
}

func startsWithStreet(s string) bool {
	loc := street.FindStringIndex(s)
	return startsNo.MatchString(s) && loc != nil
}

// addressScore counts what speaks for a line being part of an address.
func addressScore(s string) int {
	n := 0
	if startsNo.MatchString(s) {
		n++
	}
	if street.MatchString(s) {
		n += 2
	}
	if postcode.MatchString(s) {
		n += 2
	}
	if stateTail.MatchString(s) {
		n += 2
	}
	if strings.HasSuffix(strings.TrimSpace(s), ",") {
		n++
	}
	return n
}
