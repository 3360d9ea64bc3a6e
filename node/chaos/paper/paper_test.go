package paper_test

import (
	"bytes"
	"testing"

	"github.com/recto-edge/recto/node/chaos/paper"
)

func TestMake_SameForEver(t *testing.T) {
	// What was recorded under a seed must stay what that seed sends.
	for i, want := range map[int]string{
		0: "976701357a5540459f6a1ffb4be0b881cbbccdbd9d84adb38ddc809fa6635eaf", 1: "63e3ebcadcad8f813a99b748bdd0547b94c4381f8f0d71d554af169f4e8a497a", 7: "3c42525d48a15b30adee1fed6f3cb0698d8f714e18f547d6b9a5712b1d9ee21d", 19: "768d184a1aab8576d1700e75142a950c5e94096bfd7d26b30041da01646303d2",
	} {
		if got := paper.Make(42, i).SHA256; got != want {
			t.Errorf("document %d: %s, want %s", i, got, want)
		}
	}
}

func TestMake_EachItsOwn(t *testing.T) {
	seen := map[string]string{}
	for seed := range uint64(20) {
		for i := range 100 {
			p := paper.Make(seed, i)
			if before, ok := seen[p.SHA256]; ok {
				t.Fatalf("%s and %s have the same bytes", before, p.Name)
			}
			seen[p.SHA256] = p.Name
			if !p.ID.Valid() || !bytes.Contains(p.Body, []byte(p.Number)) {
				t.Errorf("%s: id %q, or its number is not in it", p.Name, p.ID)
			}
		}
	}
}
