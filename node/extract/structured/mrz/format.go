package mrz

import "strings"

// part is one field of a zone: where it stands and how it is checked.
type part struct {
	name       string
	line       int // 0 for the first
	from, to   int // columns, to exclusive
	digit      int // column of its check digit; 0: has none
	date, code bool
	numeric    bool // digits only
}

// span is a run of columns of one line, for the composite check digit.
type span struct{ line, from, to int }

// layout is one kind of zone.
type layout struct {
	name      string
	lines     int
	width     int
	first     string // what the first character may be
	prefix    string // what the zone must begin with, if anything
	names     span   // surname<<given names
	parts     []part
	composite []span // empty: has no composite digit
	last      span   // of the composite digit
}

var layouts = []layout{
	{
		name: "TD3", lines: 2, width: 44, first: "P", names: span{0, 5, 44},
		parts:     append(cardParts(1, 0), part{name: "personal_number", line: 1, from: 28, to: 42, digit: 42}),
		composite: []span{{1, 0, 10}, {1, 13, 20}, {1, 21, 43}}, last: span{1, 43, 44},
	},
	{
		name: "MRV-A", lines: 2, width: 44, first: "V", names: span{0, 5, 44},
		parts: append(cardParts(1, 0), part{name: "optional_data", line: 1, from: 28, to: 44}),
	},
	{
		name: "FRA-ID", lines: 2, width: 36, first: "I", prefix: "IDFRA",
		parts: []part{
			{name: "number", line: 1, from: 0, to: 12, digit: 12, numeric: true},
			{name: "birth_date", line: 1, from: 27, to: 33, digit: 33, date: true},
			{name: "sex", line: 1, from: 34, to: 35},
			{name: "optional_data", line: 0, from: 30, to: 36},
		},
		composite: []span{{0, 0, 36}, {1, 0, 35}}, last: span{1, 35, 36},
	},
	{
		name: "TD2", lines: 2, width: 36, first: "ACI", names: span{0, 5, 36},
		parts:     append(cardParts(1, 0), part{name: "optional_data", line: 1, from: 28, to: 35}),
		composite: []span{{1, 0, 10}, {1, 13, 20}, {1, 21, 35}}, last: span{1, 35, 36},
	},
	{
		name: "MRV-B", lines: 2, width: 36, first: "V", names: span{0, 5, 36},
		parts: append(cardParts(1, 0), part{name: "optional_data", line: 1, from: 28, to: 36}),
	},
	{
		name: "TD1", lines: 3, width: 30, first: "ACI", names: span{2, 0, 30},
		parts: []part{
			{name: "number", line: 0, from: 5, to: 14, digit: 14},
			{name: "optional_data", line: 0, from: 15, to: 30},
			{name: "birth_date", line: 1, from: 0, to: 6, digit: 6, date: true},
			{name: "sex", line: 1, from: 7, to: 8},
			{name: "expiry_date", line: 1, from: 8, to: 14, digit: 14, date: true},
			{name: "nationality", line: 1, from: 15, to: 18, code: true},
			{name: "optional_data_2", line: 1, from: 18, to: 29},
		},
		composite: []span{{0, 5, 30}, {1, 0, 7}, {1, 8, 15}, {1, 18, 29}}, last: span{1, 29, 30},
	},
}

// cardParts are the fields that the lower line of passports, visas and cards
// of two lines has in common.
func cardParts(line, at int) []part {
	return []part{
		{name: "number", line: line, from: at, to: at + 9, digit: at + 9},
		{name: "nationality", line: line, from: at + 10, to: at + 13, code: true},
		{name: "birth_date", line: line, from: at + 13, to: at + 19, digit: at + 19, date: true},
		{name: "sex", line: line, from: at + 20, to: at + 21},
		{name: "expiry_date", line: line, from: at + 21, to: at + 27, digit: at + 27, date: true},
	}
}

// hasDigits says whether a line of l has check digits to align it by.
func (l layout) hasDigits(line int) bool {
	for _, p := range l.parts {
		if p.line == line && p.digit > 0 {
			return true
		}
	}
	return false
}

// known are the issuers and nationalities of ICAO 9303-3 section 5: ISO 3166
// alpha-3 and what ICAO adds.
var known = func() map[string]bool {
	const codes = `ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH BLM BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA
CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM
GAB GBR GEO GGY GHA GIB GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT
LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR NPL NRU NZL
OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR
TCA TCD TGO THA TJK TKL TKM TLS TON TTO TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE
D EUE GBD GBN GBO GBP GBS RKS UNA UNK UNO UTO XBA XCC XCE XCO XEC XES XIM XMP XOM XPO XXA XXB XXC XXX IAO ROM ZAR BDR`
	m := map[string]bool{}
	for _, c := range strings.Fields(codes) {
		m[c] = true
	}
	return m
}()

// country repairs a code of up to three letters, and says whether it is known.
// In a code that is unknown, and stays so with lookalikes exchanged, digits
// beside a letter become letters.
func country(s string) (string, bool) {
	code := strings.TrimRight(s, "<")
	for _, try := range []string{code, letters(code)} {
		if known[strings.TrimRight(try, "<")] {
			return strings.TrimRight(try, "<"), true
		}
	}
	for _, try := range append(exchange(letters(s)), exchange(s)...) {
		if code := strings.TrimRight(try.text, "<"); known[code] {
			return code, true
		}
	}
	if strings.Trim(code, "0123456789") != "" {
		code = letters(code)
	}
	return code, false
}
