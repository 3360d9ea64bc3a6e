package doc_test

import (
	"testing"

	"github.com/recto-edge/recto/node/doc"
)

func TestValidIBAN(t *testing.T) {
	for s, want := range map[string]bool{
		"DE89370400440532013000": true, "GB82WEST12345698765432": true, "NO9386011117947": true, "MT84MALT011000012345MTLCAST001S": true,
		"DE88370400440532013000": false, "DE89 370400440532013000": false, "de89370400440532013000": false,
		"": false, "DE": false, "1289370400440532013000": false, "DEX9370400440532013000": false,
	} {
		if doc.ValidIBAN(s) != want {
			t.Errorf("%q: want %v", s, want)
		}
	}
}
