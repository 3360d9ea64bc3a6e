package fields_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// known is a lesson of a receipt that a person confirmed.
func known(id string, reading doc.Reading, labels map[string]string) fields.Lesson {
	return fields.Lesson{ID: id, Vendor: "v", Reading: reading, Labels: labels}
}

// branch is a receipt of one branch of a chain.
func branch(street, total string) doc.Reading {
	return page("GREEN LEAF TRADING SDN BHD", "LOT 7, JALAN "+street+", TAMAN MERDEKA RAYA, 43200 CHERAS, SELANGOR", "TEL: 03-90751234", "Date|02.03.2026", "TOTAL|"+total)
}

func valueWith(m *fields.Memory, r doc.Reading, t doc.Type, name string) *doc.Field {
	return get(fields.PickWith(r, t, fields.Knowledge{Memory: m}), name)
}

// blurred gives a reading whose words may have been misread.
func blurred(r doc.Reading) doc.Reading {
	for _, p := range r.Pages {
		for i := range p.Words {
			p.Words[i].Confidence = 0.97
		}
	}
	return r
}

// TestMemoryKeepsAClearWord: a word that was read beyond doubt is no misread one, however
// close it comes to what was confirmed.
func TestMemoryKeepsAClearWord(t *testing.T) {
	t.Parallel()
	typ := shipped(t, "receipt")
	m := fields.NewMemory(typ, []fields.Lesson{known("1", branch("KUCHAI LAMA", "4.00"), map[string]string{
		"company": "GREEN LEAF TRADING SDN BHD", "address": "LOT 7, JALAN KUCHAI LAMA, TAMAN MERDEKA RAYA, 43200 CHERAS, SELANGOR",
	})})
	for street, want := range map[string]string{
		"KUCHAI LANA": "KUCHAI LANA",
		"KUCHAL LAMA": "KUCHAI LAMA", // OCR is sure of an l for an i
	} {
		f := valueWith(m, branch(street, "5.00"), typ, "address")
		want = "LOT 7, JALAN " + want + ", TAMAN MERDEKA RAYA, 43200 CHERAS, SELANGOR"
		if fields.CompareForm(doc.Address, f.Value) != fields.CompareForm(doc.Address, want) {
			t.Errorf("%s is read as %q", street, f.Value)
		}
	}
}

// TestMemoryKeepsAClearShortWord: of a few letters, a shape may make another word.
func TestMemoryKeepsAClearShortWord(t *testing.T) {
	t.Parallel()
	typ := shipped(t, "receipt")
	till := func(name string) doc.Reading {
		return page(name, "TEL: 03-90751234", "Date|02.03.2026", "TOTAL|4.00")
	}
	m := fields.NewMemory(typ, []fields.Lesson{known("1", till("GARDEN BAKERIES (KL) SDN BHD"), map[string]string{"company": "GARDEN BAKERIES (KL) SDN BHD"})})
	if f := valueWith(m, till("GARDEN BAKERIES (KI) SDN BHD"), typ, "company"); f.Value != "GARDEN BAKERIES (KI) SDN BHD" {
		t.Errorf("read as %q", f.Value)
	}
}

// TestMemoryLeavesAnotherBranch: a confirmed address repairs letters that were misread
// and never takes the place of the address of another branch, however long what both share.
func TestMemoryLeavesAnotherBranch(t *testing.T) {
	t.Parallel()
	typ := shipped(t, "receipt")
	m := fields.NewMemory(typ, []fields.Lesson{known("1", branch("KUCHAI LAMA", "4.00"), map[string]string{
		"company": "GREEN LEAF TRADING SDN BHD", "address": "LOT 7, JALAN KUCHAI LAMA, TAMAN MERDEKA RAYA, 43200 CHERAS, SELANGOR",
	})})
	form := func(s string) string { return fields.CompareForm(doc.Address, s) }
	for street, want := range map[string]string{"KUCHAI LANA": "KUCHAI LAMA", "KUCHAL LAMA": "KUCHAI LAMA", "JOHOR JAYA": "JOHOR JAYA", "KUCHAI LAMA": "KUCHAI LAMA"} {
		f := valueWith(m, blurred(branch(street, "5.00")), typ, "address")
		if want = "LOT 7, JALAN " + want + ", TAMAN MERDEKA RAYA, 43200 CHERAS, SELANGOR"; form(f.Value) != form(want) {
			t.Errorf("%s is read as %q", street, f.Value)
		}
		if read := street == "JOHOR JAYA" || street == "KUCHAI LAMA"; read == slices.Contains(f.Checks, "spelling") {
			t.Errorf("%s: checks %v", street, f.Checks)
		}
	}
}

