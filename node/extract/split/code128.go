package split

import (
	"strings"

	"github.com/recto-edge/recto/node/doc"
)

// patterns128 are the widths of bars and spaces of Code 128's symbols, by value.
const patterns128 = "" +
	"212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 " +
	"112232 122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 " +
	"311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 " +
	"112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 " +
	"313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 " +
	"314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 " +
	"122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 " +
	"124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 " +
	"114311 411113 411311 113141 114131 311141 411131 211412 211214 211232"

// Values of Code 128 with a meaning of their own, and the last pattern.
const (
	startB  = 104 // what follows is ASCII from blank to tilde
	modulus = 103 // of the check digit
	stop128 = "2331112"
)

// code128 gives the widths in modules of the bars and spaces, in turn, of a text.
func code128(text string) ([]int, error) {
	patterns := strings.Fields(patterns128)
	all := patterns[startB]
	check := startB
	for i, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return nil, doc.Errorf(doc.Invalid, "%q cannot be put into a bar code", text)
		}
		check += (i + 1) * int(c-' ')
		all += patterns[c-' ']
	}
	all += patterns[check%modulus] + stop128
	out := make([]int, len(all))
	for i, w := range []byte(all) {
		out[i] = int(w - '0')
	}
	return out, nil
}
