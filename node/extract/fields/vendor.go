package fields

import (
	"github.com/recto-edge/recto/node/doc"
)

// Vendor guesses who made a document, as a key that is the same for documents of
// one vendor: for sets of documents whose labels do not say. It is the first
// line of letters of the first page.
func Vendor(reading doc.Reading) string {
	for _, rw := range newLayout(reading).rows {
		if _, l := counts(rw.text); l >= 4 {
			return squash(rw.text)
		}
	}
	return ""
}