// TestMemoryKeepsTheRoundedTotal: that the first document of a vendor was not rounded
// says nothing against the rounded total of the next.
func TestMemoryKeepsTheRoundedTotal(t *testing.T) {
	t.Parallel()
	typ := shipped(t, "receipt")
	exact := page("GREEN LEAF TRADING SDN BHD", "TEL: 03-90751234", "Date|02.03.2026", "TOTAL|4.00", "CASH|5.00", "CHANGE|1.00")
	next := page("GREEN LEAF TRADING SDN BHD", "TEL: 03-90751234", "Date|03.03.2026", "TOTAL|13.58", "ROUNDING|0.02", "ROUNDED TOTAL|13.60", "CASH|15.00", "CHANGE|1.40")
	m := fields.NewMemory(typ, []fields.Lesson{known("1", exact, map[string]string{"company": "GREEN LEAF TRADING SDN BHD", "total": "4.00"})})
	if f := valueWith(m, next, typ, "total"); f.Value != "13.60" {
		t.Errorf("the total is read as %q", f.Value)
	}
}

// TestMemoryTakesNoAnswerAway: a value in another place than the confirmed one stays the
// answer where there is no better one.
func TestMemoryTakesNoAnswerAway(t *testing.T) {
	t.Parallel()
	typ := shipped(t, "receipt")
	first := page("GREEN LEAF TRADING SDN BHD", "TEL: 03-90751234", "Date|02.03.2026", "To pay now|4.00", "TOTAL|9.00")
	next := page("GREEN LEAF TRADING SDN BHD", "TEL: 03-90751234", "Date|03.03.2026", "TOTAL|2.28")
	m := fields.NewMemory(typ, []fields.Lesson{known("1", first, map[string]string{"total": "4.00"})})
	if f := valueWith(m, next, typ, "total"); f.Value != "2.28" {
		t.Errorf("the total is read as %q", f.Value)
	}
}

// TestMemoryKnowsTheLines: where a person said that the line of the branch belongs to the
// address, it does on the next document too, though it says something else, and though the
// lines that both share, or those around them, were misread, or a speck stands between, and
// though a letter was corrected besides.
func TestMemoryKnowsTheLines(t *testing.T) {
	t.Parallel()
	typ := shipped(t, "receipt")
	model := ofStates(t, typ)
	confirmed := chain("LOT 7, JALAN KUCHAI LAMA,", "1245-DESA HARTA", "GST ID NO")
	m := fields.NewMemory(typ, []fields.Lesson{known("1", confirmed, map[string]string{"address": chainAddress + "1245-DESA HARTA"})})
	corrected := fields.NewMemory(typ, []fields.Lesson{known("1", confirmed, map[string]string{"address": chainAddress + "1245-DESA HORTA"})})
	want := fields.CompareForm(doc.Address, chainAddress+"1032-SUBANG")
	for _, next := range []doc.Reading{
		chain("LOT 7, JALAN KUCHAI LAMA,", "1032-SUBANG", "GST ID NO"),
		chain("LOT 7, JALAN KUCHAI LANA,", "1032-SUBANG", "GST ID NOQ"),
		chain("LOT 7, JALAN KUCHAI LANA,", "1032-SUBANG", "GST IO NO"),
		chain("LOT 7, JALAN KUCHAI LAMA,", "1032-SUBANG", ". m", "GST ID NO"),
	} {
		if f := get(fields.PickWith(next, typ, fields.Knowledge{Model: model}), "address"); fields.CompareForm(doc.Address, f.Value) == want {
			t.Fatal("the address is read so without memory: the test tests nothing")
		}
		f := get(fields.PickWith(next, typ, fields.Knowledge{Model: model, Memory: m}), "address")
		if fields.CompareForm(doc.Address, f.Value) != want {
			t.Errorf("the address is read as %q", f.Value)
		}
		if f := get(fields.PickWith(next, typ, fields.Knowledge{Model: model, Memory: corrected}), "address"); !strings.HasSuffix(f.Value, "1032-SUBANG") {
			t.Errorf("after a letter was corrected the address is read as %q", f.Value)
		}
		if misread := fields.CompareForm(doc.Address, f.Raw) != want; misread != slices.Contains(f.Checks, "spelling") {
			t.Errorf("%q read as %q: checks %v", f.Raw, f.Value, f.Checks)
		}
	}
}

