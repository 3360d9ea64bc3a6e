package split_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/split"
)

// sheetOf sets lines on an A4 page of 200 dpi.
func sheetOf(lines ...string) doc.Page {
	p := doc.Page{Number: 1, Width: 1654, Height: 2339, DPI: 200, Source: doc.FromText}
	for n, line := range lines {
		x, y := 150, 150+45*n
		for _, w := range strings.Fields(line) {
			p.Words = append(p.Words, doc.Word{Text: w, Line: n, Confidence: 1, Box: doc.Box{x, y, x + 16*len(w), y + 26}})
			x += 16 * (len(w) + 1)
		}
	}
	return p
}

func invoicePage(vendor, number string, page, of int) doc.Page {
	first, last, _ := strings.Cut(vendor, " ")
	lines := []string{vendor, first + "street 4, " + last + "ville", fmt.Sprintf("Page %d of %d", page, of)}
	if page == 1 {
		own := 7 * len(vendor) * int(vendor[0]) // no two firms have the same numbers
		lines = append(lines, fmt.Sprintf("Phone 030%05d VAT DE1112%05d IBAN XX55%08d", own, own+17, own*31),
			"Invoice", "Invoice number "+number, "Date 03.02.2025", "Bill to Customer Ltd")
	}
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("%d %s%d made by %s %d.00", i, last, i, first, 10+i))
	}
	return sheetOf(append(lines, "Total 400.00")...)
}

func TestFindLearnedBoundaries(t *testing.T) {
	batch := []doc.Page{
		invoicePage("Alpha Paper", "A-100200", 1, 2), invoicePage("Alpha Paper", "A-100200", 2, 2), {Number: 3, Width: 1654, Height: 2339, Blank: true},
		invoicePage("Beta Tools", "77-88123", 1, 1), invoicePage("Gamma Foods", "G551144", 1, 3), invoicePage("Gamma Foods", "G551144", 2, 3), invoicePage("Gamma Foods", "G551144", 3, 3),
	}
	plan := split.Find(batch)
	var got []string
	for _, d := range plan.Documents {
		got = append(got, fmt.Sprint(d.Pages))
		if d.Confidence < split.SplitAt {
			t.Errorf("document %v was parted at %.3f", d.Pages, d.Confidence)
		}
	}
	if want := "[1 2 3] [4] [5 6 7]"; strings.Join(got, " ") != want {
		t.Errorf("documents %v, want %s; proposed %v", got, want, plan.Proposed)
	}
}

// TestFindKeepsDocumentsWhole: what goes on by its page number, or refers to a
// number of the page before, is never parted without a person.
func TestFindKeepsDocumentsWhole(t *testing.T) {
	letter := sheetOf("Alpha Paper", "Dear customer", "Date 03.02.2025", "please find the terms below, as agreed for A-100200 last week")
	var prose []string
	for range 30 {
		prose = append(prose, "the parties agree that all information shall be kept confidential at all times")
	}
	for name, file := range map[string][]doc.Page{
		"numbered pages":      {invoicePage("Alpha Paper", "A-100200", 1, 2), invoicePage("Other Name", "B-7", 2, 2)},
		"a letter about it":   {invoicePage("Alpha Paper", "A-100200", 1, 1), letter},
		"a contract":          {sheetOf(prose...), sheetOf(prose...), sheetOf(prose...)},
		"an unfinished count": {invoicePage("Alpha Paper", "A-100200", 1, 5), invoicePage("Beta Tools", "77-88123", 1, 1)},
	} {
		if plan := split.Find(file); len(plan.Documents) != 1 || !plan.Whole() {
			t.Errorf("%s: split into %v", name, plan.Documents)
		}
	}
}

// TestFindAtSheetsOnly: who lays in sheets has said where documents end.
func TestFindAtSheetsOnly(t *testing.T) {
	plan := split.Find([]doc.Page{
		invoicePage("Alpha Paper", "A-100200", 1, 1), invoicePage("Beta Tools", "77-88123", 1, 1), pages("#t")[0], invoicePage("Gamma Foods", "G551144", 1, 1),
	})
	if len(plan.Documents) != 2 || len(plan.Documents[0].Pages) != 2 {
		t.Errorf("documents %v, want two, parted at the sheet", plan.Documents)
	}
}

func TestParseBoundariesRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"cut": `{"weights":[1,2`, "another version": `{"weights":[1,2],"temperature":1}`, "unknown key": `{"wieghts":[]}`,
	} {
		if _, err := split.ParseBoundaries([]byte(s)); doc.CodeOf(err) != doc.Invalid {
			t.Errorf("%s: error %v, want code invalid", name, err)
		}
	}
}

// TestTrainBoundaries: a model learns that page numbers which begin again end a
// document, from folds that it did not see.
func TestTrainBoundaries(t *testing.T) {
	var pairs []split.Pair
	for i := range 40 {
		vendor, other := fmt.Sprintf("Vendor%c", 'A'+i%20), fmt.Sprintf("Vendor%c", 'a'+i%19)
		pairs = append(pairs,
			split.Pair{A: invoicePage(vendor, "1", 1, 2), B: invoicePage(vendor, "1", 2, 2), Fold: i},
			split.Pair{A: invoicePage(vendor, "1", 2, 2), B: invoicePage(other, "2", 1, 1), Ends: true, Fold: i})
	}
	m, held := split.TrainBoundaries(pairs, 4)
	for i, p := range held {
		if (p > 0.5) != pairs[i].Ends {
			t.Errorf("pair %d: probability %.2f, ends %v", i, p, pairs[i].Ends)
		}
	}
	if p := m.Between(pairs[0].A, pairs[0].B); p > 0.2 {
		t.Errorf("within a document: %.2f", p)
	}
}
