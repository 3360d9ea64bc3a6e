package fields_test

import (
	"testing"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/fields"
)

// TestAlike: what a page cannot tell apart is alike, and nothing else is.
func TestAlike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value, raw, label string
		piece, printed    bool
	}{
		{"C62", "10 Stk", "H87", true, false},
		{"EA", "10 each", "PCE", true, false},
		{"C62", "10 Stk", "KGM", false, false},
		{"HUR", "10 Std", "HUR", false, false}, // equal already: no rule is asked for
		{"67.22", "67,22", "67.2244", false, true},
		{"0.05", "0,05", "0.052", false, true},
		{"0.05", "0,05", "0.06", false, false},
		{"28", "28", "27.5", false, false}, // a quantity printed without decimals is another one
		{"1234.57", "1.234,57", "1234.565", false, true},
		{"67.2", "67,2", "67.24", false, false},
		{"100", "1.000", "1000", false, false},
	} {
		cell := doc.Field{Value: c.value, Raw: c.raw}
		if fields.SamePiece(cell, c.label) != c.piece || fields.SamePrinted(cell, c.label) != c.printed {
			t.Errorf("%+v: %v, %v", c, fields.SamePiece(cell, c.label), fields.SamePrinted(cell, c.label))
		}
	}
}
