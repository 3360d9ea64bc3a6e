package fields_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// valuesOf gives the values of each field, those of a repeated one one a line.
func valuesOf(fs []doc.Field) map[string]string {
	out, r := map[string]string{}, doc.Result{Fields: fs}
	for _, f := range fs {
		out[f.Name] = doc.JoinValues(r.Values(f.Name))
	}
	return out
}

// TestContracts: what contracts say in sentences, over the ends of lines, in four languages, and
// what they say of others.
func TestContracts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines []string
		want  map[string]string
	}{
		"three parties, with terms and other agreements": {
			[]string{
				"MUTUAL NON-DISCLOSURE AGREEMENT", "",
				"This Mutual Non-Disclosure Agreement (the “Agreement”) is made and entered into as of the 16th day of",
				"July, 2019 (the “Effective Date”), by and among Harbour Lane Analytics, Inc., a Delaware corporation with",
				"offices at 40 Quay Street, Boston, Massachusetts 02110 (“Harbour”), Northfield Paper Mills",
				"GmbH, a company organized under the laws of Austria (“Northfield”) and Maria L. Santos, III (the",
				"“Consultant”). Harbour and Northfield are parties to the Supply and License Agreement dated as of May 2,",
				"2011 between Harbour and Old Mill Holdings, LLC.", "",
				"7. This Agreement shall remain in full force and effect for a period of three (3)",
				"years from the Effective Date, and each notice takes thirty (30) days.",
				"8. It is governed by and construed in accordance with the laws of the State of New",
				"York without regard to its conflicts of laws.",
			},
			map[string]string{
				"party":          "Harbour Lane Analytics, Inc.\nNorthfield Paper Mills GmbH\nMaria L. Santos, III",
				"effective_date": "2019-07-16", "term": "3 years", "jurisdiction": "New York",
			},
		},
		"set in capitals, over three lines": {
			[]string{
				"CONFIDENTIALITY AGREEMENT", "", "between", "", "SALT & PINE, INC.", "", "and", "", "uRiver.com LLC", "", "Dated as of December 3, 2021", "",
				"THIS AGREEMENT SHALL BE GOVERNED BY THE LAWS OF THE STATE OF OHIO WITHOUT GIVING EFFECT TO ANY CHOICE OF LAW.",
			},
			map[string]string{"party": "SALT & PINE, INC.\nuRiver.com LLC", "effective_date": "2021-12-03", "jurisdiction": "OHIO"},
		},
		"a letter": {
			[]string{
				"May 18, 2015", "", "Blue Fern Partners L.P.", "520 Ninth Avenue", "",
				"Blue Fern Partners L.P. (“Blue Fern” or “you”) has asked Orchard Candle Works, Inc. (together with its",
				"subsidiaries, the “Company” or “us”) for information. This Agreement shall expire two years from its date.",
			},
			map[string]string{"party": "Blue Fern Partners L.P.\nOrchard Candle Works, Inc.", "effective_date": "2015-05-18", "term": "2 years"},
		},
		"one party only signs": {
			[]string{
				"In consideration of employment by Orchard Candle Works, Inc. (the “Company”), the undersigned",
				"agrees to this Agreement, which is governed by the laws of the State of Ohio.", "",
				"ORCHARD CANDLE WORKS, INC. | |", "By: Ann Lee | | /s/ Clara Moss", "Name: Ann Lee | | Name: Clara Moss", "Title: President",
			},
			map[string]string{"party": "Orchard Candle Works, Inc.\nClara Moss", "jurisdiction": "Ohio"},
		},
		"German": {
			[]string{
				"Geheimhaltungsvereinbarung", "",
				"zwischen der Nordlicht Datentechnik GmbH, Hafenstraße 1, 20457 Hamburg (nachfolgend „Auftraggeber“)",
				"und Herrn Jonas Petersen, Deichweg 4, 25813 Husum (nachfolgend „Auftragnehmer“).", "",
				"Diese Vereinbarung tritt mit Wirkung vom 1. März 2024 in Kraft. Sie hat eine Laufzeit von zwei",
				"Jahren. Es gilt das Recht der Bundesrepublik Deutschland.",
			},
			map[string]string{
				"party":          "Nordlicht Datentechnik GmbH\nJonas Petersen",
				"effective_date": "2024-03-01", "term": "2 years", "jurisdiction": "Bundesrepublik Deutschland",
			},
		},
		"enumerated, with terms without quotes; a period of notice; a place of two names": {
			[]string{
				"SUPPLY AGREEMENT", "", "THIS AGREEMENT is dated 4 February 2024", "", "PARTIES", "",
				"(1) COPPERFIELD LOGISTICS LIMITED, incorporated and registered in England and Wales with number",
				"01234567, whose registered office is at 8 Wharf Road, London N1 7GS (Supplier); and", "",
				"(2) BRIGHT HARBOUR FOODS PLC, incorporated and registered in Scotland with number SC765432, whose",
				"registered office is at 3 Mill Lane, Leith EH6 6TJ (Customer).", "",
				"1. This agreement shall continue for an initial term of three years (Initial Term). Each party may end it",
				"by giving 90 days' written notice. It is governed by the law of England and Wales.",
			},
			map[string]string{
				"party":          "COPPERFIELD LOGISTICS LIMITED\nBRIGHT HARBOUR FOODS PLC",
				"effective_date": "2024-02-04", "term": "3 years", "jurisdiction": "England and Wales",
			},
		},
		"set in full lines, whose wide blanks part no cells; another agreement's date": {
			[]string{
				"This Agreement is made and entered into as of | the 16th day of March, 2026 (the “Effective Date”), by",
				"and between Harbour Lane Analytics, Inc. and Maria L. Santos. It supersedes the letter of intent dated as of | November 3,",
				"2025 between the Company and Old Mill Holdings, LLC.",
			},
			map[string]string{"party": "Harbour Lane Analytics, Inc.\nMaria L. Santos", "effective_date": "2026-03-16"},
		},
		"a cover sheet": {
			[]string{
				"Service Agreement", "", "Party A: | Kestrel Data Services Ltd.", "Party B: | Municipality of Westbrook", "Effective Date: | 1 May 2025",
				"Term: | 24 months", "Governing law: | Ireland", "The parties hereby agree to the terms attached.",
			},
			map[string]string{
				"party":          "Kestrel Data Services Ltd.\nMunicipality of Westbrook",
				"effective_date": "2025-05-01", "term": "24 months", "jurisdiction": "Ireland",
			},
		},
		"items in letters, a name with an ampersand": {
			[]string{
				"This Loan Agreement, effective as of July 8, 2022, is entered into by and among:", "",
				"(a) FIRST COASTAL BANK, N.A., a national banking association, as lender (\"Lender\");", "",
				"(b) Torres & Whitfield LLP, a Texas limited liability partnership (the \"Borrower\"); and", "",
				"(c) Ana Torres, an individual, as guarantor (the \"Guarantor\").",
			},
			map[string]string{"party": "FIRST COASTAL BANK, N.A.\nTorres & Whitfield LLP\nAna Torres", "effective_date": "2022-07-08"},
		},
		"a company with partners, terms behind it": {
			[]string{
				"Dienstleistungsvertrag", "", "zwischen", "", "Stadt Neuhausen, Rathausplatz 1, 78579 Neuhausen", "(im Folgenden „Auftraggeber“)", "", "und", "",
				"Kilian Datenservice GmbH & Co. KG, Industriestraße 44, 70565 Stuttgart", "(im Folgenden „Auftragnehmer“)", "",
				"Der Vertrag tritt am 01.04.2025 in Kraft und hat eine Laufzeit von 24 Monaten.",
			},
			map[string]string{"party": "Stadt Neuhausen\nKilian Datenservice GmbH & Co. KG", "effective_date": "2025-04-01", "term": "24 months"},
		},
		"French terms, and who only represents": {
			[]string{
				"ENTRE LES SOUSSIGNÉS :", "",
				"La société ATELIER DU CANAL, SAS au capital de 40 000 euros, dont le siège est situé 12 quai de Jemmapes,",
				"75010 Paris, représentée par Mme Julie Perrin (ci-après dénommée « le Client »),", "", "ET", "",
				"La société Numérix Conseil SARL, dont le siège est situé à Lyon (ci-après dénommée « le Prestataire »).",
			},
			map[string]string{"party": "ATELIER DU CANAL, SAS\nNumérix Conseil SARL"},
		},
		"French": {
			[]string{
				"Accord de confidentialité", "",
				"entre la société Moulin Bleu SARL, 3 rue des Lilas, 69003 Lyon, et Claire Fontaine, demeurant à Lyon.",
				"Le présent accord prend effet à compter du 2 juin 2023 et est conclu pour une durée de 18 mois.",
			},
			map[string]string{"party": "Moulin Bleu SARL\nClaire Fontaine", "effective_date": "2023-06-02", "term": "18 months"},
		},
	} {
		got := fields.Pick(page(c.lines...), shipped(t, "contract"))
		if d := cmp.Diff(c.want, valuesOf(got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		for _, f := range got {
			if f.Box == nil || f.Page != 1 || !strings.Contains(strings.Join(f.Checks, " "), "found-on-page") {
				t.Errorf("%s: %s %q has no place: %+v", name, f.Name, f.Value, f)
			}
		}
	}
}

// TestContractsCutAnywhere: a text that ends in the middle of anything is read as far as it goes.
func TestContractsCutAnywhere(t *testing.T) {
	t.Parallel()
	text := []rune("between the Oak Mill of the Elms & Sons, Inc., d/b/a Ash (\"Company\"), and Dr. J. Fir, III (the “Client”); and (b) 3D Pine AG. Term of this Agreement: two (2) years. Laws of the State of New York.")
	typ := shipped(t, "contract")
	for n := range text {
		for _, f := range fields.Pick(page(string(text[:n]), string(text[n:])), typ) {
			if f.Box == nil || f.Box.Empty() || f.Value == "" {
				t.Fatalf("cut behind %d letters: %+v", n, f)
			}
		}
		fields.Pick(page(string(text[:n])), typ)
		fields.Pick(page(string(text[n:])), typ)
	}
}

// TestDurations: spans of time in words and figures.
func TestDurations(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"three (3) years": "3 years", "one (1) year": "1 year", "18 months": "18 months", "a period of twenty-four months": "24 months",
		"zwei Jahre": "2 years", "einem Monat": "1 month", "trois ans": "3 years", "un mois": "1 month", "two-year anniversary": "2 years",
		"ninety (90) days": "90 days", "3 Wochen": "3 weeks", "2 years": "2 years", "the years": "", "0 days": "", "yearly": "", "12 yearbooks": "",
	} {
		got, ok := fields.Canonical(doc.Duration, in, fields.Hints{})
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v, want %q", in, got, ok, want)
		}
	}
}

