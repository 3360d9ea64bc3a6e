package fields_test

import (
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
