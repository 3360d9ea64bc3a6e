package fields

import (
	"math/big"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// MainColumns are the columns of a list of items that every invoice prints in some form.
// Positions, article numbers and codes of units are left out by many.
var MainColumns = []string{"description", "quantity", "unit_price", "tax_rate", "line_total"}

// piecesCodes are the codes of UN/ECE Recommendation 20 (and the older PCE) that mean a
// piece: one, piece, each. A page that says "pcs" shows all of them and tells none apart.
var piecesCodes = map[string]bool{pieces: true, "H87": true, "EA": true, "PCE": true}

// SamePiece says whether a cell and a label are both codes of units that mean a piece.
func SamePiece(cell doc.Field, label string) bool {
	return piecesCodes[strings.ToUpper(cell.Value)] && piecesCodes[strings.ToUpper(strings.TrimSpace(label))]
}

// SamePrinted says whether a cell is a label rounded to the decimals that the page
// prints, two at least: "67.22" shows 67.2244, and nobody could read the rest there.
func SamePrinted(cell doc.Field, label string) bool {
	decimals, ok := decimalsOf(cell.Raw)
	if !ok {
		return false
	}
	got, read := new(big.Rat).SetString(cell.Value)
	want, fine := new(big.Rat).SetString(label)
	if !read || !fine {
		return false
	}
	return got.FloatString(decimals) == want.FloatString(decimals)
}
