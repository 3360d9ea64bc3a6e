package fields

import (
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

// receiptOf makes a reader of a receipt of which each line is a row, and "|" begins the
// next cell.
func receiptOf(lines ...string) *reader {
	t := doc.Type{Name: "receipt", Checks: []string{"net+tax=total"}, Fields: []doc.FieldSpec{
		{Name: "total", Type: doc.Money, Hint: "largest", Required: true, Labels: []string{"total", "rounding rm"}},
		{Name: "net", Type: doc.Money, Labels: []string{"net"}},
		{Name: "tax", Type: doc.Money, Labels: []string{"tax"}},
	}}
	p := doc.Page{Number: 1, Width: 1200, Height: 2000}
	for n, line := range lines {
		for k, cell := range strings.Split(line, "|") {
			x := 40 + 400*k
			for _, w := range strings.Fields(cell) {
				p.Words = append(p.Words, doc.Word{Text: w, Confidence: 1, Line: n, Box: doc.Box{x, 40 * n, x + 10*len(w), 40*n + 20}})
				x += 10*len(w) + 8
			}
		}
	}
	return newReader(doc.Reading{Pages: []doc.Page{p}}, t)
}

// TestTaxTableLeavesRoundedTotal: the table adds up to the exact sum. Where the rounded
// one was chosen, doubtful as it is, that sum is no reason to go back.
func TestTaxTableLeavesRoundedTotal(t *testing.T) {
	t.Parallel()
	r := receiptOf("Total Sales RM|22.91", "Rounding RM|22.90", "GST Summary|Amount|Tax", "s = 6%|21.60|1.31")
	var exact, rounded Candidate
	for _, c := range r.all {
		switch c.Value {
		case "22.91":
			exact = c
		case "22.90":
			rounded = c
		}
	}
	for _, first := range []Candidate{rounded, exact} {
		ranked := make([][]scored, 3)
		ranked[0] = []scored{{Candidate: first, score: 0.3, method: byScorer}, {Candidate: exact, score: 0.2, method: byScorer}}
		r.settleTaxes(r.typ, ranked, map[int]bool{})
		if got := ranked[0][0].Value; got != first.Value {
			t.Errorf("total %s, want %s as it was chosen", got, first.Value)
		}
		if got := ranked[1]; len(got) == 0 || got[0].Value != "21.60" {
			t.Errorf("net %v, want 21.60 from the table: else this test shows nothing", got)
		}
	}
}

// TestLikelyEnough: a field that each document has is answered by the one candidate that
// stands out, and not by one of several that nothing tells apart.
func TestLikelyEnough(t *testing.T) {
	t.Parallel()
	of := func(method string, scores ...float64) (out []scored) {
		for _, s := range scores {
			out = append(out, scored{score: s, method: method})
		}
		return out
	}
	needed, free := doc.FieldSpec{Required: true}, doc.FieldSpec{}
	for _, c := range []struct {
		name   string
		spec   doc.FieldSpec
		ranked []scored
		want   bool
	}{
		{"none", needed, nil, false},
		{"stands out", needed, of(byScorer, 0.07, 0.003, 0.001), true},
		{"stands out, not required", free, of(byScorer, 0.07, 0.003, 0.001), false},
		{"one of several", needed, of(byScorer, 0.07, 0.05, 0.03), false},
		{"likely", free, of(byScorer, 0.12, 0.11, 0.1), true},
		{"by rules", needed, of("label", 0.15, 0.01), false},
	} {
		if got := likelyEnough(c.spec, c.ranked); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
}

// TestTenderedOfRoundedSum: a sum that was rounded for cash is seen by the scorer alone.
func TestTenderedOfRoundedSum(t *testing.T) {
	t.Parallel()
	r := receiptOf("Tea|2.28", "Sum|2.28", "Cash|5.00", "Change|2.70")
	if len(r.tender) != 0 || r.nearly[228] != 1 || r.nearly[500] != -1 {
		t.Errorf("exactly %v, nearly %v", r.tender, r.nearly)
	}
}

// TestTendered: the last three amounts of which one is what is left of another.
func TestTendered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		lines      []string
		due, given int64
	}{
		{"cash and change", []string{"Tea|3.00", "Cake|4.50", "Sum|7.50", "Cash|10.00", "Change|2.50"}, 750, 1000},
		{"change with a minus, rounded sum", []string{"Sum|22.91", "Rounded|22.90", "Bar|50.00", "Zurück|27.10-"}, 2290, 5000},
		{"change as much as the sum", []string{"Parking|5.00", "Inserted|10.00", "Change|5.00"}, 500, 1000},
		{"a discount", []string{"Sum of items|7.90", "Discount|0.23", "Net|7.67", "VAT 19%|1.46", "Total|9.13"}, 0, 0},
		{"a credit note", []string{"Sum of items|-7.90", "Discount|0.23", "Net|-7.67", "VAT|-1.12", "Total|-8.79"}, 0, 0},
		{"a card", []string{"Tea|3.00", "Cake|4.50", "Sum|7.50", "Card|7.50"}, 0, 0},
		{"three items by chance", []string{"Beer|95.00", "Pork|160.00", "Beef|180.00", "Noodles|140.00", "Rice|20.00", "Sum|595.00"}, 0, 0},
		{"no change, a tax under it", []string{"Net|7.00", "Sum|7.42", "Cash|7.42", "Change|0.00", "Summary", "SR|0.42"}, 0, 0},
		{"basis and tax on one row", []string{"Beans|36.67", "GST|2.20", "Total|38.87", "SR|36.67|2.20"}, 0, 0},
	} {
		got := receiptOf(c.lines...).tender
		if c.due == 0 && len(got) == 0 {
			continue
		}
		if len(got) != 2 || got[c.due] != 1 || got[c.given] != -1 {
			t.Errorf("%s: %v, want %d of %d", c.name, got, c.due, c.given)
		}
	}
}

