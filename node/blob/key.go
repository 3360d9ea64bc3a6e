package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

const originals = "originals/"

// maxKey is the longest key in bytes; S3 allows 1024 with a prefix.
const maxKey = 512

// OriginalKey is where Ingest keeps the bytes with SHA-256 sum.
func OriginalKey(sum [sha256.Size]byte) string {
	h := hex.EncodeToString(sum[:])
	return originals + h[:2] + "/" + h
}

// OriginalKeyHex is OriginalKey for a digest in hexadecimal, as records carry it.
func OriginalKeyHex(sum string) (string, error) {
	b, err := hex.DecodeString(sum)
	if err != nil || len(b) != sha256.Size {
		return "", doc.Errorf(doc.Invalid, "not a SHA-256 digest: %q", sum)
	}
	return OriginalKey([sha256.Size]byte(b)), nil
}

// digestOf gives the hexadecimal digits that the SHA-256 of the bytes under key
// starts with, if the key names its content: its last part is a whole digest, or
// ends in a dash, 12 to 64 digits and an extension. Digits come in pairs, as bytes
// do: keys of earlier versions end in a time of 19 digits.
func digestOf(key string) (string, bool) {
	name := path.Base(key)
	if len(name) == 2*sha256.Size && isHex(name) {
		return name, true
	}
	stem, _, hasExt := strings.Cut(name, ".")
	i := strings.LastIndexByte(stem, '-')
	if !hasExt || i < 0 {
		return "", false
	}
	digits := stem[i+1:]
	if len(digits) < minDigest || len(digits) > 2*sha256.Size || len(digits)%2 != 0 || !isHex(digits) {
		return "", false
	}
	return digits, true
}

// minDigest is the fewest digits that are taken for a digest.
const minDigest = 12

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// named says whether digits of a key name bytes with SHA-256 sum.
func named(digits string, sum [sha256.Size]byte) bool {
	return strings.HasPrefix(hex.EncodeToString(sum[:]), digits)
}

// checkName says whether bytes with SHA-256 sum may be kept under key.
func checkName(key string, sum [sha256.Size]byte) error {
	if digits, ok := digestOf(key); ok && !named(digits, sum) {
		return doc.Errorf(doc.Invalid, "object %s: the bytes are not those that its key names", key)
	}
	return nil
}

// checkKey says whether key is one a store may use: segments of letters, digits,
// '.', '_' and '-', none of them empty or starting with a dot, so that no key
// leaves the store or meets a temporary file.
func checkKey(key string) error {
	if key == "" || len(key) > maxKey {
		return doc.Errorf(doc.Invalid, "object key of %d bytes: must have 1 to %d", len(key), maxKey)
	}
	for seg := range strings.SplitSeq(key, "/") {
		if seg == "" || seg[0] == '.' {
			return doc.Errorf(doc.Invalid, "object key %q: empty part or one that starts with a dot", key)
		}
		for _, c := range []byte(seg) {
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-') {
				return doc.Errorf(doc.Invalid, "object key %q: forbidden character %q", key, c)
			}
		}
	}
	return nil
}

// checkPrefix is checkKey for what List is asked for.
func checkPrefix(prefix string) error {
	if p := strings.TrimSuffix(prefix, "/"); p != "" {
		return checkKey(p)
	}
	if prefix == "/" {
		return doc.Errorf(doc.Invalid, "object prefix %q: empty part", prefix)
	}
	return nil
}
