package einvoice

import (
	"fmt"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

const checkFound = "found-on-page"

// Reconcile looks every value of an e-invoice up on the pages that came with
// it. The fields it gives are those it got, in the same order; a value that
// stands on a page has its Page and Box and the check found-on-page. A value
// that does not is no fault: pages round, abbreviate and leave out.
//
// The warnings name what a person should look at: a page that states another
// total or another invoice number than the data, next to a label that leaves
// no doubt.
func Reconcile(fields []doc.Field, pages []doc.Page) ([]doc.Field, []string) {
	index := indexPages(pages)
	if len(index) == 0 {
		return fields, nil
	}
	out := slices.Clone(fields)
	for i := range out {
		if out[i].Type == doc.Table {
			out[i].Rows = placeRows(out[i].Rows, index)
			continue
		}
		locate(&out[i], index)
	}
	var warnings []string
	if w := otherTotal(out, index); w != "" {
		warnings = append(warnings, w)
	}
	if w := otherNumber(out, index); w != "" {
		warnings = append(warnings, w)
	}
	return out, warnings
}

// locate sets Page and Box of f where its value stands. Amounts are looked for
// from the end, where totals are, all else from the start.
func locate(f *doc.Field, index []*pageIndex) {
	if f.Type == doc.Money {
		for _, p := range slices.Backward(index) {
			if at, ok := p.findAmount(f.Value, wholePage); ok {
				found(f, p, at)
				return
			}
		}
		return
	}
	for _, p := range index {
		for _, form := range forms(*f) {
			if at, ok := p.findText(form, wholePage); ok {
				found(f, p, at)
				return
			}
		}
	}
}

func found(f *doc.Field, p *pageIndex, at doc.Box) {
	f.Page, f.Box = p.number, &at
	f.Checks = append(slices.Clone(f.Checks), checkFound)
}

// placeRows finds each row by its description or its number and then the other
// cells beside that place: a quantity of 1 stands everywhere on a page.
func placeRows(rows [][]doc.Field, index []*pageIndex) [][]doc.Field {
	out := make([][]doc.Field, len(rows))
	from, page := 0, 0 // rows come in the order of the page
	for i, row := range rows {
		out[i] = slices.Clone(row)
		anchor := rowAnchor(row)
		if anchor == "" {
			continue
		}
		for n := page; n < len(index); n++ {
			band := wholePage
			if n == page {
				band[1] = from
			}
			at, ok := index[n].findText(anchor, band)
			if !ok {
				continue
			}
			page, from = n, at[3]-at.H()/4
			placeCells(out[i], index[n], at)
			break
		}
	}
	return out
}

// rowAnchor is what a row is found by: "" when it has nothing that stands out.
func rowAnchor(row []doc.Field) string {
	for _, name := range []string{"description", "article_no"} {
		if c := cellOf(row, name); c != nil && len(squash(c.Value)) >= 4 {
			return squash(c.Value)
		}
	}
	return ""
}

func placeCells(row []doc.Field, p *pageIndex, anchor doc.Box) {
	height := max(anchor.H(), 1)
	if height > 3*p.lineHeight { // a description of several lines: numbers stand beside its first
		height = p.lineHeight
	}
	band := doc.Box{0, anchor[1] - height, wholePage[2], anchor[1] + 2*height}
	for i := range row {
		c := &row[i]
		switch c.Type {
		case doc.Money, doc.Number, doc.Percent:
			if at, ok := p.findAmount(c.Value, band); ok {
				found(c, p, at)
			}
		default:
			for _, form := range forms(*c) {
				if at, ok := p.findText(form, band); ok {
					found(c, p, at)
					break
				}
			}
		}
	}
}

// otherTotal warns when no page shows the gross total or the amount due, and
// one shows another amount beside a label for it.
func otherTotal(fields []doc.Field, index []*pageIndex) string {
	var stated *doc.Field
	for i, f := range fields {
		switch f.Name {
		case "gross_total", "due_total":
			if f.Page > 0 {
				return ""
			}
			if f.Name == "gross_total" {
				stated = &fields[i]
			}
		}
	}
	if stated == nil {
		return ""
	}
	for _, p := range slices.Backward(index) {
		if label, amount := p.labelledAmount(); amount != "" {
			return fmt.Sprintf("Page %d shows %s as %q; the e-invoice data says %s. Please compare them before paying.", p.number, amount, label, stated.Value)
		}
	}
	return ""
}

// otherNumber does the same for the invoice number.
func otherNumber(fields []doc.Field, index []*pageIndex) string {
	for _, f := range fields {
		if f.Name != "invoice_number" {
			continue
		}
		want := squash(f.Value)
		for _, p := range index {
			if p.contains(want) {
				return ""
			}
		}
		for _, p := range index {
			if label, number := p.labelledNumber(); number != "" {
				return fmt.Sprintf("Page %d shows %q as %q; the e-invoice data says %s.", p.number, number, label, f.Value)
			}
		}
	}
	return ""
}