// TestMemoryKnowsTheLinesOfAPlainBranch: a confirmed address teaches its lines though nobody
// had to correct it.
func TestMemoryKnowsTheLinesOfAPlainBranch(t *testing.T) {
	t.Parallel()
	typ := shipped(t, "receipt")
	model := ofStates(t, typ)
	plain, next := "1237-TAMAN INDAH PERDANA, SELANGOR", chain("LOT 7, JALAN KUCHAI LAMA,", "1032-SUBANG", "GST ID NO")
	var lessons []fields.Lesson
	for i, branch := range []string{plain, plain, "1249-TAMAN PANDAN, SELANGOR", plain, plain} {
		lessons = append(lessons, known(fmt.Sprint(i), chain("LOT 7, JALAN KUCHAI LAMA,", branch, "GST ID NO"), map[string]string{"address": chainAddress + branch}))
	}
	if f := get(fields.PickWith(lessons[0].Reading, typ, fields.Knowledge{Model: model}), "address"); fields.CompareForm(doc.Address, f.Value) != fields.CompareForm(doc.Address, chainAddress+plain) {
		t.Fatalf("the plain branch is read as %q without memory: the test tests nothing", f.Value)
	}
	// Once somebody left the branch away.
	lessons[2].Labels = map[string]string{"address": strings.TrimSpace(chainAddress)}
	for _, some := range [][]fields.Lesson{lessons[:1], lessons} {
		m := fields.NewMemory(typ, some)
		f := get(fields.PickWith(next, typ, fields.Knowledge{Model: model, Memory: m}), "address")
		if fields.CompareForm(doc.Address, f.Value) != fields.CompareForm(doc.Address, chainAddress+"1032-SUBANG") {
			t.Errorf("after %d documents the address is read as %q", len(some), f.Value)
		}
	}
}

const chainAddress = "LOT 7, JALAN KUCHAI LAMA, TAMAN MERDEKA RAYA, 43200 CHERAS, SELANGOR "

// chain is a receipt of a shop of a chain: the street of its seat, and the lines from that of
// the shop to that of the tax number.
func chain(street string, shop ...string) doc.Reading {
	lines := append([]string{"GREEN LEAF TRADING SDN BHD", street, "TAMAN MERDEKA RAYA, 43200 CHERAS, SELANGOR"}, shop...)
	lines[len(lines)-1] += ": 000181747712"
	return blurred(page(append(lines, "Date|02.03.2026", "TOTAL|4.00")...))
}

// ofStates is a model that learned from other vendors, whose addresses end with the state.
func ofStates(t *testing.T, typ doc.Type) *fields.Model {
	t.Helper()
	var lessons []fields.Lesson
	for v := range 4 {
		lessons = append(lessons, fields.Lesson{
			ID: fmt.Sprint("o", v), Vendor: fmt.Sprint("o", v), Labels: map[string]string{"address": fmt.Sprintf("%d, JALAN AMAN, 50000 KUALA LUMPUR, SELANGOR", v+1)},
			Reading: page(fmt.Sprintf("SHOP%d ENTERPRISE", v), fmt.Sprintf("%d, JALAN AMAN,", v+1), "50000 KUALA LUMPUR, SELANGOR", "KIOSK", "Date|02.03.2026", "TOTAL|4.00"),
		})
	}
	model, err := fields.Learn(typ, lessons, fields.LearnOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// TestMemoryLeavesAnotherWord: a word between others is not lost or won by misreading: the
// page has another name of the vendor than the confirmed one.
func TestMemoryLeavesAnotherWord(t *testing.T) {
	t.Parallel()
	typ := shipped(t, "receipt")
	till := func(name string) doc.Reading {
		return blurred(page(name, "TEL: 03-90751234", "Date|02.03.2026", "TOTAL|4.00"))
	}
	const short, long, misread = "MR. D.I.T. HARDWARE SDN BHD", "MR. D.I.T. (M) HARDWARE SDN BHD", "MR. D.I.T. HARDWAHE SDN BHD"
	for _, c := range []struct{ confirmed, next, want string }{
		{short, long, long}, {long, short, short}, {short, misread, short},
	} {
		m := fields.NewMemory(typ, []fields.Lesson{known("1", till(c.confirmed), map[string]string{"company": c.confirmed})})
		if f := valueWith(m, till(c.next), typ, "company"); fields.CompareForm(doc.Name, f.Value) != fields.CompareForm(doc.Name, c.want) {
			t.Errorf("%s is read as %q where %s was confirmed", c.next, f.Value, c.confirmed)
		}
	}
}

// TestMemoryTeachesNoMisreadLine: lines of a confirmed address are known as they were put
// right, not as they were misread.
func TestMemoryTeachesNoMisreadLine(t *testing.T) {
	t.Parallel()
	typ := shipped(t, "receipt")
	model := ofStates(t, typ)
	seat := strings.Replace(chainAddress, "LOT 7", "LOT 1851", 1)
	confirmed := chain("1OT 1851, JALAN KUCHAI LAMA,", "1245-DESA HARTA", "GST ID NO")
	m := fields.NewMemory(typ, []fields.Lesson{known("1", confirmed, map[string]string{"address": seat + "1245-DESA HARTA"})})
	next := chain("LOT 1851, JALAN KUCHAI LAMA,", "1032-SUBANG", "GST ID NO")
	f := get(fields.PickWith(next, typ, fields.Knowledge{Model: model, Memory: m}), "address")
	if fields.CompareForm(doc.Address, f.Value) != fields.CompareForm(doc.Address, seat+"1032-SUBANG") {
		t.Errorf("the address is read as %q", f.Value)
	}
}