// TestFaintLabel: a label whose upper edge was lost in print is known, and no other word is.
func TestFaintLabel(t *testing.T) {
	t.Parallel()
	x := indexLabels(labelsOf([]doc.FieldSpec{{Name: "total", Labels: []string{"total", "rounding"}}}))
	for form, want := range map[string]string{
		"total": "total", "tuial": "total", "iuial": "total", "kuunding": "rounding",
		"trial": "", "tidal": "", "local": "", "iu": "", "vokal": "",
	} {
		found, sim := x.find(form)
		got := ""
		if len(found) == 1 {
			got = found[0].form
		}
		if got != want || len(found) > 1 {
			t.Errorf("%s is %v, want %q", form, found, want)
		}
		if want != "" && form != want && sim >= 1 {
			t.Errorf("%s fits as well as the label itself", form)
		}
	}
}

// TestMemoryDoesNotOverruleSums: what stands on the page makes a sum with an amount that is
// nearly as likely without memory of the vendor.
func TestMemoryDoesNotOverruleSums(t *testing.T) {
	t.Parallel()
	r := receiptOf("Item|160.00", "Net|496.00", "Tax|75.04", "Total|571.04")
	at := map[string]Candidate{}
	for _, c := range r.all {
		at[c.Value] = c
	}
	for _, tt := range []struct {
		first, second float64 // without memory; 0: it was not asked
		want          string
	}{{0.87, 0.82, "571.04"}, {0.87, 0.3, "160.00"}, {0.6, 0.3, "571.04"}, {0, 0, "160.00"}} {
		ranked := [][]scored{
			{
				{Candidate: at["160.00"], score: 0.93, unaided: tt.first, method: byScorer},
				{Candidate: at["571.04"], score: 0.01, unaided: tt.second, method: byScorer},
			},
			{{Candidate: at["496.00"], score: 0.98, method: byScorer}},
			{{Candidate: at["75.04"], score: 0.98, method: byScorer}},
		}
		r.settleSums(r.typ, ranked)
		if got := ranked[0][0].Value; got != tt.want {
			t.Errorf("without memory %v and %v: total %s, want %s", tt.first, tt.second, got, tt.want)
		}
	}
}
