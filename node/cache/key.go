package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Key is the name of a derived value: SHA-256 over the digest of the original,
// the revision of the document type (empty when the value does not depend on one)
// and the digests of every model that had a part in it, in any order. The same
// key can only mean the same value.
func Key(original, typeRevision string, models ...string) string {
	models = slices.Sorted(slices.Values(models))
	h := sha256.New()
	for _, part := range append([]string{"recto-cache-1", original, typeRevision}, models...) {
		fmt.Fprintf(h, "%d:%s,", len(part), part) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}
