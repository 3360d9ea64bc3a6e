package fields

import (
	"regexp"
	"strings"
	"unicode"
)

// pieces is the code of a thing counted ("one"): what e-invoices write for
// nearly everything that is printed as pieces, or without a unit.
const pieces = "C62"

// units maps printed units to the codes of UN/ECE Recommendation 20, in which
// e-invoices write them.
var units = unitTable(`
C62 stk stck stuck stuek stueck stücke pcs pc piece pieces pce pcé piè unit units unité unités u einheit einh pezzo pezzi pz unidad unidades ud uds st stuks szt eins one nr ks db
EA ea each
KGM kg kgs kilo kilogramm kilogram kilograms kilogramme kilogrammes
GRM g gr gramm gram grams gramme grammes
TNE t to tonne tonnen tonnes
LTR l ltr lt liter litre litres liters litro litri
MLT ml milliliter millilitre
HLT hl
CLT cl
MTR m lfm lfdm mtr meter metre metres mètre mètres metro metri
KMT km kilometer kilometre
CMT cm
MMT mm
MTK m2 m² qm quadratmeter sqm mq
MTQ m3 m³ cbm kubikmeter mc
HUR h hr hrs std stdn stunde stunden hour hours heure heures ora ore hora horas uur uren tim timme timmar timer godz
MIN min minute minuten minutes
DAY tag tage tg day days jour jours giorno giorni dia dias dag dagen dagar dni pt personentag personentage
WEE woche wochen week weeks semaine semaines
MON monat monate month months mois mese mesi mes meses maand maanden
ANN jahr jahre year years an ans année années anno anni año años
KWH kwh kilowattstunde kilowattstunden
MWH mwh
LS psch pschl pauschal pauschale pausch lump lumpsum forfait flat
SET set sets satz sätze
PR paar paare pair pairs paire paires
XCT karton kartons ktn carton cartons
XBX box boxes kiste kisten
XPK pkg pack packs packung packungen paket pakete paquet package packages vpe op opak
XRO rolle rollen roll rolls rouleau
XBO flasche flaschen bottle bottles bouteille bouteilles fl
XBG beutel tüte bag bags
XPX palette paletten pallet pallets
P1 prozent percent
`)

func unitTable(s string) map[string]string {
	out := map[string]string{}
	for _, l := range strings.Split(strings.TrimSpace(s), "\n") {
		words := strings.Fields(l)
		for _, w := range words {
			out[squash(w)] = words[0]
		}
	}
	return out
}

// unitCode gives the code of a printed unit, or the unit as printed.
func unitCode(s string) string {
	if c, ok := units[squash(s)]; ok {
		return c
	}
	return tidy(s)
}

// unitIn finds a unit of time or measure among the words of a table's head.
func unitIn(s string) (string, bool) {
	for _, w := range strings.FieldsFunc(s, func(c rune) bool { return !unicode.IsLetter(c) && c != '²' && c != '³' }) {
		if c, ok := units[squash(w)]; ok && c != pieces && len([]rune(w)) > 2 {
			return c, true
		}
	}
	return "", false
}

var perUnit = regexp.MustCompile(`(?i)(?:\(|\b(?:pro|per|je|par|à|a|al|por)\s)\s?([\p{L}²³]{2,14})\b`)

// unitNamed finds the unit that a description names: "Travel (hours)", "per litre".
func unitNamed(s string) (string, bool) {
	for _, m := range perUnit.FindAllStringSubmatch(s, -1) {
		if c, ok := units[squash(m[1])]; ok && len([]rune(m[1])) > 2 {
			return c, true
		}
	}
	return "", false
}