// TestLearnRepeated: a scorer learns of a repeated field each of its values, and finds as many as
// there are on documents of vendors that it has not seen.
func TestLearnRepeated(t *testing.T) {
	t.Parallel()
	typ := doc.Type{Name: "crew", Fields: []doc.FieldSpec{{Name: "fee", Type: doc.Money, Repeated: true, Labels: []string{"fee"}}}}
	var lessons []fields.Lesson
	sheet := func(n int) (doc.Reading, string) {
		lines, fees := []string{"Crew of ship " + string(rune('A'+n))}, []string{}
		for k := range 2 + n%3 {
			fee := string(rune('1'+n%9)) + string(rune('1'+k)) + ".50"
			lines, fees = append(lines, "Fee | "+fee, "Deposit | "+string(rune('1'+k))+"00.00"), append(fees, fee)
		}
		return page(lines...), doc.JoinValues(fees)
	}
	for n := range 12 {
		r, fees := sheet(n)
		lessons = append(lessons, fields.Lesson{ID: string(rune('a' + n)), Vendor: string(rune('a' + n)), Reading: r, Labels: map[string]string{"fee": fees}})
	}
	m, err := fields.Learn(typ, lessons, fields.LearnOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, want := sheet(13)
	got := fields.PickWith(r, typ, fields.Knowledge{Model: m})
	if d := cmp.Diff(map[string]string{"fee": want}, valuesOf(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, f := range got {
		if f.Model != m.Digest() || f.Confidence < 0.5 {
			t.Errorf("%+v was not judged by the model", f)
		}
	}
	if d := fields.Doubts(typ, []fields.Lesson{{ID: "x", Reading: r, Labels: map[string]string{"fee": want + "\n77.77"}}}); len(d) != 1 {
		t.Errorf("doubts %v: 77.77 stands nowhere", d)
	}
}
