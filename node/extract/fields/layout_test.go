package fields_test

import (
	"strings"
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

var orderType = doc.Type{Name: "buy", Title: "Buy", Fields: []doc.FieldSpec{
	{Name: "advertiser", Type: doc.Name, Labels: []string{"advertiser"}},
	{Name: "number", Type: doc.Identifier, Labels: []string{"invoice #"}},
}}

// TestRowsFollowTheLines: what the source of the words calls one line is one row, though larger
// print beside it overlaps part of it better.
func TestRowsFollowTheLines(t *testing.T) {
	t.Parallel()
	line := func(n, x, y0, y1 int, s string) []doc.Word { return words(s, doc.Box{x, y0, x + 9*len(s), y1}, n) }
	p := doc.Page{Number: 1, Width: 2200, Height: 1700, Source: doc.FromText}
	for _, ws := range [][]doc.Word{
		line(5, 322, 129, 148, "KECI+KCFW Combo KECI+KCFW of Missoula"),
		line(4, 620, 125, 139, "Advertiser"), line(4, 805, 127, 146, "Right Direction Fund"), line(4, 1400, 124, 140, "Leslie Stone"),
	} {
		p.Words = append(p.Words, ws...)
	}
	if f := get(fields.Pick(doc.Reading{Pages: []doc.Page{p}}, orderType), "advertiser"); f.Value != "Right Direction Fund" {
		t.Errorf("the advertiser is read as %q", f.Value)
	}
}

// TestRowsBesideHandwriting: what is written by hand between a label and its amount reaches
// over the rows above and below; each amount stays with the label that it is level with.
func TestRowsBesideHandwriting(t *testing.T) {
	t.Parallel()
	typ := doc.Type{Name: "slip", Title: "Slip", Fields: []doc.FieldSpec{
		{Name: "total", Type: doc.Money, Labels: []string{"total rounded"}},
		{Name: "paid", Type: doc.Money, Labels: []string{"cash"}},
	}}
	w := func(line int, text string, b doc.Box) doc.Word {
		return doc.Word{Text: text, Box: b, Line: line, Confidence: 0.99}
	}
	p := doc.Page{Number: 1, Width: 459, Height: 949, Source: doc.FromOCR, Words: []doc.Word{
		w(1, "TOTAL", doc.Box{21, 690, 70, 707}), w(1, "ROUNDED", doc.Box{82, 685, 154, 708}), w(1, "33-90", doc.Box{209, 675, 313, 732}), w(1, "33.90", doc.Box{382, 692, 432, 709}),
		w(2, "CASH", doc.Box{21, 711, 61, 728}), w(2, "50.00", doc.Box{380, 708, 432, 730}),
	}}
	fs := fields.Pick(doc.Reading{Pages: []doc.Page{p}}, typ)
	for name, want := range map[string]string{"total": "33.90", "paid": "50.00"} {
		if f := get(fs, name); f.Value != want {
			t.Errorf("%s is read as %q, want %q", name, f.Value, want)
		}
	}
}

// TestRowsOfACrookedPage: where lines fall to the right an amount stays with its label, also
// when it stands lower than the label of the next row.
func TestRowsOfACrookedPage(t *testing.T) {
	t.Parallel()
	for _, slope := range []int{-45, -30, 30, 45} { // thousandths
		p := doc.Page{Number: 1, Width: 700, Height: 1000, Source: doc.FromOCR}
		put := func(line, x, y int, text string) {
			for _, w := range strings.Fields(text) {
				dy := slope * x / 1000
				p.Words = append(p.Words, doc.Word{Text: w, Box: doc.Box{x, y + dy, x + 10*len(w), y + 18 + dy}, Line: line, Confidence: 0.99})
				x += 10 * (len(w) + 1)
			}
		}
		for i, l := range []string{"Harbour Street Kitchen", "12 Harbour Street Leith", "thank you for coming in", "Cheeseburger with bacon", "Regular soda with ice", "Salad of the garden big", "Bread and butter on top"} {
			put(i, 40, 100+22*i, l)
		}
		for i, l := range [][2]string{{"Sub Total", "11.08"}, {"Sales Tax", "0.87"}, {"Order Total", "11.95"}, {"Gift Card", "3.00"}} {
			put(10+2*i, 40, 300+22*i, l[0])
			put(11+2*i, 560, 300+22*i, l[1])
		}
		fs := fields.Pick(doc.Reading{Pages: []doc.Page{p}}, shipped(t, "receipt"))
		for field, want := range map[string]string{"net": "11.08", "tax": "0.87", "total": "11.95"} {
			if f := get(fs, field); f.Value != want {
				t.Errorf("slope %d in 1000: %s is read as %q, want %q", slope, field, f.Value, want)
			}
		}
	}
}

// TestValueEndsBeforeALabelWithAHash: "Invoice #" at the end of a cell is the label of what
// follows, not the end of a name.
func TestValueEndsBeforeALabelWithAHash(t *testing.T) {
	t.Parallel()
	r := page("Advertiser|Pickering for Court Invoice #|2494187-1")
	for name, want := range map[string]string{"advertiser": "Pickering for Court", "number": "2494187-1"} {
		if f := get(fields.Pick(r, orderType), name); f.Value != want {
			t.Errorf("%s is read as %q, want %q", name, f.Value, want)
		}
	}
}
